"""What threads have to tell a loop that waits for descriptors.

The law: whatever is put is taken once, in order; an exception that is put is raised where the replies are taken.
"""

import os
import queue
import threading
from typing import Generic, TypeVar

Reply = TypeVar("Reply")


class Replies(Generic[Reply]):
    """What threads have to tell the loop. `fd` becomes readable when there is something to take."""

    def __init__(self) -> None:
        self._replies: queue.SimpleQueue[Reply | Exception] = queue.SimpleQueue()
        self._open = threading.Lock()
        self._closed = False
        self.fd, self._wake = os.pipe()
        os.set_blocking(self.fd, False)

    def put(self, reply: Reply | Exception) -> None:
        """From any thread; without effect once nobody takes any more."""
        with self._open:
            if self._closed:
                return
            # The wake first: whoever finds a reply may read one, whether it waited for it or not.
            os.write(self._wake, b"\0")
            self._replies.put(reply)

    def take(self) -> list[Reply]:
        """The replies that have come.

        Raises:
            Exception: whatever a look-up raised.
        """
        replies: list[Reply] = []
        while not self._replies.empty():
            os.read(self.fd, 1)
            reply = self._replies.get()
            if isinstance(reply, Exception):
                raise reply
            replies.append(reply)
        return replies

    def close(self) -> None:
        """Nobody takes any more."""
        with self._open:
            self._closed = True
            os.close(self.fd)
            os.close(self._wake)
