"""Waiting in tests: always for a condition, never longer than said, and what is missing is told."""

import time
from collections.abc import Callable

_LOOK_EVERY_S = 0.05


def until(
    condition: Callable[[], object],
    *,
    within_s: float,
    missing: Callable[[], str],
    every_s: float = _LOOK_EVERY_S,
) -> float:
    """Wait until `condition` is true; returns how many seconds that took.

    Raises:
        AssertionError: it did not come true in time; `missing` says what was there instead.
    """
    began_s = time.monotonic()
    while not condition():
        if time.monotonic() - began_s > within_s:
            raise AssertionError(f"not within {within_s:g} s: {missing()}")
        time.sleep(every_s)
    return time.monotonic() - began_s
