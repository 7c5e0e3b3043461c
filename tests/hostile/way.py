"""One case's way through a core of its own, from its first record to the last thing that ends.

The laws:
- nothing on it raises, whatever the webhook, the event and the answer are, and whatever the webhook becomes meanwhile;
- what comes behind a change meets the webhook as it is now: no request where it is paused, suspended or deleted, none
  to its former URL;
- every record ends, in both roles: no view of a tenant leaves anything waiting for ever;
- of one line of an ordered webhook no delivery is sent before one that came earlier has ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import msgspec
from msgspec import structs

from consumer.brands.loader import brand
from consumer.control.resource import resource
from consumer.delivery.again import Look
from consumer.delivery.answer import Answer
from consumer.delivery.core import Core
from consumer.delivery.delivery import Chunk, Delivery
from consumer.delivery.lined_up import OrderedSeen, seen_of
from consumer.delivery.offsets import Partition, Position
from consumer.delivery.step import Bury, Delay, LineUp, Step, Suspend, Write
from consumer.delivery.target import Target
from consumer.events.event import Event, Record
from consumer.kafka.records import (
    decode_attempt,
    decode_dead_letter,
    decode_delayed,
    decode_ordered,
    encode_attempt,
    encode_chunk,
    encode_dead_letter,
    encode_delivery,
)
from consumer.log.attempts import head_of, sent_of
from consumer.log.health import NO_HEALTH, Health, folded
from consumer.signing.request import Request
from consumer.signing.signer import Signer
from consumer.webhooks import record
from consumer.webhooks.reader import Loaded, Unchanged
from consumer.webhooks.subscription import Status, Subscription
from tests.deliveries import NOW_MS, ORDERED, rules
from tests.hostile import webhooks
from tests.hostile.answers import Played

_EVENTS: Final[Partition] = ("events", 0)
_DELAYED: Final[Partition] = ("retry", 0)
_ORDERED: Final[Partition] = (ORDERED, 0)
_AT_ONCE: Final = 3  # of the same event: what waits in its lane meets the limits of its webhook
_AFTER: Final = 3  # more of them, once it has changed
_ASKED_AGAIN_AFTER_MS: Final = 600  # more than half of the staleness bound
_TURNS_MOST: Final = 3_000
_TURN_MS: Final = 250
_IDLE_MOST_MS: Final = 600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One webhook, one event, one answer; and what the webhook is afterwards, None when it was deleted."""

    number: int
    subscription: Subscription
    later: Subscription | None
    event: Event
    played: Played


class Way:
    """`request` is what the case sends first."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._subscription = case.subscription
        self._later = case.later
        self.unmatched = False
        step = self._begun()
        if not step.send:  # it is not wanted: once more, for a webhook that wants everything
            self.unmatched = True
            self._subscription = _wanting_all(case.subscription)
            self._later = None if case.later is None else _wanting_all(case.later)
            step = self._begun()
        self._first = step
        self.request: Request = step.send[0][1]

    def _begun(self) -> Step:
        self._now_ms = NOW_MS
        self._view: Subscription | None = self._subscription
        self._version = "1"
        self._ends = {_EVENTS: 0, _DELAYED: 0, _ORDERED: 0}
        self._lined_up: list[Record] = []
        self._last_of_lines: dict[str, int] = {}
        self._tiers: list[int] = []
        self._health: Health = NO_HEALTH
        self._core = Core(rules(), decode=self._decoded, target=_target, partition_of=lambda _key, _partitions: 0)
        self._core.assigned({partition: Position(0) for partition in self._ends})
        for _ in range(_AT_ONCE):
            self._come(_EVENTS, b"")
        self._loads(self._next())
        step = self._next()
        if not step.send:  # it is not wanted, or lines up first
            self._follow_writes(step)
            step = self._next()
        return step

    def ended(self, answer: Answer) -> None:
        """Its answer came, and comes to all that follows: everything is followed to its end, across the change."""
        self._follow_writes(self._first)
        self._now_ms += _ASKED_AGAIN_AFTER_MS
        self._view, self._version = self._later, "2"
        self._come(_EVENTS, b"")
        step = self._next()
        self._loads(step)
        changed_at = dict(self._ends)
        for _ in range(_AFTER):
            self._come(_EVENTS, b"")
        for token, _ in self._first.send:
            self._core.answered(self._now_ms, token, answer)
        idle_ms = 1
        for _ in range(_TURNS_MOST):
            self._follow(step, answer, changed_at)
            if self._all_ended():
                break
            # Where nothing happens turns come later and later: a limit may let one go an hour.
            idle_ms = 1 if step.send or step.write or step.load or step.again else min(2 * idle_ms, _IDLE_MOST_MS)
            self._now_ms = max(self._now_ms + idle_ms, step.wake_ms or self._now_ms + _TURN_MS)
            step = self._next()
        else:
            raise AssertionError(f"records that never end: {self._core.positions()} of {self._ends}")
        assert msgspec.json.encode(resource(self._subscription, health=self._health))

    def _follow(self, step: Step, answer: Answer, changed_at: Mapping[Partition, int]) -> None:
        """Do what the core asks for."""
        for token, request in step.send:
            self._is_allowed(token, request, changed_at)
            self._is_in_order(token)
            self._core.answered(self._now_ms, token, answer)
        for delivery_id in step.check:
            self._core.checked(self._now_ms, delivery_id, succeeded=False)
        self._follow_writes(step)
        self._loads(step)
        if step.again is not None:
            look = Look(step.again)
            for record in self._lined_up[step.again.offset :]:
                stretch = look.meet(record.offset, record.key)
                if stretch is not None:
                    look.take(stretch, record)
            self._core.read_again(self._now_ms, look.found())

    def _follow_writes(self, step: Step) -> None:
        """What is logged and written is read as its readers do, and acknowledged."""
        for _, attempt in step.attempts:
            value = encode_attempt(attempt)
            assert len(decode_attempt(value).response_headers) == len(attempt.response_headers)
            self._health = folded(self._health, sent_of(head_of(value), self._now_ms))
        for token, write in step.write:
            self._written(write)
            place = (_ORDERED[1], self._ends[_ORDERED] - 1) if isinstance(write, LineUp) else None
            self._core.acknowledged(token, place)

    def _is_allowed(self, token: int, request: Request, changed_at: Mapping[Partition, int]) -> None:
        job = self._core.sent_for(token)
        assert job is not None
        if job.entry.offset < changed_at[job.entry.window.partition]:
            return  # it may have been offered by the view of before
        assert self._later is not None, "a request to a webhook that was deleted"
        assert self._later.status is Status.ACTIVE, f"a request to a webhook that was {self._later.status}"
        assert request.url == self._later.url, "a request to a former URL"

    def _is_in_order(self, token: int) -> None:
        job = self._core.sent_for(token)
        assert job is not None
        line, offset = job.delivery.order, job.delivery.event.offset
        if line is not None:
            assert offset >= self._last_of_lines.get(line, 0), "a delivery that came later was sent before"
            self._last_of_lines[line] = offset

    def _written(self, write: Write) -> None:
        """Kafka has it, and what delays comes back by its topic."""
        match write:
            case Delay(tier=tier, delayed=delayed):
                value = encode_delivery(delayed) if isinstance(delayed, Delivery) else encode_chunk(delayed)
                self._tiers.append(tier)
                self._come(_DELAYED, value)
            case LineUp(delivery=delivery):
                assert delivery.order is not None
                self._come(_ORDERED, encode_delivery(delivery), delivery.order.encode())
            case Bury(dead_letter=dead_letter):
                assert decode_dead_letter(encode_dead_letter(dead_letter)).reason == dead_letter.reason
            case Suspend(subscription=suspended):
                assert record.decode(record.encode(suspended)).status is Status.SUSPENDED

    def _come(self, partition: Partition, value: bytes, key: bytes = b"k") -> None:
        offset = self._ends[partition]
        self._ends[partition] = offset + 1
        read = structs.replace(
            _RECORD,
            topic=partition[0],
            partition=partition[1],
            offset=offset,
            key=key,
            value=value,
            timestamp_ms=self._now_ms,
        )
        if partition == _ORDERED:
            self._lined_up.append(read)
        self._core.records(self._now_ms, [read])

    def _decoded(self, read: Record) -> Event | Delivery | Chunk:
        if read.topic == _DELAYED[0]:
            assert read.value is not None
            return decode_delayed(read.value, self._tiers[read.offset])
        if read.topic == ORDERED:
            assert read.value is not None
            return decode_ordered(read.key, read.value)
        return structs.replace(self._case.event, offset=read.offset, timestamp_ms=read.timestamp_ms)

    def _next(self) -> Step:
        step = self._core.next(self._now_ms, self._now_ms)
        for bug in step.bugs:  # what a boundary caught was raised all the same
            raise bug.error
        if step.ordered is not None:
            seen = seen_of(self._core.positions().get(_ORDERED), self._ends[_ORDERED])
            self._core.ordered_seen(OrderedSeen(token=step.ordered.token, partitions=(seen,)))
        return step

    def _loads(self, step: Step) -> None:
        for tenant, known in step.load.items():
            view = () if self._view is None else (self._view,)
            loading = Unchanged() if known == self._version else Loaded(version=self._version, subscriptions=view)
            self._core.loaded(self._now_ms, tenant, loading)

    def _all_ended(self) -> bool:
        positions = self._core.positions()
        return all(
            end == 0 or ((position := positions.get(partition)) is not None and position.offset == end)
            for partition, end in self._ends.items()
        )


_RECORD: Final = Record(topic="", partition=0, offset=0, key=None, value=b"", headers=(), timestamp_ms=NOW_MS)


def _wanting_all(subscription: Subscription) -> Subscription:
    return replace(subscription, filter_json=None, event_types=(), product=None)


def _target(subscription: Subscription) -> Target:
    return Target(subscription, lambda each: Signer(each, brand(each.brand), webhooks.KEYRING))
