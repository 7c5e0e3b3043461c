"""The attempt record, encoded by hand: the one record that every delivery writes.

The law: the bytes are those that fastavro writes for schemas/avro/Attempt.avsc (`tests/property/test_records.py`).
How it is put together: `avro_text.py`.
"""

import struct
from typing import Final

from consumer.delivery.delivery import Attempt, Bodies
from consumer.delivery.logged import DELIVERED_WORD, Unread, word_of
from consumer.delivery.outcome import DELIVERED, Dead
from consumer.kafka.avro_text import NULL, ODD, PRESENT, SHORT, optional, string, varint
from consumer.schemas import avro_history
from consumer.signing.request import Request
from consumer.wire import WireFormat

ATTEMPT: Final = WireFormat(avro_history("Attempt"))
_HEAD: Final = ATTEMPT.head.decode("latin-1")
_DOUBLE = struct.Struct("<d")


def _double(number: float) -> str:
    return _DOUBLE.pack(number).decode("latin-1")


def _time(ms: float | None) -> str:
    return NULL if ms is None else PRESENT + _double(ms)


def _headers(headers: tuple[tuple[str, str], ...]) -> str:
    """Nearly always all are ASCII and shorter than 64, and so are their lengths: that is seen of all at once."""
    if not headers:
        return NULL
    short, told = SHORT, ""
    try:
        for name, value in headers:
            told += f"{short[len(name)]}{name}{short[len(value)]}{value}"
    except IndexError:  # one is long
        told = ODD
    if not told.isascii():
        told = "".join([string(name) + string(value) for name, value in headers])
    return f"{varint(len(headers))}{told}{NULL}"


def _names(attempt: Attempt) -> str:
    """The texts with which a record begins, as `_headers` has it: where all are short and ASCII they are soon told."""
    short = SHORT
    delivery, event, kind = attempt.delivery_id, attempt.event_id, attempt.event_type
    tenant, subscription = attempt.tenant, attempt.subscription_id
    try:
        told = (
            f"{short[len(delivery)]}{delivery}{short[len(event)]}{event}{short[len(kind)]}{kind}"
            f"{short[len(tenant)]}{tenant}{short[len(subscription)]}{subscription}"
        )
    except IndexError:
        told = ODD
    return told if told.isascii() else "".join(map(string, (delivery, event, kind, tenant, subscription)))


_AS_THEY_WERE: Final = Bodies.WHOLE.value
_WHOLE: Final = string(_AS_THEY_WERE)


def encode_attempt(attempt: Attempt) -> bytes:
    """For the attempts topic."""
    request, response = attempt.request_body, attempt.response_body
    told = (
        f"{_HEAD}{_names(attempt)}{varint(attempt.number)}{varint(attempt.at_ms)}"
        f"{NULL if attempt.first_attempt_ms is None else PRESENT + varint(attempt.first_attempt_ms)}"
        f"{string(attempt.url)}{NULL if attempt.status is None else PRESENT + varint(attempt.status)}"
        f"{optional(attempt.failure)}{_double(attempt.elapsed_ms)}{string(attempt.outcome)}"
        f"{optional(attempt.next_tier)}{optional(attempt.reason)}{optional(attempt.replay_id)}"
        f"{string(attempt.trigger)}{optional(attempt.job_id)}{string(attempt.brand)}"
        f"{chr(attempt.response_truncated)}{string(attempt.failure_detail)}{optional(attempt.product)}"
        f"{string(attempt.content_type)}{varint(attempt.event_time_ms)}{string(attempt.event_topic)}"
        f"{varint(attempt.event_partition)}{varint(attempt.event_offset)}{varint(attempt.first_due_ms)}"
        f"{_time(attempt.dns_ms)}{_time(attempt.connect_ms)}{_time(attempt.tls_ms)}{_time(attempt.first_byte_ms)}"
        f"{_WHOLE if attempt.bodies == _AS_THEY_WERE else string(attempt.bodies)}"
        f"{_headers(attempt.request_headers)}{_headers(attempt.response_headers)}{varint(len(request))}"
    )
    return b"".join((told.encode("latin-1"), request, varint(len(response)).encode("latin-1"), response))


def encode_unread(unread: Unread) -> bytes | None:
    """The same of an attempt whose contents the native step has, which writes it; None: it cannot be told all of it."""
    job, outcome = unread.job, unread.outcome
    delivery, written = job.delivery, job.request
    event = delivery.event
    if written is None or isinstance(written, Request):
        raise AssertionError("an answer is kept where its request was written")
    try:
        return unread.answer.came.record(
            ATTEMPT.head,
            written,
            delivery.id,
            event.id,
            event.type,
            event.tenant,
            delivery.subscription_id,
            delivery.attempts + 1,
            job.started_ms,
            delivery.first_attempt_ms,
            DELIVERED_WORD if outcome is DELIVERED else word_of(outcome),
            unread.next_tier,
            outcome.reason if isinstance(outcome, Dead) else None,
            delivery.replay_id,
            delivery.trigger,
            delivery.job_id,
            event.product,
            event.time_ms,
            event.topic,
            event.partition,
            event.offset,
            delivery.first_due_ms,
        )
    except (UnicodeEncodeError, OverflowError):  # a text is not Unicode, or a number has more than 64 bits
        return None
