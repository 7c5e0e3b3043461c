"""Waiting until this process has seen all that was acknowledged before: the barrier in front of every request.

The law: who passes has every record that any process was told to be written before `wait` was called. However many
wait, one question at a time goes to the brokers: who comes while one is under way shares the next, for the answer to
the one before may be older than he is.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from typing import Final, Protocol

from consumer.kafka.client import KafkaBroken
from consumer.kafka.ends import Ends

_ASK_S: Final = 2.0


class View(Protocol):
    """A topic that is being followed."""

    topic: str

    def reached(self, positions: Mapping[int, int], timeout_s: float) -> bool:
        """Wait until everything before these offsets was folded in."""


class Barrier:
    """For many threads. `ask(timeout_s)` gives the ends of the views' topics; one thread of the barrier's own asks."""

    def __init__(self, ask: Callable[[float], Ends], views: Sequence[View]) -> None:
        self._ask = ask
        self._views = tuple(views)
        self._changed = threading.Condition()
        self._next: Future[Ends] | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="barrier", daemon=True)
        self._thread.start()

    def wait(self, timeout_s: float) -> None:
        """Pass the barrier.

        Raises:
            KafkaBroken: Kafka did not answer, or could not be read so far, within `timeout_s`.
        """
        until_s = time.monotonic() + timeout_s
        try:
            ends = self._asked().result(timeout_s)
        except NotYet:
            raise KafkaBroken(f"Kafka did not answer within {timeout_s:g} s") from None
        for view in self._views:
            if not view.reached(ends[view.topic], max(0.0, until_s - time.monotonic())):
                raise KafkaBroken(f"{view.topic} could not be read to its end within {timeout_s:g} s")

    def close(self) -> None:
        """Stop asking."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(_ASK_S)

    def _asked(self) -> "Future[Ends]":
        """The answer to the next question."""
        with self._changed:
            if self._next is None:
                self._next = Future()
                self._changed.notify()
            return self._next

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._next is not None or self._closing)
                asked, self._next = self._next, None
            if asked is None:
                return
            try:
                asked.set_result(self._ask(_ASK_S))
            except Exception as error:  # noqa: BLE001 # raised where it is waited for
                asked.set_exception(error)
