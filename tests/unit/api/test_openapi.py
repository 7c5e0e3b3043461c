"""The OpenAPI of each brand: what it announces is all that happens, and clients can be generated from it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from consumer.brands.loader import load_brands
from consumer.control.keys import Scope as KeyScope
from consumer.control.resource import resource
from tests.fuzz import fuzz
from tests.memory_api import MemoryApi
from tests.spoiled import SPOILINGS
from tests.web import Client
from tests.webhook_samples import subscription

BRANDS = sorted(load_brands())
CASES = 512


@pytest.mark.parametrize("brand", BRANDS)
def test_whatever_is_asked_no_answer_is_a_surprise(brand: str) -> None:
    report = fuzz(brand, CASES // len(BRANDS), 1)
    assert report.cases >= CASES // len(BRANDS) * 3 // 4
    assert {200, 201, 400, 404, 405, 415, 422} <= report.answers.keys()
    assert {each.__name__ for each in SPOILINGS} == report.spoiled.keys()


def test_a_surprise_is_found() -> None:
    api = MemoryApi()
    api.healths.bug = RuntimeError("broken")
    with pytest.raises(BaseExceptionGroup):
        fuzz("hookline", 32, 1, api)


def passing_over(request: Scope) -> None:
    """An API that passes over parameters, hidden slashes and media types, as ours once did."""
    request["query_string"] = b""


def decoding(request: Scope) -> None:
    request["raw_path"] = request["path"].encode()


def taking_anything_for_json(request: Scope) -> None:
    others = [(name, value) for name, value in request["headers"] if name != b"content-type"]
    request["headers"] = [*others, (b"content-type", b"application/json")]


@pytest.mark.parametrize("careless", [passing_over, decoding, taking_anything_for_json])
def test_what_is_passed_over_is_found(careless: Callable[[Scope], None]) -> None:
    api = MemoryApi()

    async def in_front(scope: Scope, receive: Receive, send: Send) -> None:
        careless(scope)
        await api.app(scope, receive, send)

    api.anybody = Client(in_front, base_url="http://api")
    with pytest.raises(AssertionError):
        fuzz("hookline", 1, 1, api)


@pytest.fixture(scope="module", params=BRANDS)
def document(request: pytest.FixtureRequest) -> dict[str, Any]:
    told: dict[str, Any] = MemoryApi(brands=[request.param]).apps[request.param].openapi()
    return told | {"brand": request.param}


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for path in document["paths"].values() for each in path.values()]


def test_every_operation_has_a_name_a_scope_and_its_problems(document: dict[str, Any]) -> None:
    names = [each["operationId"] for each in operations(document)]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+[A-Za-z]+", name) for name in names)
    for each in operations(document):
        assert each["summary"]
        assert each["tags"]
        assert each["x-required-scope"] in set(KeyScope)
        problems = {status for status in each["responses"] if int(status) >= 400}
        assert {"400", "401", "403", "429", "503"} <= problems
        for status in problems:
            assert list(each["responses"][status]["content"]) == ["application/problem+json"]


def test_a_body_is_one_model_whether_it_must_be_there_or_not(document: dict[str, Any]) -> None:
    """A nullable one makes openapi-python-client 0.29 send what no JSON can say."""
    bodies = [
        each["requestBody"]["content"]["application/json"] for each in operations(document) if "requestBody" in each
    ]
    assert bodies
    assert all(each["schema"].keys() == {"$ref"} for each in bodies)


def test_the_documents_models_are_the_ones_that_are_named(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    editable = load_brands()[document["brand"]].api.editable
    named = {"Webhook", "WebhookCreate", "Problem", "DeadLetter", "EventType", "Key", "TestResult", "ReplaySummary"}
    assert named | ({"WebhookUpdate"} if editable else set()) <= schemas.keys()
    assert not [name for name in schemas if not re.fullmatch(r"[A-Z][A-Za-z]+", name)]
    assert "HTTPValidationError" not in schemas
    referred = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert referred == schemas.keys() & referred


def test_a_brands_habits_are_in_its_document(document: dict[str, Any]) -> None:
    habits = load_brands()[document["brand"]].api
    webhook = document["components"]["schemas"]["Webhook"]["properties"]
    create = document["components"]["schemas"]["WebhookCreate"]["properties"]
    assert habits.list_field in webhook
    assert habits.list_field in create
    assert ("secret" in create) is habits.own_secret
    assert ("patch" in document["paths"][habits.base_path + "/{id}"]) is habits.editable
    created = document["paths"][habits.base_path]["post"]["responses"]["201"]["content"]["application/json"]["schema"]
    assert created["$ref"].endswith("WebhookAnswer" if habits.envelope == "data" else "Webhook")


def test_the_webhook_is_the_one_that_is_announced(document: dict[str, Any]) -> None:
    habits = load_brands()[document["brand"]].api
    told = document["components"]["schemas"]["Webhook"]
    shown = resource(subscription(), secret="s", list_field=habits.list_field)
    assert told["properties"].keys() == shown.keys() | {"publicKey"}
    assert set(told["required"]) == shown.keys() - {"secret"}
