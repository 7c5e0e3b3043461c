"""Waiting until this process has seen all that was acknowledged before: the barrier in front of every request.

The law: who passes has every record that any process was told to be written before `wait` was called. However many
wait, one question at a time goes to the brokers: who comes while one is under way shares the next.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from typing import Protocol

from consumer.kafka.client import KafkaBroken


class View(Protocol):
    """A topic that is being followed."""

    topic: str

    def reached(self, positions: Mapping[int, int], timeout_s: float) -> bool:
        """Wait until everything before these offsets was applied."""


class Barrier:
    """For many threads. `ask(timeout_s)` gives the ends of the views' topics, from a thread of the barrier's own."""

    def __init__(self, ask: Callable[[float], Mapping[str, Mapping[int, int]]], views: Sequence[View]) -> None:
        self._ask = ask
        self._views = tuple(views)
        self._wanted = threading.Condition()
        self._next: Future[Mapping[str, Mapping[int, int]]] | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="barrier", daemon=True)
        self._thread.start()

    def wait(self, timeout_s: float) -> None:
        """Raises KafkaBroken: not passed in time."""
        until_s = time.monotonic() + timeout_s
        with self._wanted:
            if self._next is None:
                self._next = Future()
                self._wanted.notify()
            asked = self._next
        try:
            ends = asked.result(timeout_s)
        except NotYet:
            raise KafkaBroken(f"Kafka did not answer within {timeout_s:g} s") from None
        for view in self._views:
            if not view.reached(ends[view.topic], max(0.0, until_s - time.monotonic())):
                raise KafkaBroken(f"{view.topic} could not be read to its end within {timeout_s:g} s")

    def close(self) -> None:
        """Stop asking."""
        with self._wanted:
            self._closing = True
            self._wanted.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._wanted:
                self._wanted.wait_for(lambda: self._next is not None or self._closing)
                asked, self._next = self._next, None
            if asked is None:
                return
            try:
                asked.set_result(self._ask(2.0))
            except KafkaBroken as error:
                asked.set_exception(error)
