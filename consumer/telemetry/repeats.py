"""A library that says the same thing over and over is heard once a minute.

The law: of lines that say the same, the first passes and the others are counted; the first one after a minute passes
again, with how often it was said in between.
"""

import logging
import re
import time
from collections.abc import Callable
from typing import Final

_AGAIN_S: Final = 60.0
_REMEMBERED: Final = 200
# What differs between lines that say the same: which client and thread, which port, how long it took.
_WHERE: Final = re.compile(r"\[[^\]]*\]|\([^)]*\)|\d+")


class Repeats(logging.Filter):
    """For a logger. A line's sense is its level, its first word and what follows its last colon."""

    def __init__(self, *, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._monotonic_s = monotonic_s
        self._said: dict[tuple[int, str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this line is logged."""
        now_s, message = self._monotonic_s(), record.getMessage()
        plain = _WHERE.sub("", message)
        sense = (record.levelno, plain.partition(" ")[0], plain.rpartition(":")[2].strip())
        said_s, times = self._said.get(sense, (None, 0))
        if said_s is not None and now_s - said_s < _AGAIN_S:
            self._said[sense] = (said_s, times + 1)
            return False
        if len(self._said) >= _REMEMBERED:
            self._said.clear()
        self._said[sense] = (now_s, 0)
        if times:
            record.msg, record.args = f"{message} (and {times} times in between)", ()
        return True
