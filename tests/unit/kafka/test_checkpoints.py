from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from consumer.delivery.offsets import Position
from consumer.kafka.checkpoints import Checkpoints

A, B = ("orders", 0), ("orders", 1)
COMMITTED = Position(5, "v2|5|a map")
LATER = Position(9, "v2|9|a longer map")

Members = Callable[[str], Checkpoints]


@pytest.fixture
def member(tmp_path: Path) -> Iterator[Members]:
    """Opens the checkpoints of a member of this machine's."""
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(closing(Checkpoints(tmp_path, name)))


def test_a_checkpoint_stands_in_for_what_it_was_made_on(member: Members) -> None:
    member("one").keep(A, LATER, [COMMITTED])
    next_one = member("one")
    assert next_one.newest({A: COMMITTED, B: COMMITTED}) == {A: LATER, B: COMMITTED}


@pytest.mark.parametrize(
    "committed",
    [
        Position(7, COMMITTED.metadata),  # another owner went on
        Position(5, "v2|5|another map"),
        Position(5),  # reset, to the very offset
        Position(3, COMMITTED.metadata),
    ],
)
def test_it_stands_in_for_nothing_else(member: Members, committed: Position) -> None:
    member("one").keep(A, LATER, [COMMITTED])
    assert member("one").newest({A: committed}) == {A: committed}


def test_a_log_that_begins_has_none(member: Members) -> None:
    """It may be another log: its topic, or the group's offsets, were deleted."""
    member("one").keep(A, LATER, [Position(0)])
    assert member("one").newest({A: Position(0)}) == {A: Position(0)}


def test_what_is_committed_needs_none(member: Members) -> None:
    one = member("one")
    one.keep(A, LATER, [COMMITTED])
    one.keep(B, LATER, [COMMITTED])
    one.clear(A)
    one.clear(("never kept", 0))
    assert member("two").newest({A: COMMITTED, B: COMMITTED}) == {A: COMMITTED, B: LATER}
    again = member("one")
    again.keep(A, LATER, [COMMITTED])
    assert again.newest({A: COMMITTED, B: COMMITTED}) == {A: LATER, B: LATER}


def test_what_may_have_been_committed_counts_like_what_is(member: Members) -> None:
    asked = Position(6)
    member("one").keep(A, LATER, [COMMITTED, asked])
    for committed in (COMMITTED, asked):
        assert member("two").newest({A: committed}) == {A: LATER}


def test_of_the_members_of_a_machine_the_one_that_came_furthest_is_believed(member: Members) -> None:
    one, two = member("one"), member("two")
    one.keep(A, LATER, [COMMITTED])
    two.keep(A, Position(8), [COMMITTED])
    two.keep(B, LATER, [COMMITTED])
    assert member("two").newest({A: COMMITTED, B: COMMITTED}) == {A: LATER, B: LATER}


@given(at=st.integers(0, 140), byte=st.integers(0, 255))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_torn_one_is_ignored_and_its_neighbours_are_not(member: Members, tmp_path: Path, at: int, byte: int) -> None:
    one = member("one")
    one.keep(A, LATER, [COMMITTED])
    one.keep(B, LATER, [COMMITTED])
    content = bytearray((tmp_path / "one").read_bytes())
    content[at] = byte
    (tmp_path / "one").write_bytes(content)
    found = one.newest({A: COMMITTED, B: COMMITTED})
    assert found[A] in {COMMITTED, LATER}
    assert found[B] == LATER


def test_a_restarted_member_writes_beside_what_it_found(member: Members, tmp_path: Path) -> None:
    member("one").keep(A, LATER, [COMMITTED])
    with (tmp_path / "one").open("ab") as file:
        file.write(b"cut off")
    again = member("one")
    again.keep(B, LATER, [COMMITTED])
    again.keep(A, Position(10), [LATER])
    assert again.newest({A: LATER, B: COMMITTED}) == {A: Position(10), B: LATER}
    assert again.newest({A: COMMITTED}) == {A: COMMITTED}


def test_a_file_does_not_grow_with_every_restart(member: Members, tmp_path: Path) -> None:
    for _ in range(3):
        one = member("one")
        one.keep(A, LATER, [COMMITTED])
        one.keep(B, LATER, [COMMITTED])
        one.clear(A)
    assert (tmp_path / "one").stat().st_size < 3 * 8_192


def test_a_disk_that_refuses_is_told_once_and_stops_nothing(member: Members) -> None:
    one = member("one")
    with Path("/dev/full").open("r+b", buffering=0) as full, capture_logs() as told:
        one._file, own = full, one._file
        for offset in range(3):
            one.keep(A, Position(offset), [])
        one._file = own
    one.keep(A, LATER, [COMMITTED])
    assert [line["event"] for line in told] == ["checkpoints failing"]
    assert one.newest({A: COMMITTED}) == {A: LATER}
