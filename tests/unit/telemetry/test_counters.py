import threading
import time
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from consumer.telemetry.count import Count
from consumer.telemetry.counters import Counters, grown, report

COUNTS = st.lists(
    st.tuples(st.sampled_from(get_args(Count)), st.integers(1, 9), st.sampled_from(["", "paused", "gone"]))
)


@given(COUNTS, COUNTS)
def test_what_grew_is_what_was_counted_between(
    first: list[tuple[Count, int, str]], then: list[tuple[Count, int, str]]
) -> None:
    counters, between = Counters(), Counters()
    for count, number, reason in first:
        counters.add(count, number, reason=reason)
    before = counters.snapshot()
    for count, number, reason in then:
        counters.add(count, number, reason=reason)
        between.add(count, number, reason=reason)

    assert grown(before, counters.snapshot()) == between.snapshot()


def test_a_reason_is_part_of_the_name() -> None:
    counters = Counters()
    counters.add("commits_failed", reason="paused")
    counters.add("attempts", 2)

    assert counters.snapshot() == {"commits_failed{paused}": 1, "attempts": 2}


def test_a_line_is_written_only_when_something_changed() -> None:
    counters, ended = Counters(), threading.Event()
    with capture_logs() as lines:
        thread = threading.Thread(target=report, args=(ended,), kwargs={"every_s": 0.01, "of": counters})
        thread.start()
        counters.add("attempts")
        time.sleep(0.1)
        counters.add("attempts")
        ended.set()
        thread.join()

    assert [line["event"] for line in lines] == ["counters", "counters"]
    assert lines[-1]["total"] == {"attempts": 2}
    assert lines[-1]["increase"] == {"attempts": 1}
