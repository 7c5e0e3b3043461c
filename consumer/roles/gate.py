"""Sealed records wait here until it is known whether their data key is there, before the core sees them.

The laws: what comes through can be opened, or its key was destroyed; the order of a partition stays; and whoever waits
holds up his own partition alone, which is paused. What is held back was not begun, so it is not committed.
"""

import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, Protocol

from consumer.delivery.again import Again, Found, Look
from consumer.delivery.offsets import Partition
from consumer.delivery.step import LookAhead, SeenAhead
from consumer.events.event import Record
from consumer.kafka.sealed import is_sealed, key_id_of
from consumer.roles.lookup import Lookup
from consumer.roles.tap import Source
from consumer.wire import RecordCorrupt

_WITHIN_S: Final = 1.0
_AGAIN_S: Final = 0.5


class Keys(Protocol):
    """See `TenantKeys`."""

    def is_settled(self, key_id: bytes) -> bool: ...
    def settle(self, key_ids: Collection[bytes], within_s: float) -> bool: ...


class Gate:
    """Owned by one thread, in front of what is polled."""

    def __init__(self, source: Source, keys: Keys, lookup: "Lookup[frozenset[bytes], None]") -> None:
        self._source = source
        self._keys = keys
        self._lookup = lookup
        self._asking = False
        self._held: dict[Partition, deque[Record]] = {}
        self._ends: dict[Partition, int] = {}
        self._paused: set[Partition] = set()

    @property
    def assignment(self) -> frozenset[Partition]:
        """The partitions that are ours."""
        return self._source.assignment

    def take(self, most: int, wait_s: float) -> list[Record]:
        """See `Source`. What was held back goes first."""
        if self._held:
            freed = self._freed(most)
            if freed:
                return freed
        return [record for record in self._source.take(most, wait_s) if self._goes(record)]

    def ends(self) -> Mapping[Partition, int]:
        """See `Source`. The end of a partition is told when all before it was given."""
        ends = {**self._ends, **self._source.ends()}
        self._ends = {place: end for place, end in ends.items() if place in self._held}
        return {place: end for place, end in ends.items() if place not in self._held}

    def pause(self, partitions: Sequence[Partition]) -> None:
        """Take nothing from these for now."""
        self._paused.update(partitions)
        self._source.pause(partitions)

    def resume(self, partitions: Sequence[Partition]) -> None:
        """Take from these again, once what is held back of them has gone."""
        self._paused.difference_update(partitions)
        self._source.resume([each for each in partitions if each not in self._held])

    def forget(self, partitions: Sequence[Partition]) -> None:
        """These are not ours any more, or have another log."""
        self._paused.difference_update(partitions)
        for each in partitions:
            self._held.pop(each, None)
            self._ends.pop(each, None)

    def close(self) -> None:
        """Ask nothing more."""
        self._lookup.close()

    def _goes(self, record: Record) -> bool:
        place = (record.topic, record.partition)
        held = self._held.get(place)
        if held is not None:
            held.append(record)
            return False
        if self._is_open(record):
            return True
        self._held[place] = deque([record])
        self._source.pause([place])
        self._ask()
        return False

    def _is_open(self, record: Record) -> bool:
        key_id = wanted_key(record)
        return key_id is None or self._keys.is_settled(key_id)

    def _freed(self, most: int) -> list[Record]:
        if self._lookup.take():
            self._asking = False
        freed: list[Record] = []
        for place, held in list(self._held.items()):
            while held and len(freed) < most and self._is_open(held[0]):
                freed.append(held.popleft())
            if not held:
                del self._held[place]
                if place not in self._paused:
                    self._source.resume([place])
        if self._held:
            self._ask()
        return freed

    def _ask(self) -> None:
        if self._asking:
            return
        wanted = frozenset(
            key_id
            for held in self._held.values()
            if held and (key_id := wanted_key(held[0])) is not None and not self._keys.is_settled(key_id)
        )
        if wanted:
            self._asking = True
            self._lookup.ask(wanted)


def gate(source: Source, keys: Keys) -> Gate:
    """A gate with a thread of its own, which asks again until it knows."""

    def settle(wanted: frozenset[bytes]) -> None:
        if not keys.settle(wanted, _WITHIN_S):
            time.sleep(_AGAIN_S)

    return Gate(source, keys, Lookup("keys", settle))


def wanted_key(record: Record) -> bytes | None:
    """The id of the key that a record needs; None: it is not sealed, or too short to be."""
    if record.value is None or not is_sealed(record.value):
        return None
    try:
        return key_id_of(record.value)
    except RecordCorrupt:
        return None


def seen_ahead(read: Callable[[LookAhead], SeenAhead], keys: Keys | None) -> Callable[[LookAhead], SeenAhead]:
    """The same look; where it cannot be known whether a key is there nothing was seen."""

    def seen(look: LookAhead) -> SeenAhead:
        found = read(look)
        return found if _settled(found.records, keys) else SeenAhead(token=look.token, end=look.offset)

    return seen


def found_again(read: Callable[[Again], Found], keys: Keys | None) -> Callable[[Again], Found]:
    """The same of what was left in the log."""

    def found(again: Again) -> Found:
        there = read(again)
        return there if _settled([record for _, record in there.records], keys) else Look(again).found()

    return found


def _settled(records: Sequence[Record], keys: Keys | None) -> bool:
    """Whether it is known of all these whether their keys are there. Waits for that; beside the loop."""
    wanted = {key_id for record in records if (key_id := wanted_key(record)) is not None}
    return keys is None or not wanted or keys.settle(wanted, _WITHIN_S)
