"""An attempt's record in two: what lists, health and jobs are made of, and its contents, which are sealed. Pure.

The law: what is put together again is the attempt that was taken apart; and in the clear part, which is an attempt's
record by itself, are neither headers, bodies, the detail of a failure nor the query of its URL.
"""

from typing import Final

from msgspec.structs import replace

from consumer.delivery.delivery import Attempt
from consumer.kafka.attempt_encoding import ATTEMPT
from consumer.kafka.avro_bytes import layout, reading, values_of
from consumer.kafka.avro_text import string
from consumer.schemas import avro_history
from consumer.wire import HEAD_BYTES, RecordCorrupt, WireFormat

CONTENTS: Final = WireFormat(avro_history("AttemptContents"))

_SCHEMA: Final = avro_history("Attempt")[0]
_NOTHING: Final = b"\x00\x00\x00\x00"  # no headers, twice, and no bytes, twice
_EMPTY: Final = b"\x00"
_WHOLE: Final = layout(_SCHEMA, until="bodies")
_URL: Final = _WHOLE.names.index("url")
_DETAIL: Final = _WHOLE.names.index("failure_detail")
_read_all: Final = reading(_WHOLE.kinds)
_read_before_url: Final = reading(_WHOLE.kinds[:_URL])
_read_before_detail: Final = reading(_WHOLE.kinds[:_DETAIL])
_read_string: Final = reading("s")


def taken_apart(value: bytes) -> tuple[bytes, bytes]:
    """The clear part of a record as `encode_attempt` writes it, and its contents.

    Raises:
        RecordCorrupt: it is no such record.
    """
    if value[:HEAD_BYTES] != ATTEMPT.head:
        raise RecordCorrupt("not an attempt of this version")
    values, end = values_of(_read_all, value)
    whole, detail = values[_URL], values[_DETAIL]
    url = whole.partition("?")[0]
    query = whole[len(url) :]
    clear = _without(value, end, url) if query or detail else value[:end]
    return clear + _NOTHING, b"".join((CONTENTS.head, _bytes(query), _bytes(detail), value[end:]))


def put_together(attempt: Attempt, contents: bytes) -> Attempt:
    """The whole attempt, of what was in the clear and of what was sealed.

    Raises:
        RecordCorrupt: these are no contents.
    """
    row = CONTENTS.decode(contents)
    return replace(
        attempt,
        url=attempt.url + row["url_query"],
        failure_detail=row["failure_detail"],
        request_headers=_headers(row["request_headers"]),
        response_headers=_headers(row["response_headers"]),
        request_body=row["request_body"],
        response_body=row["response_body"],
    )


def _without(value: bytes, end: int, url: str) -> bytes:
    """The record up to `end`, with this URL and without the detail of its failure."""
    _, url_at = values_of(_read_before_url, value)
    _, url_end = _read_string(value, url_at)
    _, detail_at = values_of(_read_before_detail, value)
    _, detail_end = _read_string(value, detail_at)
    return b"".join((value[:url_at], _bytes(url), value[url_end:detail_at], _EMPTY, value[detail_end:end]))


def _bytes(text: str) -> bytes:
    return string(text).encode("latin-1")


def _headers(rows: list[dict[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((row["name"], row["value"]) for row in rows)
