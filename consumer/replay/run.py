"""A replay from start to end: plan, batch, pace, write, count.

The law: what the summary counts as replayed is written. A run that stops, at whatever point, loses nothing and repeats
nothing: asked again, it goes on with what is left.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from consumer.delivery.delivery import DeadLetter
from consumer.replay.plan import Planned, Planner

# A paced batch lasts about so long, so that a low rate is even and a stop is noticed soon.
_BATCH_S: Final = 0.1
_NAP_S: Final = 0.05
_BATCH_BYTES: Final = 8 * 1_048_576


@dataclass(slots=True, kw_only=True)
class Summary:
    """How far a run came. `skipped` are told by reason. `stopped` says that it was asked to stop before the end."""

    matched: int = 0
    replayed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    stopped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Time for a run: epoch milliseconds, monotonic seconds, and waiting."""

    now_ms: Callable[[], int]
    monotonic_s: Callable[[], float]
    sleep: Callable[[float], None]


def replay(
    dead_letters: Iterable[DeadLetter],
    planner: Planner,
    write: Callable[[Sequence[Planned]], None],
    *,
    clock: Clock,
    most: int,
    rate_per_s: float | None = None,
    stop: Callable[[], bool] = lambda: False,
    summary: Summary | None = None,
    progress: Callable[[Summary], None] = lambda _: None,
) -> Summary:
    """Replay dead letters in batches of at most `most`, `rate_per_s` at most.

    `summary` is counted up as batches are written, so that it also tells how far a run came that raised.

    Raises:
        Exception: whatever `write` raises; its batch is not counted.
    """
    told = Summary() if summary is None else summary
    size = most if rate_per_s is None else max(1, min(most, int(rate_per_s * _BATCH_S)))
    pacing = _Pacing(clock, rate_per_s, stop)
    batch: list[Planned] = []
    held_bytes = 0

    def flush() -> None:
        if batch and pacing.wait(len(batch)):
            write(batch)
            told.replayed += len(batch)
        batch.clear()
        progress(told)

    for dead_letter in dead_letters:
        if stop():
            break
        told.matched += 1
        match planner.plan(dead_letter, clock.now_ms()):
            case Planned() as planned:
                batch.append(planned)
                held_bytes += len(planned.delivery.body or b"") + len(planned.delivery.event.data)
                if len(batch) >= size or held_bytes >= _BATCH_BYTES:
                    flush()
                    held_bytes = 0
            case skipped:
                told.skipped[skipped.reason] += 1
                progress(told)
    if not stop():
        flush()
    told.stopped = stop()
    return told


class _Pacing:
    """Lets batches through at a rate; the first one at once."""

    def __init__(self, clock: Clock, rate_per_s: float | None, stop: Callable[[], bool]) -> None:
        self._clock = clock
        self._rate_per_s = rate_per_s
        self._stop = stop
        self._due_s = clock.monotonic_s()

    def wait(self, number: int) -> bool:
        """Wait for these many to be due. False when asked to stop meanwhile."""
        if self._rate_per_s is None:
            return not self._stop()
        while not self._stop():
            left_s = self._due_s - self._clock.monotonic_s()
            if left_s <= 0:
                self._due_s = max(self._due_s, self._clock.monotonic_s() - _BATCH_S) + number / self._rate_per_s
                return True
            self._clock.sleep(min(left_s, _NAP_S))
        return False
