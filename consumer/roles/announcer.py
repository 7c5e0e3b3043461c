"""Tells a tenant that one of its webhooks was suspended, whatever suspended it.

The law: a suspension that holds is announced: the position on the subscriptions topic passes its record only when the
notice is on the spill topic, acknowledged. After a crash in between the record is read again and gives the same
notice, under the same id; the other way round nothing can be announced that did not happen. A suspension older than a
delivery may become is passed over: its notice would be dead-lettered on arrival.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from consumer.control.directory import Directory
from consumer.control.notices import Notice, Notices
from consumer.control.owner import Owner
from consumer.data_keys.sealing import Sealing
from consumer.delivery.boundary import Boundary
from consumer.delivery.entry import Entry
from consumer.delivery.offsets import Partition, Position, Window
from consumer.events.event import Event, Record
from consumer.kafka.writing import NewRecord
from consumer.log.suspension import notice
from consumer.telemetry.bugs import contain, decoded
from consumer.telemetry.counters import counters
from consumer.webhooks.record import decode
from consumer.webhooks.subscription import Status, Subscription
from consumer.wire import RecordCorrupt

_log = structlog.get_logger("log")

_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Suspended:
    entry: Entry
    record: Record
    subscription: Subscription


class Announcer:
    """Belongs to one thread. `write` produces a record and calls back when it is acknowledged.

    `reached` says whether the directory has come past these offsets of the subscriptions topic (`TopicView.reached`).
    """

    def __init__(
        self,
        directory: Directory,
        reached: Callable[[Mapping[int, int], float], bool],
        write: Callable[[NewRecord, Callable[[], None]], None],
        *,
        topic: str,
        within_ms: int,
        now_ms: Callable[[], int],
        sealing: Sealing | None,
    ) -> None:
        self._directory = directory
        self._reached = reached
        self._write = write
        self._notices = Notices(directory, topic=topic, now_ms=now_ms, sealing=sealing)
        self._within_ms = within_ms
        self._now_ms = now_ms
        self._windows: dict[Partition, Window] = {}
        self._waiting: deque[_Suspended] = deque()
        self._announced: OrderedDict[str, None] = OrderedDict()

    @property
    def waiting(self) -> int:
        """How many suspensions were read that the directory does not know yet."""
        return len(self._waiting)

    def assigned(self, partitions: Iterable[Partition]) -> None:
        """These partitions of the subscriptions topic are ours from now on."""
        self._windows.update({partition: Window(partition) for partition in partitions})

    def left(self, partitions: Iterable[Partition]) -> None:
        """These are not ours any more: what is still acknowledged for them moves nothing."""
        for partition in partitions:
            if (window := self._windows.pop(partition, None)) is not None:
                window.closed = True

    def rewound(self, partition: Partition) -> None:
        """The topic was made anew."""
        self.left([partition])
        self.assigned([partition])

    def take(self, record: Record) -> None:
        """The next record of its partition."""
        window = self._windows.get((record.topic, record.partition))
        if window is None or not window.begin(record.offset):
            return
        entry = Entry(window, record.offset)
        subscription = self._just_suspended(record)
        if subscription is None:
            entry.close_one()
        else:
            self._waiting.append(_Suspended(entry=entry, record=record, subscription=subscription))

    def announce(self) -> None:
        """Announce what the view has caught up with. Call it often."""
        while self._waiting:
            next_ = self._waiting[0]
            if not self._reached({next_.record.partition: next_.record.offset + 1}, 0.0):
                return
            self._waiting.popleft()
            if not next_.entry.window.closed:
                self._tell(next_)

    def positions(self) -> Mapping[Partition, Position]:
        """What each partition may be committed as."""
        found = ((partition, window.look()) for partition, window in self._windows.items())
        return {partition: Position(position.offset) for partition, position in found if position is not None}

    def _just_suspended(self, record: Record) -> Subscription | None:
        if record.value is None:
            return None
        try:
            subscription = decoded(record, decode, record.value)
        except RecordCorrupt:
            return None  # the directory says so
        if subscription.status is not Status.SUSPENDED:
            return None
        return subscription if self._now_ms() - subscription.status_since_ms < self._within_ms else None

    def _tell(self, suspended: _Suspended) -> None:
        was = suspended.subscription
        owner = Owner(tenant=was.tenant, brand=was.brand)
        now = self._directory.get(owner, was.id)
        event, records = self._planned(was, owner, suspended.record)
        holds = now is not None and (now.status, now.status_since_ms) == (was.status, was.status_since_ms)
        if holds and event is not None and event.id not in self._announced:
            self._announced[event.id] = None
            if len(self._announced) > _REMEMBERED:
                self._announced.popitem(last=False)
            number = 0
            for new, to in records:
                number += to
                suspended.entry.open_one()
                self._write(new, suspended.entry.close_one)
            counters.add("suspensions_announced")
            _log.info("suspension announced", webhook=was.id, tenant=was.tenant, to=number)
        suspended.entry.close_one()

    def _planned(self, was: Subscription, owner: Owner, record: Record) -> tuple[Event | None, Sequence[Notice]]:
        """The notice, and for whom; none for a record of which none can be made."""
        try:
            event = notice(was, record)
            return event, self._notices.of(event, owner)
        except Exception as error:  # noqa: BLE001 # contained: one record of all customers' webhooks
            contain(Boundary.MATCH, error, topic=record.topic, partition=record.partition, offset=record.offset)
            return None, ()
