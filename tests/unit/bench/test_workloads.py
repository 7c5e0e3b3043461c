"""What is made of the rounds, and whom the events of an audience are for."""

import json
from collections import Counter

from bench import workloads
from bench.audience import Audience, hundred
from bench.workloads import USUAL, WORKLOADS


def test_a_workload_is_told_by_the_middle_of_its_rounds() -> None:
    costs = {USUAL: [40.0, 42.0, 41.0], "tls": [82.0, 60.0, 44.0], "bytes_64k": [100.0]}
    found = workloads.told(costs, {"tls": [2.0, 1.5, 1.1], "bytes_64k": [2.5]}, {"bytes_64k": "it stalled"})
    assert found == {
        "usual_us": 41.0,
        "tls_us": 60.0,
        "tls_times": 1.5,
        "tls_range": [1.1, 2.0],
        "not_comparable": {"bytes_64k": "it stalled"},
    }
    table = workloads.table(found | {"rounds": 3, "events": 40_000})
    assert "3 rounds, 40,000 events" in table
    assert f"| {WORKLOADS['tls'].words} | 60.0 | 1.5 | 1.1, 2.0 |" in table
    assert WORKLOADS["bytes_64k"].words not in table


def test_an_event_is_for_as_many_webhooks_as_its_audience_says() -> None:
    audience = Audience(name="wh", webhooks=200, tenants=2, url=str, fan_out=10)
    wanting = Counter((audience.tenant(each), audience.event_type(each)) for each in range(audience.webhooks))
    events = [json.loads(audience.event(number)) for number in range(audience.groups)]
    assert {wanting[each["tenant"], each["type"]] for each in events} == {10}
    assert len({(each["tenant"], each["type"]) for each in events}) == 20


def test_an_event_has_the_size_that_is_asked_for() -> None:
    for wanted in (1_024, 65_536):
        audience = Audience(name="wh", webhooks=1, tenants=1, url=str, event_bytes=wanted)
        assert len(audience.event(3)) == wanted
    assert len(hundred("").event(3)) == 1_024
