"""The thread that writes the delivery log's index: it hears what the role `log` read, and asks Redis.

The laws:
- what goes wrong here ends here: Redis or Kafka being away is waited for, and after a bug the partitions are loaded
  again;
- a partition's index is written by whoever has the partition; who lost it finds another interval, and stops.
"""

import queue
import time
from collections.abc import Callable
from typing import Final, NamedTuple

import structlog

from consumer.delivery.boundary import Boundary
from consumer.events.event import Record
from consumer.kafka.client import KafkaBroken
from consumer.kafka.ranges import Part, RangeReader
from consumer.log.attempts import head_of
from consumer.log.index import Bounds, Name
from consumer.log.index_store import IndexStore
from consumer.log.indexing import Loaded, Superseded
from consumer.log.packing import Packing
from consumer.log.tending import Progress, Taken, Tending
from consumer.roles.index_memory import IndexMemory
from consumer.roles.partition_news import Began, Left, News, Read, Rewound
from consumer.setting_values import duration_ms, size_bytes
from consumer.settings import Settings
from consumer.telemetry.bugs import contain
from consumer.telemetry.counters import counters
from consumer.telemetry.outage import Outage
from consumer.webhooks.cache import Cache, CacheUnavailable, connect_log
from consumer.wire import RecordCorrupt

_log = structlog.get_logger("log")

CHUNK: Final = 5_000
"""Records of a part of the log that is read here."""
FIRST: Final = 500
"""Of the first one: first pages come first."""
_PAUSE: Final = 3
"""As long as a part took, so many times: a log that is long is filled for minutes, beside everything else here."""
_TURN_S: Final = 0.25
_RESTS_S: Final = 1.0  # where everything is loaded, filled and written
_AGAIN_S: Final = 0.5
_PATIENCE_MS: Final = 5_000
_TELL_EVERY_S: Final = 0.5
_BOUNDS_EVERY_S: Final = 1.0
_FORGET_EVERY_S: Final = 10.0


class _Packed(NamedTuple):
    """What is kept of a record that is read here: when it was logged, and what the index keeps of it, if anything."""

    logged_ms: int
    taken: Taken | None


class Tender:
    """The thread. `taken` is how many attempts it took over; `partitions` how many share the memory."""

    def __init__(self, settings: Settings, topic: str, packing: Packing, now_ms: Callable[[], int]) -> None:
        self.taken = 0
        self.partitions = settings.partitions
        self._packing = packing
        self._now_ms = now_ms
        self._memory = IndexMemory(size_bytes(settings.log_memory))
        self._for_ms = duration_ms(settings.log_for)
        bounds = Bounds(plain=settings.log_plain, eventful=settings.log_eventful)
        cache = Cache(connect_log(settings, patience_ms=_PATIENCE_MS))
        self._store = IndexStore(cache, topic_prefix=settings.topic_prefix, bounds=bounds, kept_for_ms=self._for_ms)
        self._ranges = RangeReader(settings, topic)
        self._tended: dict[int, Tending] = {}
        self._unloaded: set[int] = set()
        self._rewound: set[int] = set()
        self._told: dict[int, Progress] = {}
        self._bounds_s = self._forget_s = self._free_s = self._tell_s = 0.0
        self._away = Outage(_log, "index not written: the log's Redis is away")
        self._unread = Outage(_log, "index not filled: Kafka is away")

    def run(self, news: "queue.SimpleQueue[News | None]") -> None:
        """Work until None is told."""
        going = True
        while going:
            going = self._hear(news)
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

    def _hear(self, news: "queue.SimpleQueue[News | None]") -> bool:
        """Take what is told for a quarter of a second; at rest, from when something is. Whether there will be more."""
        until_s = None if self._rests else time.monotonic() + _TURN_S
        while (left_s := _RESTS_S if until_s is None else until_s - time.monotonic()) > 0:
            try:
                each = news.get(timeout=left_s)
            except queue.Empty:
                break
            if each is None:
                return False
            until_s = until_s or time.monotonic() + _TURN_S
            self._take(each)
        return True

    @property
    def _rests(self) -> bool:
        return not self._unloaded and all(each.filled and not each.asks for each in self._tended.values())

    def _take(self, news: News) -> None:
        match news:
            case Began(partition):
                if partition not in self._tended:
                    self._unloaded.add(partition)
            case Left(partition):
                self._unloaded.discard(partition)
                self._tended.pop(partition, None)
            case Rewound(partition):
                self._rewound.add(partition)
                if self._tended.pop(partition, None) is not None:
                    self._unloaded.add(partition)
            case Read(lives):
                for partition, live in lives.items():
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
        self._tell()

    def _load(self, partition: int) -> None:
        end = self._ranges.extent(partition)[1]
        loaded = Loaded() if partition in self._rewound else self._store.load(partition)
        if partition in self._rewound or any(each.end > end for each in loaded.intervals.values()):
            _log.warning("index begun anew: the attempts topic is another one", partition=partition)
            self._store.drop(partition)
            self._rewound.discard(partition)
            loaded = Loaded()
        share_bytes = self._memory.share_bytes(self.partitions)
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
        self._memory.look(now_s, self._store.memory)
        if now_s < self._bounds_s:
            return
        self._bounds_s = now_s + _BOUNDS_EVERY_S
        forgets = now_s >= self._forget_s
        if forgets:
            self._forget_s = now_s + _FORGET_EVERY_S
        for partition in list(self._tended):
            tending = self._tended[partition]
            tending.share_bytes = self._memory.share_bytes(self.partitions)
            if forgets:
                tending.forget(self._now_ms() - self._for_ms)
            tending.level()
            if tending.asks:
                self._write(partition)

    def _tell(self) -> None:
        """How far the partitions are: of what moved at once, of what did not twice a second."""
        everywhere = time.monotonic() >= self._tell_s
        if everywhere:
            self._tell_s = time.monotonic() + _TELL_EVERY_S
        told = {partition: tending.progress for partition, tending in self._tended.items() if not tending.asks}
        moved = {
            partition: progress
            for partition, progress in told.items()
            if everywhere or progress.is_beyond(self._told.get(partition))
        }
        if moved:
            self._told |= moved
            for partition in self._store.tell(moved):
                self._tended[partition].doubt()

    # ── reading the log here ─────────────────────────────────────────────────────────────────────────────────────

    def _catch_up(self) -> None:
        """One part of each partition where what the role has does not join on."""
        for partition, tending in self._tended.items():
            if not tending.asks and tending.apart(self._now_ms()):
                part = self._ranges.read(partition, tending.indexing.position, most=CHUNK, keep=self._packed)
                tending.take(_taken(part), part.end)
                tending.at_end_ms = self._now_ms() if part.at_end else None
                counters.add("attempts_indexed_again", len(part.kept))

    def _fill(self) -> None:
        """The first part of each partition, which is small; then one part of one, and a pause after it."""
        if self._memory.full:
            return
        for partition, tending in list(self._tended.items()):
            if tending.parts == 0:
                self._fill_part(partition, tending, FIRST)
        began_s = time.monotonic()
        if began_s < self._free_s:
            return
        for partition in sorted(self._tended, key=lambda each: -(self._tended[each].indexing.fill_from or 0)):
            if self._fill_part(partition, self._tended[partition], CHUNK):
                now_s = time.monotonic()
                self._free_s = now_s + _PAUSE * (now_s - began_s)
                return

    def _fill_part(self, partition: int, tending: Tending, most: int) -> bool:
        if tending.filled:
            return False
        begins = self._ranges.extent(partition)[0]
        before = tending.fill_from(begins)
        if before is None:
            return False
        first = max(begins, before - most)
        part = self._ranges.read(
            partition, first, most=most, before=before, keep=lambda record: self._packed(record, tending.wants)
        )
        if part.end < before and not part.at_end:
            return False  # it fell silent; it is tried again
        if part.kept and part.kept[-1].logged_ms < self._now_ms() - self._for_ms:
            tending.filled = True
            return False
        tending.fill(first, _taken(part), logged_ms=part.kept[0].logged_ms if part.kept else None)
        self._write(partition)
        return True

    def _packed(self, record: Record, wants: Callable[[int, Name], bool] | None = None) -> _Packed:
        """Of lists that are full, which most of a long log belongs to, no entry is made."""
        taken = None
        try:
            head = head_of(record.value or b"")
            if wants is None or wants(*self._packing.place(head)):
                taken = self._packing.taken(record, head)
        except RecordCorrupt:
            pass  # the role tells of it
        return _Packed(record.timestamp_ms, taken)


def _taken(part: Part[_Packed]) -> list[Taken]:
    """What the index keeps of a part of the log."""
    return [each.taken for each in part.kept if each.taken is not None]
