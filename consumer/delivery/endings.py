"""Where a record ends: dropped with a counted reason, or written to the one topic it goes to.

The laws: every ending closes exactly one part of its record, a written one only when Kafka has acknowledged it; and a
head of the ordered topic that is to be tried again ends nothing: it waits in its place (`order.py`).
"""

from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple, assert_never

from msgspec.structs import replace

from consumer.delivery.answer import Answer, Failure
from consumer.delivery.delivery import Chunk, DeadLetter, Delivery
from consumer.delivery.entry import Entry
from consumer.delivery.hold import Delayed
from consumer.delivery.lane import Job
from consumer.delivery.lined_up import LinedUp
from consumer.delivery.order import Order
from consumer.delivery.outcome import DeathReason, Retry, described
from consumer.delivery.repeats import Repeats
from consumer.delivery.schedule import Schedule
from consumer.delivery.step import Bury, Delay, LineUp, Reject, Suspend, Write
from consumer.delivery.stopping import LOOK_EVERY_MS
from consumer.delivery.stubs import stubs
from consumer.delivery.tally import Tally
from consumer.events.event import Event, Poison, Record
from consumer.telemetry.count import Count, Dropped, reasoned
from consumer.webhooks import draft
from consumer.webhooks.subscription import Subscription

_SHORTEST_MS = 100  # until a head that found no room at its lane looks again


class Writing(NamedTuple):
    """A write under way, and the delivery that ends with it."""

    entry: Entry
    write: Write
    delivery_id: str | None


class Endings:
    """The writes under way, by token, and the counts of what ended how."""

    def __init__(self, schedule: Schedule, repeats: Repeats, order: Order, lined_up: LinedUp) -> None:
        self._schedule = schedule
        self._order = order
        self._lined_up = lined_up
        self._repeats = repeats
        self._writing: dict[int, Writing] = {}
        self._asked: list[tuple[int, Write]] = []
        self._token = 0
        self.counts: defaultdict[Count, int] = defaultdict(int)
        self.tally = Tally(schedule.names)
        self._dropped: defaultdict[Dropped, int] = defaultdict(int)

    @property
    def pending(self) -> bool:
        """Whether any write is not yet acknowledged."""
        return bool(self._writing)

    @property
    def draining(self) -> bool:
        """Whether a write of a draining partition is not yet acknowledged."""
        return any(writing.entry.window.draining for writing in self._writing.values())

    def asked(self) -> list[tuple[int, Write]]:
        """The writes that the shell was not yet told of."""
        asked, self._asked = self._asked, []
        return asked

    def acknowledged(self, token: int, place: tuple[int, int] | None = None) -> None:
        """Kafka has the record written under this token, in this partition at this offset where that is known."""
        entry, write, delivery_id = self._writing.pop(token)
        if isinstance(write, LineUp):
            self._lined_up.acknowledged(write.delivery.order or "", place)
        entry.close_one(delivery_id)

    def refused(
        self, now_ms: int, token: int, size: int, subscription_of: Callable[[str, str], Subscription | None]
    ) -> Write:
        """The record written under this token, of so many bytes, is too large for its topic: its stub is to be written.

        `subscription_of` knows a tenant's subscription by its id, or does not. Returns what was refused.
        """
        entry, write, delivery_id = self._writing.pop(token)
        match write:
            case LineUp(delivery=waiting):
                tenant = waiting.event.tenant
                self._lined_up.refused(waiting.order or "")
            case Delay(delayed=waiting):
                tenant = waiting.event.tenant
            case _:
                tenant = ""
        stood_for = stubs(write, size, now_ms, lambda id_: subscription_of(tenant, id_))
        for stub in stood_for:
            if tenant:
                self.counts["dead_letters"] += 1
                self.tally.dead_letters[DeathReason.TOO_LARGE] += 1
            self.write(entry, stub, delivery_id)
        self.counts["stubs"] += len(stood_for)
        entry.close_one()
        return write

    def counted(self) -> dict[str, int]:
        """What was counted since the last call, by name."""
        self.tally.gathered()
        counted = {reasoned("dropped", reason): number for reason, number in self._dropped.items()}
        counted.update(self.counts.items())
        self.counts.clear()
        self._dropped.clear()
        return counted

    def drop(self, entry: Entry, reason: Dropped) -> None:
        """Nothing is to be done for it, or no longer."""
        self.count_drop(reason)
        entry.close_one()

    def count_drop(self, reason: Dropped) -> None:
        """One delivery less of a record that goes on."""
        self._dropped[reason] += 1

    def writing(self, token: int) -> Entry:
        """The record that is written for under this token."""
        return self._writing[token].entry

    def reject(self, entry: Entry, record: Record, poison: Poison) -> None:
        """It can never become an event."""
        self.counts["poison"] += 1
        self.tally.poison[poison.reason] = self.tally.poison.get(poison.reason, 0) + 1
        self.write(entry, Reject(record=record, poison=poison))
        entry.close_one()

    def retry(self, now_ms: int, job: Job, delivery: Delivery, tier: int) -> None:
        """Its attempt failed: to the delay topic of this tier."""
        self.counts["retries"] += 1
        delay_ms = self._schedule.delays_ms[tier] + self._schedule.jitter_ms(delivery.id, tier)
        self._go_on(now_ms, job, delivery, tier, now_ms + delay_ms)

    def await_turn(self, now_ms: int, job: Job, slot_ms: int) -> None:
        """To the delay topic of the longest delay that is over by then, with no attempt spent."""
        self.counts["spills"] += 1
        # From the spill topic on it takes a delay: there it would come back at once, and again.
        tier = self._schedule.for_wait(slot_ms - now_ms, least=0 if job.delivery.tier < 0 else 1)
        self.tally.spilled(self._schedule.names[tier])
        delivery = replace(job.delivery, spills=job.delivery.spills + 1, slot_ms=slot_ms)
        self._go_on(now_ms, job, _waiting(delivery, job.queued_ms or now_ms), tier, max(slot_ms, now_ms + _SHORTEST_MS))

    def await_endpoint(self, now_ms: int, job: Job, wait_ms: float, *, until_ms: int) -> None:
        """One tier higher, and no higher than the one that covers its time, with no attempt spent."""
        self.counts["spills"] += 1
        delivery = _turned(job.delivery, now_ms)
        most = self._schedule.covering(until_ms - now_ms, above=0)
        tier = min(self._schedule.covering(wait_ms, above=delivery.climbed), most)
        self.tally.spilled(self._schedule.names[tier])
        climbed = max(tier, delivery.climbed)
        due_ms = now_ms + max(_SHORTEST_MS, int(min(wait_ms, until_ms - now_ms)))
        self._go_on(now_ms, job, replace(delivery, spills=delivery.spills + 1, climbed=climbed), tier, due_ms)

    def pass_on(self, now_ms: int, job: Job) -> None:
        """This process stops: to whoever takes the work over, at once."""
        self.counts["spills"] += 1
        self.tally.spilled(self._schedule.names[0])
        delivery = replace(job.delivery, spills=job.delivery.spills + 1)
        self._go_on(now_ms, job, _waiting(delivery, job.queued_ms or now_ms), 0, now_ms)

    def put_off(self, now_ms: int, entry: Entry, work: Event | Delayed) -> None:
        """Its tenant alone cannot be read, and it may not wait here: at least one tier up, as what it is."""
        self.counts["spills"] += 1
        match work:
            case Event():
                entry.record = None
                self.tally.spilled(self._schedule.names[0])
                self.chunk(entry, Chunk(event=work, subscription_ids=(), first_due_ms=now_ms), above=-1)
            case Chunk():
                entry.record = None
                self.tally.spilled(self._schedule.names[self._schedule.covering(0, above=work.tier)])
                self.chunk(entry, work, above=work.tier)
            case Delivery() if entry.window.beside is not None:
                due_ms = now_ms + self._schedule.delays_ms[min(1, self._schedule.last)]
                self._order.back(entry, _waiting(work, now_ms), due_ms)
                return
            case Delivery() if work.order is not None:
                self.line_up(entry, _waiting(work, now_ms))
                return
            case Delivery():
                self._repeats.is_followed(entry, work)
                tier = self._schedule.covering(0, above=work.climbed)
                self.tally.spilled(self._schedule.names[tier])
                put_off = replace(_waiting(work, now_ms), spills=work.spills + 1, climbed=tier)
                self.write(entry, Delay(tier=tier, delayed=put_off), work.id)
            case _:
                assert_never(work)
        entry.close_one()

    def line_up(self, entry: Entry, delivery: Delivery, delay_ms: int = 0) -> None:
        """A part of the record that is for an ordered webhook: its line decides when it is sent, not before so long."""
        self.counts["ordered"] += 1
        self._lined_up.wrote(delivery.order or "")
        self.write(entry, LineUp(delivery=delivery, delay_ms=delay_ms), delivery.id)
        entry.lined_up()
        entry.close_one()

    def chunk(self, entry: Entry, chunk: Chunk, *, above: int) -> None:
        """One more part of the record: a chunk, in the lowest tier above this one."""
        self.write(entry, Delay(tier=self._schedule.covering(0, above=above), delayed=chunk))

    def hand_over(self, job: Job, unanswered: Failure, now_ms: int, *, goes_on: bool) -> Retry:
        """Its attempt has no answer, and is one of its attempts all the same: it is retried after the timeout's rest.

        When it `goes_on` the request may still succeed, and the retry looks first whether it did.
        """
        self.counts["handed_over"] += 1
        stays = job.entry.window.beside is not None
        delivery = replace(attempted(job, unanswered), handed_over=goes_on and not stays)
        rest_ms = max(0, job.started_ms + job.target.subscription.timeout_ms - now_ms)
        least = self._schedule.covering(rest_ms, above=0)
        most = max(least, min(delivery.attempts, self._schedule.last))
        left_ms = self._schedule.tried_until_ms(delivery, now_ms) - now_ms
        fitting = self._schedule.fitting(delivery.id, left_ms, least=least, most=most)
        tier = most if fitting is None else fitting
        self._go_on(now_ms, job, delivery, tier, now_ms + rest_ms)
        return Retry(tier=tier)

    def _go_on(self, now_ms: int, job: Job, delivery: Delivery, tier: int, due_ms: int) -> None:
        """Its next record is written and takes over. One of the ordered topic stays where it is until it is due."""
        if job.entry.window.beside is not None:
            self._order.back(job.entry, delivery, due_ms)
            return
        if delivery.order is not None:
            self.line_up(job.entry, delivery, max(0, due_ms - now_ms))
            return
        self._repeats.is_followed(job.entry, job.delivery)
        self.write(job.entry, Delay(tier=tier, delayed=delivery), delivery.id)
        job.entry.close_one()

    def bury(self, now_ms: int, job: Job, delivery: Delivery, reason: DeathReason, detail: str) -> None:
        """It could not be delivered: to the dead-letter topic."""
        self.counts["dead_letters"] += 1
        self.tally.dead_letters[reason] += 1
        subscription = job.target.subscription
        dead_letter = DeadLetter(
            delivery=delivery,
            reason=reason,
            detail=detail,
            failed_at_ms=now_ms,
            url=subscription.url,
            brand=subscription.brand,
        )
        self.write(job.entry, Bury(dead_letter=dead_letter), delivery.id)
        job.entry.close_one()

    def stay(self, now_ms: int, job: Job, delivery: Delivery) -> None:
        """Its key stops: the head stays in its place, and is looked at again."""
        self._order.back(job.entry, delivery, now_ms + LOOK_EVERY_MS)

    def is_crowded(self, job: Job) -> bool:
        """Whether its partition has no room for its key to stop."""
        return self._order.left.is_crowded(job.entry.window, job.delivery.order or "")

    def suspend(self, now_ms: int, entry: Entry, subscription: Subscription, reason: str) -> None:
        """The subscription's next revision is written; its record ends only after that too."""
        self.counts["suspended"] += 1
        self.write(entry, Suspend(subscription=draft.suspend(subscription, reason=reason, now_ms=now_ms)))

    def write(self, entry: Entry, write: Write, delivery_id: str | None = None) -> None:
        """One more part of the record: this write, with which this delivery ends."""
        entry.open_one()
        entry.begun = True
        self._token += 1
        self._writing[self._token] = Writing(entry, write, delivery_id)
        self._asked.append((self._token, write))


def _waiting(delivery: Delivery, now_ms: int) -> Delivery:
    """The delivery while it waits for its turn, since now or longer."""
    since_ms = delivery.waiting_since_ms
    return replace(delivery, waiting_since_ms=now_ms if since_ms is None else since_ms)


def _turned(delivery: Delivery, now_ms: int) -> Delivery:
    """The delivery when its wait for its turn, if any, is over."""
    if delivery.waiting_since_ms is None:
        return delivery
    tried = delivery.first_attempt_ms is not None
    waited_ms = delivery.waited_ms + (max(0, now_ms - delivery.waiting_since_ms) if tried else 0)
    return replace(delivery, slot_ms=None, waiting_since_ms=None, waited_ms=waited_ms)


def attempted(job: Job, answer: Answer) -> Delivery:
    """The delivery after one more attempt. Its body is fixed from now on and stands for the event's data."""
    delivery = _turned(job.delivery, job.started_ms)
    if job.request is not None:  # what could not be signed was not rendered either: its data is still needed
        event = replace(delivery.event, data=b"")
        delivery = replace(delivery, event=event, body=job.body, content_type=job.content_type)
    return replace(
        delivery,
        attempts=delivery.attempts + 1,
        handed_over=False,
        stopped_ms=None,
        first_attempt_ms=delivery.first_attempt_ms or job.started_ms,
        last_attempt_ms=job.started_ms,
        last_status=None if isinstance(answer, Failure) else answer.status,
        last_reason=described(answer),
    )
