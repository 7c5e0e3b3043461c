"""Which attempts are traced, and what is known of one that was. Pure.

    producer's span ─► process <topic> ─┬─► POST (attempt 1) ─► the endpoint's span
                                        └─► POST (attempt 2) ─► …

The laws:
- whether an attempt is traced follows from its trace alone, by the flag of its `traceparent` or by its id: so all
  attempts of a delivery are traced or none, in whatever process they are made;
- a delivery whose event carries no trace begins one, and the trace's id is the delivery's;
- a span's id follows from what the record of its attempt has, so the one who makes the next attempt knows it too;
- the request of an attempt that is not traced carries what the producer's record carried, as it was.
"""

import hashlib
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from consumer.delivery.delivery import Attempt, Delivery
from consumer.delivery.lane import Job

_TRACE: Final = slice(3, 35)
_LOW: Final = slice(19, 35)  # the half that OpenTelemetry decides by
_SPAN: Final = slice(36, 52)
_SAMPLED: Final = frozenset("13579bdf")  # the last hex digit of the flags, with bit 0
_IDS: Final = 1 << 64


class Tracing:
    """What is decided, in one process. A `ratio` of 0.01 traces one in a hundred.

    `follow`: a trace that its producer began is traced where the producer's flag says that it is sampled, and not by
    the ratio.
    """

    def __init__(self, ratio: float, *, follow: bool) -> None:
        below = round(ratio * _IDS)
        # Compared as text, which for hex digits of one length is comparing numbers; "g" is above all of them.
        self._below = "g" if below >= _IDS else f"{below:016x}"
        self._follow = follow

    def traced(self, delivery: Delivery, started_ms: int) -> str | None:
        """The `traceparent` of the attempt that begins now; None where it is not traced."""
        parent = delivery.event.traceparent
        if parent is None:
            sampled, trace = delivery.id[16:] < self._below, delivery.id
        elif self._follow:
            sampled, trace = parent[-1] in _SAMPLED, parent[_TRACE]
        else:
            sampled, trace = parent[_LOW] < self._below, parent[_TRACE]
        if not sampled:
            return None
        return f"00-{trace}-{span_id(delivery.id, delivery.attempts + 1, started_ms)}-01"


class Traced(Struct, frozen=True, kw_only=True):
    """What is known of a traced attempt that has ended. Its `attempt` has neither headers nor bodies.

    `traceparent` and `tracestate` are those of its request. `parent_id` is the producer's span, None where the event
    carries no trace. `queued_ms` is when this process took the delivery on. `last_ms` is when the attempt before this
    one began.
    """

    attempt: Attempt
    traceparent: str
    tracestate: str | None
    parent_id: str | None
    queued_ms: int
    last_ms: int | None

    @property
    def trace_id(self) -> str:
        """32 hex digits."""
        return self.traceparent[_TRACE]

    @property
    def span_id(self) -> str:
        """Of the request: 16 hex digits."""
        return self.traceparent[_SPAN]

    @property
    def process_id(self) -> str:
        """Of the span that all attempts of the delivery are under."""
        attempt = self.attempt
        return span_id(attempt.delivery_id, 0, attempt.first_attempt_ms or attempt.at_ms)

    @property
    def last_id(self) -> str | None:
        """Of the attempt before; None: there was none."""
        attempt = self.attempt
        return None if self.last_ms is None else span_id(attempt.delivery_id, attempt.number - 1, self.last_ms)


def span_id(delivery_id: str, number: int, began_ms: int) -> str:
    """Of the attempt of this number; of 0 it is that of the delivery. A repeated attempt began at another time."""
    return hashlib.blake2b(f"{delivery_id}:{number}:{began_ms}".encode(), digest_size=8).hexdigest()


def ended(job: Job, traceparent: str, attempt: Attempt) -> Traced:
    """A traced attempt that has ended, by the record of it."""
    event, delivery = job.delivery.event, job.delivery
    parent = event.traceparent
    return Traced(
        attempt=replace(attempt, request_headers=(), response_headers=(), request_body=b"", response_body=b""),
        traceparent=traceparent,
        tracestate=event.tracestate,
        parent_id=None if parent is None else parent[_SPAN],
        queued_ms=job.queued_ms or job.started_ms,
        last_ms=delivery.last_attempt_ms if delivery.attempts else None,
    )
