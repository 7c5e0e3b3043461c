"""CloudEvents 1.0 in both modes of the Kafka binding."""

import json

import pytest

from consumer.events.decode import decode
from consumer.events.event import Decoded, Event, Poison, RecordHeaders, Tombstone
from consumer.events.rules import EventRules
from consumer.events.schema import Schemas
from tests.strategies import record

BINARY = {
    "ce_specversion": b"1.0",
    "ce_id": b"42",
    "ce_source": b"/shop",
    "ce_type": b"order.created",
    "ce_subject": b"acme",
}
STRUCTURED = {"specversion": "1.0", "id": "42", "source": "/shop", "type": "order.created", "subject": "acme"}
JSON_TYPE = b"application/cloudevents+json; charset=UTF-8"


def binary(value: bytes | None, rules: EventRules | None = None, **changed: bytes | None) -> Decoded:
    headers = BINARY | {name.replace("content_type", "content-type"): text for name, text in changed.items()}
    return decode(record(value, tuple(headers.items())), Schemas(), rules or EventRules())


def structured(rules: EventRules | None = None, **changed: object) -> Decoded:
    value = {name: text for name, text in (STRUCTURED | changed).items() if text is not ...}
    return decode(record(json.dumps(value).encode(), (("content-type", JSON_TYPE),)), Schemas(), rules or EventRules())


def test_binary() -> None:
    found = binary(b' {"a": 1.0} ', ce_time=b"2026-01-31T12:00:00Z", content_type=b"application/json", ce_product=b"p")
    assert isinstance(found, Event), found
    assert (found.id, found.type, found.tenant, found.product) == ("42", "order.created", "acme", "p")
    assert (found.time_ms, found.data) == (1_769_860_800_000, b'{"a": 1.0}')


def test_structured() -> None:
    found = structured(data={"a": 1}, time="2026-01-31T12:00:00Z", datacontenttype="application/json")
    assert isinstance(found, Event), found
    assert (found.id, found.type, found.tenant, found.product) == ("42", "order.created", "acme", None)
    assert (found.time_ms, found.data) == (1_769_860_800_000, b'{"a": 1}')


@pytest.mark.parametrize("media", [b"application/vnd.shop+json", b"TEXT/JSON ; charset=utf-8", None])
def test_binary_data_of_any_json_type(media: bytes | None) -> None:
    assert isinstance(binary(b"{}", content_type=media), Event)


def test_without_data() -> None:
    for found in (binary(b""), structured()):
        assert isinstance(found, Event)
        assert found.data == b"null"
    assert binary(None) == Tombstone()


def test_the_tenant_in_an_extension() -> None:
    rules = EventRules(tenant_extension="workspace")
    for found in (binary(b"1", rules, ce_workspace=b"w"), structured(rules, workspace="w")):
        assert isinstance(found, Event)
        assert found.tenant == "w"
    for refused in (binary(b"1", rules), structured(rules)):
        assert isinstance(refused, Poison)
        assert (refused.reason, refused.detail.split()[0]) == ("missing_field", "workspace")


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("x", b"y"),),
        (("content-type", b"application/json"),),
        (("Content-Type", JSON_TYPE),),
        (("contentType", b'"application/cloudevents+json"'),),
        (("content_type", JSON_TYPE),),
    ],
)
def test_structured_by_its_specversion_or_by_any_spelling_of_the_header(headers: RecordHeaders) -> None:
    value = json.dumps(STRUCTURED | {"tenant": "another", "data": 1}).encode()
    found = decode(record(value, headers), Schemas(), EventRules())
    assert isinstance(found, Event), found
    assert (found.id, found.tenant, found.source, found.data) == ("42", "acme", "/shop", b"1")


def test_an_envelope_with_a_specversion_of_null_is_an_envelope() -> None:
    found = decode(record(b'{"type":"a","tenant":"t","specversion":null}'), Schemas(), EventRules())
    assert isinstance(found, Event), found
    assert (found.tenant, found.source) == ("t", None)


def test_binary_in_any_case() -> None:
    headers = tuple((name.upper(), value) for name, value in BINARY.items())
    found = decode(record(b"1", headers), Schemas(), EventRules())
    assert isinstance(found, Event), found
    assert (found.id, found.tenant, found.source) == ("42", "acme", "/shop")


@pytest.mark.parametrize("name", ["ce_subject", "CE_SUBJECT", "ce_id", "ce_source", "ce_type", "ce_specversion"])
def test_a_metadata_header_given_twice_is_refused(name: str) -> None:
    found = decode(record(b"1", (*BINARY.items(), (name, b"1.0"))), Schemas(), EventRules())
    assert isinstance(found, Poison), found
    assert (found.reason, name.lower() in found.detail) == ("duplicate_field", True)


def test_a_content_type_given_twice_is_refused_and_a_header_that_is_not_read_may_be() -> None:
    value = json.dumps(STRUCTURED).encode()
    twice = (("content-type", JSON_TYPE), ("contentType", JSON_TYPE))
    found = decode(record(value, twice), Schemas(), EventRules())
    assert isinstance(found, Poison), found
    assert (found.reason, "content-type" in found.detail) == ("duplicate_field", True)
    assert isinstance(decode(record(value, (("x", b"1"), ("x", b"2"))), Schemas(), EventRules()), Event)


@pytest.mark.parametrize(
    ("found", "reason", "named"),
    [
        (binary(b"1", ce_specversion=b"0.3"), "unsupported_format", "specversion"),
        (binary(b"1", ce_specversion=None), "unsupported_format", "specversion"),
        (binary(b"1", ce_id=b""), "missing_field", "id"),
        (binary(b"1", ce_source=None), "missing_field", "source"),
        (binary(b"1", ce_type=None), "missing_field", "type"),
        (binary(b"1", ce_subject=None), "missing_field", "subject"),
        (binary(b"1", ce_type=b"\xff"), "wrong_type", "ce_type"),
        (binary(b"1", ce_time=b"noon"), "wrong_type", "ce_time"),
        (binary(b"{"), "undecodable", "JSON"),
        (binary(b"\x00\x00\x00\x00\x01"), "undecodable", "JSON"),
        (binary(b"[" * 100_000), "too_deep", "nested"),
        (binary(b"[" * 65 + b"]" * 65), "too_deep", "64"),
        (binary(b"1", content_type=b"application/avro"), "unsupported_format", "content-type"),
        (binary(b"1", content_type=b"text/plain"), "unsupported_format", "content-type"),
        (binary(b"[]", content_type=b"application/cloudevents-batch+json"), "unsupported_format", "batches"),
        (binary(b"x", content_type=b"application/cloudevents+avro"), "unsupported_format", "cloudevents+json"),
        (structured(specversion="2.0"), "unsupported_format", "specversion"),
        (structured(specversion=1.0), "wrong_type", "specversion"),
        (structured(id=...), "missing_field", "id"),
        (structured(source=""), "missing_field", "source"),
        (structured(source="s" * 1_001), "wrong_type", "source"),
        (structured(type=...), "missing_field", "type"),
        (structured(subject=...), "missing_field", "subject"),
        (structured(time=5), "wrong_type", "time"),
        (structured(data_base64="MQ=="), "unsupported_format", "data_base64"),
    ],
)
def test_what_is_refused(found: Decoded, reason: str, named: str) -> None:
    assert isinstance(found, Poison)
    assert found.reason == reason, found
    assert named in found.detail
