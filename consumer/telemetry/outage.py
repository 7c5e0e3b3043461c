"""A condition that lasts, such as Redis being unreachable.

The law: one line when it begins, one when it ends, none in between, however often it is met.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final
from weakref import WeakSet

from structlog.typing import FilteringBoundLogger

_KNOWN: "Final[WeakSet[Outage]]" = WeakSet()
_KNOWN_LOCK: Final = threading.Lock()


class Outage:
    """One named condition of one process. `what` reads as a state: `redis unreachable`."""

    def __init__(
        self, log: FilteringBoundLogger, what: str, *, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = log
        self._what = what
        self._monotonic_s = monotonic_s
        self._since_s: float | None = None
        self._met = 0
        with _KNOWN_LOCK:
            _KNOWN.add(self)

    def __bool__(self) -> bool:
        return self._since_s is not None

    @property
    def what(self) -> str:
        """Its name, without what follows from it."""
        return self._what.partition(":")[0]

    @property
    def seconds(self) -> float:
        """For how long it has lasted; 0 while it does not."""
        since_s = self._since_s
        return 0.0 if since_s is None else self._monotonic_s() - since_s

    def met(self, **fields: object) -> None:
        """The condition holds. The first call of a spell logs a warning with these fields, later ones only count."""
        self._met += 1
        if self._since_s is None:
            self._since_s = self._monotonic_s()
            self._log.warning(self._what, **fields)

    def over(self, **fields: object) -> None:
        """The condition does not hold. Logs how long it lasted and how often it was met, if it had begun."""
        if self._since_s is None:
            return
        lasted_s = round(self._monotonic_s() - self._since_s, 3)
        self._log.info(f"over: {self._what}", lasted_s=lasted_s, times=self._met, **fields)
        self._since_s = None
        self._met = 0


def lasting() -> Mapping[str, float]:
    """Every condition that this process looks out for, and for how long it has lasted: the longest of its name."""
    with _KNOWN_LOCK:
        known = list(_KNOWN)
    seconds: dict[str, float] = {}
    for each in known:
        seconds[each.what] = max(seconds.get(each.what, 0.0), each.seconds)
    return seconds
