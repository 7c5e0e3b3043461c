"""Whether a process traces: by the settings, and by what is installed."""

import subprocess
import sys
from contextlib import closing

import pytest
from msgspec import structs

from consumer.delivery.logged import logged
from consumer.delivery.outcome import DELIVERED
from consumer.delivery.tracing import ended
from consumer.roles import traces
from consumer.roles.role import Role
from consumer.settings import ConfigurationError, Settings
from tests.collector import Collector, attributes
from tests.deliveries import NOW_MS, delivery, event, job, response

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
PATIENCE_S = 60.0


def wanting(**settings: object) -> Settings:
    return Settings().model_copy(update={"traces": "otlp", "traces_ratio": 1.0, **settings})


def test_nothing_is_traced_unless_it_is_asked_for() -> None:
    assert traces.tracing_of(Settings(), {}) is None
    assert traces.tracing_of(wanting(), {"OTEL_SDK_DISABLED": "TRUE"}) is None
    assert traces.tracing_of(wanting(), {"OTEL_SDK_DISABLED": "false"}) is not None


@pytest.mark.parametrize(("ratio", "traced"), [(1.0, True), (0.0, False)])
def test_the_ratio_is_the_settings(ratio: float, *, traced: bool) -> None:
    tracing = traces.tracing_of(wanting(traces_ratio=ratio), {})
    assert tracing is not None
    assert (tracing.traced(delivery(), NOW_MS) is not None) is traced


def test_without_the_library_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match=r"HOOKLINE_TRACES: otlp needs .* install hookline\[otel\]"):
        traces.check(wanting(), {})
    traces.check(wanting(traces="off"), {})


def test_what_is_wrong_of_the_collector_s_variables_is_refused_before_anything_starts() -> None:
    with pytest.raises(ConfigurationError, match=r"^OTEL_EXPORTER_OTLP_ENDPOINT: "):
        traces.check(wanting(), {"OTEL_EXPORTER_OTLP_ENDPOINT": "otel-collector:4317"})
    traces.check(wanting(), {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector.example"})
    traces.check(wanting(traces="off"), {"OTEL_EXPORTER_OTLP_ENDPOINT": "otel-collector:4317"})


def test_who_does_not_trace_loads_no_library_of_traces() -> None:
    looked = "import sys, consumer.roles.pool; print('opentelemetry.proto' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", looked], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_what_is_traced_comes_to_the_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Collector()) as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        tracing = traces.tracing_of(wanting(traces_ratio=0.0), {})
        queue = traces.open_traces(tracing, Role.RETRY, 3, "hookline.retry")
        assert tracing is not None
        assert queue is not None
        sent = job(of=delivery(structs.replace(event(), traceparent=PARENT, tracestate="dd=s:1")))
        sent.queued_ms = sent.started_ms = NOW_MS
        traceparent = tracing.traced(sent.delivery, NOW_MS)
        assert traceparent is not None
        queue.put([ended(sent, traceparent, logged(sent, response(200), DELIVERED, None))])
        queue.close(PATIENCE_S)
    [exported] = collector.exported
    assert (exported.resource["hookline.role"], exported.resource["hookline.slot"]) == ("retry", "3")
    process, request = exported.spans
    assert request.trace_id.hex() + "-" + request.span_id.hex() == traceparent[3:52]
    assert (process.parent_span_id.hex(), request.parent_span_id) == ("b7ad6b7169203331", process.span_id)
    assert process.trace_state == request.trace_state == "dd=s:1"
    assert attributes(process)["messaging.consumer.group.name"] == "hookline.retry"
    assert attributes(request)["http.response.status_code"] == 200


def test_who_traces_nothing_has_no_queue() -> None:
    assert traces.open_traces(None, Role.DELIVER, 0, "hookline.deliver") is None
