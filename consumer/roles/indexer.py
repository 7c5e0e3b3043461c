"""The delivery log's index beside the role `log`: what the role reads, written to Redis in a thread of its own.

The laws:
- the role never waits: it hands over what it read, and where there is no room for it, that it read it. The thread reads
  the log again for that;
- health and suspension do not know of it: an index that cannot be written, or read, is a line in the log;
- a partition's index is written by whoever has the partition; who lost it finds another interval, and stops.
"""

import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import structlog

from consumer.delivery.boundary import Boundary
from consumer.events.event import Record
from consumer.kafka.attempt_decoding import Head
from consumer.kafka.client import KafkaBroken
from consumer.kafka.ranges import RangeReader
from consumer.log.attempts import entry_of, head_of
from consumer.log.entry import pack
from consumer.log.index import Bounds, Kind, Name
from consumer.log.index_keys import Owner
from consumer.log.index_store import IndexStore
from consumer.log.indexing import Loaded, Superseded
from consumer.log.tending import Live, Taken, Tending
from consumer.roles.lookup import leave
from consumer.settings import Settings, duration_ms, size_bytes
from consumer.telemetry.bugs import contain
from consumer.telemetry.counters import counters
from consumer.telemetry.outage import Outage
from consumer.webhooks.bucket import bucket_of
from consumer.webhooks.cache import Cache, CacheUnavailable, connect_log
from consumer.wire import RecordCorrupt

_log = structlog.get_logger("log")

WAITING_MOST: Final = 20_000
"""Attempts that wait for the thread; about 3 MB."""
CHUNK: Final = 5_000
"""Records of a part of the log that is read here."""
FIRST: Final = 500
"""Of the first one: first pages come first."""
FULL: Final = 0.8
"""Of Redis' memory, above which the index takes half of its share."""
_TURN_S: Final = 0.25
_AGAIN_S: Final = 0.5
_PATIENCE_MS: Final = 5_000
_BOUNDS_EVERY_S: Final = 1.0
_MEMORY_EVERY_S: Final = 5.0
_FORGET_EVERY_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class _Began:
    partition: int


@dataclass(frozen=True, slots=True)
class _Left:
    partition: int


@dataclass(frozen=True, slots=True)
class _Rewound:
    partition: int


@dataclass(frozen=True, slots=True)
class _Read:
    partition: int
    live: Live


_Told: TypeAlias = _Began | _Left | _Rewound | _Read


class Packing:
    """Attempts as the index keeps them."""

    def __init__(self, settings: Settings, now_ms: Callable[[], int]) -> None:
        self._tiers = {delay: tier for tier, delay in enumerate(("0s", *settings.retry_delays))}
        self._now_ms = now_ms

    def taken(self, record: Record, head: Head) -> Taken:
        """What the index keeps of this one, and where.

        Raises:
            RecordCorrupt: it cannot be kept.
        """
        # A producer's clock may be ahead: what follows in its list would be dated as late.
        logged_ms = min(max(0, record.timestamp_ms), self._now_ms())
        kept = entry_of(head, offset=record.offset, logged_ms=logged_ms, tiers=self._tiers)
        name = Name(head.subscription_id, Kind.PLAIN if kept.plain else Kind.EVENTFUL)
        return Taken(record.offset, bucket_of(head.tenant), name, Owner(head.tenant, head.brand), pack(kept))


@dataclass(slots=True)
class _Reading:
    """What the role read of a partition, from `first` up to `end`. `taken` is None where something is left out."""

    first: int
    end: int
    taken: list[Taken] | None = field(default_factory=list)
    at_end: bool = False


class Indexer:
    """Owned by the role's thread."""

    def __init__(self, settings: Settings, topic: str, now_ms: Callable[[], int]) -> None:
        self._packing = Packing(settings, now_ms)
        self._now_ms = now_ms
        self._told: queue.SimpleQueue[_Told | None] = queue.SimpleQueue()
        self._reading: dict[int, _Reading] = {}
        self._waiting = 0
        self._tender = _Tender(settings, topic, self._packing, now_ms)
        self._thread = threading.Thread(target=self._tender.run, args=(self._told,), name="index", daemon=True)
        self._thread.start()

    def counted(self, partitions: int) -> None:
        """The topic has so many partitions."""
        self._tender.partitions = max(1, partitions)

    def began(self, partition: int, offset: int) -> None:
        """It is read from this offset on."""
        self._reading[partition] = _Reading(offset, offset)
        self._told.put(_Began(partition))

    def left(self, partition: int) -> None:
        """It is not ours any more."""
        self._reading.pop(partition, None)
        self._told.put(_Left(partition))

    def rewound(self, partition: int) -> None:
        """Its topic was made anew."""
        if partition in self._reading:
            self._reading[partition] = _Reading(0, 0)
        self._told.put(_Rewound(partition))

    def taken(self, record: Record, head: Head) -> None:
        """This attempt was read. Raises nothing."""
        reading = self._reading.get(record.partition)
        if reading is None or reading.taken is None:
            return
        if self._waiting - self._tender.taken >= WAITING_MOST:
            reading.taken = None
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
        now_ms = self._now_ms()
        for partition, reading in self._reading.items():
            reading.end = max(reading.end, ends.get(partition, 0))
            reading.at_end = reading.at_end or partition in ends
            if reading.first == reading.end and not reading.at_end:
                continue
            at_end_ms = now_ms if reading.at_end else None
            live = Live(first=reading.first, end=reading.end, taken=reading.taken, at_end_ms=at_end_ms)
            self._told.put(_Read(partition, live))
            reading.first, reading.taken = reading.end, []

    def close(self) -> None:
        """Hand over the rest, and end. One that waits for Redis for too long is left behind."""
        self._told.put(None)
        leave([self._thread])


class _Tender:
    """The thread. `taken` is how many attempts it took over; `partitions` how many share the memory."""

    def __init__(self, settings: Settings, topic: str, packing: Packing, now_ms: Callable[[], int]) -> None:
        self.taken = 0
        self.partitions = settings.partitions
        self._packing = packing
        self._now_ms = now_ms
        self._memory_bytes = size_bytes(settings.log_memory)
        self._for_ms = duration_ms(settings.log_for)
        bounds = Bounds(plain=settings.log_plain, eventful=settings.log_eventful)
        cache = Cache(connect_log(settings, patience_ms=_PATIENCE_MS))
        self._store = IndexStore(cache, topic_prefix=settings.topic_prefix, bounds=bounds, kept_for_ms=self._for_ms)
        self._ranges = RangeReader(settings, topic)
        self._tended: dict[int, Tending] = {}
        self._unloaded: set[int] = set()
        self._rewound: set[int] = set()
        self._full = False
        self._bounds_s = self._memory_s = self._forget_s = self._free_s = 0.0
        self._away = Outage(_log, "index not written: the log's Redis is away")
        self._unread = Outage(_log, "index not filled: Kafka is away")
        self._crowded = Outage(_log, "the log's Redis is nearly full: the index takes half of its memory")

    def run(self, told: "queue.SimpleQueue[_Told | None]") -> None:
        """Until None is told."""
        going = True
        while going:
            going = self._hear(told)
            try:
                self._turn(going=going)
            except CacheUnavailable as error:
                self._away.met(error=str(error))
                time.sleep(_AGAIN_S if going else 0)
            except KafkaBroken as error:
                self._unread.met(error=str(error))
                time.sleep(_AGAIN_S if going else 0)
            except Exception as error:  # noqa: BLE001 # contained: the role goes on without its index
                contain(Boundary.LOG, error)
                self._unloaded |= set(self._tended)
                self._tended.clear()
                time.sleep(_AGAIN_S)
        self._ranges.close()
        self._store.close()

    # ── what the role tells ──────────────────────────────────────────────────────────────────────────────────────

    def _hear(self, told: "queue.SimpleQueue[_Told | None]") -> bool:
        """Take what is told for a quarter of a second. Whether there will be more."""
        until_s = time.monotonic() + _TURN_S
        while (left_s := until_s - time.monotonic()) > 0:
            try:
                each = told.get(timeout=left_s)
            except queue.Empty:
                break
            if each is None:
                return False
            self._take(each)
        return True

    def _take(self, told: _Told) -> None:
        match told:
            case _Began(partition):
                if partition not in self._tended:
                    self._unloaded.add(partition)
            case _Left(partition):
                self._unloaded.discard(partition)
                self._tended.pop(partition, None)
            case _Rewound(partition):
                self._rewound.add(partition)
                if self._tended.pop(partition, None) is not None:
                    self._unloaded.add(partition)
            case _Read(partition, live):
                self.taken += len(live.taken or ())
                tending = self._tended.get(partition)
                if tending is not None:
                    tending.live(live, self._now_ms())

    # ── one turn ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _turn(self, *, going: bool) -> None:
        for partition in sorted(self._unloaded) if going else ():
            self._load(partition)
        for partition in list(self._tended):
            self._write(partition)
        self._away.over()
        if going:
            self._bound()
            self._catch_up()
            self._fill()
            self._unread.over()
        for partition, tending in self._tended.items():
            self._tell(partition, tending)

    def _load(self, partition: int) -> None:
        end = self._ranges.extent(partition)[1]
        loaded = Loaded() if partition in self._rewound else self._store.load(partition)
        if partition in self._rewound or any(each.end > end for each in loaded.intervals.values()):
            _log.warning("index begun anew: the attempts topic is another one", partition=partition)
            self._store.drop(partition)
            self._rewound.discard(partition)
            loaded = Loaded()
        share_bytes = self._share_bytes()
        self._tended[partition] = Tending.loaded(loaded, end=end, share_bytes=share_bytes, now_ms=self._now_ms())
        self._unloaded.discard(partition)
        _log.info("index loaded", partition=partition, end=end, buckets=len(loaded.intervals))

    def _write(self, partition: int) -> None:
        tending = self._tended[partition]
        asks = tending.asked(self._now_ms())
        if not asks:
            return
        done = self._store.do(partition, asks, owners=tending.owners, since_ms=tending.since_ms)
        try:
            tending.answered(done)
        except Superseded as error:
            _log.warning("index loaded again: Redis holds another", partition=partition, reason=str(error))
            del self._tended[partition]
            self._unloaded.add(partition)

    def _bound(self) -> None:
        now_s = time.monotonic()
        if now_s >= self._memory_s:
            self._memory_s = now_s + _MEMORY_EVERY_S
            memory = self._store.memory()
            self._full = memory is not None and memory[0] > FULL * memory[1]
            if self._full:
                self._crowded.met()
            else:
                self._crowded.over()
        if now_s < self._bounds_s:
            return
        self._bounds_s = now_s + _BOUNDS_EVERY_S
        forgets = now_s >= self._forget_s
        if forgets:
            self._forget_s = now_s + _FORGET_EVERY_S
        for partition in list(self._tended):
            tending = self._tended[partition]
            tending.share_bytes = self._share_bytes()
            if forgets:
                tending.forget(self._now_ms() - self._for_ms)
            tending.level()
            if tending.asks:
                self._write(partition)

    def _share_bytes(self) -> int:
        return self._memory_bytes // self.partitions // (2 if self._full else 1)

    def _tell(self, partition: int, tending: Tending) -> None:
        if tending.asks:
            return
        progress = {
            "as_of_ms": tending.as_of_ms,
            "end": tending.indexing.position,
            "first": tending.indexing.fill_from or 0,
            "filled": int(tending.filled),
            "entries": tending.entries,
            "bytes": tending.bytes,
        }
        if not self._store.tell(partition, progress):
            tending.doubt()

    # ── reading the log here ─────────────────────────────────────────────────────────────────────────────────────

    def _catch_up(self) -> None:
        """One part of each partition where what the role has does not join on."""
        for partition, tending in self._tended.items():
            if not tending.asks and tending.apart(self._now_ms()):
                part = self._ranges.read(partition, tending.indexing.position, most=CHUNK)
                tending.take(self._packed(part.records), part.end)
                tending.at_end_ms = self._now_ms() if part.at_end else None
                counters.add("attempts_indexed_again", len(part.records))

    def _fill(self) -> None:
        """The first part of each partition, which is small; then one part of one, and as long a pause after it."""
        if self._full:
            return
        for partition, tending in list(self._tended.items()):
            if tending.parts == 0:
                self._fill_part(partition, tending, FIRST)
        began_s = time.monotonic()
        if began_s < self._free_s:
            return
        for partition in sorted(self._tended, key=lambda each: -(self._tended[each].indexing.fill_from or 0)):
            if self._fill_part(partition, self._tended[partition], CHUNK):
                self._free_s = 2 * time.monotonic() - began_s
                return

    def _fill_part(self, partition: int, tending: Tending, most: int) -> bool:
        if tending.filled:
            return False
        begins = self._ranges.extent(partition)[0]
        before = tending.fill_from(begins)
        if before is None:
            return False
        first = max(begins, before - most)
        part = self._ranges.read(partition, first, most=most, before=before)
        if part.end < before and not part.at_end:
            return False  # it fell silent; it is tried again
        logged_ms = part.records[0].timestamp_ms if part.records else None
        if part.records and part.records[-1].timestamp_ms < self._now_ms() - self._for_ms:
            tending.filled = True
            return False
        tending.fill(first, self._packed(part.records), logged_ms=logged_ms)
        self._write(partition)
        return True

    def _packed(self, records: "tuple[Record, ...]") -> list[Taken]:
        found: list[Taken] = []
        for record in records:
            try:
                found.append(self._packing.taken(record, head_of(record.value or b"")))
            except RecordCorrupt:
                continue  # the role tells of it
        return found
