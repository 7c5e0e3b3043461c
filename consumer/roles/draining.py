"""The end of a process's work for partitions that go: ended, written, and what they are to be committed as.

The law: a partition is committed as far as Kafka has the attempts of it. Where it has not all of them in time, nothing
is committed: what is left is read again by the next owner.
"""

from collections.abc import Callable, Sequence

import structlog

from consumer.delivery.core import Core
from consumer.delivery.offsets import Partition, Position
from consumer.kafka.attempt_log import AttemptLog
from consumer.roles.clock import Clock
from consumer.telemetry.counters import counters

_log = structlog.get_logger("worker")

_ACKNOWLEDGED_S = 1.5  # of a drain's time, what is kept for the writes at its end
_CLOSE_LEAST_S = 0.1
_COMMIT_LEAST_S = 0.5


class Draining:
    """Owned by the loop. `start` carries out what the core wants, once."""

    def __init__(self, core: Core, attempts: AttemptLog, clock: Clock, start: Callable[[], None]) -> None:
        self._core = core
        self._attempts = attempts
        self._clock = clock
        self._start = start

    def drain(
        self, partitions: Sequence[Partition], most_s: float, turn: Callable[[], None]
    ) -> tuple[dict[Partition, Position], float] | None:
        """Take these turns, which consume nothing, until nothing is left of these partitions.

        Returns what to commit them as, and how many seconds that may take; None: Kafka has not all that was written.
        """
        until_s = self._clock.monotonic_s() + most_s
        self._core.drain(self._clock.now_ms(), partitions)
        self._turn_until(until_s - _ACKNOWLEDGED_S, turn)
        self._core.hand_over(self._clock.now_ms())
        self._turn_until(until_s, turn)
        self._start()
        counters.absorb(self._core.counted())
        left = self._attempts.close(max(_CLOSE_LEAST_S, until_s - self._clock.monotonic_s()))
        if left or not self._core.drained:
            _log.warning("not drained in time: some deliveries will be repeated", attempts_unlogged=left)
        if left:
            return None
        positions = self._core.positions()
        going = {partition: positions[partition] for partition in partitions if partition in positions}
        return going, max(_COMMIT_LEAST_S, until_s - self._clock.monotonic_s())

    def _turn_until(self, until_s: float, turn: Callable[[], None]) -> None:
        turn()
        while not self._core.drained and self._clock.monotonic_s() < until_s:
            turn()
