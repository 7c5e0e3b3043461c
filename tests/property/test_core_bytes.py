"""Whatever the sizes of events, however slow their endpoints: a core weighs what its budget says and ends them all."""

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from consumer.delivery.budget import MIB, PROGRAM_BYTES, RECORD_BYTES, Budget
from consumer.delivery.core import Core
from consumer.delivery.offsets import Partition, Position
from consumer.events.event import Event, Record
from consumer.roles.tap import Tap
from consumer.webhooks.reader import Loaded
from tests.deliveries import NOW_MS, event, limits, response, rules, subscription, target_of

PARTITIONS = [("events", number) for number in range(4)]
BUDGET = Budget.of(PROGRAM_BYTES + 16 * MIB, MIB)
TURN_MS = 20


class Log:
    """Partitions full of events, of which librdkafka fetches `BUDGET.fetched` ahead. `Tap`'s source."""

    def __init__(self, sizes: list[int]) -> None:
        self.sizes = sizes
        self.left = {place: deque(range(number, len(sizes), 4)) for number, place in enumerate(PARTITIONS)}
        self.paused: set[Partition] = set()
        self.pauses = 0

    @property
    def assignment(self) -> frozenset[Partition]:
        return frozenset(self.left)

    def take(self, most: int, wait_s: float) -> list[Record]:
        del wait_s
        taken: list[Record] = []
        size = 0
        for place, left in self.left.items():
            while place not in self.paused and left and len(taken) < most and size < BUDGET.fetched:
                number = left.popleft()
                size += self.sizes[number]
                taken.append(
                    Record(
                        topic=place[0],
                        partition=place[1],
                        offset=number,
                        key=None,
                        value=bytes(self.sizes[number]),
                        headers=(),
                        timestamp_ms=NOW_MS,
                    )
                )
        return taken

    def ends(self) -> dict[Partition, int]:
        return {}

    def pause(self, partitions: Sequence[Partition]) -> None:
        self.pauses += 1
        self.paused.update(partitions)

    def resume(self, partitions: Sequence[Partition]) -> None:
        self.paused.difference_update(partitions)


class World:
    """A process whose endpoints answer, fail, or hang for a while; Kafka acknowledges what is written a turn later."""

    def __init__(self, sizes: list[int], seed: int) -> None:
        self._dice = random.Random(seed)
        self._pace = self._dice.choice((0.05, 0.5))
        self.log = Log(sizes)
        made = replace(rules(of_limits=replace(limits(), bulk_bytes=BUDGET.under_way)), budget=BUDGET)
        self.core = Core(made, decode=self._event, target=target_of)
        self.core.assigned(dict.fromkeys(PARTITIONS, Position(0)))
        self._tap = Tap(self.log, BUDGET.surplus)
        self._now_ms = NOW_MS
        self._flying: list[int] = []
        self._written: list[int] = []
        self.begun = 0
        self.most_bytes = 0

    def _event(self, record: Record) -> Event:
        tenant = f"t{record.offset % 3}"
        return structs.replace(
            event(f"e{record.offset}", tenant=tenant, offset=record.offset), data=record.value or b""
        )

    def turn(self) -> None:
        self._now_ms += TURN_MS
        records = self._tap.take(self._now_ms, self.core.room, 0.0)
        self.begun += len(records)
        self.core.records(self._now_ms, records)
        self.most_bytes = max(self.most_bytes, self.core._windows.taken.bytes)
        step = self.core.next(self._now_ms, self._now_ms)
        for tenant in step.load:
            webhook = subscription(tenant, tenant=tenant, url=f"https://{tenant}.example/")
            self.core.loaded(self._now_ms, tenant, Loaded(version="1", subscriptions=(webhook,)))
        for token in self._written:
            self.core.acknowledged(token)
        self._written = [token for token, _ in step.write]
        self._flying += [token for token, _ in step.send]
        self._dice.shuffle(self._flying)
        if self._flying and self._dice.random() < self._pace:
            self.core.answered(self._now_ms, self._flying.pop(), response(self._dice.choice((200, 200, 500))))

    @property
    def ended(self) -> bool:
        return not any(self.log.left.values()) and not self.core._windows.taken.bytes


SIZES = st.one_of(st.just(MIB), st.integers(0, MIB), st.integers(0, 5_000))


@settings(max_examples=25)
@example(sizes=[MIB] * 60, seed=5)
@given(sizes=st.lists(SIZES, min_size=1, max_size=60), seed=st.integers(0, 2**32))
def test_a_core_weighs_no_more_than_its_budget_and_ends_all_it_took_in(sizes: list[int], seed: int) -> None:
    world = World(sizes, seed)
    for _ in range(3_000):
        world.turn()
        if world.ended:
            break
    assert world.ended
    assert world.begun == len(sizes)
    positions = world.core.positions()
    assert {place: at.offset for place, at in positions.items()} == {
        place: max(range(number, len(sizes), 4)) + 1 for number, place in enumerate(PARTITIONS) if number < len(sizes)
    }
    most = BUDGET.taken + BUDGET.surplus + BUDGET.fetched + MIB + len(sizes) * RECORD_BYTES
    assert world.most_bytes <= most
    turned_over = sum(sizes) / (BUDGET.taken / 2)
    assert world.log.pauses <= turned_over + 1
