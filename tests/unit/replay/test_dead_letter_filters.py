from dataclasses import replace

import pytest

from consumer.replay.filters import Filters, moment_ms
from tests.dead_letters import dead_letter

NOON_MS = 1_769_860_800_000  # 2026-01-31T12:00:00Z

dead = dead_letter(type_="order.created", reason="gone", failed_at_ms=NOON_MS)
delivery = dead.delivery


@pytest.mark.parametrize(
    ("filters", "matches"),
    [
        (Filters(), True),
        (Filters(ids=frozenset({delivery.id})), True),
        (Filters(ids=frozenset({"other"})), False),
        (Filters(webhooks=frozenset({"wh_1", "wh_2"})), True),
        (Filters(webhooks=frozenset({"wh_2"})), False),
        (Filters(tenants=frozenset({"acme"})), True),
        (Filters(tenants=frozenset({"acm"})), False),
        (Filters(types=("order.created",)), True),
        (Filters(types=("order.*",)), True),
        (Filters(types=("*",)), True),
        (Filters(types=("ord*",)), False),
        (Filters(types=("order",)), False),
        (Filters(types=("user.*", "order.created")), True),
        (Filters(reasons=frozenset({"gone"})), True),
        (Filters(reasons=frozenset({"exhausted"})), False),
        (Filters(since_ms=NOON_MS), True),
        (Filters(since_ms=NOON_MS + 1), False),
        (Filters(until_ms=NOON_MS), False),
        (Filters(until_ms=NOON_MS + 1), True),
        (Filters(tenants=frozenset({"acme"}), reasons=frozenset({"exhausted"})), False),
    ],
)
def test_a_dead_letter_matches_when_every_filter_holds(filters: Filters, matches: bool) -> None:
    assert filters.match(dead) is matches


def test_no_filter_is_false_and_any_filter_is_true() -> None:
    assert not Filters()
    assert Filters(since_ms=0)
    assert replace(Filters(), tenants=frozenset({"a"}))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T12:00:00Z", NOON_MS),
        ("2026-01-31T13:00:00.250+01:00", NOON_MS + 250),
        ("2026-01-31t12:00:00z", NOON_MS),
        ("2026-01-31 12:00:00.123456789-00:00", NOON_MS + 123),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        ("2026-01-31", NOON_MS - 43_200_000),
        ("1970-01-01", 0),
        ("0001-01-01T00:00:00+23:59", 0),
        ("99999d", 0),
        ("9999999999999999999d", 0),
        ("9" * 5_000 + "d", 0),
        ("2h", NOON_MS - 7_200_000),
        ("250ms", NOON_MS - 250),
    ],
)
def test_a_moment_is_rfc_3339_or_how_long_ago(text: str, moment: int) -> None:
    assert moment_ms(text, NOON_MS) == moment


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "2026-01-31T12:00:00",
        "2026-02-30",
        "20260131T120000Z",
        "2026-W05-6T12:00:00Z",
        "2026-01-31T12:00Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T11:59:60Z",
        "2026-01-31  12:00:00Z",
        "2026-01-31T12:00:00+0100",
        "2026-01-31T12:00:00,5Z",
        "\u0662\u0660\u0662\u0666-01-31",
        "-2h",
        "12",
        "",
    ],
)
def test_what_is_no_moment_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="2026-01-31T12:00:00Z"):
        moment_ms(text, NOON_MS)
