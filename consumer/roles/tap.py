"""When a delivery process polls Kafka, and for how much.

The law: it polls at least every 20 ms, with or without room. Only in a poll are a commit's answer and a revocation
heard, and is a member known to be alive.

Without room a few records too many are taken, or one part of the budget of them (`Budget.surplus`). Then all partitions
are paused, until there is room again: a pause drops what was fetched ahead, so it must not come and go with every
record.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from consumer.delivery.budget import DEFAULT
from consumer.delivery.offsets import Partition
from consumer.events.event import Record

_TAKE_MOST: Final = 500
_POLL_EVERY_MS: Final = 20
_TOO_MANY_MOST: Final = 64


class Source(Protocol):
    """What is polled: see `PartitionConsumer`."""

    @property
    def assignment(self) -> frozenset[Partition]:
        """The partitions that are ours."""

    def take(self, most: int, wait_s: float) -> list[Record]:
        """At most `most` records; waits up to `wait_s` for the first one."""

    def ends(self) -> Mapping[Partition, int]:
        """Where the last `take` came to a log's end."""

    def pause(self, partitions: Sequence[Partition]) -> None:
        """Take nothing from these for now."""

    def resume(self, partitions: Sequence[Partition]) -> None:
        """Take from these again."""


class Tap:
    """Owned by one thread. `pause` and `resume` are the wishes of who decides by partition; its own come on top."""

    def __init__(self, source: Source, surplus_bytes: int = DEFAULT.surplus) -> None:
        self._source = source
        self._surplus_bytes = surplus_bytes
        self._paused: set[Partition] = set()
        self._held: frozenset[Partition] = frozenset()
        self._too_many = 0
        self._too_many_bytes = 0
        self._polled_ms = 0

    def take(self, now_ms: int, room: int, idle_s: float) -> list[Record]:
        """Records there is room for, or a few more. Waits at most `idle_s` for the first one."""
        if room > 0:
            self._let_go()
            self._polled_ms = now_ms
            return self._source.take(min(room, _TAKE_MOST), idle_s)
        if now_ms - self._polled_ms < _POLL_EVERY_MS:
            return []
        if self._too_many >= _TOO_MANY_MOST or self._too_many_bytes >= self._surplus_bytes:
            self._hold()
        records = self._source.take(1, min(idle_s, _POLL_EVERY_MS / 1_000))
        self._too_many += len(records)
        self._too_many_bytes += sum(len(record.value or b"") for record in records)
        self._polled_ms = now_ms
        return records

    def ends(self) -> Mapping[Partition, int]:
        """Where the last `take` that polled came to a log's end: all before it was given."""
        return self._source.ends()

    def pause(self, partitions: Sequence[Partition]) -> None:
        """Take nothing from these until they are resumed."""
        self._paused.update(partitions)
        self._source.pause(partitions)

    def resume(self, partitions: Sequence[Partition]) -> None:
        """Take from these again."""
        self._paused.difference_update(partitions)
        self._source.resume([each for each in partitions if each not in self._held])

    def forget(self, partitions: Sequence[Partition]) -> None:
        """These are not ours any more."""
        self._paused.difference_update(partitions)
        self._held -= frozenset(partitions)

    def _hold(self) -> None:
        fresh = self._source.assignment - self._held
        if fresh:
            self._source.pause(sorted(fresh))
            self._held |= fresh

    def _let_go(self) -> None:
        self._too_many = self._too_many_bytes = 0
        if self._held:
            held, self._held = self._held, frozenset()
            self._source.resume(sorted(held - self._paused))
