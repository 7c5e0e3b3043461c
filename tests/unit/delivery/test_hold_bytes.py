"""Records of delay topics, held in bytes: partitions are paused seldom, and none is left without its next record."""

import pytest

from consumer.delivery.budget import DEFAULT, MIB, RECORD_BYTES
from consumer.delivery.core import Core
from consumer.delivery.delivery import Chunk
from consumer.delivery.offsets import Partition, Position
from consumer.events.event import Record
from tests.deliveries import NOW_MS, SCHEDULE, event, rules, target_of

PARTITIONS = [("retry.20s", number) for number in range(8)]
HELD = DEFAULT.held // 2
TAKE_BYTES = DEFAULT.fetched


class Retrying:
    """A core that reads partitions without end, round by round, each record of `size` bytes and due after 20 s."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.now_ms = NOW_MS
        unmatched = Chunk(event=event(), subscription_ids=(), first_due_ms=NOW_MS, tier=len(SCHEDULE.delays_ms) - 1)
        self.core = Core(rules(), decode=lambda _: unmatched, target=target_of)
        self.core.assigned(dict.fromkeys(PARTITIONS, Position(0)))
        self.read = dict.fromkeys(PARTITIONS, 0)
        self.paused: set[Partition] = set()
        self.pauses = 0
        self.most = 0

    def turn(self, after_ms: int) -> None:
        self.now_ms += after_ms
        share = max(1, TAKE_BYTES // len(PARTITIONS) // (self.size + RECORD_BYTES))
        for place in PARTITIONS:
            if place not in self.paused:
                self.core.records(self.now_ms, [self._record(place) for _ in range(share)])
        self.most = max(self.most, self.core._intake._hold.bytes)
        step = self.core.next(self.now_ms, self.now_ms)
        # Nobody answers for the tenant: what is due waits, and is no longer held.
        self.pauses += len(step.pause)
        self.paused.update(step.pause)
        self.paused.difference_update(step.resume)

    def _record(self, place: Partition) -> Record:
        offset = self.read[place]
        self.read[place] += 1
        return Record(
            topic=place[0],
            partition=place[1],
            offset=offset,
            key=None,
            value=bytes(self.size),
            headers=(),
            timestamp_ms=self.now_ms,
        )


@pytest.mark.parametrize("size", [1_000, 64 * 1_024, MIB])
def test_what_is_held_is_bounded_and_each_partition_is_paused_once_while_nothing_is_due(size: int) -> None:
    world = Retrying(size)
    for _ in range(200):
        world.turn(50)
    assert world.paused == set(PARTITIONS)
    assert min(world.read.values()) > 0
    assert world.pauses == len(PARTITIONS)
    one = size + RECORD_BYTES
    floor = len(PARTITIONS) * max(one, TAKE_BYTES // len(PARTITIONS))
    assert world.most <= max(HELD + TAKE_BYTES, floor)


def test_what_is_due_makes_room_and_is_read_on() -> None:
    world = Retrying(64 * 1_024)
    for _ in range(1_200):
        world.turn(50)
    read_mib = sum(world.read.values()) * world.size / MIB
    assert read_mib > 3 * HELD / MIB
    assert world.pauses <= 2 * len(PARTITIONS) + 2 * read_mib
