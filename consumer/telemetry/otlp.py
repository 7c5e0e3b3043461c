"""Spans sent to an OpenTelemetry collector, as OTLP over HTTP: the one file that knows OpenTelemetry's messages.

The library that makes spans and sends them takes five times as long to encode one, on the core that delivers; what is
needed of it are its messages.

The laws: a collector that is silent for the timeout has not taken the spans, and they are not sent again; what is told
of a failure has no address, which may hold a secret.
"""

import gzip
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final, Protocol

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import (
    SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK,
    SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK,
    ScopeSpans,
    Status,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message

from consumer.telemetry.otlp_options import OtlpOptions
from consumer.telemetry.release import release
from consumer.telemetry.span import Attributes, Span, SpanKind
from consumer.telemetry.span_queue import NotTaken

_SCOPE: Final = "hookline"
_SAMPLED: Final = 1
_KINDS: Final = {SpanKind.CONSUMER: Message.SPAN_KIND_CONSUMER, SpanKind.CLIENT: Message.SPAN_KIND_CLIENT}
_ANSWER_BYTES: Final = 65_536
_OK: Final = range(200, 300)


class _Attributes(Protocol):
    """A message's list of them."""

    def add(self) -> KeyValue: ...


class OtlpExporter:
    """Of one process. `about` is told of it, as attributes of the resource. `export` belongs to one thread."""

    def __init__(self, options: OtlpOptions, about: Mapping[str, str]) -> None:
        self._options = options
        self._resource = {"service.version": release(), **options.resource, **about}
        self._headers = {**options.headers, "content-type": "application/x-protobuf"}
        if options.gzip:
            self._headers["content-encoding"] = "gzip"
        self._connection = _connection(options)

    def export(self, spans: Sequence[Span]) -> None:
        """See `span_queue.Exporter`."""
        body = encoded(spans, self._resource)
        if self._options.gzip:
            body = gzip.compress(body, compresslevel=1)
        kept = self._connection.sock is not None
        try:
            try:
                self._post(body)
            except (HTTPException, ConnectionError):
                if not kept:
                    raise
                self._post(body)  # the collector had closed the connection that was kept
        except (HTTPException, OSError) as error:
            raise NotTaken(f"the collector cannot be reached: {type(error).__name__}") from None

    def close(self) -> None:
        """See `span_queue.Exporter`."""
        self._connection.close()

    def _post(self, body: bytes) -> None:
        try:
            self._connection.request("POST", self._options.path, body, self._headers)
            answer = self._connection.getresponse()
            answer.read(_ANSWER_BYTES)
        except BaseException:
            self._connection.close()
            raise
        if not answer.isclosed():  # there is more than anybody reads
            self._connection.close()
        if answer.status not in _OK:
            raise NotTaken(f"the collector answered {answer.status}")


def encoded(spans: Sequence[Span], resource: Mapping[str, str]) -> bytes:
    """One request with these spans."""
    request = ExportTraceServiceRequest()
    of_resource = request.resource_spans.add()
    _tell(of_resource.resource.attributes, resource)
    scope = of_resource.scope_spans.add()
    scope.scope.name, scope.scope.version = _SCOPE, release()
    for span in spans:
        _add(scope, span)
    body: bytes = request.SerializeToString()
    return body


def _add(scope: ScopeSpans, span: Span) -> None:
    trace_id = bytes.fromhex(span.trace_id)
    flags = _SAMPLED | SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK
    message = scope.spans.add()
    message.trace_id, message.span_id = trace_id, bytes.fromhex(span.span_id)
    message.name, message.kind = span.name, _KINDS[span.kind]
    message.start_time_unix_nano, message.end_time_unix_nano = span.begin_ns, span.end_ns
    message.flags = flags | (SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK if span.parent_is_remote else 0)
    if span.parent_id is not None:
        message.parent_span_id = bytes.fromhex(span.parent_id)
    if span.tracestate is not None:
        message.trace_state = span.tracestate
    _tell(message.attributes, span.attributes)
    for each in span.links:
        link = message.links.add()
        link.trace_id, link.span_id = trace_id, bytes.fromhex(each)
        link.flags = flags | SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK
    if span.failed:
        message.status.code = Status.STATUS_CODE_ERROR


def _tell(to: _Attributes, attributes: Attributes) -> None:
    for name, value in attributes.items():
        told = to.add()
        told.key = name
        if isinstance(value, int):
            told.value.int_value = value
        else:
            told.value.string_value = value


def _connection(options: OtlpOptions) -> HTTPConnection:
    if options.tls is None:
        return HTTPConnection(options.host, options.port, timeout=options.timeout_s)
    return HTTPSConnection(options.host, options.port, timeout=options.timeout_s, context=options.tls)
