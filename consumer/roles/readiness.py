"""When all processes are ready for the first time, and until then who waits for what. Pure.

The law: one line when all are ready. Before that one line `AFTER_S` after the start, and another one whenever something
else is waited for, but none within `APART_S` of the one before. After it nothing: `hookline status` and /readyz tell.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

AFTER_S: Final = 1.5
APART_S: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """All are, so long after the start."""

    after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Why not all are: each reason, with the processes that it is true of."""

    reasons: tuple[str, ...]


Told: TypeAlias = Ready | Waiting


class Readiness:
    """Of one start, which was at `now_s` (monotonic)."""

    def __init__(self, now_s: float) -> None:
        self._began_s = now_s
        self._said_s = now_s + AFTER_S - APART_S
        self._said: tuple[str, ...] = ()
        self._ready = False

    def told(self, now_s: float, lacks: Mapping[str, Sequence[str]]) -> Told | None:
        """What to say now. `lacks` are the processes by the reason why they are not ready; none: all are."""
        if self._ready:
            return None
        if not lacks:
            self._ready = True
            return Ready(after_s=round(now_s - self._began_s, 1))
        reasons = tuple(f"{', '.join(names)}: {reason}" for reason, names in lacks.items())
        if now_s - self._said_s < APART_S or reasons == self._said:
            return None
        self._said_s, self._said = now_s, reasons
        return Waiting(reasons=reasons)
