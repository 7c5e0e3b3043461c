"""Retry-After: seconds, a date in each of its forms, and nonsense."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from consumer.delivery.retry_after import MOST_MS, asked_ms
from tests.deliveries import NOW_MS  # 2026-09-21T14:13:20Z
from tests.hostile.answers import RETRY_AFTER

_DATE_LIKE = st.from_regex(
    r"[A-Za-z]{3,9},? [0-9]{1,25}[ -](Jan|Feb|Foo)[ -][0-9]{0,25} [0-9]{1,3}:[0-9]{2}:[0-9]{2} ?(GMT|[+-][0-9]{4,25})?",
    fullmatch=True,
)


@given(st.sampled_from(RETRY_AFTER) | _DATE_LIKE | st.text(max_size=40), st.integers(0, 2**62))
@example("Mon, 1 Jan 99999999999999999999 00:00:00 GMT", NOW_MS)
@example("9" * 5_000, NOW_MS)
@example("Fri, 31 Dec 9999 23:59:60 GMT", 0)
def test_any_value_is_a_wait_or_none(value: str, now_ms: int) -> None:
    asked = asked_ms(value, now_ms)
    assert asked is None or 0 <= asked <= MOST_MS


@pytest.mark.parametrize(
    ("value", "asked"),
    [
        ("0", 0),
        (" 7 ", 7_000),
        ("120", 120_000),
        ("0" * 400 + "5", 5_000),
        ("9" * 400, MOST_MS),
        ("Mon, 21 Sep 2026 14:13:30 GMT", 10_000),
        ("mon, 21 sep 2026 14:13:30 gmt", 10_000),
        ("Mon, 21 Sep 2026 14:13:30", 10_000),
        ("Mon, 21 Sep 2026 14:13:30 UTC", 10_000),
        ("Mon, 21 Sep 2026 14:13:30 -0000", 10_000),
        ("Monday, 21-Sep-26 14:13:30 GMT", 10_000),
        ("Monday, 21-Sep-99 14:13:30 GMT", 0),
        ("Mon Sep 21 14:13:30 2026", 10_000),
        ("Tue Sep  1 14:13:30 2026", 0),
        ("Mon, 21 Sep 2026 14:13:60 GMT", 39_000),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MOST_MS),
        ("Mon, 01 Jan 0001 00:00:00 GMT", 0),
    ],
)
def test_seconds_and_dates_are_read(value: str, asked: int) -> None:
    assert asked_ms(value, NOW_MS) == asked


@pytest.mark.parametrize(
    "value",
    [
        "",
        "-1",
        "+5",
        "1.5",
        "1e3",
        "5, 10",
        "٣",
        "²",
        "1_000",
        "soon",
        "Mon, 1 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 21 Sep 2026 14:13:30 +99999999999999999999",
        "Mon, 21 Sep 2026 14:13:30 EST",
        "Mon, 99 Sep 2026 14:13:30 GMT",
        "Thu, 29 Feb 2026 00:00:00 GMT",
        "Mon, 01 Jan 0000 00:00:00 GMT",
        "Mon, 21 Sep 2026 99:99:99 GMT",
        "2026-09-21T14:13:30Z",
        "Mon, ٢١ Sep 2026 14:13:30 GMT",
    ],
)
def test_nonsense_is_ignored(value: str) -> None:
    assert asked_ms(value, NOW_MS) is None
