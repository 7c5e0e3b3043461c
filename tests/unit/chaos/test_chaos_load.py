"""Whether what chaos publishes for ordered webhooks can come to an end: a key takes one event after the other."""

from typing import Final

import pytest

from tests.acceptance.happenings import Hook
from tests.acceptance.receiver import Temper
from tests.chaos.arena import RETRY_DELAYS_S, happening, steady_hooks
from tests.chaos.ordered import key_of
from tests.chaos.run import EVENTS_A_SECOND

HOUR_S: Final = 3_600
STILL_S: Final = 60
COSTS_S: Final = {
    Temper.HEALTHY: 0.05,
    Temper.FLAKY: 1.1 * sum(RETRY_DELAYS_S[:2]),  # with the jitter of both retries
}
"""What an event costs its key."""

ORDERED: Final = [hook for hook in steady_hooks() if hook.ordering != "none"]


@pytest.mark.parametrize("hook", ORDERED, ids=lambda hook: hook.name)
def test_an_hour_of_it_is_accepted_a_minute_later_although_the_last_minute_nothing_was(hook: Hook) -> None:
    free_s: dict[object, float] = {}
    for number in range(int(HOUR_S * EVENTS_A_SECOND)):
        event, published_s = happening(number), number / EVENTS_A_SECOND
        if not hook.wants(event):
            continue
        key, costs_s = key_of(hook, event), COSTS_S[hook.temper]
        accepted_s = max(published_s, free_s.get(key, 0.0)) + costs_s
        if accepted_s > HOUR_S - STILL_S:
            accepted_s = max(accepted_s, HOUR_S + costs_s)
        free_s[key] = accepted_s
    assert max(free_s.values()) < HOUR_S + 60


def test_some_of_a_key_are_left_in_the_log() -> None:
    flaky = next(hook for hook in ORDERED if hook.temper is Temper.FLAKY)
    of_one = [number for number in range(4_000) if flaky.wants(happening(number)) and happening(number).order == "o2"]
    assert len(of_one) == 10
    assert (of_one[-1] - of_one[0]) / EVENTS_A_SECOND < 2 * COSTS_S[Temper.FLAKY]  # all of them while two are tried
