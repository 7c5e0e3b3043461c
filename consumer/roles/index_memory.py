"""The memory that the delivery log's index may take of its Redis.

The law: all partitions share what the settings allow alike, and take half of it while their Redis is nearly full.
"""

from collections.abc import Callable
from typing import Final

import structlog

from consumer.telemetry.outage import Outage

_log = structlog.get_logger("log")

FULL: Final = 0.8
"""Of Redis' memory, above which the index takes half of its share."""
_LOOK_EVERY_S: Final = 5.0


class IndexMemory:
    """`bytes_` are for all partitions together."""

    def __init__(self, bytes_: int) -> None:
        self.full = False
        self._bytes = bytes_
        self._look_at_s = 0.0
        self._crowded = Outage(_log, "the log's Redis is nearly full: the index takes half of its memory")

    def look(self, now_s: float, used: Callable[[], tuple[int, int] | None]) -> None:
        """See every five seconds how many bytes Redis uses, and how many it may. Raises what `used` raises."""
        if now_s < self._look_at_s:
            return
        self._look_at_s = now_s + _LOOK_EVERY_S
        memory = used()
        self.full = memory is not None and memory[0] > FULL * memory[1]
        if self.full:
            self._crowded.met()
        else:
            self._crowded.over()

    def share_bytes(self, partitions: int) -> int:
        """What one of so many partitions may take."""
        return self._bytes // partitions // (2 if self.full else 1)
