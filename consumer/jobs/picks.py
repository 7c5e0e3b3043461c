"""Records at places of any topics, picked a few at a time.

The law: of each place it is told what lies there, or that nothing does: deleted, or its topic is gone. A broker that is
away is waited for, for 15 s without a word.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Final, Protocol

from consumer.events.event import Record
from consumer.jobs.job import Spot
from consumer.kafka.client import AccessDenied, KafkaBroken, KafkaFatal
from consumer.kafka.picking import Picker
from consumer.kafka.spans import SILENCE_S
from consumer.settings import Settings

_TURN_S: Final = 1.0
_GONE: Final = frozenset({"UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_TOPIC", "_UNKNOWN_PARTITION"})
_OPEN_MOST: Final = 8


class Pick(Protocol):
    """See `Picker`."""

    def pick_all(self, partition: int, offsets: list[int], *, until_s: float) -> Iterable[Record]: ...
    def close(self) -> None: ...


class Picks:
    """Owned by one thread. A picker for each topic, the latest eight of them kept."""

    def __init__(
        self,
        settings: Settings,
        *,
        open_picker: Callable[[str], Pick] | None = None,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is connected yet."""
        self._open = (lambda topic: Picker(settings, topic)) if open_picker is None else open_picker
        self._monotonic_s = monotonic_s
        self._pickers: dict[str, Pick] = {}

    def at(self, spots: Iterable[Spot]) -> Generator[None, None, Mapping[Spot, Record]]:
        """The records at these places that are still there.

        Raises:
            KafkaBroken: one could not be read.
        """
        wanted: defaultdict[tuple[str, int], set[int]] = defaultdict(set)
        for spot in spots:
            wanted[spot.topic, spot.partition].add(spot.offset)
        found: dict[Spot, Record] = {}
        for (topic, partition), offsets in wanted.items():
            yield from self._of(topic, partition, sorted(offsets), found)
        return found

    def close(self) -> None:
        """Close the connections."""
        for picker in self._pickers.values():
            picker.close()
        self._pickers.clear()

    def _of(
        self, topic: str, partition: int, offsets: list[int], found: dict[Spot, Record]
    ) -> Generator[None, None, None]:
        picker, heard_s = self._picker(topic), self._monotonic_s()
        while offsets:
            read = -1
            try:
                for record in picker.pick_all(partition, offsets, until_s=self._monotonic_s() + _TURN_S):
                    found[Spot(topic, partition, record.offset)] = record
                    read, heard_s = record.offset, self._monotonic_s()
            except (AccessDenied, KafkaFatal):
                raise
            except KafkaBroken as error:
                if error.code in _GONE:
                    return
                if self._monotonic_s() - heard_s > SILENCE_S:
                    raise
                offsets = [each for each in offsets if each > read]
            else:
                return
            yield

    def _picker(self, topic: str) -> Pick:
        if topic not in self._pickers:
            if len(self._pickers) >= _OPEN_MOST:
                self._pickers.pop(next(iter(self._pickers))).close()
            self._pickers[topic] = self._open(topic)
        return self._pickers[topic]
