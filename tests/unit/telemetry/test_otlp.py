"""Spans as a collector receives them, over HTTP, and what is told of one that does not take them."""

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
from opentelemetry.proto.trace.v1 import trace_pb2

from consumer.telemetry.otlp import OtlpExporter
from consumer.telemetry.otlp_options import OtlpOptions
from consumer.telemetry.span import Span, SpanKind
from consumer.telemetry.span_queue import NotTaken
from tests.collector import Collector

SPAN = Span(
    name="POST",
    kind=SpanKind.CLIENT,
    trace_id="0af7651916cd43dd8448eb211c80319c",
    span_id="00f067aa0ba902b7",
    parent_id="b7ad6b7169203331",
    parent_is_remote=True,
    tracestate="dd=s:1,b@c=2",
    begin_ns=1_790_000_000_000_000_000,
    end_ns=1_790_000_000_007_500_000,
    attributes={"http.request.method": "POST", "http.response.status_code": 503},
    links=("1111111111111111",),
    failed=True,
)


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


def exporting(collector: Collector, **environ: str) -> OtlpExporter:
    options = OtlpOptions.of({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **environ})
    return OtlpExporter(options, {"hookline.role": "deliver", "hookline.slot": "0"})


@pytest.fixture
def exporter(collector: Collector) -> Iterator[OtlpExporter]:
    with closing(exporting(collector)) as made:
        yield made


def test_a_collector_gets_the_span_as_it_is(exporter: OtlpExporter, collector: Collector) -> None:
    exporter.export([SPAN])
    [exported] = collector.exported
    assert exported.headers["content-type"] == "application/x-protobuf"
    assert exported.scopes == {"hookline"}
    [span] = exported.spans
    assert (span.name, span.kind) == ("POST", trace_pb2.Span.SPAN_KIND_CLIENT)
    assert (span.trace_id.hex(), span.span_id.hex()) == (SPAN.trace_id, SPAN.span_id)
    assert (span.parent_span_id.hex(), span.trace_state) == (SPAN.parent_id, SPAN.tracestate)
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (SPAN.begin_ns, SPAN.end_ns)
    assert span.flags & trace_pb2.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK
    assert [(link.trace_id.hex(), link.span_id.hex()) for link in span.links] == [(SPAN.trace_id, SPAN.links[0])]
    assert (span.status.code, span.status.message) == (trace_pb2.Status.STATUS_CODE_ERROR, "")
    values = {each.key: each.value for each in span.attributes}
    assert values["http.request.method"].string_value == "POST"
    assert values["http.response.status_code"].int_value == 503
    told = exported.resource
    assert (told["service.name"], told["hookline.role"], told["hookline.slot"]) == ("hookline", "deliver", "0")


def test_it_is_sent_as_its_operator_says(collector: Collector) -> None:
    with closing(
        exporting(collector, OTEL_EXPORTER_OTLP_HEADERS="x-key=s3cret", OTEL_EXPORTER_OTLP_COMPRESSION="gzip")
    ) as exporter:
        exporter.export([SPAN])
    [exported] = collector.exported
    assert (exported.headers["x-key"], exported.headers["content-encoding"]) == ("s3cret", "gzip")
    assert [span.name for span in exported.spans] == ["POST"]


def test_a_connection_is_kept_and_one_that_the_collector_closed_is_made_anew(collector: Collector) -> None:
    with closing(exporting(collector)) as exporter:
        collector.keeps = True
        exporter.export([SPAN])
        exporter.export([SPAN])
        assert collector.connections == 1
        collector.cut()
        exporter.export([SPAN])
    assert (collector.connections, len(collector.exported)) == (2, 3)


def test_a_refusal_is_told_by_its_status(exporter: OtlpExporter, collector: Collector) -> None:
    collector.status = 401
    with pytest.raises(NotTaken, match=r"^the collector answered 401$"):
        exporter.export([SPAN])
    collector.status = 200
    exporter.export([SPAN])


def test_a_collector_that_is_away_is_told_without_its_address(collector: Collector) -> None:
    collector.close()
    with closing(exporting(collector, OTEL_EXPORTER_OTLP_ENDPOINT=f"{collector.url}/s3cret")) as exporter:
        for _ in range(2):
            with pytest.raises(NotTaken, match=r"^the collector cannot be reached: ConnectionRefusedError$"):
                exporter.export([SPAN])


def test_a_collector_that_hangs_is_not_waited_for_without_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        options = OtlpOptions.of(
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}",
                "OTEL_EXPORTER_OTLP_TIMEOUT": "50",
            }
        )
        with closing(OtlpExporter(options, {})) as exporter, pytest.raises(NotTaken, match="TimeoutError"):
            exporter.export([SPAN])
