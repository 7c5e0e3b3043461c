"""What a run costs is told by who has it done, and when."""

import os
import time

import pytest

from tests.spent import DISK, IDLE, RUN, Spent, look, shares


def at(at_ms: int, pid: int, who: str, cpu_s: float) -> Spent:
    return Spent(at_ms=at_ms, pid=pid, who=who, cpu_s=cpu_s)


def test_each_part_of_the_time_has_what_was_used_in_it() -> None:
    spent = [
        at(0, 1, "deliver", 7.0),  # used before the first look
        at(5_000, 1, "deliver", 8.0),
        at(5_000, 2, "deliver", 0.5),  # begun since
        at(10_000, 1, "deliver", 12.0),
        at(10_000, 2, "deliver", 0.5),
    ]
    assert shares(spent, 2)["deliver"] == pytest.approx([0.3, 0.8])


def test_nothing_is_told_of_a_run_that_was_looked_at_once() -> None:
    assert shares([at(0, 1, "deliver", 7.0)], 2) == {}


def test_this_process_and_the_machine_are_looked_at() -> None:
    before = look(0)
    until_s = time.process_time() + 0.1
    while time.process_time() < until_s:
        pass
    used = shares([*before, *look(1_000)], 1)
    assert used[RUN][0] >= 0.08  # the system counts in ticks of 10 ms
    assert {IDLE, DISK} <= set(used)
    assert all(each.pid == os.getpid() for each in before if each.who == RUN)
