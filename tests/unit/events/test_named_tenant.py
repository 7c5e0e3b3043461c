"""Which tenant a record names that is no event."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.events.event import Record
from consumer.events.named_tenant import named_tenant
from consumer.events.rules import EventRules

RULES = EventRules()


def record(value: bytes | None, *headers: tuple[str, bytes | None]) -> Record:
    return Record(topic="events", partition=0, offset=0, key=None, value=value, headers=headers, timestamp_ms=0)


@pytest.mark.parametrize(
    ("value", "tenant"),
    [
        ({"tenant": "acme", "data": {"tenant": "other"}}, "acme"),
        ({"type": 7, "tenant": "acme"}, "acme"),
        ({"specversion": "1.0", "subject": "acme", "tenant": "other"}, "acme"),
        ({"tenant": 7}, None),
        ({"subject": "acme"}, None),
        (["tenant", "acme"], None),
        ({}, None),
    ],
)
def test_it_is_the_one_that_its_event_would_have(value: object, tenant: str | None) -> None:
    assert named_tenant(record(json.dumps(value).encode()), RULES) == tenant


def test_a_cloud_event_in_binary_mode_names_it_in_a_header() -> None:
    told = (("ce_specversion", b"1.0"), ("ce_subject", b"acme"), ("ce_customer", b"other"))
    assert named_tenant(record(b"no JSON", *told), RULES) == "acme"
    assert named_tenant(record(b"no JSON", *told), EventRules(tenant_extension="customer")) == "other"
    assert named_tenant(record(b"no JSON", *told, ("ce_subject", b"b")), RULES) is None
    assert named_tenant(record(b"", ("ce_specversion", b"1.0"), ("ce_subject", b"\xff")), RULES) is None


@pytest.mark.parametrize(
    "value", [None, b"", b"{", b'{"tenant":"ac', b"\x00\x00\x00\x00\x01acme", b"[" * 100_000, b'{"a":' * 100_000]
)
def test_what_cannot_be_read_is_nobodys(value: bytes | None) -> None:
    assert named_tenant(record(value), RULES) is None


@given(st.binary(), st.lists(st.tuples(st.text(), st.none() | st.binary()), max_size=4))
def test_it_is_total(value: bytes, headers: list[tuple[str, bytes | None]]) -> None:
    named_tenant(record(value, *headers), RULES)
