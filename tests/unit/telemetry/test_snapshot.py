import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.telemetry.buckets import Buckets
from consumer.telemetry.snapshot import MOST_BYTES, Frames, Reading, Snapshot, SnapshotBroken, framed

TEXTS = st.text(max_size=8)
SNAPSHOTS = st.builds(
    Snapshot,
    lacks=st.lists(TEXTS, max_size=2).map(tuple),
    values=st.lists(st.tuples(TEXTS, st.lists(TEXTS, max_size=2).map(tuple), st.floats(0, 1e9)), max_size=3).map(tuple),
    histograms=st.just(()),
)


@given(st.lists(SNAPSHOTS, max_size=4), st.integers(1, 50))
def test_what_was_sent_comes_out_in_whatever_pieces(sent: list[Snapshot], size: int) -> None:
    stream = b"".join(map(framed, sent))
    frames, came = Frames(), list[Snapshot]()
    for start in range(0, len(stream), size):
        came += frames.feed(stream[start : start + size])

    assert came == sent


def test_half_a_snapshot_is_none() -> None:
    whole = framed(Snapshot(lacks=("a",), values=(), histograms=()))
    assert list(Frames().feed(whole[:-1])) == []


@pytest.mark.parametrize("stream", [(MOST_BYTES + 1).to_bytes(4, "big"), b"\0\0\0\x01\xc1", b"\0\0\0\x02\x91\x01"])
def test_what_is_no_snapshot_is_found_broken(stream: bytes) -> None:
    with pytest.raises(SnapshotBroken):
        list(Frames().feed(stream))


def test_a_role_s_counters_are_there_before_they_count() -> None:
    told = {(name, labels): value for name, labels, value in Reading("deliver").snapshot(()).values}

    assert told["hookline_offset_gaps_total", ()] == 0
    assert told["hookline_events_total", ("poison",)] == 0
    assert not [name for name, _ in told if name.startswith("hookline_subscriptions_applied")]


def test_the_parts_of_a_sum_are_added() -> None:
    reading = Reading("jobs")
    reading.more("hookline_produce_failed_total", 2, "TIMED_OUT")
    reading.more("hookline_produce_failed_total", 3, "TIMED_OUT")
    reading.value("hookline_leader", False)
    reading.value("hookline_leader", True)
    buckets = Buckets((1.0,))
    buckets.observe(0.5)
    reading.histogram("hookline_loop_turn_seconds", buckets)

    [snapshot] = Frames().feed(framed(reading.snapshot(("no",))))
    told = {(name, labels): value for name, labels, value in snapshot.values}
    assert told["hookline_produce_failed_total", ("TIMED_OUT",)] == 5
    assert told["hookline_leader", ()] == 1
    assert snapshot.histograms == (("hookline_loop_turn_seconds", (), (1, 0), 0.5),)
    assert snapshot.lacks == ("no",)
