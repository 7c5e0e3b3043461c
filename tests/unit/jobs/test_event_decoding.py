"""What a job leaves undecoded is not its tenant's, and what it decodes is what `deliver` decodes."""

import io
import json
from collections.abc import Sequence

import fastavro
from hypothesis import example, given
from hypothesis import strategies as st

from consumer.events.avro import event_schema
from consumer.events.decode import decode
from consumer.events.event import Event, Record
from consumer.events.rules import EventRules
from consumer.events.schema import SchemaAnswer, Schemas, parse
from consumer.jobs.event_decoding import TenantEvents
from consumer.json import Json
from consumer.schemas import avro_schema
from consumer.settings import Settings
from tests.strategies import header_values, headers, json_values, names, record, written

SETTINGS = Settings(
    kafka={"bootstrap.servers": "broker"},
    schema_registry_url="http://registry",
    avro_type_field="type",
    avro_tenant_field="tenant",
)
ENUM: Json = {"type": "enum", "name": "T", "symbols": ["acme", "other"]}
FIELDS: Json = [{"name": "type", "type": "string"}, {"name": "tenant", "type": [ENUM, "long", "string"]}]
OWN: dict[str, Json] = {"type": "record", "name": "E", "fields": FIELDS}
KNOWN: dict[int, SchemaAnswer] = {7: parse(OWN), 8: event_schema()[1]}


def registered(tenant: str | int) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(OWN), {"type": "a.b", "tenant": tenant})
    return b"\x00\x00\x00\x00\x07" + out.getvalue()


def enveloped(tenant: str) -> bytes:
    """Of io.hookline.Event, whose tenant no header names."""
    out = io.BytesIO()
    schema = fastavro.parse_schema(dict(avro_schema("Event")))
    fastavro.schemaless_writer(out, schema, {"type": "a.b", "tenant": tenant, "data": b"1"})
    return b"\x00\x00\x00\x00\x08" + out.getvalue()


def envelope(tenant: str, *, escaped: bool) -> bytes:
    written_so = json.dumps(tenant, ensure_ascii=False)
    if escaped:
        written_so = '"' + "".join(f"\\u{ord(each):04x}" if ord(each) < 0x10000 else each for each in tenant) + '"'
    return f'{{"type":"a.b","tenant":{written_so}}}'.encode()


def read(events: TenantEvents, of: Record) -> tuple[Event | None, int]:
    """The event, and how often the registry did not answer."""
    steps, waits = events.read(of), 0
    while True:
        try:
            next(steps)
            waits += 1
        except StopIteration as over:
            found: Event | None = over.value
            return found, waits


ENVELOPED = enveloped("acme")
tenants = st.sampled_from(("acme", "7", 'a"b', "é", "a\\b", "a/b")) | names
values = (
    st.builds(envelope, tenants, escaped=st.booleans())
    | st.sampled_from((registered("acme"), registered("other"), registered(7)))
    | json_values.map(written)
    | st.binary(max_size=40)
)
named = st.sampled_from(
    ("tenant", "TENANT", "ce_subject", "ce_id", "ce_source", "ce_type", "content-type", "event-type")
)
their_headers = headers | st.lists(st.tuples(named, header_values | tenants.map(str.encode)), max_size=6).map(tuple)
binary: Sequence[tuple[str, bytes]] = (
    ("ce_specversion", b"1.0"),
    ("ce_id", b"1"),
    ("ce_source", b"s"),
    ("ce_type", b"a.b"),
    ("ce_subject", b"acme"),
)


@given(tenants, values, their_headers)
@example("acme", b"1", tuple(binary))
@example("acme", registered("acme"), ())
@example("7", registered(7), ())
@example("acme", registered(7), (("tenant", b"acme"),))
@example("acme", registered("acme"), (("Tenant", b"other"),))
@example("acme", registered("acme"), (("tenant", None),))
@example("acme", ENVELOPED, (("tenant", b"other"),))
def test_what_is_left_out_is_nobodys_event_of_this_tenant(
    tenant: str, value: bytes, headers_of: tuple[tuple[str, bytes | None], ...]
) -> None:
    whole = record(value, headers_of)
    found = decode(whole, Schemas(known=KNOWN), EventRules.of(SETTINGS))
    events = TenantEvents(SETTINGS, tenant, ask=KNOWN.get, sleep=lambda _: None)
    for known in (registered("x"), enveloped("x")):
        read(events, record(known))  # its schema is known from now on
    if isinstance(found, Event) and found.tenant == tenant:
        assert not events.is_foreign(whole)
        assert read(events, whole) == (found, 0)
    else:
        assert events.is_foreign(whole) or read(events, whole) == (None, 0)


def test_others_events_are_left_undecoded() -> None:
    events = TenantEvents(SETTINGS, "acme", ask=KNOWN.get)
    read(events, record(registered("x")))
    foreign = [record(envelope("other", escaped=False)), record(None), record(b"1", (("ce_subject", b"other"),))]
    assert all(map(events.is_foreign, [*foreign, record(registered("acme"), (("tenant", b"other"),))]))
    assert not events.is_foreign(record(registered("other")))


def test_a_registry_that_is_away_is_waited_for() -> None:
    answers: list[SchemaAnswer | None] = [None, None, KNOWN[7]]
    slept: list[float] = []
    events = TenantEvents(SETTINGS, "acme", ask=lambda _: answers.pop(0), sleep=slept.append)
    found, waits = read(events, record(registered("acme")))
    assert found is not None
    assert (found.tenant, waits, len(slept)) == ("acme", 2, 2)
