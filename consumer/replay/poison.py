"""The poison records, from their topic.

The law: one poison record is one record of its source, known by where it lay, when, and by its bytes. One that was
written twice (its writer died before it knew of the first) is read once, and memory grows by its id only.
"""

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, NamedTuple

from consumer.data_keys.opening import Opening
from consumer.events.event import Record, RecordHeaders
from consumer.json import Json
from consumer.kafka.provenance import Origin, told_apart
from consumer.kafka.reading import read_to_end
from consumer.kafka.topics import Topics
from consumer.settings import Settings
from consumer.signing.timestamps import rfc3339

_ID_BYTES: Final = 16
# Records are dated by their producers: a later one may be dated earlier, by so much at most.
_SKEW_MS: Final = 60_000


class Spot(NamedTuple):
    """Where a record lies."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}-{self.offset}"


def spot_of(text: str) -> Spot:
    """Read TOPIC-PARTITION-OFFSET. Raises ValueError: it is none."""
    topic, *numbers = text.rsplit("-", 2)
    if not topic or len(numbers) != len(Spot._fields) - 1 or not all(_is_number(each) for each in numbers):
        raise ValueError("write it as TOPIC-PARTITION-OFFSET, as in orders-3-18273645")
    return Spot(topic, int(numbers[0]), int(numbers[1]))


@dataclass(frozen=True, kw_only=True)
class PoisonRecord:
    """A record of the poison topic. `headers` are those that it had at its source.

    `origin` is what is told of that; None: its headers are spoiled, or another program wrote it.
    """

    record: Record = field(repr=False)
    headers: RecordHeaders = field(repr=False)
    origin: Origin | None

    @cached_property
    def id(self) -> str:
        """The same for the same record of a source, however often it was written to the poison topic."""
        digest = hashlib.blake2b(digest_size=_ID_BYTES)
        at_ms = self.record.timestamp_ms if self.origin is None else self.origin.timestamp_ms
        for part in (str(self.source or self.spot).encode(), str(at_ms).encode(), self.record.key, self.record.value):
            digest.update(b"-" if part is None else b"%d:%b" % (len(part), part))
        return digest.hexdigest()

    @property
    def spot(self) -> Spot:
        """Where it lies on the poison topic."""
        return Spot(self.record.topic, self.record.partition, self.record.offset)

    @property
    def source(self) -> Spot | None:
        """Where the original was read."""
        origin = self.origin
        return None if origin is None else Spot(origin.topic, origin.partition, origin.offset)

    @property
    def left_out_bytes(self) -> int:
        """How large the original is, of which this is only the stub; 0: this is the original."""
        return 0 if self.origin is None else self.origin.left_out_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PoisonFilters:
    """Values of one filter are alternatives. `since_ms` is included, `until_ms` is not; both: when it became poison.

    `spots` are places on the poison topic, or at the source.
    """

    spots: frozenset[Spot] = frozenset()
    reasons: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    since_ms: int | None = None
    until_ms: int | None = None

    def __bool__(self) -> bool:
        return self != PoisonFilters()

    def match(self, poison: PoisonRecord) -> bool:
        """Whether every filter holds."""
        origin, at_ms = poison.origin, poison.record.timestamp_ms
        return (
            (not self.spots or poison.spot in self.spots or poison.source in self.spots)
            and (not self.reasons or (origin is not None and origin.reason in self.reasons))
            and (not self.topics or (origin is not None and origin.topic in self.topics))
            and (self.since_ms is None or at_ms >= self.since_ms)
            and (self.until_ms is None or at_ms < self.until_ms)
        )


def read(settings: Settings, filters: PoisonFilters) -> Iterator[PoisonRecord]:
    """Every poison record that matches, in the order of its partition, up to where the topic ended at the call.

    Those of erased tenants that were sealed are none any more.

    Raises:
        KafkaBroken: the topic does not exist, or could not be read to its end.
    """
    since_ms = None if filters.since_ms is None else max(0, filters.since_ms - _SKEW_MS)
    with closing(Opening.of(settings)) as opening:
        records = read_to_end(settings, Topics.of(settings).poison, since_ms=since_ms)
        yield from matching(opening.poison(records), filters)


def matching(records: Iterable[Record], filters: PoisonFilters) -> Iterator[PoisonRecord]:
    """The poison records among the records, each id once."""
    seen: set[bytes] = set()
    for record in records:
        origin, headers = told_apart(record.headers)
        poison = PoisonRecord(record=record, headers=headers, origin=origin)
        if not filters.match(poison):
            continue
        name = bytes.fromhex(poison.id)
        if name not in seen:
            seen.add(name)
            yield poison


def described(poison: PoisonRecord) -> dict[str, Json]:
    """One poison record as an operator's record: without its value, times as RFC 3339."""
    origin, record, source = poison.origin, poison.record, poison.source
    key, key_encoding = text_of(record.key)
    return {
        "place": str(poison.spot),
        "at": rfc3339(record.timestamp_ms),
        "reason": None if origin is None else origin.reason,
        "detail": None if origin is None else origin.detail,
        "source": None if source is None else str(source),
        "topic": None if origin is None else origin.topic,
        "partition": None if origin is None else origin.partition,
        "offset": None if origin is None else origin.offset,
        "source_at": None if origin is None or origin.timestamp_ms is None else rfc3339(origin.timestamp_ms),
        "key": key,
        "key_encoding": key_encoding,
        "bytes": len(record.value or b""),
        "left_out_bytes": poison.left_out_bytes,
    }


def text_of(value: bytes | None) -> tuple[str | None, str | None]:
    """Bytes for JSON, and how they stand there: `utf-8`, or else `base64`."""
    if value is None:
        return None, None
    try:
        return value.decode(), "utf-8"
    except UnicodeDecodeError:
        return b64encode(value).decode(), "base64"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < len(str(1 << 63))
