"""Blocking look-ups beside the delivery loop, each kind in a thread of its own.

The law: the loop never waits for a look-up, every question gets its answer in order, and an exception of a look-up
surfaces in the loop.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from consumer.replies import Replies

Question = TypeVar("Question")
Reply = TypeVar("Reply")

_LEAVE_S: Final = 2.0


def leave(threads: Sequence[threading.Thread]) -> None:
    """Wait for threads that were told to end, for two seconds in all. One that takes longer is left behind."""
    until_s = time.monotonic() + _LEAVE_S
    for thread in threads:
        thread.join(max(0.0, until_s - time.monotonic()))


class Lookup(Generic[Question, Reply]):
    """Answers questions by calling `answer` in its thread. `fd` becomes readable when there is something to take."""

    def __init__(self, name: str, answer: Callable[[Question], Reply]) -> None:
        self._answer = answer
        self._questions: queue.SimpleQueue[Question | None] = queue.SimpleQueue()
        self._replies: Replies[Reply] = Replies()
        self.fd = self._replies.fd
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def ask(self, question: Question) -> None:
        """Ask; the reply comes from `take`."""
        self._questions.put(question)

    def take(self) -> list[Reply]:
        """The replies that have come.

        Raises:
            Exception: whatever a look-up raised.
        """
        return self._replies.take()

    def close(self) -> None:
        """End the thread; waits for a look-up under way, which has a timeout of its own."""
        self._questions.put(None)
        self._thread.join()
        self._replies.close()

    def _run(self) -> None:
        while (question := self._questions.get()) is not None:
            try:
                self._replies.put(self._answer(question))
            except Exception as error:  # noqa: BLE001 - raised again by `take`, in the thread that can act on it
                self._replies.put(error)
