"""The records that a producer was given and Kafka has not acknowledged. Pure: the time is an argument.

The law: a record stays here from its `add` to its `end`. Meanwhile it is at librdkafka, waits for room in its queue
(`next_crowded`), or waits for another try (`next_due`).
"""

import heapq
from collections import deque

import msgspec

from consumer.kafka.producing import backoff_s


class Write(msgspec.Struct, kw_only=True, eq=False):
    """One record on its way. `alone`: it is sent in a batch of its own."""

    token: int
    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    partition: int | None
    since_s: float
    failures: int = 0
    alone: bool = False

    @property
    def size(self) -> int:
        """Its bytes before compression, without what its batch adds."""
        size = len(self.key or b"") + len(self.value or b"")
        for name, value in self.headers:
            size += len(name.encode()) + len(value or b"")
        return size


class Unacknowledged:
    """All of one producer's."""

    def __init__(self) -> None:
        self._writes: dict[int, Write] = {}
        self._crowded: deque[Write] = deque()
        self._again: list[tuple[float, int, Write]] = []

    def __len__(self) -> int:
        return len(self._writes)

    @property
    def is_crowded(self) -> bool:
        """Whether a record waits for room in librdkafka's queue."""
        return bool(self._crowded)

    def add(self, write: Write) -> None:
        """A new record.

        Raises:
            ValueError: another one with its token is not acknowledged yet.
        """
        if write.token in self._writes:
            raise ValueError(f"the record written under the token {write.token} is not acknowledged yet")
        self._writes[write.token] = write

    def crowd(self, write: Write) -> None:
        """It waits for room, behind those that wait already."""
        self._crowded.append(write)

    @property
    def next_crowded(self) -> Write | None:
        """The one that has waited for room longest."""
        return self._crowded[0] if self._crowded else None

    def has_room(self) -> None:
        """The one that has waited for room longest has found it."""
        self._crowded.popleft()

    def failed(self, write: Write, now_s: float) -> None:
        """It is to be produced again, after a pause that grows with its failures."""
        write.failures += 1
        heapq.heappush(self._again, (now_s + backoff_s(write.failures), write.token, write))

    def next_due(self, now_s: float) -> Write | None:
        """Take the next one whose pause has ended."""
        return heapq.heappop(self._again)[2] if self._again and self._again[0][0] <= now_s else None

    def end(self, write: Write) -> None:
        """It is acknowledged, or refused for good."""
        del self._writes[write.token]

    def begin_anew(self) -> None:
        """A new producer takes over: every record waits for room, in the order in which they were given."""
        self._again.clear()
        self._crowded = deque(self._writes.values())
