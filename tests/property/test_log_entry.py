"""The laws of a packed entry of the delivery log's index."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consumer.delivery.answer import FailureKind
from consumer.delivery.outcome import DeathReason
from consumer.log.entry import (
    BEGUN_MOST_MS,
    ELAPSED_MOST_MS,
    HEAD_BYTES,
    NUMBER_MOST,
    Ended,
    Entry,
    Trigger,
    moved,
    offset_of,
    pack,
    unpack,
)

OFFSETS = st.integers(0, 2**48 - 1)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=300)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    """Entries whose numbers fit their places."""
    ended = draw(st.sampled_from(Ended))
    logged_ms = draw(st.integers(BEGUN_MOST_MS, 253_402_300_799_999))
    status = draw(st.none() | st.integers(100, 999))
    number = draw(st.integers(0, NUMBER_MOST))
    begun_ms = logged_ms - draw(st.integers(0, BEGUN_MOST_MS))
    first_ms = draw(st.none() | st.integers(begun_ms - BEGUN_MOST_MS, begun_ms))
    return Entry(
        offset=draw(OFFSETS),
        logged_ms=logged_ms,
        begun_ms=begun_ms,
        first_ms=begun_ms if number == 1 else first_ms,
        elapsed_ms=draw(st.integers(0, ELAPSED_MOST_MS)),
        status=status,
        failure="" if status is not None else str(draw(st.sampled_from(FailureKind))),
        number=number,
        ended=ended,
        trigger=draw(st.sampled_from(Trigger)),
        truncated=draw(st.booleans()),
        tier=draw(st.none() | st.integers(0, 254)) if ended is Ended.RETRY else None,
        reason=str(draw(st.sampled_from(DeathReason))) if ended is Ended.DEAD else "",
        delivery=draw(st.binary(min_size=16, max_size=16)).hex(),
        event_type=draw(TEXTS),
        event_id=draw(TEXTS),
        job_id=draw(st.text("abcxyz_0123456789", max_size=40)),
    )


@given(entries())
def test_an_entry_read_back_is_equal_to_what_was_packed(entry: Entry) -> None:
    assert unpack(pack(entry)) == entry


@given(entries(), OFFSETS)
def test_packed_entries_compare_in_the_order_of_their_offsets(entry: Entry, offset: int) -> None:
    one, other = pack(entry), pack(replace(entry, offset=offset))
    assert offset_of(other) == offset
    assert (one < other) == (entry.offset < offset)


@given(entries(), st.integers(256, 10_000), st.integers(65_536, 10**12))
def test_what_is_too_large_for_its_place_stands_there_as_its_largest(entry: Entry, number: int, elapsed: int) -> None:
    read = unpack(pack(replace(entry, number=number, elapsed_ms=elapsed, begun_ms=entry.logged_ms - elapsed)))
    assert read.number == NUMBER_MOST
    assert read.elapsed_ms == ELAPSED_MOST_MS
    assert read.begun_ms == entry.logged_ms - min(elapsed, BEGUN_MOST_MS)


@given(entries(), st.data())
def test_bytes_that_end_too_early_are_no_entry_or_one_of_shorter_texts(entry: Entry, data: st.DataObject) -> None:
    packed = pack(entry)
    cut = packed[: data.draw(st.integers(0, len(packed) - 1))]
    if len(cut) < HEAD_BYTES + (0 if entry.job_id else len(entry.event_type.encode())):
        with pytest.raises(ValueError, match=r"cut|shorter"):
            unpack(cut)


@given(entries(), st.integers(-10_000, 10_000))
def test_an_entry_logged_at_another_time_is_the_same_otherwise(entry: Entry, by_ms: int) -> None:
    logged_ms = max(0, entry.logged_ms + by_ms)
    begun_ms = min(max(entry.begun_ms, logged_ms - BEGUN_MOST_MS), logged_ms)
    first_ms = None if entry.first_ms is None else begun_ms - (entry.begun_ms - entry.first_ms)
    assert unpack(moved(pack(entry), logged_ms)) == replace(
        entry, logged_ms=logged_ms, begun_ms=begun_ms, first_ms=first_ms
    )


def test_a_word_of_another_version_is_kept_as_other() -> None:
    entry = Entry(
        offset=1, logged_ms=2, begun_ms=1, first_ms=1, elapsed_ms=1, status=None, failure="sunspots", number=1,
        ended=Ended.DEAD,
        trigger=Trigger.EVENT, truncated=False, tier=None, reason="boredom", delivery="00" * 16,
        event_type="a", event_id="b",
    )  # fmt: skip
    read = unpack(pack(entry))
    assert (read.failure, read.reason) == ("other", "other")


@given(entries())
def test_only_a_first_try_of_an_event_that_was_accepted_is_plain(entry: Entry) -> None:
    expected = (entry.ended, entry.number, entry.trigger) == (Ended.DELIVERED, 1, Trigger.EVENT)
    assert entry.plain == expected
