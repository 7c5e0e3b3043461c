"""A bug of ours in reading one record of a topic that all customers share costs that record, and is told."""

from collections.abc import Callable

import pytest
import structlog

from consumer.control.canary import Canaries
from consumer.control.directory import Directory
from consumer.control.errands import Errands
from consumer.control.key_directory import KeyDirectory
from consumer.events.event import Record
from consumer.replay.dead_letters import matching
from consumer.replay.filters import Filters
from consumer.telemetry.bugs import decoded
from consumer.telemetry.counters import counters, grown
from consumer.wire import RecordCorrupt

WORDS = "hunter2"  # as a payload may hold


class Trap(bytes):
    """Bytes that no decoder has thought of."""

    def __getitem__(self, _at: object) -> bytes:  # type: ignore[override] # it gives nothing
        raise ZeroDivisionError(WORDS)


def record(key: bytes) -> Record:
    return Record(topic="state", partition=3, offset=7, key=key, value=Trap(b"a" * 40), headers=(), timestamp_ms=0)


def dead_letters(trapped: Record) -> None:
    assert list(matching([trapped], Filters())) == []


FOLDS: list[tuple[bytes, Callable[[Record], object]]] = [
    (b"wh_1", Directory().apply),
    (b"key:0000000000000001", KeyDirectory().apply),
    (b"errand:00", Errands().apply),
    (b"canary:k1", Canaries().apply),
    (b"wh_1", dead_letters),
]


@pytest.mark.parametrize(("key", "fold"), FOLDS)
def test_a_record_that_raises_is_passed_over_and_told_by_its_place(
    key: bytes, fold: Callable[[Record], object]
) -> None:
    before = counters.snapshot()
    with structlog.testing.capture_logs() as said:
        fold(record(key))
    [bug] = [each for each in said if each["event"] == "bug contained"]
    assert (bug["topic"], bug["partition"], bug["offset"], bug["log_level"]) == ("state", 3, 7, "error")
    assert bug["where"].startswith("ZeroDivisionError in decode at ")
    assert grown(before, counters.snapshot()) == {"bugs{decode}": 1}
    assert not any(WORDS in str(each) for each in said)


def test_what_a_decoder_refuses_is_no_bug_and_a_process_without_memory_is_not_contained() -> None:
    def refuse(_value: bytes) -> None:
        raise RecordCorrupt("no such schema")

    def exhausted(_value: bytes) -> None:
        raise MemoryError

    with structlog.testing.capture_logs() as said, pytest.raises(RecordCorrupt, match="no such schema"):
        decoded(record(b""), refuse, b"")
    assert said == []
    with pytest.raises(MemoryError):
        decoded(record(b""), exhausted, b"")
