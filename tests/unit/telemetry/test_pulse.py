import os
from collections.abc import Iterator
from contextlib import suppress

import pytest
from structlog.testing import capture_logs

from consumer.telemetry.counters import Counters
from consumer.telemetry.distributions import Distributions
from consumer.telemetry.pulse import STARTING, Pulse
from consumer.telemetry.snapshot import Frames, Reading, Snapshot


class Child:
    """A process's pulse, with the supervisor's end of its pipe."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.counters = Counters()
        self.pulse = Pulse(self.counters, Distributions(), monotonic_s=lambda: self.now_s)
        self.reading, self.writing = os.pipe()
        os.set_blocking(self.reading, False)
        self.frames = Frames()

    def came(self) -> list[Snapshot]:
        came: list[Snapshot] = []
        with suppress(BlockingIOError):
            while piece := os.read(self.reading, 65_536):
                came += self.frames.feed(piece)
        return came

    def beat(self, after_s: float = 1.0) -> list[Snapshot]:
        self.now_s += after_s
        self.pulse.beat()
        return self.came()


@pytest.fixture
def child() -> Iterator[Child]:
    child = Child()
    yield child
    for fd in (child.reading, child.writing):
        with suppress(OSError):
            os.close(fd)


def values(snapshot: Snapshot) -> dict[tuple[str, tuple[str, ...]], float]:
    return {(name, labels): value for name, labels, value in snapshot.values}


def test_it_tells_at_once_and_then_once_a_second(child: Child) -> None:
    child.pulse.open(child.writing, "deliver")
    [first] = child.came()
    assert first.lacks == (STARTING,)
    child.pulse.lacks = ()
    child.counters.add("commits", 3)

    assert child.beat(0.4) == []
    assert child.beat(0.4) == []
    [second] = child.beat(0.4)
    assert second.lacks == ()
    assert values(second)["hookline_commits_total", ()] == 3
    assert values(second)["process_cpu_seconds_total", ()] > 0


def test_the_time_that_a_turn_took_is_told(child: Child) -> None:
    child.pulse.open(child.writing, "deliver")
    child.came()
    [told] = child.beat(3.0)

    turns = {name: counts for name, _, counts, _ in told.histograms}["hookline_loop_turn_seconds"]
    assert turns[7] == 1, "2.5 to 5 s"


def test_without_a_pipe_nothing_is_gathered(child: Child) -> None:
    asked: list[Reading] = []
    child.pulse.ask("part", asked.append)
    child.beat()

    assert asked == []


def test_a_supervisor_that_does_not_read_holds_nothing_up(child: Child) -> None:
    def much(reading: Reading) -> None:
        for number in range(3_000):
            reading.value("hookline_records_unstarted", number, "orders", str(number))

    child.pulse.ask("part", much)
    child.pulse.open(child.writing, "deliver")
    for _ in range(20):
        child.now_s += 1
        child.pulse.beat()

    came = child.came()
    for _ in range(9):
        came += child.beat(0.1)
    assert came, "what was begun comes whole"
    assert all(len([1 for name, *_ in each.values if name == "hookline_records_unstarted"]) == 3_000 for each in came)
    assert len(came) <= 2, "and nothing piled up"
    assert any(child.beat() for _ in range(4)), "then it goes on"


def test_a_supervisor_that_is_gone_is_not_told_any_more(child: Child) -> None:
    child.pulse.open(child.writing, "deliver")
    os.close(child.reading)
    child.now_s += 1
    child.pulse.beat()
    child.now_s += 1
    child.pulse.beat()


def test_a_part_that_fails_is_told_once_and_asked_no_more(child: Child) -> None:
    asked: list[int] = []

    def fails(_reading: Reading) -> None:
        asked.append(1)
        raise ValueError("se" + "cret")

    child.pulse.ask("part", fails)
    with capture_logs() as lines:
        child.pulse.open(child.writing, "deliver")
        child.beat()
        [told] = child.beat()

    assert asked == [1]
    assert [line["part"] for line in lines if line["event"] == "bug contained"] == ["part"]
    assert "secret" not in str(lines)
    assert values(told)["process_cpu_seconds_total", ()] > 0


def test_a_part_that_is_gone_is_asked_no_more(child: Child) -> None:
    child.pulse.ask("part", lambda reading: reading.value("hookline_leader", 1))
    child.pulse.open(child.writing, "jobs")
    assert ("hookline_leader", ()) in values(child.came()[0])
    child.pulse.forget("part")
    child.pulse.forget("part")

    [told] = child.beat()
    assert ("hookline_leader", ()) not in values(told)


def test_a_part_of_the_same_name_takes_the_place_of_the_former(child: Child) -> None:
    child.pulse.ask("part", lambda reading: reading.value("hookline_leader", 0))
    child.pulse.ask("part", lambda reading: reading.value("hookline_leader", 1))
    child.pulse.open(child.writing, "jobs")

    [told] = child.came()
    assert values(told)["hookline_leader", ()] == 1
