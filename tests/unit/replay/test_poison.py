"""Poison records: which are meant, what is written of them, and that each is written once."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consumer.events.event import Poison, Record
from consumer.kafka.provenance import poison_headers
from consumer.kafka.republished import Republished, decode, encode
from consumer.replay.poison import PoisonFilters, PoisonRecord, Spot, described, matching, spot_of
from consumer.replay.poison_plan import (
    Plan,
    Planned,
    PoisonPlanner,
    PoisonSkip,
    Skipped,
    Way,
    is_original,
)
from consumer.replay.poison_run import PoisonSummary, replay

SOURCE = Record(
    topic="orders",
    partition=3,
    offset=17,
    key=b"k\xff",
    value=b"{",
    headers=(("a", b"\x1b"), ("b", None)),
    timestamp_ms=5,
)


def poisoned(
    offset: int = 0, source: Record = SOURCE, *, reason: str = "undecodable", at_ms: int = 100, left_out_bytes: int = 0
) -> Record:
    """The record on the poison topic."""
    whole = replace(source, value=None, headers=()) if left_out_bytes else source
    poison = Poison(reason=reason, detail="write JSON")
    return Record(
        topic="hookline.poison",
        partition=0,
        offset=offset,
        key=source.key,
        value=whole.value,
        headers=poison_headers(whole, poison, left_out_bytes=left_out_bytes),
        timestamp_ms=at_ms,
    )


def read(*records: Record, filters: PoisonFilters = PoisonFilters()) -> list[PoisonRecord]:  # noqa: B008 # frozen
    return list(matching(records, filters))


def foreign(offset: int = 9) -> Record:
    return replace(poisoned(offset), headers=(("hookline-reason", b"undecodable"),))


def test_what_was_written_twice_is_read_once_and_what_only_looks_like_it_is_not() -> None:
    assert [each.spot.offset for each in read(poisoned(0), poisoned(1, at_ms=200))] == [0]
    anew = replace(SOURCE, timestamp_ms=6)  # the topic was made anew: another record at the same place
    others = [replace(SOURCE, offset=18), replace(SOURCE, value=b"["), replace(SOURCE, key=None), anew]
    assert len(read(poisoned(0), *(poisoned(1, other) for other in others))) == 5
    assert len(read(foreign(1), foreign(2))) == 2


@pytest.mark.parametrize(
    ("filters", "offsets"),
    [
        (PoisonFilters(), [0, 1, 9]),
        (PoisonFilters(reasons=frozenset({"too_deep", "bug"})), [1]),
        (PoisonFilters(topics=frozenset({"orders"})), [0]),
        (PoisonFilters(since_ms=200), [1]),
        (PoisonFilters(until_ms=200), [0, 9]),
        (PoisonFilters(spots=frozenset({Spot("hookline.poison", 0, 9)})), [9]),
        (PoisonFilters(spots=frozenset({Spot("orders", 3, 17)})), [0]),
        (PoisonFilters(topics=frozenset({"orders"}), since_ms=200), []),
    ],
)
def test_filters_choose(filters: PoisonFilters, offsets: list[int]) -> None:
    other = replace(SOURCE, topic="crm")
    records = [poisoned(0), poisoned(1, other, reason="too_deep", at_ms=200), foreign(9)]
    assert [each.spot.offset for each in read(*records, filters=filters)] == offsets


@given(st.from_regex(r"[a-z.-]{1,9}", fullmatch=True), st.integers(0, 2**31 - 1), st.integers(0, 10**17))
def test_a_place_is_read_as_it_is_written(topic: str, partition: int, offset: int) -> None:
    spot = Spot(topic, partition, offset)
    assert spot_of(str(spot)) == spot


@pytest.mark.parametrize(
    "text", ["", "orders", "orders-1", "-1-2", "orders-x-1", "orders-1-", "o-1-²", "o-1-" + "9" * 30]
)
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="TOPIC-PARTITION-OFFSET"):
        spot_of(text)


def test_it_is_described_for_an_operator() -> None:
    [poison] = read(poisoned(4))
    shown = described(poison)
    assert (shown["place"], shown["source"], shown["reason"]) == ("hookline.poison-0-4", "orders-3-17", "undecodable")
    assert (shown["key"], shown["key_encoding"], shown["bytes"]) == ("a/8=", "base64", 1)
    assert (shown["at"], shown["source_at"]) == ("1970-01-01T00:00:00.100Z", "1970-01-01T00:00:00.005Z")
    [unknown] = read(foreign())
    assert {described(unknown)[name] for name in ("source", "topic", "partition", "offset", "reason")} == {None}


def planner(way: Way = Way(), marks: Sequence[Republished] = ()) -> PoisonPlanner:  # noqa: B008 # frozen
    return PoisonPlanner(
        marks={each.poison_id: each for each in marks},
        partitions={"orders": 4, "mended": 1, "hookline.state": 1, "crm": 2},
        is_ours=lambda name: name.startswith("hookline."),
        way=way,
    )


def planned(plan: Plan) -> Planned:
    assert isinstance(plan, Planned), plan
    return plan


def test_it_goes_back_as_it_was_to_where_it_was() -> None:
    [poison] = read(poisoned())
    plan = planned(planner().plan(poison, None, 7))
    event = plan.event
    assert (event.topic, event.partition, event.key, event.value, event.headers) == (
        "orders",
        3,
        b"k\xff",
        b"{",
        SOURCE.headers,
    )
    assert plan.mark == Republished(poison_id=poison.id, times=1, at_ms=7)
    assert decode(encode(plan.mark)) == plan.mark


def test_a_mended_value_and_another_topic_change_nothing_else() -> None:
    [poison] = read(poisoned())
    event = planned(planner(Way(value=b"", to="mended")).plan(poison, None, 7)).event
    assert (event.topic, event.partition, event.key, event.value) == ("mended", None, b"k\xff", b"")
    assert event.headers == SOURCE.headers


def test_a_partition_that_is_no_more_is_left_to_the_key() -> None:
    [poison] = read(poisoned(0, replace(SOURCE, topic="crm")))
    assert planned(planner().plan(poison, None, 7)).event.partition is None


@pytest.mark.parametrize(
    ("record", "way", "reason"),
    [
        (foreign(), Way(), PoisonSkip.SOURCE_UNKNOWN),
        (poisoned(0, replace(SOURCE, topic="hookline.state")), Way(), PoisonSkip.TOPIC_OURS),
        (poisoned(), Way(to="hookline.state"), PoisonSkip.TOPIC_OURS),
        (poisoned(0, replace(SOURCE, topic="gone")), Way(), PoisonSkip.TOPIC_MISSING),
        (poisoned(left_out_bytes=9), Way(), PoisonSkip.LEFT_OUT),
        (poisoned(left_out_bytes=9), Way(to="mended"), PoisonSkip.LEFT_OUT),
    ],
)
def test_what_cannot_go_back_is_skipped_with_its_reason(record: Record, way: Way, reason: PoisonSkip) -> None:
    [poison] = read(record)
    assert planner(way).plan(poison, None, 7) == Skipped(reason=reason)


def test_none_is_written_twice_unless_asked_again() -> None:
    [poison] = read(poisoned())
    mark = Republished(poison_id=poison.id, times=1, at_ms=1)
    assert planner(marks=[mark]).plan(poison, None, 7) == Skipped(reason=PoisonSkip.ALREADY_REPLAYED)
    again = planned(planner(Way(again=True), [mark]).plan(poison, None, 7))
    assert again.mark == Republished(poison_id=poison.id, times=2, at_ms=7)


def test_of_a_stub_the_original_is_written_or_a_mended_value() -> None:
    large = replace(SOURCE, value=b"x" * 99)
    [stub] = read(poisoned(0, large, left_out_bytes=99))
    event = planned(planner().plan(stub, large, 7)).event
    assert (event.key, event.value, event.headers) == (large.key, large.value, large.headers)
    assert planned(planner(Way(value=b"{}")).plan(stub, None, 7)).event.value == b"{}"
    assert is_original(stub, large)
    assert not is_original(stub, replace(large, timestamp_ms=6))


def run(records: Sequence[Record], *, stop_after: int | None = None) -> tuple[list[list[Planned]], PoisonSummary]:
    written: list[list[Planned]] = []
    summary = PoisonSummary()
    replay(
        read(*records),
        planner(),
        lambda _: None,
        lambda batch: written.append(list(batch)),
        stop=lambda: stop_after is not None and len(written) >= stop_after,
        summary=summary,
        now_ms=lambda: 7,
    )
    return written, summary


def test_a_run_writes_in_batches_and_counts_what_is_written() -> None:
    records = [poisoned(number, replace(SOURCE, offset=number)) for number in range(1_200)]
    written, summary = run([*records, foreign(), poisoned(5, replace(SOURCE, offset=0), left_out_bytes=9)])
    assert [len(batch) for batch in written] == [500, 500, 200]
    assert (summary.matched, summary.replayed, summary.stopped) == (1_202, 1_200, False)
    assert summary.skipped == {PoisonSkip.SOURCE_UNKNOWN: 1, PoisonSkip.LEFT_OUT: 1}
    assert summary.left_out == [Spot("orders", 3, 0)]


def test_large_ones_make_small_batches() -> None:
    records = [poisoned(number, replace(SOURCE, offset=number, value=b"x" * 5_000_000)) for number in range(3)]
    assert [len(batch) for batch in run(records)[0]] == [2, 1]


def test_a_run_that_is_stopped_writes_no_half_of_a_batch_and_says_so() -> None:
    records = [poisoned(number, replace(SOURCE, offset=number)) for number in range(1_200)]
    written, summary = run(records, stop_after=1)
    assert [len(batch) for batch in written] == [500]
    assert (summary.replayed, summary.stopped) == (500, True)
