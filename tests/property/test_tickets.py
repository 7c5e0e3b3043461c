"""A ticket of the delivery log may be asked for, and asked about, at any moment: what it says is true."""

from dataclasses import dataclass, field

from hypothesis import example, given
from hypothesis import strategies as st

from consumer.kafka.tickets import Sides, Ticket


@dataclass
class Queue:
    """A producer's queue; `noise` is what it counts that is no record."""

    records: set[int] = field(default_factory=set)
    noise: int = 0

    @property
    def left(self) -> int:
        return len(self.records) + self.noise


class World:
    """Two queues, every record that was written, and for each ticket what had been written when it was given out."""

    def __init__(self) -> None:
        self.queues = Queue(), Queue()
        self.told: list[Queue] = []
        self.sides = Sides(*self.queues, turned=self.told.append)
        self.written = 0
        self.before: dict[int, tuple[Ticket, int]] = {}
        self.had: set[int] = set()

    def write(self) -> None:
        self.sides.active.records.add(self.written)
        self.written += 1

    def give_out(self) -> None:
        self.before[len(self.before)] = self.sides.ticket(), self.written

    def unacknowledged(self) -> set[int]:
        return self.queues[0].records | self.queues[1].records

    def look(self) -> None:
        for name, (ticket, written) in self.before.items():
            if self.sides.has(ticket):
                self.had.add(name)
                assert not {each for each in self.unacknowledged() if each < written}
            assert name not in self.had or self.sides.has(ticket), "said yes, and then no"


moves = st.lists(
    st.sampled_from(["write", "write", "ticket", "first", "second", "all of first", "all of second", "noise"]),
    max_size=60,
)


@given(moves)
@example(["ticket", "noise"])
@example(["write", "ticket", "write", "ticket", "write", "first", "second", "ticket"])
def test_what_a_ticket_stands_for_is_acknowledged_when_the_log_has_it(steps: list[str]) -> None:
    world = World()
    for step in steps:
        queue = world.queues["second" in step]
        match step:
            case "write":
                world.write()
            case "ticket":
                world.give_out()
            case "noise":
                queue.noise = 1 - queue.noise
            case "first" | "second":
                queue.records.discard(max(queue.records, default=-1))
            case _:
                queue.records.clear()
        world.look()
        assert world.sides.left == sum(each.left for each in world.queues)
        assert not world.told or world.told[-1] is world.sides.active


@given(moves)
def test_every_ticket_is_had_in_the_end(steps: list[str]) -> None:
    world = World()
    for step in steps:
        if step == "write":
            world.write()
        elif step == "ticket":
            world.give_out()
    for _ in range(3):
        world.look()
        for queue in world.queues:
            queue.records.clear()
    world.look()
    assert world.had == set(world.before)


def test_a_ticket_that_was_given_out_early_waits_for_what_is_written_before_the_sides_change_places() -> None:
    world = World()
    first, second = world.queues
    world.write()
    world.give_out()
    world.write()
    world.give_out()
    world.write()
    assert (first.records, second.records) == ({0}, {1, 2})
    first.records.clear()
    world.look()
    assert world.had == {0}
    second.records.clear()
    world.look()
    assert world.had == {0, 1}
