"""The lines of keys under crashes, lost commits, repeats and failing heads, against what the log says.

One partition of the ordered topic, read by one process after the other: each has a window and an `Order` of its own,
and knows of the former ones what a commit told it.
"""

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from consumer.delivery import done_map
from consumer.delivery.again import Again, Look
from consumer.delivery.delivery import Delivery
from consumer.delivery.entry import Entry
from consumer.delivery.left import Admission
from consumer.delivery.lined_up import seen_of
from consumer.delivery.offsets import Position, Taken
from consumer.delivery.order import Order
from consumer.delivery.order_map import Told, Tried, unpack
from consumer.delivery.order_partition import TENANT, WEBHOOK, Bounds, KeyLine
from consumer.events.event import Record
from tests.deliveries import NOW_MS, delivery, event

SMALL = Bounds(
    webhook=8,
    few=3,
    crowded=24,
    line=3,
    webhook_bytes=10_000,
    left=6,
    left_keys=2,
    left_of_tenant=4,
    left_tenants=3,
    before=3,
    remembered=10_000,
)
PARTITION = ("hookline.ordered", 0)


@dataclass(frozen=True, slots=True)
class Logged:
    """A record of the ordered topic: `number` counts the events of all keys, and a repeat has that of the first.

    `before`: a replay that goes before what waits of its key.
    """

    name: str
    number: int
    before: bool = False


@dataclass
class Log:
    records: list[Logged]
    accepted: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))  # first acceptances, by line
    replayed: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))  # likewise
    committed: Position = field(default_factory=lambda: Position(0))

    def accept(self, logged: Logged) -> None:
        """An endpoint takes it."""
        line = (self.replayed if logged.before else self.accepted)[logged.name]
        if logged.number in line:
            return
        assert not line or line[-1] < logged.number, f"{logged} was first accepted after {line[-1]}"
        line.append(logged.number)


class Process:
    """What the core does around an `Order`, for one assignment."""

    def __init__(self, log: Log, bounds: Bounds, now_ms: int) -> None:
        self.log = log
        self.now_ms = now_ms
        self.order = Order(PARTITION[0], bounds)
        window = self.order.window(PARTITION, log.committed, Taken())
        assert window is not None
        self.window = window
        self.at = log.committed.offset
        self.out: list[tuple[Entry, Delivery]] = []
        self.asked: Again | None = None
        self.before: set[Entry] = set()  # replays that were lined up and have not ended

    def take(self) -> None:
        """One record of the log."""
        if self.at >= len(self.log.records) or self.order.left.is_full(self.now_ms, self.window):
            return
        offset, self.at = self.at, self.at + 1
        if not self.window.begin(offset):
            return
        entry, logged = Entry(self.window, offset), self.log.records[offset]
        if not logged.before and self.order.left.passes_by(self.now_ms, self.window, logged.name, offset):
            entry.close_one()
        else:
            self._put(entry, logged)

    def _put(self, entry: Entry, logged: Logged) -> None:
        made = replace(delivery(event(f"evt_{logged.number}")), order=logged.name, attempts=0)
        if self.order.put(self.now_ms, entry, made, logged.name, 100, before=logged.before) and logged.before:
            self.before.add(entry)

    def look_again(self, most: int) -> None:
        """The reader's answer to what was asked, or a new question."""
        if self.asked is None:
            self.asked = self.order.left.again(self.now_ms)
            return
        again, self.asked = self.asked, None
        assert not again.window.closed
        look = Look(again)
        for at in range(again.offset, min(again.offset + most, len(self.log.records))):
            stretch = look.meet(at, self.log.records[at].name.encode())
            if stretch is not None:
                look.take(stretch, record_at(at))
        found = look.found()
        ends = dict(found.ends)
        for stretch, record in found.records:
            logged = self.log.records[record.offset]
            if logged.before or record.offset >= ends[stretch.scope]:
                continue
            admission = self.order.left.admits(again.window, stretch, logged.name, record.offset)
            if admission is Admission.FULL:
                ends[stretch.scope] = record.offset
            if admission is Admission.TAKEN:
                self.window.reopen(record.offset)
                self._put(Entry(self.window, record.offset), logged)
        self.order.left.read(self.now_ms, found, ends)

    def send(self, most: int) -> None:
        """Heads that may go."""
        heads = self.order.heads(self.now_ms, most)
        for entry, head in heads:
            if head.turned_away:
                self.before.remove(entry)
                entry.close_one()  # dead-lettered again
                continue
            assert head.order not in {other.order for _, other in self.out}, "two of a line are out"
            waiting = {self.log.records[each.offset].name for each in self.before}
            assert entry in self.before or head.order not in waiting, "a replay waits that goes before this one"
            self.out.append((entry, head))

    def answer(self, dice: random.Random, failing: frozenset[str]) -> None:
        """One of those sent comes to its end."""
        if not self.out:
            return
        entry, head = self.out.pop(dice.randrange(len(self.out)))
        if head.order in failing or dice.random() < 0.1:
            failed = replace(head, attempts=head.attempts + 1, first_attempt_ms=head.first_attempt_ms or self.now_ms)
            self.order.back(entry, failed, self.now_ms + dice.choice((1_000, 5_000)))
        elif dice.random() < 0.2:
            self.order.back(entry, head, self.now_ms + 100)  # its lane has no room
        else:
            self.log.accept(self.log.records[entry.offset])
            self.before.discard(entry)
            entry.close_one()

    def commit(self) -> None:
        """Kafka takes what is told now."""
        position = self.window.look()
        if position is not None:
            assert len(position.metadata) <= done_map.MOST
            self.log.committed = position

    def tells_no_more_than_is(self) -> None:
        """What `deliver` takes from a commit: where a record is over, all earlier events before it are accepted."""
        seen = seen_of(self.log.committed, len(self.log.records))
        before: dict[str, set[int]] = defaultdict(set)
        for offset, logged in enumerate(self.log.records):
            if logged.before:
                continue
            before[logged.name].add(logged.number)
            if seen.is_over(logged.name, offset, offset):
                earlier = {number for number in before[logged.name] if number <= logged.number}
                assert earlier <= set(self.log.accepted[logged.name]), f"{logged} is over at {offset}"

    @property
    def idle(self) -> bool:
        """Whether all was read and has ended."""
        done = self.at >= len(self.log.records) and not self.out and not self.window.unfinished
        return done and not (self.window.beside and self.window.beside.told().left)


def record_at(offset: int) -> Record:
    """A record of the log, of which the lines know no more than its place."""
    topic, partition = PARTITION
    return Record(topic=topic, partition=partition, offset=offset, key=None, value=None, headers=(), timestamp_ms=0)


def log_of(dice: random.Random, size: int, replays: float = 0.0) -> Log:
    """Records of a few webhooks with a few keys each; a crash of its writer wrote the latest ones of all again.

    So many of them are replays that go before what waits.
    """
    names = [f"{webhook % 3:012x}{webhook:012x}{key:012x}" for webhook in range(5) for key in range(4)]
    records: list[Logged] = []
    while len(records) < size:
        name = dice.choice(names[: dice.choice((3, 20))])
        records.append(Logged(name, len(records), before=dice.random() < replays))
        if dice.random() < 0.05:
            records += records[-dice.randrange(1, 8) :]
    return Log(records)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_no_line_is_first_accepted_out_of_its_order_and_all_of_it_is_accepted(seed: int) -> None:
    run(seed)


@pytest.mark.parametrize(
    ("name", "bug"),
    [
        ("place_before", lambda line: len(line.queue)),  # behind what waits
        ("place_before", lambda line: int(line.out)),  # before its like
    ],
)
def test_a_replay_in_another_place_is_found(name: str, bug: Callable[[KeyLine], int]) -> None:
    with patch.object(KeyLine, name, bug), pytest.raises(AssertionError):
        run_all(60)


def test_a_repeat_that_ends_before_what_it_repeats_is_found() -> None:
    def repeat(_order: Order, entry: Entry, _delivery: Delivery) -> None:
        entry.close_one()

    with patch.object(Order, "_repeat", repeat), pytest.raises(AssertionError, match="is over at"):
        run_all(60)


def run_all(seeds: int) -> None:
    """Until one of them breaks the law."""
    for seed in range(seeds):
        run(seed)


def run(seed: int) -> None:
    """One log, to its end, judged."""
    dice = random.Random(seed)
    log = log_of(dice, 150, replays=dice.choice((0.0, 0.2)))
    process = Process(log, SMALL, NOW_MS)
    names = sorted({logged.name for logged in log.records})
    failing = frozenset(dice.sample(names, dice.randrange(len(names))))
    crashes, steps = dice.randrange(6), 0
    while not process.idle:
        steps += 1
        assert steps < 60_000, f"never ends: {process.window.beside and process.window.beside.told()}"
        if steps == 2_000:
            failing = frozenset()
        for _ in range(dice.randrange(4)):
            process.take()
        process.send(dice.randrange(6))
        for _ in range(dice.randrange(4)):
            process.answer(dice, failing)
        process.look_again(dice.randrange(1, 40))
        if dice.random() < 0.3:
            process.commit()
        if dice.random() < 0.03:
            process.tells_no_more_than_is()
        process.now_ms += dice.choice((1, 20, 300))
        if crashes and dice.random() < 0.01:
            crashes -= 1
            process = Process(log, SMALL, process.now_ms)
    for name, line in log.accepted.items():
        assert line == sorted({logged.number for logged in log.records if logged.name == name and not logged.before})
    assert set(log.accepted) == {logged.name for logged in log.records if not logged.before}


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_blocked_key_keeps_no_other_waiting(seed: int) -> None:
    """One key of one webhook, and all of another webhook, fail for ever; the others come to their end."""
    dice = random.Random(seed)
    log = log_of(dice, 300)
    process = Process(log, SMALL, NOW_MS)
    names = {logged.name for logged in log.records}
    failing = frozenset(name for name in names if name[12:WEBHOOK] == f"{0:012x}" or name[12:] == f"{1:012x}{0:012x}")
    for _ in range(6_000):
        process.take()
        process.send(4)
        for _ in range(3):
            process.answer(dice, failing)
        process.look_again(30)
        process.now_ms += 20
    healthy = {logged for logged in log.records if logged.name not in failing}
    assert all(logged.number in log.accepted[logged.name] for logged in healthy)
    held = sum(1 for offset in range(len(log.records)) if not process.window.has_ended(offset))
    assert held <= SMALL.crowded + SMALL.webhook
    process.commit()
    assert done_map.decode(log.committed.metadata, log.committed.offset) is not None


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_tenant_all_of_whose_webhooks_fail_keeps_no_other_waiting_and_has_all_in_order_later(seed: int) -> None:
    dice = random.Random(seed)
    theirs = [f"{0:012x}{webhook:012x}{key:012x}" for webhook in range(12) for key in range(3)]
    others = [f"{tenant:012x}{tenant + 20:012x}{key:012x}" for tenant in (1, 2) for key in range(4)]
    names = [dice.choice(others if dice.random() < 0.2 else theirs) for _ in range(600)]
    log = Log([Logged(name, number) for number, name in enumerate(names)])
    process = Process(log, SMALL, NOW_MS)
    failing, waited, steps = frozenset(theirs), 0, 0
    while not process.idle:
        steps += 1
        assert steps < 60_000, f"never ends: {process.window.beside and process.window.beside.told()}"
        waited += process.order.left.is_full(process.now_ms, process.window)
        if steps == 3_000:
            assert waited * 20 <= 12_000  # a second at a time, and once in ten where none of it ends
            assert all(logged.number in log.accepted[logged.name] for logged in log.records if logged.name in others)
            assert f"{0:012x}" in process.order.left._partitions[process.window].left
            failing = frozenset()
        for _ in range(3):
            process.take()
        process.send(6)
        for _ in range(4):
            process.answer(dice, failing)
        process.look_again(dice.randrange(1, 60))
        process.now_ms += 20
    for name, line in log.accepted.items():
        assert line == [logged.number for logged in log.records if logged.name == name]
    assert log.accepted.keys() == set(names)


@given(
    left=st.dictionaries(
        st.builds(
            lambda parts, size: "".join(f"{part:012x}" for part in parts)[:size],
            st.tuples(*(st.one_of(st.integers(0, 2), st.integers(0, 2**48 - 1)) for _ in range(3))),
            st.sampled_from((TENANT, WEBHOOK, 36)),
        ),
        st.integers(0, 2**62),
        max_size=64,
    ),
    heads=st.dictionaries(
        st.integers(0, 2**62),
        st.builds(Tried, st.integers(1, 100), *(st.integers(NOW_MS, NOW_MS * 2) for _ in range(2)), st.booleans()),
        max_size=100,
    ),
    room=st.integers(0, 3_000),
)
def test_what_is_left_is_always_told_and_heads_the_lowest_first(
    left: dict[str, int], heads: dict[int, Tried], room: int
) -> None:
    read = unpack(Told(left=left, heads=heads).pack(room))
    assert read.left == left
    assert sorted(read.heads) == sorted(heads)[: len(read.heads)]
    for offset, tried in read.heads.items():
        assert tried.attempts == heads[offset].attempts
        late_ms = tried.due_ms - heads[offset].due_ms
        assert 0 <= (-late_ms if tried.stopped else late_ms) < 1_000
        assert tried.stopped == heads[offset].stopped
        assert 0 <= heads[offset].first_attempt_ms - tried.first_attempt_ms < 1_000
