"""Where a dead letter or a poison record came from and why it is there, as record headers.

The law: what these headers say is ours. A header of the same name that the record brought along is replaced; every
other header of a poison record stays, in its order, before ours. So `told_apart` gives back those that it had.

Two families, as their own tools read them:
- `kafka_dlt-*`, as Spring for Apache Kafka's DeadLetterPublishingRecoverer writes them: text as UTF-8, the partition
  as int32 and offset and timestamp as int64, both big-endian.
- `__connect.errors.*`, as Kafka Connect's dead letter queue reporter writes them: everything as text.
The four of the first family that name the place and the reason are there under either setting.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from consumer.delivery.delivery import DeadLetter
from consumer.events.event import Poison, Record, RecordHeaders

Family: TypeAlias = Literal["kafka_dlt", "connect"]

_INT32 = struct.Struct(">i")
_INT64 = struct.Struct(">q")
# A detail may quote what it found: a header is for people and must not outgrow the record.
_MAX_DETAIL: Final = 1_000
_LEFT_OUT: Final = "hookline-left-out-bytes"
_SEALED: Final = "hookline-sealed"
_FIRST: Final = "kafka_dlt-original-topic"
_REASON: Final = "hookline-reason"
_DETAIL: Final = "hookline-detail"
_OURS: Final = frozenset(
    {
        _FIRST,
        "kafka_dlt-original-partition",
        "kafka_dlt-original-offset",
        "kafka_dlt-original-timestamp",
        "kafka_dlt-exception-message",
        "kafka_dlt-exception-fqcn",
        "__connect.errors.topic",
        "__connect.errors.partition",
        "__connect.errors.offset",
        "__connect.errors.exception.class.name",
        "__connect.errors.exception.message",
        _REASON,
        _DETAIL,
        _SEALED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What our headers tell of a record: where it was, and why it is not there. Of a stub also how large it was.

    `timestamp_ms` is the original's; None where the headers were written for Kafka Connect's tools, which have none.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int | None
    reason: str
    detail: str
    left_out_bytes: int


def poison_headers(
    record: Record, poison: Poison, *, left_out_bytes: int = 0, family: Family = "kafka_dlt"
) -> RecordHeaders:
    """The headers of a poison record: the original's, then its provenance; of a stub, how large the original is."""
    return _beside(
        record.headers,
        _provenance(
            family,
            kind="Poison",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            timestamp_ms=record.timestamp_ms,
            reason=poison.reason,
            detail=poison.detail,
        ),
        _stub(left_out_bytes),
    )


def sealed(headers: RecordHeaders) -> RecordHeaders:
    """A poison record's headers, where its value is sealed: what producers write may begin with any bytes."""
    return (*headers, (_SEALED, b"1"))


def is_sealed_poison(headers: RecordHeaders) -> bool:
    """Whether a poison record's headers say that its value is sealed. A header of the producer's never does."""
    return any(name == _SEALED for name, _ in headers)


def dead_letter_headers(
    dead_letter: DeadLetter, *, family: Family = "kafka_dlt", detailed: bool = True
) -> RecordHeaders:
    """The headers of a dead letter: the provenance of its event. `detailed`: with what its endpoint made of it."""
    event = dead_letter.delivery.event
    return _stub(dead_letter.left_out_bytes) + _provenance(
        family,
        kind="DeadLetter",
        topic=event.topic,
        partition=event.partition,
        offset=event.offset,
        timestamp_ms=event.timestamp_ms,
        reason=dead_letter.reason,
        detail=dead_letter.detail if detailed else "",
    )


def told_apart(headers: RecordHeaders) -> tuple[Origin | None, RecordHeaders]:
    """What our headers tell, and those that the record itself had; None where ours are not all there, or are spoiled.

    Ours begin with the last one that names the topic, and the stub's is right before it.
    """
    first = max((at for at, (name, _) in enumerate(headers) if name == _FIRST), default=len(headers))
    stub = first > 0 and first < len(headers) and headers[first - 1][0] == _LEFT_OUT
    begin = first - stub
    told = {name: value for name, value in headers[begin:] if value is not None}
    try:
        origin = _origin(told)
    except (KeyError, ValueError, struct.error):
        return None, headers
    return origin, (*headers[:begin], *(each for each in headers[first:] if each[0] not in _OURS))


def _origin(told: Mapping[str, bytes]) -> Origin:
    """Raises KeyError, ValueError or struct.error: something is missing, or is not as we write it."""
    [partition] = _INT32.unpack(told["kafka_dlt-original-partition"])
    [offset] = _INT64.unpack(told["kafka_dlt-original-offset"])
    if partition < 0 or offset < 0:
        raise ValueError("no place of a record")
    timestamp = told.get("kafka_dlt-original-timestamp")
    return Origin(
        topic=told[_FIRST].decode(),
        partition=partition,
        offset=offset,
        timestamp_ms=None if timestamp is None else _INT64.unpack(timestamp)[0],
        reason=told[_REASON].decode(),
        detail=told[_DETAIL].decode(),
        left_out_bytes=int(told.get(_LEFT_OUT, b"0")),
    )


def _beside(original: RecordHeaders, provenance: RecordHeaders, stub: RecordHeaders) -> RecordHeaders:
    ours = {_LEFT_OUT, _SEALED, *(name for name, _ in provenance)}
    return (*(header for header in original if header[0] not in ours), *stub, *provenance)


def _stub(left_out_bytes: int) -> RecordHeaders:
    return ((_LEFT_OUT, _text(str(left_out_bytes))),) if left_out_bytes else ()


def _provenance(
    family: Family,
    *,
    kind: str,
    topic: str,
    partition: int,
    offset: int,
    timestamp_ms: int,
    reason: str,
    detail: str,
) -> RecordHeaders:
    short = detail[:_MAX_DETAIL]
    message = _text(f"{reason}: {short}" if short else reason)
    exception = _text(f"io.hookline.{kind}")
    headers: list[tuple[str, bytes | None]] = [
        (_FIRST, _text(topic)),
        ("kafka_dlt-original-partition", _INT32.pack(partition)),
        ("kafka_dlt-original-offset", _INT64.pack(offset)),
        ("kafka_dlt-exception-message", message),
    ]
    if family == "kafka_dlt":
        headers += [
            ("kafka_dlt-original-timestamp", _INT64.pack(timestamp_ms)),
            ("kafka_dlt-exception-fqcn", exception),
        ]
    else:
        headers += [
            ("__connect.errors.topic", _text(topic)),
            ("__connect.errors.partition", _text(str(partition))),
            ("__connect.errors.offset", _text(str(offset))),
            ("__connect.errors.exception.class.name", exception),
            ("__connect.errors.exception.message", message),
        ]
    headers += [(_REASON, _text(reason)), (_DETAIL, _text(short))]
    return tuple(headers)


def _text(text: str) -> bytes:
    # A detail may quote a lone surrogate it complains about.
    return text.encode("utf-8", "backslashreplace")
