"""What the laws of capacity measure by: the work needed, and outages."""

import pytest

from tests.simulation.capacity.case import Endpoint, Flow, Outage, Webhook, ideal, share

_SECOND_MS = 1_000


def test_a_burst_at_a_rate_limit_takes_as_long_as_the_limit_has_it() -> None:
    ends = ideal(Webhook(flows=(Flow(count=31),), rate_per_s=3.0, endpoint=Endpoint(takes_ms=40)), at_once=32)
    assert ends[0] == 40
    assert ends[-1] == pytest.approx(10_040, abs=2)


def test_what_an_endpoint_takes_is_bounded_by_whoever_has_the_fewest_places() -> None:
    slow = Endpoint(takes_ms=8_000)
    assert ideal(Webhook(flows=(Flow(count=6_001),), endpoint=slow), at_once=32)[-1] == 1_508_000
    few = Webhook(flows=(Flow(count=5),), max_concurrency=2, endpoint=Endpoint(takes_ms=1_000))
    assert ideal(few, at_once=32)[-1] == 3_000
    line = Webhook(flows=(Flow(count=5),), endpoint=Endpoint(takes_ms=1_000, at_once=1))
    assert ideal(line, at_once=32)[-1] == 5_000


def test_an_outage_moves_the_work_behind_its_end() -> None:
    outage = Outage(from_ms=0, for_ms=60 * _SECOND_MS)
    webhook = Webhook(flows=(Flow(count=2),), rate_per_s=1.0, endpoint=Endpoint(takes_ms=40, outages=(outage,)))
    assert ideal(webhook, at_once=32) == [60_040, 61_040]


def test_an_outage_that_comes_again_is_over_again() -> None:
    outage = Outage(from_ms=10, for_ms=5, every_ms=100)
    assert [outage.holds(at_ms) for at_ms in (9, 10, 14, 15, 109, 110, 115)] == [
        False,
        True,
        True,
        False,
        False,
        True,
        False,
    ]
    assert outage.over_ms(112) == 115
    assert [outage.last_over_ms(at_ms) for at_ms in (9, 15, 109, 115, 900)] == [-1, 15, 15, 115, 815]


def test_an_endpoint_becomes_faster_when_its_time_has_come() -> None:
    endpoint = Endpoint(takes_ms=900, changes=((1_000, 10),))
    assert [endpoint.takes_at(at_ms) for at_ms in (0, 999, 1_000)] == [900, 900, 10]


def test_a_share_is_a_value_that_occurs() -> None:
    assert share([], 0.5) == 0
    assert share([3, 1, 2, 4], 0.5) == 3
    assert share([3, 1, 2, 4], 1.0) == 4
