"""What is told of statistics and of the attempts that are listed."""

import pytest
from msgspec.structs import replace

from consumer.log.entry import Ended, Entry, Trigger
from consumer.log.health import Sent
from consumer.log.query import Page, Position, Row, ready
from consumer.log.stats import DAY_MS, HOUR_MS, Period, Stats
from consumer.log.stats_resource import asked, told

NOW_MS = 20_000 * DAY_MS + 5 * HOUR_MS + 7
ENTRY = Entry(
    offset=1,
    logged_ms=NOW_MS,
    begun_ms=NOW_MS - 20,
    first_ms=None,
    elapsed_ms=10,
    status=200,
    failure="",
    number=1,
    ended=Ended.DELIVERED,
    trigger=Trigger.EVENT,
    truncated=False,
    tier=None,
    reason="",
    delivery="d" * 32,
    event_type="order.paid",
    event_id="e",
)


def page(*entries: Entry, indexed_from_ms: int = 0) -> Page:
    rows = tuple(Row(webhook="wh_1", partition=0, entry=each) for each in entries)
    return Page(rows=rows, next=None, latest=Position.from_(NOW_MS), as_of_ms=NOW_MS, indexed_from_ms=indexed_from_ms)


def listed(*entries: Entry, indexed_from_ms: int = 0) -> dict[str, object]:
    shown = told("wh_1", Period.DAY, [], page(*entries, indexed_from_ms=indexed_from_ms), NOW_MS)["listed"]
    assert isinstance(shown, dict)
    return dict(shown)


def test_every_bucket_is_told_with_totals() -> None:
    stats = Stats()
    for took_ms, status in ((10.0, 200), (21.0, 503)):
        stats.count(
            Sent(
                at_ms=NOW_MS,
                logged_ms=NOW_MS,
                url="https://example.com/",
                status=status,
                failure=None,
                elapsed_ms=took_ms,
                outcome="delivered" if status == 200 else "retry",
            )
        )
    shown = told("wh_1", Period.DAY, [stats], None, NOW_MS)
    found = shown["buckets"]
    assert isinstance(found, list)
    assert (len(found), shown["period"], shown["bucketSeconds"]) == (24, "24h", 3_600)
    figures = {"delivered": 1, "failed": 1, "meanMs": 15.5, "worstMs": 21}
    assert found[-1] == {"start": "2024-10-04T05:00:00.000Z", **figures}
    nothing = {"delivered": 0, "failed": 0, "meanMs": None, "worstMs": None}
    assert found[0] == {"start": "2024-10-03T06:00:00.000Z", **nothing}
    assert (shown["totals"], shown["listed"]) == (figures, None)


def test_what_is_not_known_is_null_and_not_nothing() -> None:
    shown = told("wh_1", Period.MONTH, None, page(), NOW_MS)
    assert (shown["buckets"], shown["totals"]) == (None, None)
    assert shown["listed"] == {
        "attempts": 0, "since": None, "p50Ms": None, "p95Ms": None, "codes": [], "causes": [], "types": [],
    }  # fmt: skip


def test_shares_are_of_all_that_is_listed() -> None:
    refused = replace(ENTRY, status=401, ended=Ended.RETRY, event_type="a")
    silent = replace(ENTRY, status=None, failure="timeout", ended=Ended.DEAD, elapsed_ms=30_000, begun_ms=NOW_MS - 99)
    found = listed(ENTRY, ENTRY, refused, silent)
    assert (found["attempts"], found["since"]) == (4, "2024-10-04T04:59:59.908Z")
    assert found["codes"] == [
        {"code": "200", "attempts": 2, "share": 0.5},
        {"code": "401", "attempts": 1, "share": 0.25},
        {"code": "none", "attempts": 1, "share": 0.25},
    ]
    assert found["causes"] == [
        {"cause": "timeout", "attempts": 1, "share": 0.25},
        {"cause": "unauthorized", "attempts": 1, "share": 0.25},
    ]
    assert found["types"] == [
        {"type": "order.paid", "attempts": 3, "share": 0.75},
        {"type": "a", "attempts": 1, "share": 0.25},
    ]
    assert (found["p50Ms"], found["p95Ms"]) == (10, 10)  # no answer has no time


@pytest.mark.parametrize(("number", "half", "most"), [(1, 1, 1), (2, 1, 2), (20, 10, 19), (100, 50, 95)])
def test_percentiles(number: int, half: int, most: int) -> None:
    found = listed(*(replace(ENTRY, elapsed_ms=ms) for ms in range(number, 0, -1)))
    assert (found["p50Ms"], found["p95Ms"]) == (half, most)


def test_what_lies_behind_a_list_that_was_cut_is_left_out() -> None:
    old = replace(ENTRY, logged_ms=NOW_MS - 2, status=500, ended=Ended.RETRY)
    assert listed(ENTRY, old, indexed_from_ms=NOW_MS - 1)["attempts"] == 1
    assert listed(ENTRY, old, indexed_from_ms=NOW_MS - 2)["attempts"] == 2


def test_a_failure_of_ours_is_left_out() -> None:
    assert listed(replace(ENTRY, status=None, failure="unsignable", ended=Ended.RETRY))["attempts"] == 0


def test_a_host_that_is_not_there_and_one_that_leads_inside_are_one_cause() -> None:
    hidden = [replace(ENTRY, status=None, failure=kind, ended=Ended.RETRY) for kind in ("dns", "address_refused")]
    assert listed(*hidden)["causes"] == [{"cause": "no_public_address", "attempts": 2, "share": 1.0}]


def test_attempts_of_the_period_are_asked_for_without_tests() -> None:
    wanted = ready(asked("wh_1", Period.DAY, NOW_MS))
    first = replace(ENTRY, begun_ms=20_000 * DAY_MS - 18 * HOUR_MS)
    assert wanted.matches(first)
    assert not wanted.matches(replace(first, begun_ms=first.begun_ms - 1))
    assert not wanted.matches(replace(ENTRY, trigger=Trigger.TEST))
