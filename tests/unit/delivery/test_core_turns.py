"""What is done turn by turn does not grow with what is at rest: partitions, tenants."""

from consumer.delivery.core import Core
from consumer.delivery.offsets import Position
from consumer.events.event import Record, Tombstone
from tests.deliveries import NOW_MS, crowd, rules, target_of
from tests.operations import operations


def record(*, partition: int, offset: int = 0) -> Record:
    return Record(
        topic="events", partition=partition, offset=offset, key=None, value=None, headers=(), timestamp_ms=NOW_MS
    )


def core_of(partitions: int) -> Core:
    core = Core(rules(), decode=lambda _: Tombstone(), target=target_of)
    core.assigned({("events", number): Position(0) for number in range(partitions)})
    for number in range(partitions):
        core.records(NOW_MS, [record(partition=number)])
    assert len(core.changed_positions()) == partitions
    return core


def test_a_turn_costs_nothing_for_partitions_of_which_nothing_ended() -> None:
    def cost(partitions: int) -> tuple[int, int]:
        core = core_of(partitions)
        core.records(NOW_MS, [record(partition=1, offset=1)])
        turn = operations(lambda: core.next(NOW_MS, NOW_MS))
        return turn, operations(core.changed_positions)

    assert cost(2) == cost(1_000)


def test_a_position_that_changed_is_told_once() -> None:
    core = core_of(3)
    core.records(NOW_MS, [record(partition=1, offset=1)])
    assert core.changed_positions() == {("events", 1): Position(2)}
    assert core.changed_positions() == {}
    core.passed({("events", 2): 5})
    core.lost([("events", 1)])
    assert core.changed_positions() == {("events", 2): Position(5)}
    assert core.positions() == {("events", 0): Position(1), ("events", 2): Position(5)}


def test_a_partition_that_was_lost_is_crowded_no_longer() -> None:
    core = core_of(2)
    for number in range(2):
        crowd(core, ("events", number))
    core.lost([("events", 0)])
    core.rewound(("events", 1))
    assert core._windows.crowded() == []
