"""Ctrl-C ends a command within a second, whatever it waits for.

The law: who is interrupted may end in order, in `PATIENCE_S`, or as long as `in_order` gives. After that the process is
ended from a thread beside, which no call into a library can hold up: Python runs a signal's handler only between two
bytecodes of the main thread, and a call into librdkafka or the resolver may last for half a minute. What may not be cut
off there says so by being one transaction (`kafka/transactions.py`), by waiting in steps (`publishing.py`), or by
`in_order`.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from consumer.cli.exits import INTERRUPTED

PATIENCE_S: Final = 0.5
LONG_S: Final = 10.0

_patience_s = [PATIENCE_S]


@contextmanager
def in_order() -> Iterator[None]:
    """For a part that ends in order by itself when it is interrupted: it has `LONG_S` for that."""
    _patience_s.append(LONG_S)
    try:
        yield
    finally:
        _patience_s.pop()


class Interrupts:
    """Hears Ctrl-C from its making on. To be made once, in the main thread."""

    def __init__(self, last_words: Callable[[], object]) -> None:
        self._last_words = last_words
        self._over = threading.Event()
        self._heard = threading.Event()
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        # The C handler of a signal writes here at once, whatever the main thread is in.
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        threading.Thread(target=self._watch, args=(reading,), name="interrupts", daemon=True).start()

    def over(self) -> bool:
        """The command has said how it ended. Returns whether it was interrupted: then nothing may be waited for."""
        self._over.set()
        return self._heard.is_set()

    def _watch(self, reading: int) -> None:
        while signal.SIGINT not in os.read(reading, 64):
            pass
        self._heard.set()
        if not self._over.wait(_patience_s[-1]):
            self._last_words()
            os._exit(INTERRUPTED)
