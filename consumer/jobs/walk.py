"""A source that is walked through a step at a time, so that whoever takes from it never waits for long.

The laws: a position is told behind each candidate, so that a job may stop behind any; and a walk that broke is over:
who asks again hears the same error, and goes on with another source from the last position that he wrote down.
"""

import time
from collections.abc import Callable, Generator, Mapping
from typing import Final, TypeAlias

from consumer.delivery.offsets import Partition
from consumer.jobs.candidate import Candidate, Taken

_OVER: Final = object()


class Progress:
    """How far a walk came; its steps keep it. `looked` counts what was looked at."""

    __slots__ = ("looked", "position", "reached_ms")

    def __init__(self, position: Mapping[Partition, int]) -> None:
        self.position = dict(position)
        self.looked = 0
        self.reached_ms: int | None = None


Steps: TypeAlias = Generator[Candidate | None]
"""Candidates, and None wherever so much was done that it is time to look at the clock."""


class Walk:
    """A `candidate.Source`. `close` is called once, at the end."""

    def __init__(
        self,
        steps: Steps,
        progress: Progress,
        *,
        ends: Mapping[Partition, int],
        close: Callable[[], None],
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.begins: Mapping[Partition, int] = dict(progress.position)
        self.ends = ends
        self._steps = steps
        self._progress = progress
        self._close = close
        self._monotonic_s = monotonic_s
        self._broke: Exception | None = None

    def take(self, most: int, wait_s: float) -> Taken:
        """See `candidate.Source`."""
        if self._broke is not None:
            raise self._broke
        until_s = self._monotonic_s() + wait_s
        progress, before = self._progress, self._progress.looked
        candidates: list[Candidate] = []
        positions: list[Mapping[Partition, int]] = []
        finished = False
        while len(candidates) < most:
            try:
                step = next(self._steps, _OVER)
            except Exception as error:
                self._broke = error
                raise
            if step is _OVER:
                finished = True
                break
            if isinstance(step, Candidate):
                candidates.append(step)
                positions.append(dict(progress.position))
            if self._monotonic_s() >= until_s:
                break
        return Taken(
            candidates=candidates,
            positions=positions,
            position=dict(progress.position),
            looked=progress.looked - before,
            reached_ms=progress.reached_ms,
            finished=finished,
        )

    def close(self) -> None:
        """Leave Kafka."""
        self._steps.close()
        self._close()
