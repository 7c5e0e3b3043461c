"""How much the keys of a partition are sent: each goes at its own pace, whoever else fails."""

import pytest

from tests.order_flow import Flow, Hook

RETRIES_S = 1.1 * (1 + 2)
"""What the two retries of an event take, jitter included."""


@pytest.mark.parametrize("keys", [5, 40])
def test_a_webhook_whose_events_all_fail_twice_is_sent_what_its_keys_can_take(keys: int) -> None:
    """Also where only so many of its keys can be left in the log."""
    hook = Hook(name="flaky", keys=keys, burst=2_000, refused=2)
    assert Flow([hook]).run(60).accepted["flaky"] > 0.9 * keys * 60 / RETRIES_S


@pytest.mark.parametrize("tenants", [1, 4])
def test_tenants_all_of_whose_webhooks_fail_keep_no_other_waiting(tenants: int) -> None:
    """More of them fail than a partition can leave each by itself: seventy with a few behind, thirty with many."""
    failing = [
        Hook(
            name=f"dead{number}", tenant=f"bad{number % tenants}", keys=1, refused=None, burst=6 if number < 70 else 300
        )
        for number in range(100)
    ]
    flow = Flow([*failing, Hook(name="well", tenant="good", keys=20, per_s=5)]).run(20)
    assert flow.accepted["well"] >= 5 * 20 - 5


def test_what_fails_is_accepted_when_it_recovers_also_of_a_tenant_that_was_left_as_a_whole() -> None:
    hooks = [Hook(name=f"flaky{number}", keys=1, refused=1, burst=8) for number in range(60)]
    assert Flow(hooks).run(60).accepted == {hook.name: 8 for hook in hooks}


def test_a_webhook_that_is_offered_more_than_it_takes_keeps_no_other_waiting() -> None:
    """Half of what it may have ends within each second: it is never late, and always full."""
    heavy = Hook(name="heavy", tenant="bad", keys=16, per_s=600)
    flow = Flow([heavy, Hook(name="well", tenant="good", keys=20, per_s=5)]).run(10)
    assert flow.accepted["well"] >= 5 * 10 - 3
    assert flow.accepted["heavy"] >= 0.95 * Flow([heavy]).run(10).accepted["heavy"]
