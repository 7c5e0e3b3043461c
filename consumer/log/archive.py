"""Attempts read back from the topic they are written to: the whole of one, with its bodies.

The laws:
- an id opens only its owner's own attempt; of another's it is not told whether there is one;
- no more than READERS are at work in a process, of them no more than READERS_OF_A_TENANT for one tenant, and none for
  longer than it may take. So whoever reads, the others can.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, Protocol

from consumer.data_keys.opening import Opening
from consumer.delivery.delivery import Attempt
from consumer.events.event import Record
from consumer.kafka.client import KafkaFatal
from consumer.kafka.picking import NothingThere, Picker
from consumer.kafka.topic_specs import Topics
from consumer.log.attempt_id import Place
from consumer.settings import Settings
from consumer.shares import Shares
from consumer.wire import RecordCorrupt

READERS: Final = 4
READERS_OF_A_TENANT: Final = 2
WITHIN_S: Final = 2.0
"""How long reading one attempt may take."""
_PATIENCE_S: Final = 0.5
"""How long a place is waited for. A reader has done within a few milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An attempt as the topic holds it. `logged_ms` is its record's time, in ms since 1970."""

    partition: int
    offset: int
    logged_ms: int
    attempt: Attempt = field(repr=False)


class AttemptUnknown(LookupError):  # noqa: N818 # it names a state, as the glossary does
    """There is no such attempt, or it is somebody else's."""


class Pick(Protocol):
    """See `Picker`."""

    def pick(self, partition: int, offset: int, *, within_s: float) -> Record: ...
    def pick_all(self, partition: int, offsets: Sequence[int], *, until_s: float) -> Iterator[Record]: ...
    def close(self) -> None: ...


class Archive:
    """For many threads."""

    def __init__(
        self,
        settings: Settings,
        *,
        open_picker: Callable[[], Pick] | None = None,
        opening: Opening | None = None,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is connected yet. Without `opening` it has one of its own."""
        self._opening = Opening.of(settings) if opening is None else opening
        self._own = self._opening if opening is None else None
        topic = Topics.of(settings).attempts
        self._open = (lambda: Picker(settings, topic)) if open_picker is None else open_picker
        self._monotonic_s = monotonic_s
        self._places = Shares("readers of the log", places=READERS, share=READERS_OF_A_TENANT)
        self._idle: list[Pick] = []
        self._lock = threading.Lock()
        self._closed = False

    def read(self, tenant: str, brand: str, place: Place) -> Kept:
        """The attempt there.

        Raises:
            AttemptUnknown: this owner has no such attempt.
            NotKept: the topic does not hold it any more.
            Busy: too many read, of this tenant or of all.
            KafkaBroken: it could not be read in time.
        """
        with self._picker(tenant) as picker:
            try:
                found = self._kept(picker.pick(place.partition, place.offset, within_s=WITHIN_S))
            except NothingThere:
                raise AttemptUnknown from None
        if found is None or not _is_of(found.attempt, tenant, brand) or found.attempt.delivery_id[:8] != place.delivery:
            raise AttemptUnknown
        return found

    def scan(
        self, tenant: str, brand: str, partition: int, offsets: Sequence[int], *, until_s: float
    ) -> Iterator[Kept]:
        """Those of the owner's attempts at these offsets, which rise, that are still there, until it is so late.

        Raises:
            Busy, KafkaBroken: as `read` does.
        """
        with self._picker(tenant) as picker:
            for record in picker.pick_all(partition, offsets, until_s=until_s):
                found = self._kept(record)
                if found is not None and _is_of(found.attempt, tenant, brand):
                    yield found

    def close(self) -> None:
        """Close the connections. Who reads at the moment closes his own."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for picker in idle:
            picker.close()
        if self._own is not None:
            self._own.close()

    @contextmanager
    def _picker(self, tenant: str) -> Iterator[Pick]:
        """A picker and a place. One that met a fatal error is not used again."""
        with self._places.place(tenant, within_s=_PATIENCE_S):
            with self._lock:
                picker = self._idle.pop() if self._idle else None
            picker = self._open() if picker is None else picker
            try:
                yield picker
            except KafkaFatal:
                picker.close()
                raise
            except BaseException:
                self._give_back(picker)
                raise
            self._give_back(picker)

    def _kept(self, record: Record) -> Kept | None:
        """None: the record is no attempt."""
        with suppress(RecordCorrupt):
            attempt = self._opening.attempt(record.value or b"")
            place = {"partition": record.partition, "offset": record.offset}
            return Kept(**place, logged_ms=record.timestamp_ms, attempt=attempt)
        return None

    def _give_back(self, picker: Pick) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(picker)
                return
        picker.close()


def _is_of(attempt: Attempt, tenant: str, brand: str) -> bool:
    return attempt.tenant == tenant and attempt.brand == brand
