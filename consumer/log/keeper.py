"""The figures of this process's partitions, kept in Redis.

The law: Redis holds for each partition what this process held at some moment, or what a former owner did; from either
the log can be read on. What Redis lost is written again from memory; what somebody else wrote is believed, and memory
given up.
"""

from collections.abc import Callable
from typing import Final

from consumer.log.figures import Figures, Rows
from consumer.log.store import HealthStore

_FILLED_OVER: Final = 3


class Superseded(Exception):  # noqa: N818 # it names a state, as the glossary does
    """Redis holds another stand of this partition than this process put there: it is to be loaded again."""


class Keeper:
    """Belongs to one thread. `new_token()` gives strings that are never given twice, anywhere."""

    def __init__(self, store: HealthStore, *, new_token: Callable[[], str]) -> None:
        self._store = store
        self._new_token = new_token

    def load(self, partition: int, begin: Callable[[int | None], int]) -> Figures:
        """A partition's figures, as Redis holds them.

        `begin` is told the offset to read from, None for the log's beginning, and answers with the one it is.

        Raises:
            CacheUnavailable: call it again.
        """
        kept = self._store.load(partition)
        found = kept.figures
        return Figures(
            stand=kept.stand,
            offset=begin(kept.offset),
            health=Rows(found.health),
            stats=Rows(found.stats),
            jobs=Rows(found.jobs),
            anew=kept.offset is None,
        )

    def save(self, partition: int, figures: Figures, partitions: int) -> None:
        """Write what Redis does not hold yet: all of it, if Redis holds none. Call it when nothing changed, too.

        Raises:
            CacheUnavailable: call it again, before anything more is folded in.
            Superseded: these figures are not to be used any more.
        """
        expected = figures.stand
        if not figures.anew:
            stand = str(figures.offset)
            figures.asked = figures.asked or stand
            expected = self._store.write(
                partition,
                expected=figures.stand,
                stand=stand,
                figures=figures.unsaved(),
                partitions=partitions,
            )
            if expected in {figures.stand, figures.asked}:
                figures.written()
                return
            if expected.isdecimal():
                raise Superseded(f"partition {partition}: found at {expected}, not at {figures.stand}")
        self._fill(partition, figures, partitions, expected=expected)
        figures.written()

    def _fill(self, partition: int, figures: Figures, partitions: int, *, expected: str) -> None:
        """Over nothing, or over what is no stand: what an earlier try of this process, or of a dead one, left."""
        stand = str(figures.offset)
        for _ in range(_FILLED_OVER):
            found = self._store.fill(
                partition,
                expected=expected,
                token=self._new_token(),
                stand=stand,
                figures=figures.whole(),
                partitions=partitions,
            )
            if found in {expected, stand}:
                return
            if found.isdecimal():
                break
            expected = found
        raise Superseded(f"partition {partition}: filled by another process too")
