"""The delivery log's index beside the role `log`: what the role reads, for a thread of its own (`tender.py`).

The laws:
- the role never waits: it hands over what it read, and where there is no room for it, that it read it. The thread reads
  the log again for that;
- health and suspension do not know of it: an index that cannot be written, or read, is a line in the log.
"""

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog

from consumer.delivery.boundary import Boundary
from consumer.events.event import Record
from consumer.kafka.attempt_decoding import Head
from consumer.log.packing import Packing
from consumer.log.tending import Live, Taken
from consumer.roles.lookup import leave
from consumer.roles.partition_news import Began, Left, News, Read, Rewound
from consumer.roles.tender import Tender
from consumer.settings import Settings
from consumer.telemetry.bugs import contain
from consumer.wire import RecordCorrupt

_log = structlog.get_logger("log")

WAITING_MOST: Final = 20_000
"""Attempts that wait for the thread; about 3 MB."""


@dataclass(slots=True)
class _Reading:
    """What the role read of a partition, from `first` up to `end`. `taken` is None where something is left out."""

    first: int
    end: int
    taken: list[Taken] | None = field(default_factory=list)
    at_end: bool = False


class Tends(Protocol):
    """See `Tender`."""

    taken: int
    partitions: int

    def run(self, news: "queue.SimpleQueue[News | None]") -> None:
        """Work until None is told."""


class Indexer:
    """Owned by the role's thread."""

    def __init__(self, packing: Packing, tender: Tends, now_ms: Callable[[], int]) -> None:
        self._packing = packing
        self._tender = tender
        self._now_ms = now_ms
        self._news: queue.SimpleQueue[News | None] = queue.SimpleQueue()
        self._reading: dict[int, _Reading] = {}
        self._waiting = 0
        self._thread = threading.Thread(target=self._tender.run, args=(self._news,), name="index", daemon=True)
        self._thread.start()

    @classmethod
    def from_settings(cls, settings: Settings, topic: str, now_ms: Callable[[], int]) -> "Indexer":
        """Of this topic, under these settings."""
        packing = Packing(settings, now_ms)
        return cls(packing, Tender(settings, topic, packing, now_ms), now_ms)

    def counted(self, partitions: int) -> None:
        """The topic has so many partitions."""
        self._tender.partitions = max(1, partitions)

    def began(self, partition: int, offset: int) -> None:
        """It is read from this offset on."""
        self._drop(partition)
        self._reading[partition] = _Reading(offset, offset)
        self._news.put(Began(partition))

    def left(self, partition: int) -> None:
        """It is not ours any more."""
        self._drop(partition)
        self._reading.pop(partition, None)
        self._news.put(Left(partition))

    def rewound(self, partition: int) -> None:
        """Its topic was made anew."""
        if partition in self._reading:
            self._drop(partition)
            self._reading[partition] = _Reading(0, 0)
        self._news.put(Rewound(partition))

    def taken(self, record: Record, head: Head) -> None:
        """This attempt was read. Raises nothing."""
        reading = self._reading.get(record.partition)
        if reading is None or reading.taken is None:
            return
        if self._waiting - self._tender.taken >= WAITING_MOST:
            self._drop(record.partition)
            return
        try:
            reading.taken.append(self._packing.taken(record, head))
            self._waiting += 1
        except RecordCorrupt as error:
            _log.error("not indexed", partition=record.partition, offset=record.offset, error=str(error))
        except Exception as error:  # noqa: BLE001 # contained: one record of all customers' log
            contain(Boundary.LOG, error, topic=record.topic, partition=record.partition, offset=record.offset)

    def read(self, record: Record) -> None:
        """This record was read, an attempt or none."""
        reading = self._reading.get(record.partition)
        if reading is not None:
            reading.end, reading.at_end = record.offset + 1, False

    def turn(self, ends: Mapping[int, int]) -> None:
        """Hand over what was read. `ends` are the partitions that were read to their logs' ends."""
        now_ms, lives = self._now_ms(), dict[int, Live]()
        for partition, reading in self._reading.items():
            reading.end = max(reading.end, ends.get(partition, 0))
            reading.at_end = reading.at_end or partition in ends
            if reading.first == reading.end and not reading.at_end:
                continue
            at_end_ms = now_ms if reading.at_end else None
            lives[partition] = Live(first=reading.first, end=reading.end, taken=reading.taken, at_end_ms=at_end_ms)
            reading.first, reading.taken = reading.end, []
        if lives:
            self._news.put(Read(lives))  # together: each wakes the thread

    def _drop(self, partition: int) -> None:
        """What was read and not handed over is left out."""
        reading = self._reading.get(partition)
        if reading is not None and reading.taken is not None:
            self._waiting -= len(reading.taken)
            reading.taken = None

    def close(self) -> None:
        """Hand over the rest, and end. One that waits for Redis for too long is left behind."""
        self._news.put(None)
        leave([self._thread])
