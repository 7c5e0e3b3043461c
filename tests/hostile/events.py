"""Everything the decoder accepts: events in every form it reads, with whatever a producer may put into them.

`accepted` draws Events as the decoder made them, `records` the records before that, of which some are refused.
JSON is drawn as text, not as values, because the same number, string or name can be written in many ways and the
decoder takes them all.
"""

import io
from typing import Final

import fastavro
from hypothesis import assume
from hypothesis import strategies as st

from consumer.events.avro import event_schema
from consumer.events.decode import decode
from consumer.events.event import Event, Record, RecordHeaders
from consumer.events.rules import EventRules
from consumer.events.schema import AvroSchema, ParsedSchema, Schemas, parse
from consumer.json import Json
from consumer.schemas import avro_schema
from tests.strategies import record, written

_NUMBER: Final = r"\A-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,6})?\Z"
_ascii = st.characters(codec="ascii")

# ── JSON as text ─────────────────────────────────────────────────────────────────────────────────────────────────────

numbers: Final[st.SearchStrategy[bytes]] = (
    st.sampled_from(
        (
            b"0", b"-0", b"-0.0", b"0e999", b"1e308", b"1e309", b"-1e309", b"1E+400", b"1e-400", b"5e-324",
            b"1e99999999999999999999", b"1.7976931348623157e308", b"1.7976931348623159e308", b"9007199254740993",
            b"-9223372036854775808", b"18446744073709551615", b"18446744073709551616", b"9" * 310,
            b"1e-99999999999999999999",
        )
    )
    | st.integers().map(lambda number: b"%d" % number)
    | st.floats(allow_nan=False, allow_infinity=False).map(lambda number: repr(number).encode())
    | st.from_regex(_NUMBER, alphabet=_ascii).map(str.encode)
)  # fmt: skip

_ESCAPED: Final = (
    rb"\u0000", rb"\n", rb"\"", rb"\\", rb"\/", rb"\u00e9", rb"\ud83d\ude00", rb"\u2028", rb"\uFFFF",
    b"\x7f", b"`", b"@everyone", b"<&>",
)  # fmt: skip
_plain = st.text(st.characters(codec="utf-8", exclude_characters='"\\', min_codepoint=0x20), max_size=12).map(
    str.encode
)
strings: Final[st.SearchStrategy[bytes]] = (
    st.lists(_plain | st.sampled_from(_ESCAPED), max_size=4).map(b"".join) | st.just(b"")
).map(b'"%b"'.__mod__)
# Half a pair: the decoder refuses it wherever it stands.
lone_surrogates: Final = st.sampled_from((rb'"\ud800"', rb'"\udfffx"', rb'"\ude00\ud83d"', b'"\xed\xa0\x80"'))

_names = (
    st.sampled_from((b'""', b'"a"', b'"data"', b'"type"', b'"$or"', b'"a.b"', rb'"\u0061"', rb'"\ud83d\ude00"'))
    | strings
)
_space = st.sampled_from((b"", b" ", b"\r\n\t "))


def _array(items: list[bytes], space: bytes) -> bytes:
    return b"[%b%b]" % (space, (space + b"," + space).join(items))


def _object(members: list[tuple[bytes, bytes]], space: bytes) -> bytes:
    return b"{%b%b}" % (space, b",".join(name + space + b":" + value for name, value in members))


_scalars = st.sampled_from((b"null", b"true", b"false")) | numbers | strings
_nested = st.recursive(
    _scalars,
    lambda inner: (
        st.builds(_array, st.lists(inner, max_size=4), _space)
        | st.builds(_object, st.lists(st.tuples(_names, inner), max_size=4), _space)
    ),
    max_leaves=8,
)


def _deep(levels: int, inner: bytes) -> bytes:
    return b'{"a":[' * (levels // 2) + inner + b"]}" * (levels // 2)


# Rare, because most are a megabyte or so. Made by number: hypothesis writes out what it may sample.
_LARGE: Final = (
    b"9" * 4_300,
    b'{"a":' + b"9" * 4_301 + b"}",
    b'{"a":-' + b"1" * 20_000 + b"}",
    b'{"a":0.' + b"3" * 20_000 + b"}",
    b'{"a":' + b"1" * 400 + b".5e-399}",
    b'{"a":"' + "😀".encode() * 3_000 + b'"}',
    b"[" + b"0," * 199_999 + b"0]",
    b'{"a":[' + b"{}," * 199_999 + b"1e309]}",
    b"{" + b",".join(b'"%x":1' % number for number in range(60_000)) + b"}",
    b'{"a":"' + b"x" * 900_000 + b'"}',
    b'["' + rb"\u0060" * 150_000 + b'"]',
)


def _large(number: int) -> bytes:
    return _LARGE[number]


@st.composite
def _payloads(draw: st.DrawFn) -> bytes:
    how = draw(st.integers(0, 199))
    if how == 0:
        return draw(st.integers(0, len(_LARGE) - 1).map(_large))
    inner = draw(_nested)
    return _deep(draw(st.integers(0, 58)), inner) if how < 15 else inner


payloads: Final[st.SearchStrategy[bytes]] = _payloads()

# ── metadata ─────────────────────────────────────────────────────────────────────────────────────────────────────────

_characters = st.characters(codec="utf-8")
ids: Final = st.text(_characters, min_size=1, max_size=50) | st.sampled_from(
    ("\x00", "a.b", "~41", "\r\nx: y", "i" * 200)
)
names: Final = (
    st.text(_characters, min_size=1, max_size=12).filter(str.isprintable)
    | st.sampled_from((" ", "*", "a.*", "..", "n" * 200, "😀" * 200, "münchen", "$or", "%0d%0a", "a b", "@everyone"))
)  # fmt: skip
times: Final = st.sampled_from(
    (
        "2026-01-31T12:00:00Z",
        "0000-01-01t00:00:00z",
        "9999-12-31T23:59:59.999999999Z",
        "1969-12-31T23:59:59.9995-23:59",
        "2016-12-31T23:59:60Z",
        "2017-01-01T00:59:60.5+01:00",
        "2026-01-31T12:00:00." + "9" * 2_000 + "-00:00",
    )
)
_sources = st.sampled_from(("/shop", "urn:x", "é")) | ids
_traces = st.just(("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
_other_headers: Final[st.SearchStrategy[RecordHeaders]] = st.lists(
    st.tuples(st.sampled_from(("x", "", "hookline-tenant", "\u00e9")), st.none() | st.binary(max_size=8)) | _traces,
    max_size=3,
    unique_by=lambda header: header[0],
).map(tuple)


def _maybe(**optional: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str | None]]:
    return st.fixed_dictionaries({}, optional={name: st.none() | values for name, values in optional.items()})


_metadata = st.builds(
    lambda needed, rest: needed | rest,
    st.fixed_dictionaries({"type": names, "tenant": names}),
    _maybe(id=ids, product=names, time=times),
)

# ── the forms ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _members(metadata: dict[str, str | None], data: bytes | None, unknown: bytes, space: bytes) -> bytes:
    members = [(written(name), written(value)) for name, value in metadata.items()]
    members += [] if data is None else [(b'"data"', data)]
    return space + _object([*members, (b'"unknown"', unknown)], space) + space


_envelopes = st.builds(
    record,
    st.builds(_members, _metadata, st.none() | payloads, _scalars, _space),
    _other_headers,
)
_cloud = st.builds(
    lambda needed, rest: {"specversion": "1.0"} | needed | rest,
    st.fixed_dictionaries({"type": names, "subject": names, "id": ids, "source": _sources}),
    _maybe(product=names, time=times),
)
_DECLARED: Final[tuple[RecordHeaders, ...]] = (
    (),
    (("content-type", b"application/cloudevents+json"),),
    (("contentType", b'"application/cloudevents+json; charset=utf-8"'),),
    (("Content-Type", b"application/json"),),
)
_structured = st.builds(
    lambda value, headers, declared: record(value, (*headers, *declared)),
    st.builds(_members, _cloud, st.none() | payloads, _scalars, _space),
    _other_headers,
    st.sampled_from(_DECLARED),
)


def _binary_record(metadata: dict[str, str | None], data: bytes, others: RecordHeaders) -> Record:
    declared = tuple((f"ce_{name}", None if value is None else value.encode()) for name, value in metadata.items())
    return record(data, (*others, ("content-type", b"application/json"), *declared))


_binary = st.builds(_binary_record, _cloud, payloads | st.just(b""), _other_headers)

_PLAIN_FIELDS: Final[list[Json]] = [
    {"name": "tenant", "type": "string"},
    {"name": "f", "type": "float"},
    {"name": "d", "type": "double"},
    {"name": "n", "type": ["null", "long"]},
    {"name": "b", "type": "bytes"},
    {"name": "m", "type": {"type": "map", "values": {"type": "array", "items": "string"}}},
]
_DECIMAL: Final[Json] = {"type": "bytes", "logicalType": "decimal", "precision": 400, "scale": 3}


def _own_type(decimal: Json) -> dict[str, Json]:
    return {"type": "record", "name": "Own", "fields": [*_PLAIN_FIELDS, {"name": "c", "type": decimal}]}


def _own_schema() -> ParsedSchema:
    found = parse(_own_type(_DECIMAL))
    assert isinstance(found, ParsedSchema)
    return found


SCHEMAS: Final = Schemas(known={1: _own_schema(), 2: event_schema()[1]})
RULES: Final = EventRules(avro_tenant_field="tenant")
_EVENT_SCHEMA: Final = fastavro.parse_schema(dict(avro_schema("Event")))
_OWN_SCHEMA: Final = fastavro.parse_schema(_own_type("bytes"))


def _avro(schema: AvroSchema, row: object) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, row)
    return out.getvalue()


def _enveloped(metadata: dict[str, str | None], data: bytes, single: bool, others: RecordHeaders) -> Record:
    head = b"\xc3\x01" + event_schema()[0] if single else b"\x00\x00\x00\x00\x02"
    row = {"id": None, "product": None, "time": None} | metadata | {"time": 1_700_000_000_000, "data": data}
    return record(head + _avro(_EVENT_SCHEMA, row), others)


_avro_envelopes = st.builds(_enveloped, _metadata, payloads, st.booleans(), _other_headers)
_finite = st.floats(allow_nan=False, allow_infinity=False)
_text = st.text(_characters, max_size=8)
_own_rows = st.fixed_dictionaries(
    {
        "tenant": names,
        "f": st.floats(allow_nan=False, allow_infinity=False, width=32),
        "d": _finite,
        "n": st.none() | st.integers(-(2**63), 2**63 - 1),
        "b": st.binary(max_size=20),
        "m": st.dictionaries(_text, st.lists(_text, max_size=3), max_size=3),
        "c": st.binary(max_size=200),
    }
)
_own = st.builds(
    lambda row, type_, others: record(
        b"\x00\x00\x00\x00\x01" + _avro(_OWN_SCHEMA, row), (*others, ("event-type", type_.encode()))
    ),
    _own_rows,
    names,
    _other_headers,
)
_surrogates = st.builds(
    lambda half, member: record(b'{"type":"a","tenant":"t","%b":%b}' % (member, half)),
    lone_surrogates,
    st.sampled_from((b"id", b"type", b"tenant", b"product", b"data", b"unknown")),
)

records: Final[st.SearchStrategy[Record]] = st.one_of(
    _envelopes, _structured, _binary, _avro_envelopes, _own, _surrogates
)


def decoded(whole: Record) -> object:
    """What the decoder makes of a record drawn here."""
    return decode(whole, SCHEMAS, RULES)


@st.composite
def _accepted(draw: st.DrawFn) -> Event:
    found = decoded(draw(st.one_of(_envelopes, _structured, _binary, _avro_envelopes, _own)))
    assume(isinstance(found, Event))
    assert isinstance(found, Event)
    return found


accepted: Final[st.SearchStrategy[Event]] = _accepted()
