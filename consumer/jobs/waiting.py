"""What of a webhook waits in the delay topics and the ordered topic, as of what the role `retry` has committed. Pure.

The law: a record waits unless the commit's map says that it is done. What the order has left in the log waits although
the map calls it done, but for a replay that goes before what waits: that one is never left.

A chunk waits for the webhooks that it names, but for those whose deliveries ended; one that names none has still to be
matched, and waits for every webhook of its tenant.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from consumer.delivery import ahead_map, done_map
from consumer.delivery.delivery import Chunk, Delivery, delivery_id
from consumer.delivery.done_map import DoneMap
from consumer.delivery.offsets import Partition, Position
from consumer.delivery.order_partition import WEBHOOK, goes_before, is_left, line_of
from consumer.events.event import Event, Record
from consumer.jobs.missed import MOST, Name
from consumer.jobs.names import check, hashed
from consumer.kafka.attempt_decoding import EventPlace
from consumer.kafka.newer import stop_before
from consumer.kafka.records import RecordCorrupt, decode_delayed, decode_ordered
from consumer.kafka.topic_specs import Topics
from consumer.telemetry.bugs import decoded
from consumer.webhooks import ordering

Opened: TypeAlias = Callable[[Record], Record | None]


def as_it_is(record: Record) -> Record:
    """Nothing is sealed."""
    return record


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Whose records are looked for: by the webhook's key, by its tenant's (chunks), and by its lines' (the ordered)."""

    webhook: str
    tenant: str
    scope: str

    @classmethod
    def of(cls, webhook: str, tenant: str) -> "Lines":
        """Those of this webhook of this tenant."""
        line = ordering.line_of(tenant, webhook, ordering.KEY, b"", b"")
        assert line is not None  # a key, however short, has a line
        return cls(webhook=webhook, tenant=tenant, scope=line[:WEBHOOK])


class Waiting:
    """`committed` are the positions of the group `retry`. `asked_for`: whether a job looks at an event's place.

    `opened` gives a record with what was sealed in it, or None: its tenant was erased, and `retry` drops it.
    """

    def __init__(
        self,
        topics: Topics,
        lines: Lines,
        committed: Mapping[Partition, Position],
        *,
        asked_for: Callable[[EventPlace], bool],
        most: int = MOST,
        opened: Opened = as_it_is,
    ) -> None:
        self._topics = topics
        self._lines = lines
        self._asked_for = asked_for
        self._opened = opened
        self._most = most
        self._keys = frozenset({lines.webhook.encode(), lines.tenant.encode()})
        self._scope = lines.scope.encode()
        self._done = {place: done_map.decode(at.metadata, at.offset) for place, at in committed.items()}
        self.names: set[bytes] = set()
        """The names of events that wait, hashed."""

    def take(self, record: Record) -> None:
        """One record of those topics, from what is committed on.

        Raises:
            TooMany: see `names.check`.
            Whatever `opened` raises.
        """
        if record.key is None or record.value is None:
            return
        if record.topic == self._topics.ordered:
            if record.key.startswith(self._scope):
                self._ordered(record, record.value)
        elif record.key in self._keys:
            self._take_delayed(record, record.key, record.value)
        check(len(self.names), self._most)

    def _ordered(self, record: Record, value: bytes) -> None:
        done = self._done.get((record.topic, record.partition))
        if _is_done(done, record) and not (done is not None and _is_left(done, record)):
            return
        stop_before(record)
        opened = self._opened(record)
        if opened is None:
            return
        stop_before(opened)
        try:
            delivery = decoded(record, decode_ordered, record.key, opened.value or value)
        except RecordCorrupt:
            return  # to `retry` it is poison
        if delivery.subscription_id == self._lines.webhook and self._asks_for(delivery.event):
            self.names.add(_name(delivery.event))

    def _take_delayed(self, record: Record, key: bytes, value: bytes) -> None:
        done = self._done.get((record.topic, record.partition))
        if _is_done(done, record) or (done is not None and _is_done_ahead(done, key, record.offset)):
            return
        stop_before(record)
        opened = self._opened(record)
        if opened is None:
            return
        stop_before(opened)
        try:
            delayed = decoded(record, decode_delayed, opened.value or value, self._topics.tier_of(record.topic))
        except RecordCorrupt:
            return  # the same
        if isinstance(delayed, Delivery):
            if delayed.subscription_id == self._lines.webhook and self._asks_for(delayed.event):
                self.names.add(_name(delayed.event))
        elif self._is_in(delayed, done, record.offset) and self._asks_for(delayed.event):
            self.names.add(_name(delayed.event))

    def _asks_for(self, event: Event) -> bool:
        return self._asked_for(EventPlace(event.topic, event.partition, event.offset))

    def _is_in(self, chunk: Chunk, done: DoneMap | None, offset: int) -> bool:
        if chunk.event.tenant != self._lines.tenant:
            return False
        if not chunk.unmatched and self._lines.webhook not in chunk.subscription_ids:
            return False
        ended = frozenset() if done is None else done.partly.get(offset, frozenset())
        return not ended or done_map.short(delivery_id(chunk.event, self._lines.webhook)) not in ended


def _is_done(done: DoneMap | None, record: Record) -> bool:
    return done is not None and done.is_done(record.offset)


def _is_done_ahead(done: DoneMap, key: bytes, offset: int) -> bool:
    horizon = done.ahead.get(ahead_map.named(key)) if done.ahead else None
    return horizon is not None and horizon.is_done(offset)


def _is_left(done: DoneMap, record: Record) -> bool:
    if goes_before(record):
        return False
    return is_left(done.order.left, line_of(record), record.offset)


def _name(event: Event) -> bytes:
    return hashed(Name(event.topic, event.partition, event.offset, event.id))
