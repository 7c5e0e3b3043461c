"""Where the partitions of a member end now, asked again and again beside its loop.

What is fetched tells where a log ends, but only while something is fetched: of a partition that is paused, for want of
room, nobody would hear how much comes meanwhile. That is when somebody asks.

The law: nobody waits for an answer, and where none comes the last one stands.
"""

import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from consumer.delivery.offsets import Partition
from consumer.kafka.log_offsets import LATEST, log_offsets

EVERY_S: Final = 5.0
_ASK_S: Final = 5.0
_LEAVE_S: Final = 0.2  # of a drain; a thread that waits for a broker that is away is left behind


class LogEnds:
    """A thread of its own, from the first question on. `wanted` are the partitions, from any thread."""

    def __init__(self, admin: AdminClient, wanted: Callable[[], Collection[Partition]]) -> None:
        self._admin = admin
        self._wanted = wanted
        self._known: dict[Partition, int] = {}
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def of(self, partition: Partition) -> int | None:
        """The offset behind its last record, as it was a few seconds ago; None where that is not known."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="log ends", daemon=True)
            self._thread.start()
        return self._known.get(partition)

    def close(self) -> None:
        """Stop asking for the ends of logs."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(_LEAVE_S)

    def look(self) -> None:
        """Ask once: one request for each broker."""
        told = log_offsets(self._admin, sorted(self._wanted()), LATEST, _ASK_S)
        self._known = {**{place: end for place, end in self._known.items() if place in self._wanted()}, **told.found}

    def _run(self) -> None:
        while not self._closing.is_set():
            with suppress(KafkaException):  # no broker is there, which is told by whoever needs one
                self.look()
            self._closing.wait(EVERY_S)
