"""What a traced attempt looks like to who looks at traces: the names, and what each span tells. Pure.

The laws:
- names are those of OpenTelemetry's semantic conventions (messaging and HTTP) where they have one, else they begin with
  `hookline.`; whoever searches traces by them relies on them, so they stand here alone and in docs/operating.md;
- no span holds a payload, a header, or of a URL more than its origin: a path or a query may be a secret;
- a span is of a bounded size, whatever a producer, a customer or an endpoint sent.
"""

from typing import Final
from urllib.parse import urlsplit

from consumer.delivery.delivery import Attempt
from consumer.delivery.logged import DELIVERED_WORD
from consumer.delivery.tracing import Traced
from consumer.telemetry.span import Span, SpanKind

PROCESS: Final = "process"
POST: Final = "POST"
HIDDEN: Final = "REDACTED"  # the convention's own word

_NS: Final = 1_000_000
_ERROR_FROM: Final = 400
_PORTS: Final = {"https": 443, "http": 80}


def spans_of(traced: Traced, group: str) -> list[Span]:
    """The request, and before it, of the first attempt, what its delivery's attempts are under.

    `group` is the consumer group of whoever made the attempt.
    """
    request = _request(traced)
    return [request] if traced.attempt.first_attempt_ms is not None else [_process(traced, group, request), request]


def _process(traced: Traced, group: str, request: Span) -> Span:
    attempt = traced.attempt
    place: dict[str, str | int] = {}
    if attempt.event_topic:
        place = {
            "messaging.destination.name": attempt.event_topic,
            "messaging.destination.partition.id": str(attempt.event_partition),
            "messaging.kafka.offset": attempt.event_offset,
        }
    return Span(
        name=f"{PROCESS} {attempt.event_topic}".rstrip(),
        kind=SpanKind.CONSUMER,
        trace_id=traced.trace_id,
        span_id=traced.process_id,
        parent_id=traced.parent_id,
        parent_is_remote=True,
        tracestate=traced.tracestate,
        begin_ns=min(traced.queued_ms, attempt.at_ms) * _NS,
        end_ns=request.end_ns,
        attributes={
            "messaging.system": "kafka",
            "messaging.operation.name": PROCESS,
            "messaging.operation.type": PROCESS,
            "messaging.consumer.group.name": group,
            "messaging.message.id": attempt.event_id,
            **place,
            **_whose(attempt),
        },
    )


def _request(traced: Traced) -> Span:
    attempt = traced.attempt
    begin_ns = attempt.at_ms * _NS
    told: dict[str, str | int] = {"http.request.method": POST, **_where(attempt.url), **_whose(attempt)}
    told["hookline.attempt"] = attempt.number
    told["hookline.outcome"] = attempt.outcome
    if attempt.number > 1:
        told["http.request.resend_count"] = attempt.number - 1
    if attempt.status is not None:
        told["http.response.status_code"] = attempt.status
    if attempt.next_tier is not None:
        told["hookline.next_tier"] = attempt.next_tier
    if attempt.reason is not None:
        told["hookline.reason"] = attempt.reason
    error = _error(attempt)
    if error is not None:
        told["error.type"] = error
    last_id = traced.last_id
    return Span(
        name=POST,
        kind=SpanKind.CLIENT,
        trace_id=traced.trace_id,
        span_id=traced.span_id,
        parent_id=traced.process_id,
        parent_is_remote=attempt.first_attempt_ms is not None,  # an earlier attempt told it
        tracestate=traced.tracestate,
        begin_ns=begin_ns,
        end_ns=begin_ns + max(0, int(attempt.elapsed_ms * _NS)),
        attributes=told,
        links=() if last_id is None else (last_id,),
        failed=attempt.outcome != DELIVERED_WORD,
    )


def _whose(attempt: Attempt) -> dict[str, str | int]:
    return {
        "hookline.tenant": attempt.tenant,
        "hookline.webhook": attempt.subscription_id,
        "hookline.delivery": attempt.delivery_id,
        "hookline.event_type": attempt.event_type,
        "hookline.trigger": attempt.trigger,
    }


def _error(attempt: Attempt) -> str | None:
    """The convention's `error.type`: the status where it is an error's, or why there is none."""
    if attempt.status is None:
        return attempt.failure
    return str(attempt.status) if attempt.status >= _ERROR_FROM else None


def _where(url: str) -> dict[str, str | int]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    port = parts.port
    origin = f"{parts.scheme}://{shown}" + ("" if port is None else f":{port}")
    path = f"/{HIDDEN}" if parts.path.strip("/") or parts.query else "/"
    return {
        "url.full": origin + path,
        "server.address": host,
        "server.port": _PORTS.get(parts.scheme, 0) if port is None else port,
    }
