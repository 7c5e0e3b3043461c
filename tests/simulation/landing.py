"""What reaches Hookline's own topics, read with the real decoders and told to the ledger.

The law: a record counts from the moment it is in the log, whoever heard of it.
"""

import struct
from collections.abc import Callable

from consumer.delivery.answer import FailureKind
from consumer.delivery.delivery import Chunk, DeadLetter, Delivery
from consumer.delivery.order_partition import DELAY
from consumer.delivery.schedule import Schedule
from consumer.events.event import Record
from consumer.kafka.attempt_encoding import ATTEMPT
from consumer.kafka.records import decode_dead_letter, decode_delayed, decode_ordered
from consumer.kafka.topic_specs import Topics
from consumer.webhooks.history import State
from consumer.webhooks.record import state_of
from tests.simulation.checker import CLOCKS_APART_MS, Checker, Violation
from tests.simulation.history import History
from tests.simulation.laws import Laws, NoLaws
from tests.simulation.ledger import CHUNK, EVENT, Delayed, Ledger, Pair, Place, name_of
from tests.simulation.timeline import Timeline

_read = ATTEMPT.reading(["delivery_id", "event_id", "subscription_id", "number", "at_ms", "failure"])


class Landing:
    """The topics' end of the ledger. `wrote_webhook` is told of each record on the subscriptions topic, `buried` of
    each dead letter."""

    def __init__(
        self,
        topics: Topics,
        schedule: Schedule,
        timeline: Timeline,
        *,
        history: History,
        ledger: Ledger,
        checker: Checker,
    ) -> None:
        self._topics = topics
        self._schedule = schedule
        self._timeline = timeline
        self._history = history
        self._ledger = ledger
        self._checker = checker
        self._tiers = {topic: tier for tier, topic in enumerate(topics.retry_topics)}
        self.wrote_webhook: Callable[[State], None] = lambda _: None
        self.buried: Callable[[DeadLetter], None] = lambda _: None
        self.waits: Callable[[Delivery], None] = lambda _: None
        self.laws: Laws = NoLaws()

    def appended(self, record: Record) -> None:
        """A record is in a log."""
        tier = self._tiers.get(record.topic)
        if tier is not None:
            self._delayed(record, tier)
        elif record.topic == self._topics.ordered:
            self._lined_up(record)
        elif record.topic == self._topics.dead_letter:
            dead_letter = decode_dead_letter(record.value or b"")
            pair = self._checker.buried(self._timeline.now_ms, dead_letter)
            self._history.add("broker", f"dead letter: {dead_letter.reason}", f"{pair.event.id}/{pair.webhook}")
            self.buried(dead_letter)
            self.laws.buried(self._timeline.now_ms, pair, dead_letter.reason)
        elif record.topic == self._topics.poison:
            self._poisoned(record)
        elif record.topic == self._topics.subscriptions:
            self.wrote_webhook(state_of(record.key, record.value, record.headers))

    def rewritten(self, record: Record) -> None:
        """This record is one that a producer had written before, and could not know."""
        if record.topic in self._tiers or record.topic == self._topics.ordered:
            place: Place = ((record.topic, record.partition), record.offset)
            if place in self._ledger.unmatched:
                self._ledger.unmatched[place].rewritten += 1
                return
            for pair in self._ledger.pairs_at(place):
                pair.rewritten += 1
        elif record.topic == self._topics.dead_letter:
            delivery = decode_dead_letter(record.value or b"").delivery
            self._ledger.by_delivery[delivery.id.encode()].rewritten += 1

    def logged(self, value: bytes) -> None:
        """An attempt record is in the log."""
        attempt = _read(value)
        pair = self._ledger.by_delivery.get(attempt["delivery_id"].encode())
        if pair is None and attempt["failure"] == FailureKind.BUG:  # nothing was ever sent
            pair = self._ledger.pair(self._ledger.events[attempt["event_id"]], attempt["subscription_id"])
        if pair is None or not pair.has_id(attempt["delivery_id"]):
            raise Violation("phantom", "an attempt of no delivery is in the log")
        self._ledger.attempts[attempt["delivery_id"], attempt["number"], attempt["at_ms"]] += 1
        self._checker.told(pair, attempt["failure"])
        pair.logged += attempt["failure"] != FailureKind.UNANSWERED

    def _delayed(self, record: Record, tier: int) -> None:
        place: Place = ((record.topic, record.partition), record.offset)
        if record.value is None:
            self._ledger.not_events.add(place)  # written for its append time
            return
        delayed = decode_delayed(record.value, tier)
        event = self._ledger.events.get(delayed.event.id)
        if event is None:
            raise Violation("phantom", f"{name_of(place)} is about nothing published", name_of(place))
        due_ms = self._timeline.now_ms + self._schedule.delays_ms[tier]
        if isinstance(delayed, Chunk) and delayed.unmatched:
            event.unmatched.append(place)
            self._ledger.unmatched[place] = event
            self._ledger.delayed[place] = Delayed(place, (), EVENT, due_ms, None)
            self._history.add("broker", "unmatched", event.id, name_of(place))
            return
        if isinstance(delayed, Chunk):
            pairs = [self._ledger.pair(event, webhook) for webhook in delayed.subscription_ids]
            for pair in pairs:
                pair.chunks.append(place)
            self._ledger.delayed[place] = Delayed(place, pairs, CHUNK, due_ms, None)
            self._history.add("broker", "chunk", event.id, name_of(place))
            return
        pair = self._ledger.pair(event, delayed.subscription_id)
        self._replayed(pair, delayed)
        progress = delayed.attempts + delayed.spills
        pair.lines.setdefault(progress, []).append(place)
        if delayed.slot_ms is not None:
            pair.waits.setdefault(delayed.slot_ms, []).append(delayed.slot_ms - self._timeline.now_ms)
        self._ledger.delayed[place] = Delayed(place, [pair], progress, due_ms, delayed.last_attempt_ms)
        what = f"after {delayed.attempts} tries {delayed.spills} spills"
        self._history.add("broker", what, f"{event.id}/{pair.webhook}", name_of(place))
        self.waits(delayed)

    def _replayed(self, pair: Pair, delivery: Delivery) -> None:
        if delivery.replay_id is not None:
            pair.replay_ids.add(delivery.id)
            self._ledger.by_delivery[delivery.id.encode()] = pair

    def _lined_up(self, record: Record) -> None:
        """A delivery of an ordered webhook: it waits for its turn, and until its delay is over, by whose clock ever."""
        place: Place = ((record.topic, record.partition), record.offset)
        delivery = decode_ordered(record.key, record.value or b"")
        event = self._ledger.events.get(delivery.event.id)
        if event is None:
            raise Violation("phantom", f"{name_of(place)} is about nothing published", name_of(place))
        pair = self._ledger.pair(event, delivery.subscription_id)
        if delivery.replay_id is None:
            pair.lined_up_ms = self._timeline.now_ms
        self._replayed(pair, delivery)
        pair.lines.setdefault(0, []).append(place)
        told = dict(record.headers).get(DELAY)
        due_ms = self._timeline.now_ms + int(told or 0)
        self._ledger.delayed[place] = Delayed(
            place, [pair], 0, due_ms, delivery.last_attempt_ms, apart_ms=CLOCKS_APART_MS
        )
        self._history.add("broker", "lined up", f"{event.id}/{pair.webhook}", name_of(place))

    def _poisoned(self, record: Record) -> None:
        headers = dict(record.headers)
        topic = (headers["kafka_dlt-original-topic"] or b"").decode()
        (partition,) = struct.unpack(">i", headers["kafka_dlt-original-partition"] or b"")
        (offset,) = struct.unpack(">q", headers["kafka_dlt-original-offset"] or b"")
        place: Place = ((topic, partition), offset)
        self._checker.poisoned(place)
        self._ledger.poisoned.add(place)
        self._history.add("broker", "poison", name_of(place))
