"""The JSON envelope: what is read, and what is refused with which word."""

import json

import pytest

from consumer.events.decode import decode
from consumer.events.event import Event, Poison, RecordHeaders, Tombstone
from consumer.events.limits import depth
from consumer.events.rules import EventRules
from consumer.events.schema import Schemas
from tests.strategies import record

SPAN = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def read(value: bytes | None, headers: RecordHeaders = (), rules: EventRules | None = None) -> object:
    return decode(record(value, headers), Schemas(), rules or EventRules())


def event(value: bytes, headers: RecordHeaders = ()) -> Event:
    found = read(value, headers)
    assert isinstance(found, Event), found
    return found


def poison(value: bytes, rules: EventRules | None = None) -> Poison:
    found = read(value, (), rules)
    assert isinstance(found, Poison), found
    return found


def test_a_whole_envelope() -> None:
    value = (
        b'{"id":"evt_1","type":"order.created","tenant":"acme","product":"shop",'
        b'"time":"2026-01-31T12:00:00.123+01:00","data": {"total": 1.10, "n":1E2, "s":"\\u00e9"} }'
    )
    assert read(value) == Event(
        id="evt_1",
        type="order.created",
        tenant="acme",
        product="shop",
        time_ms=1_769_857_200_123,
        data=b'{"total": 1.10, "n":1E2, "s":"\\u00e9"}',
        topic="orders",
        partition=3,
        offset=7,
        timestamp_ms=1_700_000_000_000,
    )


@pytest.mark.parametrize("rest", ["", ',"id":null,"product":null,"time":null'])
def test_defaults(rest: str) -> None:
    found = event(b'{"type":"a","tenant":"t"%s}' % rest.encode())
    assert (found.id, found.product, found.time_ms, found.data) == (
        "orders-3-7-1700000000000",
        None,
        1_700_000_000_000,
        b"null",
    )


def test_what_is_not_known_is_ignored() -> None:
    assert event(b'{"type":"a","tenant":"t","x":[1,"y"],"tenants":"u"}').tenant == "t"


@pytest.mark.parametrize(
    "data", [b"null", b"0", b'"type"', b"[]", b"-1.50e+10", b'"\\ud83d\\ude00"', b"12345678901234567890123"]
)
def test_data_stays_as_written(data: bytes) -> None:
    assert event(b'{"type":"a","tenant":"t","data": ' + data + b" }").data == data


def test_escapes_in_metadata_are_read() -> None:
    assert event(b'{"t\\u0079pe":"a\\"b","tenant":"\\u00e9","data":{"a":"\\""}}').type == 'a"b'


def test_a_tombstone_is_no_value_and_an_empty_value_is_not() -> None:
    assert read(None) == Tombstone()
    assert poison(b"").reason == "undecodable"


@pytest.mark.parametrize(
    ("value", "reason", "named"),
    [
        (b"garbage", "undecodable", "JSON"),
        (b'{"type":"a","tenant":"t"', "undecodable", "JSON"),
        (b'{"type":"a","tenant":"t"}{}', "undecodable", "JSON"),
        (b'{"type":"a","tenant":"t","data":NaN}', "undecodable", "NaN"),
        (b'{"type":"a","tenant":"t","data":-Infinity}', "undecodable", "Infinity"),
        (b'{"type":"a","tenant":"t","data":"\\ud800"}', "undecodable", "surrogates"),
        (b'{"type":"a","tenant":"t","data":"\\udc00 and more text"}', "undecodable", "surrogates"),
        (b'{"type":"a","tenant":"t","data":"\xed\xa0\x80"}', "undecodable", "UTF-8"),
        (b'{"type":"a","tenant":"t","data":"\xff"}', "undecodable", "UTF-8"),
        (b'\xef\xbb\xbf{"type":"a","tenant":"t"}', "undecodable", "byte order mark"),
        ('{"type":"a","tenant":"t"}'.encode("utf-16"), "undecodable", "UTF-8"),
        ('{"type":"a","tenant":"t"}'.encode("utf-16-le"), "undecodable", "JSON"),
        (b'[{"type":"a","tenant":"t"}]', "wrong_type", "object"),
        (b'"text"', "wrong_type", "object"),
        (b'{"tenant":"t"}', "missing_field", "type"),
        (b'{"type":"a"}', "missing_field", "tenant"),
        (b'{"type":"a","tenant":null}', "missing_field", "tenant"),
        (b'{"type":"a","tenant":7}', "wrong_type", "tenant"),
        (b'{"type":"a","tenant":""}', "wrong_type", "tenant"),
        (b'{"type":["a"],"tenant":"t"}', "wrong_type", "type"),
        (b'{"type":"a\\n","tenant":"t"}', "wrong_type", "type"),
        (b'{"type":"a","tenant":"\\u0000"}', "wrong_type", "tenant"),
        (b'{"type":"a","tenant":"%s"}' % (b"t" * 201), "wrong_type", "tenant"),
        (b'{"type":"a","tenant":"t","product":1}', "wrong_type", "product"),
        (b'{"type":"a","tenant":"t","id":1}', "wrong_type", "id"),
        (b'{"type":"a","tenant":"t","id":""}', "wrong_type", "id"),
        (b'{"type":"a","tenant":"t","id":"%s"}' % ("é" * 101).encode(), "wrong_type", "id"),
        (b'{"type":"a","tenant":"t","time":1700000000}', "wrong_type", "time"),
        (b'{"type":"a","tenant":"t","time":"2026-01-31T12:00:00"}', "wrong_type", "time"),
        (b'{"type":"a","tenant":"t","time":"yesterday"}', "wrong_type", "time"),
        (b'{"type":"a","tenant":"t","time":"0000-01-01T00:00:00+23:59"}', "wrong_type", "time"),
        (b'{"type":"a","tenant":"t","tenant":"u"}', "duplicate_field", "twice"),
        (b'{"type":"a","tenant":"t","data":1,"data":"tenant"}', "duplicate_field", "twice"),
        (b'{"type":"a","tenant":"t","t\\u0065nant":"u"}', "duplicate_field", "twice"),
        (b'{"type":"a","tenant":"t","tenant":"u","\\u0022\\u0022\\u0022\\u0022":1}', "undecodable", "quotation"),
    ],
)
def test_what_is_refused(value: bytes, reason: str, named: str) -> None:
    found = poison(value)
    assert found.reason == reason, found
    assert named in found.detail


def test_size_is_looked_at_before_anything_else() -> None:
    assert poison(b"\x00" + b"x" * 10_000_000).reason == "too_large"
    whole = b'{"type":"a","tenant":"t","data":"%s"}' % (b"x" * (1_024 - 36))
    assert isinstance(read(whole, (), EventRules(max_event_bytes=len(whole))), Event)
    assert poison(whole, EventRules(max_event_bytes=len(whole) - 1)).reason == "too_large"


@pytest.mark.parametrize("opened", [b"[", b'{"a":'])
def test_depth(opened: bytes) -> None:
    def nested(levels: int) -> bytes:
        closed = b"]" if opened == b"[" else b"}"
        inner = b"[{" if opened == b"[" else b"{["
        strings = b'"' + inner * 50 + b'\\"[[["'  # brackets inside strings do not count
        return b'{"type":"a","tenant":"t","data":' + opened * levels + strings + closed * levels + b"}"

    assert isinstance(read(nested(64)), Event)
    assert poison(nested(65)).reason == "too_deep"
    assert poison(nested(100_000)).reason == "too_deep"


@pytest.mark.parametrize(("data", "levels"), [(b"1", 0), (b"[]", 1), (b'[[],{"a":[{}]},"[["]', 4), (b'{"\\\\":[]}', 2)])
def test_depth_is_exact(data: bytes, levels: int) -> None:
    assert depth(data, 99) == levels


def test_wide_is_not_deep() -> None:
    assert isinstance(read(b'{"type":"a","tenant":"t","data":%s}' % json.dumps([{}] * 5_000).encode()), Event)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ((("traceparent", SPAN),), SPAN.decode()),
        ((("ce_traceparent", SPAN),), SPAN.decode()),
        ((("traceparent", SPAN.upper()),), None),
        ((("traceparent", SPAN + b"\n"),), None),
        ((("traceparent", SPAN + b"\r\nX-Injected: 1"),), None),
        ((("traceparent", b"01" + SPAN[2:]),), None),
        ((("traceparent", SPAN[:3] + b"0" * 32 + SPAN[35:]),), None),
        ((("traceparent", SPAN[:36] + b"0" * 16 + SPAN[52:]),), None),
        ((("traceparent", None), ("hookline-tenant", b"other"), ("tenant", b"other")), None),
    ],
)
def test_of_all_headers_only_a_valid_traceparent_counts(headers: RecordHeaders, expected: str | None) -> None:
    found = event(b'{"type":"a","tenant":"t"}', headers)
    assert (found.traceparent, found.tenant) == (expected, "t")


def test_no_detail_repeats_the_payload() -> None:
    for value in (b'{"type":"a","tenant":"s3cret\\n"}', b"s3cret", b'{"type":"a","tenant":"t","time":"s3cret"}'):
        assert "s3cret" not in poison(value).detail
