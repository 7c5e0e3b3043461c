"""A real Schema Registry and records as Confluent's own serializer writes them."""

from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from consumer.cli.event_file import registry_encoder
from consumer.cli.exits import CommandFailed
from consumer.events.decode import decode
from consumer.events.event import Event, SchemaNeeded
from consumer.events.reasons import PoisonReason
from consumer.events.registry import Registry
from consumer.events.rules import EventRules
from consumer.events.schema import ParsedSchema, RefusedSchema, Schemas, UnknownSchema
from consumer.schemas import avro_schema
from tests.strategies import record, written

NAMED = (("event-type", b"order.created"), ("tenant", b"acme"))
ORDER = {
    "type": "record",
    "name": "shop.Order",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "total", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
        {"name": "note", "type": ["null", "string"], "default": None},
    ],
}


@pytest.fixture
def client(registry_url: str) -> Iterator[SchemaRegistryClient]:
    with SchemaRegistryClient({"url": registry_url}) as opened:
        yield opened


@pytest.fixture
def registry(registry_url: str) -> Iterator[Registry]:
    with closing(Registry(registry_url)) as opened:
        yield opened


def serialized(client: SchemaRegistryClient, topic: str, schema: object, value: dict[str, object]) -> bytes:
    serializer = AvroSerializer(client, written(schema).decode())
    framed: bytes | None = serializer(value, SerializationContext(topic, MessageField.VALUE))
    assert framed is not None
    return framed


def test_a_record_of_confluents_serializer(registry: Registry, client: SchemaRegistryClient, topic_prefix: str) -> None:
    value = serialized(client, f"{topic_prefix}orders", ORDER, {"id": "o1", "total": b"\x04\xd2", "note": "hi"})
    whole = record(value, NAMED)
    needed = decode(whole, Schemas(), EventRules())
    assert isinstance(needed, SchemaNeeded), needed
    known = {needed.schema_id: registry.fetch(needed.schema_id)}
    found = decode(whole, Schemas(known=known), EventRules())
    assert isinstance(found, Event), found
    assert (found.type, found.tenant) == ("order.created", "acme")
    assert found.data == b'{"id":"o1","total":"12.34","note":"hi"}'


def test_a_published_schema_is_registered_only_where_that_is_asked_for(
    registry_url: str, client: SchemaRegistryClient, topic_prefix: str
) -> None:
    topic, schema = f"{topic_prefix}orders", '{"type":"record","name":"Own","fields":[{"name":"id","type":"long"}]}'
    with ExitStack() as stack:
        kept = registry_encoder(registry_url, topic, register=False, closed_by=stack)
        registered = registry_encoder(registry_url, topic, register=True, closed_by=stack)
        with pytest.raises(CommandFailed, match=f"no such schema under the subject {topic}-value: --register"):
            kept(schema)({"id": 7})
        assert f"{topic}-value" not in client.get_subjects()
        encoded = registered(schema)({"id": 7})
        assert f"{topic}-value" in client.get_subjects()
        assert kept(schema)({"id": 7}) == encoded


def test_the_envelope_as_a_registered_schema(
    registry: Registry, client: SchemaRegistryClient, topic_prefix: str
) -> None:
    event: dict[str, object] = {
        "id": None,
        "type": "a.b",
        "tenant": "t",
        "product": None,
        "time": None,
        "data": b'{"n":1.0}',
    }
    value = serialized(client, f"{topic_prefix}events", avro_schema("Event"), event)
    schema_id = int.from_bytes(value[1:5], "big")
    found = decode(record(value), Schemas(known={schema_id: registry.fetch(schema_id)}), EventRules())
    assert isinstance(found, Event), found
    assert (found.id, found.tenant, found.data) == ("orders-3-7-1700000000000", "t", b'{"n":1.0}')


def test_a_schema_with_references(registry: Registry, client: SchemaRegistryClient, topic_prefix: str) -> None:
    city = {"type": "enum", "name": "shop.City", "symbols": ["ROME", "OSLO"]}
    address = {"type": "record", "name": "shop.Address", "fields": [{"name": "city", "type": "shop.City"}]}
    order = {"type": "record", "name": "shop.Sent", "fields": [{"name": "to", "type": "shop.Address"}]}
    cities, addresses = f"{topic_prefix}city", f"{topic_prefix}address"
    client.register_schema(cities, Schema(written(city).decode(), "AVRO"))
    to_city = [SchemaReference("shop.City", cities, 1)]
    client.register_schema(addresses, Schema(written(address).decode(), "AVRO", to_city))
    to_address = [SchemaReference("shop.Address", addresses, 1)]
    schema_id = client.register_schema(f"{topic_prefix}sent", Schema(written(order).decode(), "AVRO", to_address))
    parsed = registry.fetch(schema_id)
    assert isinstance(parsed, ParsedSchema), parsed
    value = b"\x00" + schema_id.to_bytes(4, "big") + b"\x02"
    found = decode(record(value, NAMED), Schemas(known={schema_id: parsed}), EventRules())
    assert isinstance(found, Event), found
    assert found.data == b'{"to":{"city":"OSLO"}}'


def test_what_the_registry_does_not_have(registry: Registry) -> None:
    assert registry.fetch(2**31 - 1) == UnknownSchema()


def test_a_schema_of_another_type(registry: Registry, client: SchemaRegistryClient, topic_prefix: str) -> None:
    schema_id = client.register_schema(
        f"{topic_prefix}json", Schema('{"$schema":"http://json-schema.org/draft-07/schema#","type":"object"}', "JSON")
    )
    found = registry.fetch(schema_id)
    assert isinstance(found, RefusedSchema), found
    assert found.reason == PoisonReason.UNSUPPORTED_SCHEMA
    assert "unsupported schema type" in found.detail
