"""Ctrl-C and SIGTERM for work that stops between two of its steps."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, Self, TypeVar

T = TypeVar("T")

_LOOK_EVERY_S: Final = 0.05


class Stop:
    """While it is entered, the first signal asks; a second one ends the process as it always would."""

    def __init__(self) -> None:
        self.asked = False
        self._reading = False
        self._before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def __enter__(self) -> Self:
        for number in self._before:
            signal.signal(number, self._heard)
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def next_of(self, steps: Iterator[T]) -> T | None:
        """The next step, which may wait for input; None at the end, or when a signal comes while it waits."""
        try:
            self._reading = True
            try:
                return next(steps, None)
            finally:
                self._reading = False
        except KeyboardInterrupt:
            return None

    def _heard(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True
        self._restore()
        if self._reading:
            raise KeyboardInterrupt  # a read of standard input goes on after a signal unless its handler raises

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


@contextmanager
def event_of(stop: Stop) -> Iterator[threading.Event]:
    """An event that is set when a stop was asked for.

    By a thread, and not by the signal's handler: that runs between any two steps of the main thread, which may hold the
    event's own lock.
    """
    event, over = threading.Event(), threading.Event()

    def watch() -> None:
        while not over.wait(_LOOK_EVERY_S):
            if stop.asked:
                event.set()
                return

    thread = threading.Thread(target=watch, name="stop", daemon=True)
    thread.start()
    try:
        yield event
    finally:
        over.set()
        thread.join()
