"""RFC 3339, all of it and nothing else."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.events.decode import decode
from consumer.events.event import Event
from consumer.events.rules import EventRules
from consumer.events.schema import Schemas
from consumer.events.times import FIRST_MS, LAST_MS, milliseconds
from consumer.signing.timestamps import rfc3339
from tests.strategies import record

DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:00z", 0),
        ("1970-01-01T00:00:00-00:00", 0),
        ("1970-01-01T23:59:00+23:59", 0),
        ("1969-12-31T00:01:00-23:59", 0),
        ("1970-01-01T00:00:00.1Z", 100),
        ("1970-01-01T00:00:00.9999999999999999999999Z", 999),
        ("1969-12-31T23:59:59.9995Z", -1),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        ("2016-12-31T23:59:60.25Z", 1_483_228_800_250),
        ("2017-01-01T08:59:60+09:00", 1_483_228_800_000),
        ("2015-06-30T23:59:60Z", 1_435_708_800_000),
        ("2000-02-29T00:00:00Z", 951_782_400_000),
        ("0000-01-01T00:00:00Z", FIRST_MS),
        ("0000-02-29T00:00:00Z", FIRST_MS + 59 * DAY_MS),
        ("0001-01-01T00:00:00Z", FIRST_MS + 366 * DAY_MS),
        ("9999-12-31T23:59:59.999Z", LAST_MS),
    ],
)
def test_what_is_a_time(text: str, ms: int) -> None:
    assert milliseconds(text) == ms


@pytest.mark.parametrize(
    "text",
    """
    1970-01-01 00:00:00Z|1970-01-01T00:00:00|1970-01-01T00:00:00+0000|1970-01-01T00:00:00+00|1970-01-01T00:00Z
    1970-01-01T00:00:00.Z|1970-01-01T00:00:00,5Z|1970-01-01T24:00:00Z|1970-01-01T00:60:00Z|1970-01-01T00:00:61Z
    1970-01-01T00:00:60Z|2016-12-30T23:59:60Z|2016-12-31T23:59:60+01:00|1970-13-01T00:00:00Z|1970-00-01T00:00:00Z
    1970-01-00T00:00:00Z|1970-01-32T00:00:00Z|2026-02-29T00:00:00Z|1900-02-29T00:00:00Z|1970-01-01T00:00:00+24:00
    1970-01-01T00:00:00+00:60|70-01-01T00:00:00Z|+1970-01-01T00:00:00Z|-0001-01-01T00:00:00Z|10000-01-01T00:00:00Z
    0000-01-01T00:00:00+00:01|9999-12-31T23:59:59-00:01|9999-12-31T23:59:60Z|1970-W01-1T00:00:00Z|19700101T000000Z
    ١٩٧٠-01-01T00:00:00Z|1970-01-01T00:00:00Zulu|1970-01-01|now|0|1970-01-01T00:00:00.४Z
    """.strip().replace("\n    ", "|").split("|"),
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    assert milliseconds(text) is None


@pytest.mark.parametrize("text", ["", " 1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z\n"])
def test_nothing_stands_beside_a_time(text: str) -> None:
    assert milliseconds(text) is None


@given(
    st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)),  # noqa: DTZ001 # its zone is drawn
    st.integers(-23 * 60 - 59, 23 * 60 + 59),
)
def test_every_instant_of_the_calendar(moment: datetime, minutes: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    ms = milliseconds(aware.isoformat())
    assert ms == (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert milliseconds(rfc3339(ms)) == ms


@given(st.integers(FIRST_MS, LAST_MS) | st.integers(FIRST_MS, FIRST_MS + 400 * DAY_MS))
def test_what_is_written_is_read_back(ms: int) -> None:
    assert milliseconds(rfc3339(ms)) == ms


@pytest.mark.parametrize("ms", [-1, -(2**63), 2**63 - 1])
def test_the_time_of_a_record_is_written_whatever_it_is(ms: int) -> None:
    assert milliseconds(rfc3339(ms)) is not None


@pytest.mark.parametrize("ending", ["t00:00:00z", "T00:00:00.123456789+00:00"])
def test_the_envelope_reads_the_same_times(ending: str) -> None:
    found = decode(
        record(b'{"type":"a","tenant":"t","time":"0000-01-01%s"}' % ending.encode()), Schemas(), EventRules()
    )
    assert isinstance(found, Event), found
    assert FIRST_MS <= found.time_ms < FIRST_MS + 1_000
