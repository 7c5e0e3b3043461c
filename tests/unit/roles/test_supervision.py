import os
import signal
import subprocess
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from consumer.roles.role import Role
from consumer.roles.supervision import (
    ASKED_ONCE_S,
    LAST_DELAY_S,
    STOP_WITHIN_S,
    Actions,
    Member,
    Supervision,
    stop_within_s,
)
from consumer.roles.supervisor import command_of, members_of

A = Member(role=Role.DELIVER, slot=0)
B = Member(role=Role.RETRY, slot=0)

CODES = st.sampled_from([0, 1, 70, 78, -9, -11, -15])
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.floats(0, 70)),
        st.tuples(st.just("exit"), st.integers(0, 3), CODES),
        st.tuples(st.just("stop")),
    ),
    max_size=60,
)


class World:
    """The members' processes as the shell would hold them, with the laws checked at every step."""

    def __init__(self, members: list[Member]) -> None:
        self.now_s = 1_000.0
        self.alive: set[Member] = set()
        self.supervision = Supervision(members)
        self.stopped = False
        self.code: int | None = None
        self.started: list[tuple[float, Member]] = []
        self.killed: set[Member] = set()

    def step(self) -> Actions:
        step = self.supervision.next(self.now_s)
        for member in step.start:
            assert not self.stopped, "started after a stop"
            assert member not in self.alive, "two processes in one slot"
            self.alive.add(member)
            self.started.append((self.now_s, member))
        assert set(step.terminate) | set(step.kill) <= self.alive
        assert self.killed.isdisjoint(step.kill), "killed twice"
        self.killed |= set(step.kill)
        assert (step.exit_code is not None) == (self.stopped and not self.alive)
        assert step.wake_at_s is None or step.wake_at_s >= self.now_s
        self.code = step.exit_code
        return step

    def exit(self, member: Member, code: int) -> float | None:
        self.alive.remove(member)
        self.stopped = self.stopped or code == os.EX_CONFIG
        return self.supervision.exited(self.now_s, member, code)

    def stop(self) -> None:
        self.stopped = True
        self.supervision.stop(self.now_s)


@given(OPERATIONS)
def test_whatever_happens_the_laws_hold_and_a_stop_ends_it(operations: list[tuple[object, ...]]) -> None:
    members = members_of([], 2)
    world = World(members)
    world.step()
    assert world.alive == set(members)
    for operation in operations:
        match operation:
            case ("wait", float(seconds)):
                world.now_s += seconds
            case ("exit", int(which), int(code)) if world.alive:
                world.exit(sorted(world.alive)[which % len(world.alive)], code)
            case ("stop",):
                world.stop()
        world.step()
    if not world.stopped:
        world.stop()
        assert set(world.step().terminate) == world.alive
    world.now_s += STOP_WITHIN_S
    world.step()
    assert world.alive <= world.killed, "alive past the deadline and not killed"
    for member in sorted(world.alive):
        world.exit(member, -signal.SIGKILL)
    world.step()
    assert world.code is not None


@given(st.lists(st.tuples(st.floats(0, 200), CODES.filter(lambda code: code != 78)), min_size=1, max_size=40))
def test_a_crashed_member_comes_back_within_the_longest_delay(lives: list[tuple[float, int]]) -> None:
    world = World([A])
    world.step()
    for lived_s, code in lives:
        world.now_s += lived_s
        delay_s = world.exit(A, code)
        assert delay_s is not None
        assert 0.5 <= delay_s <= LAST_DELAY_S
        if lived_s >= 60:
            assert delay_s == 0.5
        assert not world.step().start, "restarted without its delay"
        world.now_s += delay_s
        assert world.step().start == (A,)


def test_delays_double_to_thirty_seconds() -> None:
    world = World([A])
    delays = []
    for _ in range(9):
        world.now_s += 30
        world.step()
        delays.append(world.exit(A, 70))

    assert delays == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_a_wrong_configuration_stops_everything_with_78() -> None:
    world = World([A, B])
    world.step()
    assert world.exit(A, 78) is None
    assert world.step().terminate == (B,)
    world.exit(B, 0)
    assert world.step().exit_code == 78


def test_an_orderly_stop_is_0_also_for_one_that_had_not_learnt_to_hear() -> None:
    world = World([A, B])
    world.step()
    world.stop()
    assert world.step().wake_at_s == world.now_s + STOP_WITHIN_S
    world.exit(A, 0)
    world.exit(B, -signal.SIGTERM)
    assert world.step().exit_code == 0


def test_a_stop_before_the_start_starts_nothing() -> None:
    world = World([A, B])
    world.stop()
    assert world.step() == Actions(exit_code=0)


def test_one_that_does_not_drain_is_killed_and_the_exit_says_so() -> None:
    world = World([A, B])
    world.step()
    world.stop()
    world.step()
    world.exit(B, 0)
    world.now_s += STOP_WITHIN_S
    assert world.step().kill == (A,)
    assert world.step().kill == ()
    world.exit(A, -signal.SIGKILL)
    assert world.step().exit_code == 70


def test_the_second_request_kills_at_once() -> None:
    world = World([A])
    world.step()
    world.stop()
    world.step()
    world.now_s += ASKED_ONCE_S
    world.stop()
    assert world.step().kill == (A,)
    world.exit(A, -signal.SIGKILL)
    assert world.step().exit_code == 130


def test_a_signal_to_the_process_and_one_to_its_group_are_one_request() -> None:
    """As `timeout` sends them."""
    world = World([A])
    world.step()
    world.stop()
    world.step()
    world.now_s += 0.01
    world.stop()
    assert world.step().kill == ()
    world.exit(A, 0)
    assert world.step().exit_code == 0


def test_the_members_asked_for() -> None:
    assert members_of([Role.RETRY], 4) == [B]
    assert [member.slot for member in members_of([Role.DELIVER], 3)] == [0, 1, 2]
    assert {member.role for member in members_of([], 1)} == set(Role)


def test_a_kill_waits_for_as_long_as_attempts_may_take() -> None:
    supervision = Supervision([A], stop_within_s(60.0))
    supervision.next(0.0)
    supervision.stop(0.0)

    assert supervision.next(0.0).terminate == (A,)
    assert supervision.next(61.0).kill == ()
    assert supervision.next(61.5).kill == (A,)


def test_a_short_drain_leaves_a_process_the_time_to_leave_kafka() -> None:
    assert stop_within_s(0.0) == STOP_WITHIN_S
    assert stop_within_s(8.0) == STOP_WITHIN_S


def test_a_folder_called_consumer_where_it_is_started_is_nothing_to_a_process(tmp_path: Path) -> None:
    (tmp_path / "consumer").mkdir()
    (tmp_path / "consumer" / "__init__.py").write_text("raise SystemExit('not ours')")
    root = Path(__file__).resolve().parents[3]
    environment = {"PYTHONPATH": str(root)}
    command = command_of(Member(role=Role.API, slot=0))
    # Its standard input stays open: at its end it would be told to stop, and have ten seconds for that.
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        code = child.wait(120)
        assert child.stderr is not None
        said = child.stderr.read()
    assert code == os.EX_CONFIG, said  # it got as far as to miss its settings
    assert "not ours" not in said
