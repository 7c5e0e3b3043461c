"""When Kafka is polled."""

from collections.abc import Mapping, Sequence

from consumer.delivery.offsets import Partition
from consumer.events.event import Record
from consumer.roles.tap import Tap

A, B, C = (("events", number) for number in range(3))


class Log:
    """Two partitions without end."""

    def __init__(self) -> None:
        self.assignment = frozenset({A, B})
        self.paused: set[Partition] = set()
        self.polls: list[tuple[int, float]] = []
        self.value: bytes | None = None

    def take(self, most: int, wait_s: float) -> list[Record]:
        self.polls.append((most, wait_s))
        if not self.assignment - self.paused:
            return []
        one = Record(topic="events", partition=0, offset=0, key=None, value=self.value, headers=(), timestamp_ms=0)
        return [one] * most

    def ends(self) -> Mapping[Partition, int]:
        return {}

    def pause(self, partitions: Sequence[Partition]) -> None:
        self.paused.update(partitions)

    def resume(self, partitions: Sequence[Partition]) -> None:
        self.paused.difference_update(partitions)


def stalled(tap: Tap, *, from_ms: int = 1_000, for_ms: int = 10_000) -> int:
    """How many records are taken without room, one turn each millisecond."""
    return sum(len(tap.take(from_ms + ms, 0, 5.0)) for ms in range(for_ms))


def test_with_room_it_takes_what_there_is_room_for_and_waits_as_it_may() -> None:
    log = Log()
    tap = Tap(log)
    assert [len(tap.take(0, room, 0.1)) for room in (3, 10_000)] == [3, 500]
    assert log.polls == [(3, 0.1), (500, 0.1)]


def test_without_room_it_polls_every_20_ms_and_takes_64_records_too_many() -> None:
    log = Log()
    tap = Tap(log)
    assert stalled(tap) == 64
    assert log.polls == [(1, 0.02)] * 500
    assert log.paused == {A, B}


def test_of_large_records_fewer_are_taken_without_room() -> None:
    log = Log()
    log.value = bytes(1_000)
    tap = Tap(log, surplus_bytes=2_500)
    assert stalled(tap) == 3
    assert log.paused == {A, B}
    tap.take(20_000, 1, 0.0)
    assert log.paused == set()
    assert stalled(tap, from_ms=30_000) == 3


def test_with_room_again_it_goes_on_but_where_it_was_told_not_to() -> None:
    log = Log()
    tap = Tap(log)
    tap.pause([A])
    stalled(tap)
    tap.take(20_000, 1, 0.0)
    assert log.paused == {A}
    tap.resume([A])
    assert log.paused == set()
    assert stalled(tap, from_ms=30_000) == 64


def test_who_is_resumed_without_room_waits_for_it() -> None:
    log = Log()
    tap = Tap(log)
    tap.pause([A])
    stalled(tap)
    tap.resume([A])
    assert log.paused == {A, B}
    tap.take(20_000, 1, 0.0)
    assert log.paused == set()


def test_partitions_that_come_without_room_are_held_too_and_those_that_went_are_forgotten() -> None:
    log = Log()
    tap = Tap(log)
    stalled(tap)
    log.assignment, log.paused = frozenset({B, C}), {B}
    tap.forget([A])
    assert stalled(tap, from_ms=20_000) <= 1
    assert log.paused == {B, C}
    tap.take(40_000, 1, 0.0)
    assert log.paused == set()
