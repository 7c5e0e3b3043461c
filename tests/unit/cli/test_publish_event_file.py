import io
import json
import os
from pathlib import Path

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.cli.event_file import Outgoing, Row, container_records, is_container, json_lines
from consumer.cli.exits import CommandFailed
from consumer.schemas import avro_schema
from consumer.wire import WireFormat
from tests.commands import call

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ORDER = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "fields": [{"name": "number", "type": "int"}, {"name": "customer", "type": "string"}],
}


def lines(data: bytes, key_field: str | None = None) -> list[Outgoing]:
    return list(json_lines(io.BytesIO(data), key_field))


def container(schema: object, rows: list[Row]) -> io.BufferedReader:
    written = io.BytesIO()
    fastavro.writer(written, fastavro.parse_schema(schema), rows)  # type: ignore[arg-type]
    return io.BufferedReader(io.BytesIO(written.getvalue()))


def not_registered(schema_text: str) -> None:
    raise AssertionError(f"{schema_text} needs no registry")


@given(st.lists(JSON, max_size=5), st.sampled_from(["\n", "\r\n", "\n\n  \n"]))
def test_lines_come_out_byte_for_byte(values: list[object], ending: str) -> None:
    written = [json.dumps(value, ensure_ascii=True) for value in values]
    data = "".join(line + ending for line in written).encode()

    read = lines(data)

    assert [record.value for record in read] == [line.encode() for line in written]
    numbered = data.split(b"\n")
    assert all(numbered[record.number - 1].rstrip(b"\r") == record.value for record in read)
    assert all(record.read_bytes <= len(data) for record in read)


@pytest.mark.parametrize("bad", [b"{", b"nope", b"NaN", b'"\xff"', b"{} {}", b"[" * 100_000])
def test_a_line_that_is_not_json_is_named(bad: bytes) -> None:
    with pytest.raises(CommandFailed, match=r"^line 3 is not JSON: ") as raised:
        lines(b"{}\n\n" + bad + b"\n{}")

    assert raised.value.code == os.EX_DATAERR


@pytest.mark.parametrize(
    ("line", "key_field", "key"),
    [
        ('{"tenant":"acme"}', None, b"acme"),
        ('{"tenant":7}', None, b"7"),
        ('{"type":"x"}', None, None),
        ("[1]", None, None),
        ('{"a":{"b":"café"}}', "a.b", "café".encode()),
    ],
)
def test_the_key_is_the_tenant_or_the_field_named(line: str, key_field: str | None, key: bytes | None) -> None:
    assert [record.key for record in lines(line.encode(), key_field)] == [key]


def test_a_line_without_the_key_asked_for_is_named() -> None:
    with pytest.raises(CommandFailed, match=r"^line 2 has no string or integer in 'a.b'"):
        lines(b'{"a":{"b":"c"}}\n{"a":"b"}', "a.b")


def test_hooklines_own_events_become_single_object_encoded() -> None:
    schema = avro_schema("Event")
    row: Row = {"id": None, "type": "order.paid", "tenant": "acme", "product": None, "time": None, "data": b"{}"}
    stream = container(schema, [row, {**row, "tenant": "lab"}])
    assert is_container(stream)

    read = list(container_records(stream, None, not_registered))  # type: ignore[arg-type]

    assert [WireFormat([schema]).decode(record.value) for record in read] == [row, {**row, "tenant": "lab"}]
    assert [(record.number, record.key) for record in read] == [(1, b"acme"), (2, b"lab")]


def test_other_records_are_encoded_as_the_registry_says() -> None:
    asked: list[str] = []

    def registered(schema_text: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
        asked.append(schema_text)
        return lambda row: json.dumps(row).encode()

    stream = container(ORDER, [{"number": 1, "customer": "acme"}])

    (record,) = container_records(stream, "customer", registered)

    assert json.loads(asked[0])["name"] == "shop.Order"
    assert (record.key, json.loads(record.value)) == (b"acme", {"number": 1, "customer": "acme"})


def test_a_damaged_container_is_refused_with_the_records_number(tmp_path: Path) -> None:
    whole = container(avro_schema("Event"), [{"type": "t", "tenant": "a", "data": b"{}"}] * 3).read()

    with pytest.raises(CommandFailed, match=r"^record \d+ cannot be read"):
        list(container_records(io.BufferedReader(io.BytesIO(whole[:-20])), None, not_registered))  # type: ignore[arg-type]
    with pytest.raises(CommandFailed, match="not a readable Avro container"):
        list(container_records(io.BufferedReader(io.BytesIO(b"Obj\x01")), None, not_registered))  # type: ignore[arg-type]


@pytest.mark.parametrize(("header", "field"), [(["--header", "none"], "--header"), ([], "file")])
def test_what_cannot_be_published_names_its_argument(
    header: list[str], field: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOOKLINE_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setattr("consumer.cli.publish.installation", lambda settings: settings)
    assert call(["publish", "orders", "nofile", "--json", *header]) == (os.EX_USAGE if header else os.EX_DATAERR)
    assert json.loads(capsys.readouterr().err)["error"]["field"] == field
