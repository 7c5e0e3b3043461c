"""A trace goes through: from a producer's span by ours to what the endpoint is told, retried and all."""

import json
from collections.abc import Iterator
from contextlib import closing

import pytest
from confluent_kafka import Producer
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.acceptance.conftest import BuildStage
from tests.acceptance.deadline import until
from tests.acceptance.happenings import Hook
from tests.acceptance.stage import new_secret
from tests.collector import Collector, attributes

PATIENCE_S = 90.0
TRACE = "0af7651916cd43dd8448eb211c80319c"
PRODUCER = "b7ad6b7169203331"
TRACED = [("traceparent", f"00-{TRACE}-{PRODUCER}-01"), ("tracestate", "dd=s:1")]
HOSTILE = [("traceparent", f"00-{TRACE}-{PRODUCER}-01\r\nx-injected: 1"), ("tracestate", "a=" + "v" * 100_000)]


@pytest.fixture
def collector() -> Iterator[Collector]:
    with closing(Collector(refused=1)) as made:
        yield made


def test_a_producer_s_trace_goes_on_to_the_endpoint_and_its_collector(
    build_stage: BuildStage, collector: Collector
) -> None:
    stage = build_stage(partitions=1)
    hook = Hook(name="traced", tenant="acme")
    stage.subscribe([(hook, f"{collector.url}/hook?s3cret=1", new_secret())])
    traces = {
        "HOOKLINE_TRACES": "otlp",
        "HOOKLINE_TRACES_RATIO": "0",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_SERVICE_NAME": "shop-webhooks",
    }
    with stage.running("projection", "deliver", "retry", "--processes", "1", **traces) as running:
        running.assigned("deliver", within_s=PATIENCE_S)
        running.assigned("retry", within_s=PATIENCE_S)
        producer = Producer({"bootstrap.servers": stage.settings.kafka["bootstrap.servers"]})

        def publish(number: int, headers: list[tuple[str, str | bytes | None]]) -> None:
            event = {"id": f"evt-{number}", "type": "order.paid", "tenant": "acme", "data": {"s3cret": 1}}
            producer.produce(stage.event_topic, json.dumps(event), headers=headers)
            producer.flush()

        publish(1, [*TRACED])
        until(lambda: len(collector.delivered) >= 2, within_s=PATIENCE_S, missing=lambda: running.tail)
        publish(2, [*HOSTILE])
        publish(3, [])
        until(lambda: len(collector.delivered) >= 4, within_s=PATIENCE_S, missing=lambda: running.tail)
        until(lambda: len(collector.spans) >= 3, within_s=PATIENCE_S, missing=lambda: running.tail)
        assert running.stop()[0] == 0, running.tail

    sent = {int(each["webhook-id"].removeprefix("evt-")): each for each in collector.delivered}
    assert not {"traceparent", "tracestate", "x-injected"} & (sent[2].keys() | sent[3].keys())
    first, second = (each for each in collector.delivered if each["webhook-id"] == "evt-1")
    spans = {(span.name, attributes(span).get("hookline.attempt")): span for span in collector.spans}
    assert spans.keys() == {(f"process {stage.event_topic}", None), ("POST", 1), ("POST", 2)}
    process, failed, accepted = (
        spans[key] for key in ((f"process {stage.event_topic}", None), ("POST", 1), ("POST", 2))
    )
    for request, span in ((first, failed), (second, accepted)):
        assert request["traceparent"] == f"00-{TRACE}-{span.span_id.hex()}-01"
        assert request["tracestate"] == span.trace_state == "dd=s:1"
        assert span.parent_span_id == process.span_id
    assert (process.parent_span_id.hex(), process.kind) == (PRODUCER, Span.SPAN_KIND_CONSUMER)
    assert [link.span_id for link in accepted.links] == [failed.span_id]
    told = [attributes(span) for span in (failed, accepted)]
    assert [each["http.response.status_code"] for each in told] == [503, 200]
    assert [each["hookline.outcome"] for each in told] == ["retry", "delivered"]
    roles = {each.resource["service.name"] + " " + each.resource["hookline.role"] for each in collector.exported}
    assert roles == {"shop-webhooks deliver", "shop-webhooks retry"}
    assert not [each for each in collector.exported if b"s3cret" in each.request.SerializeToString()]
    assert "s3cret=1" not in running.log
