"""An acceptance is a recovery behind two failures or more, the first of them a minute ago or longer."""

import pytest

from consumer.delivery.streak import FAILING_LEAST_MS, REMEMBERED_MS, Streak


@pytest.mark.parametrize(
    ("failed_ms", "accepted_ms", "recovers"),
    [
        ([], FAILING_LEAST_MS, False),
        ([0], FAILING_LEAST_MS, False),
        ([0, 1], FAILING_LEAST_MS, True),
        ([0, 1], FAILING_LEAST_MS - 1, False),
        ([5, FAILING_LEAST_MS], FAILING_LEAST_MS + 4, False),
        ([5, 6, 7], FAILING_LEAST_MS + 5, True),
    ],
)
def test_a_recovery(failed_ms: list[int], accepted_ms: int, recovers: bool) -> None:
    streak = Streak()
    for at_ms in failed_ms:
        streak.failed(at_ms)
    assert streak.fails == (len(failed_ms) > 1)
    assert streak.remembered_until_ms == (failed_ms[-1] + REMEMBERED_MS if failed_ms else 0)
    assert streak.accepted(accepted_ms) is recovers
    assert not streak.accepted(accepted_ms)
    assert (streak.failures, streak.fails, streak.remembered_until_ms) == (0, False, 0)
