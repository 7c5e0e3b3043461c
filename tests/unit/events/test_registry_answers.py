"""Which answers of a registry settle a schema, and which only mean: ask again."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from consumer.events.decode import decode
from consumer.events.event import Poison
from consumer.events.reasons import PoisonReason
from consumer.events.registry import Registry, RegistryUnreachable
from consumer.events.rules import EventRules
from consumer.events.schema import ParsedSchema, RefusedSchema, SchemaAnswer, Schemas, UnknownSchema
from tests.strategies import record

AVRO = json.dumps({"type": "record", "name": "shop.Order", "fields": [{"name": "id", "type": "string"}]})


class Answers(BaseHTTPRequestHandler):
    """Answers `/schemas/ids/N` as the test set it."""

    given: tuple[int, bytes] = (200, b"")
    of_subjects: tuple[int, bytes] = (200, b"")

    def do_GET(self) -> None:
        status, body = self.of_subjects if self.path.startswith("/subjects/") else self.given
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name the base class has
        pass


@pytest.fixture
def url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def fetch(url: str, timeout_s: float = 2.0) -> SchemaAnswer:
    with closing(Registry(url, timeout_s=timeout_s)) as registry:
        return registry.fetch(1)


def answer(status: int, body: object) -> None:
    Answers.given = (status, body if isinstance(body, bytes) else json.dumps(body).encode())


def test_a_schema(url: str) -> None:
    answer(200, {"schema": AVRO})
    found = fetch(url)
    assert isinstance(found, ParsedSchema)
    assert (found.name, found.depth) == ("shop.Order", 1)


def test_no_such_schema(url: str) -> None:
    answer(404, {"error_code": 40403, "message": "Schema not found"})
    assert fetch(url) == UnknownSchema()


REFERRING = {"schema": AVRO, "references": [{"name": "shop.City", "subject": "city", "version": 2}]}


@pytest.mark.parametrize(("status", "code"), [(404, 40401), (404, 40402), (422, 42202)])
def test_what_a_schema_refers_to_was_deleted_for_good(url: str, status: int, code: int) -> None:
    answer(200, REFERRING)
    Answers.of_subjects = (status, json.dumps({"error_code": code, "message": "not found"}).encode())
    found = fetch(url)
    assert found == UnknownSchema(missing="version 2 of the subject city")
    poison = decode(record(b"\x00\x00\x00\x00\x01"), Schemas(known={1: found}), EventRules())
    assert isinstance(poison, Poison)
    assert (poison.reason, "city" in poison.detail) == ("unknown_schema", True)


def test_what_a_schema_refers_to_cannot_be_had_now(url: str) -> None:
    answer(200, REFERRING)
    Answers.of_subjects = (500, json.dumps({"error_code": 50001, "message": "backend"}).encode())
    with pytest.raises(RegistryUnreachable):
        fetch(url)


def test_schemas_that_refer_to_each_other_are_refused(url: str) -> None:
    answer(200, REFERRING)
    around = {"subject": "city", "version": 2, "id": 9, **REFERRING}
    Answers.of_subjects = (200, json.dumps(around).encode())
    assert isinstance(fetch(url), RefusedSchema | ParsedSchema)


@pytest.mark.parametrize("name", ["\\ud800", "A"])
def test_names_that_are_no_text(url: str, name: str) -> None:
    symbols = AVRO.replace('"string"', f'{{"type":"enum","name":"E","symbols":["{name}"]}}')
    answer(200, {"schema": symbols})
    assert isinstance(fetch(url), ParsedSchema if name == "A" else RefusedSchema)


def test_a_schema_nested_beyond_the_stack_is_refused(url: str) -> None:
    answer(200, {"schema": '{"type":' * 5_000 + '"int"' + "}" * 5_000})
    assert isinstance(fetch(url), RefusedSchema)


@pytest.mark.parametrize(
    ("schema", "kind", "reason"),
    [
        ('{"type":"object"}', "JSON", PoisonReason.UNSUPPORTED_SCHEMA),
        ('syntax = "proto3";', "PROTOBUF", PoisonReason.UNSUPPORTED_SCHEMA),
        ('"string"', "AVRO", PoisonReason.UNSUPPORTED_SCHEMA),
        ("string", "AVRO", PoisonReason.UNSUPPORTED_SCHEMA),
        ("{", "AVRO", PoisonReason.UNSUPPORTED_SCHEMA),
        (AVRO.replace('"string"', '{"type":"array","items":"null"}'), "AVRO", PoisonReason.EXPLODING_SCHEMA),
    ],
)
def test_a_schema_that_is_refused(url: str, schema: str, kind: str, reason: PoisonReason) -> None:
    answer(200, {"schema": schema, "schemaType": kind})
    found = fetch(url)
    assert isinstance(found, RefusedSchema)
    assert found.reason == reason


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b"<html>no such path</html>"),
        (404, {"error_code": 404, "message": "HTTP 404 Not Found"}),
        (401, {"error_code": 401, "message": "Unauthorized"}),
        (403, b""),
        (429, b""),
        (500, {"error_code": 50001, "message": "backend"}),
        (503, b"unavailable"),
        (200, b"not json"),
        (200, b"[]"),
        (204, b""),
    ],
)
def test_whatever_else_it_says_means_ask_again(url: str, status: int, body: object) -> None:
    answer(status, body)
    with pytest.raises(RegistryUnreachable):
        fetch(url)


def test_nobody_there() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(RegistryUnreachable, match="HOOKLINE_SCHEMA_REGISTRY_URL"):
            fetch(f"http://user:s3cret@127.0.0.1:{bound.getsockname()[1]}")


def test_it_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(RegistryUnreachable) as raised:
            fetch(f"http://user:s3cret@127.0.0.1:{silent.getsockname()[1]}", timeout_s=0.1)
        assert "s3cret" not in f"{raised.value!r} {raised.value.__cause__!r}"
