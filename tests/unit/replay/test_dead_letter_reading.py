from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from consumer.delivery.delivery import DeadLetter
from consumer.events.event import Record
from consumer.kafka.records import encode_dead_letter
from consumer.replay.dead_letters import Lying, described, lying, matching
from consumer.replay.filters import Filters
from tests.dead_letters import dead_letter


def record(value: bytes | None, offset: int = 0) -> Record:
    return Record(topic="dead-letter", partition=0, offset=offset, key=b"wh_1", value=value, headers=(), timestamp_ms=1)


def test_each_delivery_id_is_read_once_and_the_first_record_holds() -> None:
    first = dead_letter(1)
    again = replace(first, reason="expired")
    other = dead_letter(2)
    records = [record(encode_dead_letter(each)) for each in (first, again, other, first)]
    found = list(matching(records, Filters()))
    assert [each.delivery.id for each in found] == [first.delivery.id, other.delivery.id]
    assert found[0].reason == "exhausted"


def test_records_that_are_none_are_passed_over() -> None:
    good = dead_letter()
    records = [record(None), record(b"\xc3\x01garbage"), record(b""), record(encode_dead_letter(good))]
    assert [each.delivery.id for each in matching(records, Filters())] == [good.delivery.id]


def test_it_reads_no_further_than_asked() -> None:
    def endless() -> Iterator[Record]:
        number = 0
        while True:
            number += 1
            yield record(encode_dead_letter(dead_letter(number)))

    stream = matching(endless(), Filters())
    assert next(iter(stream)).delivery.event.id == "e1"


def test_where_they_lie_is_told_without_what_they_hold_and_no_further_than_they_are_named() -> None:
    first, second = dead_letter(1), replace(dead_letter(2), left_out_bytes=7)
    unread = replace(record(b"\xc3\x01garbage", 1), key=b"wh_2")

    def records() -> Iterator[Record]:
        yield record(encode_dead_letter(first), 0)
        yield unread
        yield record(encode_dead_letter(first), 2)
        yield record(encode_dead_letter(dead_letter(3)), 3)
        yield record(encode_dead_letter(second), 4)
        raise AssertionError("all that were named are found")

    filters = Filters(ids=frozenset({first.delivery.id, second.delivery.id}), webhooks=frozenset({"wh_1"}))
    assert list(lying(records(), filters)) == [
        Lying(first.delivery.id, "wh_1", "dead-letter", 0, 0, left_out=False),
        Lying(second.delivery.id, "wh_1", "dead-letter", 0, 4, left_out=True),
    ]
    assert len(list(lying([record(encode_dead_letter(each)) for each in (first, second)], Filters()))) == 2


def test_whoever_names_ids_reads_no_further_than_the_last_of_them() -> None:
    wanted = dead_letter(2)

    def records() -> Iterator[Record]:
        yield record(encode_dead_letter(dead_letter(1)))
        yield record(encode_dead_letter(wanted))
        raise AssertionError("all that were named are found")

    assert list(matching(records(), Filters(ids=frozenset({wanted.delivery.id})))) == [wanted]


@pytest.mark.parametrize(
    "filters",
    [
        Filters(tenants=frozenset({"acme"})),
        Filters(tenants=frozenset({"acme", "umbrella"}), webhooks=frozenset({"wh_2"})),
        Filters(tenants=frozenset({"ac"})),
        Filters(ids=frozenset(dead_letter(number, "wh_2").delivery.id for number in (3, 5))),
        Filters(ids=frozenset(dead_letter(number).delivery.id for number in range(40))),
        Filters(types=("a.b",)),
    ],
)
def test_what_is_passed_over_undecoded_is_not_meant(filters: Filters) -> None:
    letters = [
        dead_letter(number, f"wh_{number % 3}", tenant=("acme", "umbrella", "acme2")[number % 3])
        for number in range(30)
    ]
    records = [
        replace(record(encode_dead_letter(each)), key=each.delivery.subscription_id.encode()) for each in letters
    ]
    assert list(matching(records, filters)) == [each for each in letters if filters.match(each)]


def test_another_tenant_s_record_is_not_even_decoded() -> None:
    records = [record(b"\xc3\x01garbage of umbrella"), record(encode_dead_letter(dead_letter()))]
    with capture_logs() as told:
        assert len(list(matching(records, Filters(tenants=frozenset({"acme"}))))) == 1
    assert told == []
    with capture_logs() as told:
        assert len(list(matching(records, Filters()))) == 1
    assert [each["event"] for each in told] == ["not a dead letter"]


def test_an_operators_record_holds_what_was_promised() -> None:
    shown = described(dead_letter(7, failed_at_ms=1_769_860_800_000))
    assert shown["failed_at"] == "2026-01-31T12:00:00.000Z"
    assert shown["first_attempt_at"] == "1970-01-01T00:00:00.002Z"
    assert (shown["event_id"], shown["tenant"], shown["webhook"], shown["type"]) == ("e7", "acme", "wh_1", "a.b")
    assert (shown["reason"], shown["attempts"], shown["last_status"]) == ("exhausted", 8, 500)
    assert (shown["topic"], shown["partition"], shown["offset"]) == ("events", 0, 7)
    assert "body" not in shown


def test_a_dead_letter_without_attempts_has_no_times_of_them() -> None:
    dead: DeadLetter = dead_letter()
    unattempted = replace(dead.delivery, attempts=0, first_attempt_ms=None, last_attempt_ms=None, last_status=None)
    shown = described(replace(dead, delivery=unattempted))
    assert (shown["first_attempt_at"], shown["last_attempt_at"], shown["last_status"]) == (None, None, None)
