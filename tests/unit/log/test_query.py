"""Each filter of the delivery log alone, and what is skipped unread."""

from dataclasses import replace

import pytest
from msgspec import structs

from consumer.log.entry import Ended, Entry, Trigger, pack
from consumer.log.index import Kind
from consumer.log.query import Answers, Position, Query, Row, ready

ENTRY = Entry(
    offset=7, logged_ms=10_500, begun_ms=10_000, first_ms=9_000, elapsed_ms=300, status=503, failure="", number=2,
    ended=Ended.RETRY, trigger=Trigger.REPLAY, truncated=False, tier=3, reason="", delivery="0a" * 16,
    event_type="order.paid", event_id="an id. of ours", job_id="job_1",
)  # fmt: skip
DEAD = structs.replace(ENTRY, ended=Ended.DEAD, tier=None, reason="exhausted", status=None, failure="timeout")


@pytest.mark.parametrize(
    ("query", "entry"),
    [
        (Query(), ENTRY),
        (Query(ended=frozenset({Ended.RETRY, Ended.DEAD})), ENTRY),
        (Query(answers=Answers(codes=frozenset({503}))), ENTRY),
        (Query(answers=Answers(classes=frozenset({4, 5}))), ENTRY),
        (Query(answers=Answers(none=True)), DEAD),
        (Query(reasons=frozenset({"timeout"})), DEAD),
        (Query(reasons=frozenset({"exhausted"})), DEAD),
        (Query(types=("order.*",)), ENTRY),
        (Query(types=("invoice.paid", "order.paid")), ENTRY),
        (Query(events=frozenset({"an id. of ours"})), ENTRY),
        (Query(events=frozenset({"an~20id~2E~20of~20ours"})), ENTRY),
        (Query(events=frozenset({"an~20id~2E~20of~20ours~~00ff"})), ENTRY),
        (Query(triggers=frozenset({Trigger.REPLAY})), ENTRY),
        (Query(jobs=frozenset({"job_1"})), ENTRY),
        (Query(since_ms=10_000, until_ms=10_001), ENTRY),
        (Query(slower_than_ms=299), ENTRY),
        (Query(deliveries=frozenset({"0a" * 16, "0b" * 16})), ENTRY),
    ],
)
def test_what_is_asked_for_matches(query: Query, entry: Entry) -> None:
    made = ready(query)
    assert made.could_match(pack(entry))
    assert made.matches(entry)
    assert Kind.EVENTFUL in made.kinds


@pytest.mark.parametrize(
    ("query", "entry"),
    [
        (Query(ended=frozenset({Ended.DELIVERED})), ENTRY),
        (Query(answers=Answers(codes=frozenset({500}))), ENTRY),
        (Query(answers=Answers(classes=frozenset({5}))), DEAD),
        (Query(answers=Answers(none=True)), ENTRY),
        (Query(reasons=frozenset({"tls", "expired"})), DEAD),
        (Query(types=("order",)), ENTRY),
        (Query(types=("orders.*",)), ENTRY),
        (Query(events=frozenset({"an id"})), ENTRY),
        (Query(triggers=frozenset({Trigger.EVENT})), ENTRY),
        (Query(jobs=frozenset({"job_2"})), ENTRY),
        (Query(since_ms=10_001), ENTRY),
        (Query(until_ms=10_000), ENTRY),
        (Query(slower_than_ms=300), ENTRY),
        (Query(deliveries=frozenset({"0b" * 16, "0c" * 16})), ENTRY),
        (Query(types=("order.*",), slower_than_ms=300), ENTRY),
    ],
)
def test_what_is_not_asked_for_does_not(query: Query, entry: Entry) -> None:
    made = ready(query)
    assert not (made.could_match(pack(entry)) and made.matches(entry))


def test_lists_without_a_possible_row_are_not_looked_at() -> None:
    eventful = (Kind.EVENTFUL,)
    assert ready(Query(ended=frozenset({Ended.DEAD, Ended.RETRY}))).kinds == eventful
    assert ready(Query(triggers=frozenset({Trigger.TEST}))).kinds == eventful
    assert ready(Query(reasons=frozenset({"timeout"}))).kinds == eventful
    assert ready(Query(jobs=frozenset({"job_1"}))).kinds == eventful
    assert ready(Query(ended=frozenset({Ended.DELIVERED, Ended.DEAD}))).kinds == (Kind.PLAIN, Kind.EVENTFUL)


def test_positions_are_the_order_of_a_list() -> None:
    row = Row(webhook="wh_1", partition=2, entry=ENTRY)
    later = replace(row, entry=structs.replace(ENTRY, offset=8)).position
    assert Position.from_(10_500) < later < row.position < Position.from_(10_499)
    assert row.position < replace(row, partition=3).position < replace(row, webhook="wh_2", partition=1).position
    assert row.position.logged_ms == 10_500


def test_entries_of_other_deliveries_than_those_named_are_neither_read_nor_taken() -> None:
    made = ready(Query(deliveries=frozenset({"0b" * 16, "0c" * 16})))
    other = structs.replace(ENTRY, event_id="\x0b" * 16)  # the bytes of an id elsewhere than where the id stands
    assert not made.could_match(pack(other))
    assert not made.matches(other)
