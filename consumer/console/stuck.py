"""Which partitions stand still: something is unread, and for a minute nothing was committed.

The law: a partition is called stuck only when its commit, offset and all that is told beside it, was the same at two
looks that far apart, and it was behind at both. A commit changes one of them, so between the two there was none. Who
looks for the first time knows nothing yet.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from consumer.kafka.lag import Behind

STILL_S: Final = 60.0

_Place: TypeAlias = tuple[str, str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuck:
    """`still_s` is for how long nothing was committed, as far as anybody looked."""

    behind: Behind
    still_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`watched_s` is how long ago this process looked first."""

    stuck: tuple[Stuck, ...]
    watched_s: float


class Stillness:
    """What the looks of one process say together. Pure; one thread at a time."""

    def __init__(self, apart: Collection[str]) -> None:
        """`apart` are topics whose records wait on purpose: nothing is said of them."""
        self._apart = frozenset(apart)
        self._since: dict[_Place, tuple[int, str, float]] = {}
        self._began_s: float | None = None

    def looked(self, behind: Iterable[Behind], now_s: float) -> Found:
        """One more look."""
        self._began_s = now_s if self._began_s is None else self._began_s
        late = [each for each in behind if each.lag and each.topic not in self._apart]
        before, self._since = self._since, {}
        stuck: list[Stuck] = []
        for each in late:
            place = (each.group, each.topic, each.partition)
            committed, told, since_s = before.get(place, (each.committed, each.told, now_s))
            if (committed, told) != (each.committed, each.told):
                since_s = now_s
            self._since[place] = (each.committed, each.told, since_s)
            if now_s - since_s >= STILL_S:
                stuck.append(Stuck(behind=each, still_s=now_s - since_s))
        return Found(stuck=tuple(stuck), watched_s=now_s - self._began_s)
