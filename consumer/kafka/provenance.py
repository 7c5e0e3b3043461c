"""Where a dead letter or a poison record came from and why it is there, as record headers.

The law: what these headers say is ours. A header of the same name that the record brought along is replaced; every
other header of a poison record stays, in its order.

Two families, as their own tools read them:
- `kafka_dlt-*`, as Spring for Apache Kafka's DeadLetterPublishingRecoverer writes them: text as UTF-8, the partition
  as int32 and offset and timestamp as int64, both big-endian.
- `__connect.errors.*`, as Kafka Connect's dead letter queue reporter writes them: everything as text.
The four of the first family that name the place and the reason are there under either setting.
"""

import struct
from typing import Final, Literal, TypeAlias

from consumer.delivery.delivery import DeadLetter
from consumer.events.event import Headers, Poison, Record

Family: TypeAlias = Literal["kafka_dlt", "connect"]

_INT32 = struct.Struct(">i")
_INT64 = struct.Struct(">q")
# A detail may quote what it found: a header is for people and must not outgrow the record.
_MAX_DETAIL: Final = 1_000
_LEFT_OUT: Final = "hookline-left-out-bytes"


def poison_headers(record: Record, poison: Poison, *, left_out_bytes: int = 0, family: Family = "kafka_dlt") -> Headers:
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


def dead_letter_headers(dead_letter: DeadLetter, *, family: Family = "kafka_dlt") -> Headers:
    """The headers of a dead letter: the provenance of its event."""
    event = dead_letter.delivery.event
    return _stub(dead_letter.left_out_bytes) + _provenance(
        family,
        kind="DeadLetter",
        topic=event.topic,
        partition=event.partition,
        offset=event.offset,
        timestamp_ms=event.timestamp_ms,
        reason=dead_letter.reason,
        detail=dead_letter.detail,
    )


def _beside(original: Headers, provenance: Headers, stub: Headers) -> Headers:
    ours = {_LEFT_OUT, *(name for name, _ in provenance)}
    return (*(header for header in original if header[0] not in ours), *stub, *provenance)


def _stub(left_out_bytes: int) -> Headers:
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
) -> Headers:
    short = detail[:_MAX_DETAIL]
    message = _text(f"{reason}: {short}" if short else reason)
    exception = _text(f"io.hookline.{kind}")
    headers: list[tuple[str, bytes | None]] = [
        ("kafka_dlt-original-topic", _text(topic)),
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
    headers += [("hookline-reason", _text(reason)), ("hookline-detail", _text(short))]
    return tuple(headers)


def _text(text: str) -> bytes:
    # A detail may quote a lone surrogate it complains about.
    return text.encode("utf-8", "backslashreplace")
