"""A ledger of one webhook's events, for the law of recoveries: what waits, what was tried and what was accepted, while
deliveries go on a step at a time and somebody looks at the topics in between.

The ledger writes the records of Hookline's own topics, so what looks at it is the code that looks at Kafka. Every move
of a delivery is of several steps, in the order that a process keeps: its attempt is logged and its next record written,
in either order; then its former place is left; and the place is committed some time after that. A process may die
between any two of them, and another one begins the record again.
"""

from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final

from msgspec.structs import replace
from msgspec.structs import replace as attempt_with

from consumer.delivery import done_map
from consumer.delivery.delivery import Chunk, Delivery, delivery_id, replay_id
from consumer.delivery.offsets import Partition, Position
from consumer.events.event import Event, Record
from consumer.kafka.records import decode_delayed, decode_ordered, encode_attempt, encode_chunk, encode_delivery
from consumer.kafka.spans import Batch, Span
from consumer.kafka.topic_specs import Topics
from consumer.webhooks.ordering import KEY, line_of
from tests import attempts

WEBHOOK: Final = "wh_1"
OTHER: Final = "wh_2"
TENANT: Final = "acme"
TOPICS: Final = Topics("h.", ("1s", "20m"))
EVENTS: Final = ("events", 0)
ATTEMPTS: Final = (TOPICS.attempts, 0)
RETRY_0S: Final = (TOPICS.retry(0), 0)
ORDERED: Final = (TOPICS.ordered, 0)
WAITS: Final = tuple((topic, 0) for topic in (*TOPICS.retry_topics, TOPICS.ordered))
BEGAN_MS: Final = 1_800_000_000_000

Step = Generator[None]


@dataclass(slots=True)
class Log:
    """A partition: its records, which of them are done, and what is committed of it."""

    records: list[Record] = field(default_factory=list)
    done: set[int] = field(default_factory=set)
    parts: dict[int, set[bytes]] = field(default_factory=dict)
    under_way: set[int] = field(default_factory=set)
    committed: Position = field(default_factory=lambda: Position(0))

    def commit(self) -> None:
        """As a process does: the lowest that is not done, and a map of what is done above it."""
        open_ = [offset for offset in range(len(self.records)) if offset not in self.done]
        base = open_[0] if open_ else len(self.records)
        last = max(self.done, default=-1)
        parts = {offset: ended for offset, ended in self.parts.items() if offset not in self.done}
        self.committed = Position(base, done_map.encode(base, last, open_, parts))


class Ledger:
    """The world. `truth` of it is what the tests compare with; `now_ms` goes on with every step."""

    def __init__(self, random: Random, events: int = 8) -> None:
        self.random = random
        self.now_ms = BEGAN_MS
        self.time = 0
        self.logs = {place: Log() for place in (EVENTS, ATTEMPTS, *WAITS)}
        self.events: list[Event] = []
        self.status = "active"
        self.accepted_at: dict[int, int] = {}
        self.retried_at: dict[int, list[int]] = {}
        self.replayed_at: dict[int, list[int]] = {}
        self._next_event = 0
        self._tasks: list[tuple[Partition, int, Step]] = []
        for number in range(events // 2):  # of a topic that was there before, with the same offsets
            self._log(self._event(number, f"former-{number}"), None, "delivered", counts=False)
        for number in range(events):
            self.events.append(self._event(number, f"e{number}"))
            self.logs[EVENTS].records.append(self._record(EVENTS, None, b""))

    # ── what goes on ─────────────────────────────────────────────────────────────────────────────────────────────

    def go_on(self, steps: int) -> None:
        """So many steps of whoever is at work."""
        for _ in range(steps):
            self.time += 1
            self.now_ms += self.random.choice((1, 1, 5, 50, 400))
            self.random.choices(
                (self._deliver, self._retry, self._step, self._commit, self._die, self._replay, self._change),
                weights=(8, 12, 40, 16, 2, 1, 2),
            )[0]()

    def _deliver(self) -> None:
        """The next event."""
        if self._next_event < len(self.events):
            number, self._next_event = self._next_event, self._next_event + 1
            self._begin(EVENTS, number, self._first(self.events[number]))

    def _retry(self) -> None:
        """A record of a delay topic, or of the ordered one."""
        place = self.random.choice(WAITS)
        log = self.logs[place]
        open_ = [each for each in range(len(log.records)) if each not in log.done and each not in log.under_way]
        if open_:
            offset = self.random.choice(open_)
            self._begin(place, offset, self._again(place, offset))

    def _step(self) -> None:
        if self._tasks:
            task = self.random.choice(self._tasks)
            place, offset, steps = task
            if next(steps, self) is self:
                self._tasks.remove(task)
                self.logs[place].under_way.discard(offset)
                self.logs[place].done.add(offset)

    def _commit(self) -> None:
        for place in self.random.sample((EVENTS, *WAITS), 2):
            self.logs[place].commit()

    def _die(self) -> None:
        """A process dies: what it had under way is begun again, by the next one."""
        if self._tasks:
            task = self.random.choice(self._tasks)
            self._tasks.remove(task)
            place, offset, _ = task
            self.logs[place].under_way.discard(offset)
            if place == EVENTS:
                self._begin(EVENTS, offset, self._first(self.events[offset]))

    def _replay(self) -> None:
        """Somebody sends one again: a resend stands beside every job."""
        number = self.random.randrange(len(self.events))
        event, times = self.events[number], self.replayed_at.setdefault(number, [])
        times.append(self.time)
        again = replay_id(delivery_id(event, WEBHOOK), len(times))
        self._write(RETRY_0S, replace(self._delivery(event), id=delivery_id(event, WEBHOOK, again), replay_id=again))

    def _change(self) -> None:
        self.status = self.random.choice(("active", "active", "paused", "suspended"))

    def _begin(self, place: Partition, offset: int, steps: Step) -> None:
        self.logs[place].under_way.add(offset)
        self._tasks.append((place, offset, steps))

    # ── one move ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _first(self, event: Event) -> Step:
        if self.status != "active":
            return  # dropped, or dead without an attempt
        way = self.random.choice(("try", "try", "try", "spill", "chunk", "unmatched", "ordered"))
        delivery = self._delivery(event)
        yield
        match way:
            case "try":
                yield from self._try(delivery, 0)
            case "spill":
                self._write(RETRY_0S, delivery)
            case "chunk" | "unmatched":
                ids = () if way == "unmatched" else (OTHER, WEBHOOK)
                chunk = Chunk(event=event, subscription_ids=ids, first_due_ms=self.now_ms)
                self._append(RETRY_0S, TENANT.encode(), encode_chunk(chunk))
            case _:
                line = line_of(TENANT, WEBHOOK, KEY, b"key", b"")
                self._write(ORDERED, replace(delivery, order=line))
        yield

    def _again(self, place: Partition, offset: int) -> Step:
        log, held = self.logs[place], self._held(place, offset)
        if place == ORDERED:
            yield from self._try_head(held)
            return
        if self.status != "active" or done_map.short(held.id) in log.parts.get(offset, ()):
            return
        tier = TOPICS.tier_of(place[0])
        if self.random.random() < 0.2:  # it waits on, for its turn or for its endpoint
            yield
            self._write((TOPICS.retry(min(tier + 1, 2)), 0), held)
        else:
            yield from self._try(held, tier)
        if log.records[offset].key == TENANT.encode():  # a chunk: what is for others goes on
            log.parts.setdefault(offset, set()).add(done_map.short(held.id))
            yield
        yield

    def _try(self, delivery: Delivery, tier: int) -> Step:
        outcome = self.random.choice(("delivered", "retry", "retry", "dead"))
        outcome = "dead" if outcome == "retry" and tier == 2 else outcome
        steps: list[Callable[[], None]] = [lambda: self._log(delivery.event, delivery, outcome, tier=tier + 1)]
        if outcome == "retry":
            steps.append(lambda: self._write((TOPICS.retry(tier + 1), 0), delivery))
            self.random.shuffle(steps)
        for each in steps:
            each()
            yield

    def _try_head(self, head: Delivery) -> Step:
        """A head stays in its place until it has ended; one that stopped its key is dead in its attempts, and waits."""
        while True:
            outcome = self.random.choice(("delivered", "retry", "dead", "stopped"))
            self._log(head.event, head, "dead" if outcome == "stopped" else outcome, tier=1)
            yield
            if outcome in {"delivered", "dead"}:
                return

    def _held(self, place: Partition, offset: int) -> Delivery:
        """The webhook's delivery that a record stands for."""
        record = self.logs[place].records[offset]
        if place == ORDERED:
            return decode_ordered(record.key, record.value or b"")
        held = decode_delayed(record.value or b"", TOPICS.tier_of(place[0]))
        return self._delivery(held.event) if isinstance(held, Chunk) else held

    # ── what is written ──────────────────────────────────────────────────────────────────────────────────────────

    def _write(self, place: Partition, delivery: Delivery) -> None:
        key = (delivery.order or delivery.subscription_id).encode()
        self._append(place, key, encode_delivery(delivery))

    def _append(self, place: Partition, key: bytes | None, value: bytes) -> None:
        self.logs[place].records.append(self._record(place, key, value))

    def _record(self, place: Partition, key: bytes | None, value: bytes) -> Record:
        offset = len(self.logs[place].records)
        return Record(
            topic=place[0], partition=0, offset=offset, key=key, value=value, headers=(), timestamp_ms=self.now_ms
        )

    def _log(
        self,
        event: Event,
        delivery: Delivery | None,
        outcome: str,
        *,
        tier: int = 0,
        counts: bool = True,
    ) -> None:
        name = delivery_id(event, WEBHOOK) if delivery is None else delivery.id
        attempt = attempt_with(
            attempts.plain,
            delivery_id=name,
            event_id=event.id,
            subscription_id=WEBHOOK,
            at_ms=self.now_ms,
            outcome=outcome,
            next_tier=TOPICS.retry(tier).rpartition(".")[2] if outcome == "retry" else None,
            replay_id=None if delivery is None else delivery.replay_id,
            trigger="replay" if delivery is not None and delivery.replay_id else "event",
            event_topic=event.topic,
            event_partition=event.partition,
            event_offset=event.offset,
        )
        self._append(ATTEMPTS, WEBHOOK.encode(), encode_attempt(attempt))
        if not counts:
            return
        if outcome == "delivered":
            self.accepted_at.setdefault(event.offset, self.time)
        elif outcome == "retry":
            self.retried_at.setdefault(event.offset, []).append(self.time)

    # ── who looks ────────────────────────────────────────────────────────────────────────────────────────────────

    def waits(self, number: int, *, committed: bool) -> bool:
        """Whether this event waits for the webhook now: as it is, or as far as it is committed."""
        return any(self._waits(place, log, number, committed=committed) for place, log in self.logs.items())

    def _waits(self, place: Partition, log: Log, number: int, *, committed: bool) -> bool:
        if place not in WAITS:
            return False
        done = done_map.decode(log.committed.metadata, log.committed.offset)
        for offset in range(len(log.records)):
            held = self._held(place, offset)
            if held.event.offset != number:
                continue
            name = done_map.short(held.id)
            if committed:
                over = offset < log.committed.offset or (done is not None and done.is_done(offset))
                over = over or (done is not None and name in done.partly.get(offset, ()))
            else:
                over = offset in log.done or name in log.parts.get(offset, ())
            if not over:
                return True
        return False

    def _event(self, number: int, event_id: str) -> Event:
        return Event(
            id=event_id,
            type="a.b",
            tenant=TENANT,
            product=None,
            time_ms=BEGAN_MS,
            data=b"{}",
            topic=EVENTS[0],
            partition=EVENTS[1],
            offset=number,
            timestamp_ms=BEGAN_MS,
        )

    def _delivery(self, event: Event) -> Delivery:
        return Delivery(id=delivery_id(event, WEBHOOK), event=event, subscription_id=WEBHOOK, first_due_ms=BEGAN_MS)


class Looking:
    """Kafka, to whoever looks at the ledger: at each question, and each record, everybody else goes on meanwhile.

    `asked` tells at which times of the ledger what was asked.
    """

    def __init__(self, ledger: Ledger, *, busy: int = 24) -> None:
        self._ledger = ledger
        self._busy = busy
        self.asked: list[tuple[str, int]] = []
        self.waited: frozenset[int] = frozenset()
        self.waited_as_committed: frozenset[int] = frozenset()

    def times(self, what: str) -> list[int]:
        """When this was asked."""
        return [time for each, time in self.asked if each == what]

    def extents(self, topics: Iterable[str]) -> Mapping[Partition, Span]:
        self._meanwhile()
        names = [*topics]
        self.asked.append((names[0], self._ledger.time))
        found = {place: Span(0, len(log.records)) for place, log in self._ledger.logs.items() if place[0] in names}
        self._meanwhile()
        return found

    def first_since(self, logs: Mapping[Partition, Span], since_ms: int) -> Mapping[Partition, int]:
        self._meanwhile()
        records = {place: self._ledger.logs[place].records[: log.end] for place, log in logs.items()}
        return {
            place: next((each.offset for each in found if each.timestamp_ms >= since_ms), len(found))
            for place, found in records.items()
        }

    def committed(self, group: str, topics: Collection[str]) -> Mapping[Partition, Position]:
        self._meanwhile()
        ledger = self._ledger
        self.asked.append((group, ledger.time))
        if group == TOPICS.group("retry"):
            numbers = range(len(ledger.events))
            self.waited = frozenset(each for each in numbers if ledger.waits(each, committed=False))
            self.waited_as_committed = frozenset(each for each in numbers if ledger.waits(each, committed=True))
        found = {place: log.committed for place, log in ledger.logs.items() if place[0] in topics}
        self._meanwhile()
        return found

    def read(self, spans: Mapping[Partition, Span]) -> Generator[Batch]:
        left = {place: [*range(span.begin, span.end)] for place, span in spans.items()}
        while left:
            self._meanwhile()
            place = self._ledger.random.choice([*left])
            offsets, left[place] = left[place][:2], left[place][2:]
            finished = [place] if not left[place] else []
            if finished:
                del left[place]
            yield Batch([self._ledger.logs[place].records[offset] for offset in offsets], finished)

    def _meanwhile(self) -> None:
        self._ledger.go_on(self._ledger.random.randrange(self._busy))
