"""Whatever is sent is used or refused: bodies, names, parameters, paths, methods."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from consumer.brands.loader import load_brands
from consumer.control.keys import Scope
from tests.memory_api import MemoryApi

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def api() -> MemoryApi:
    return MemoryApi(brands=sorted(load_brands()))


@pytest.fixture(scope="module")
def acme(api: MemoryApi) -> TestClient:
    return api.client(*Scope)


def problem(answer: Any, status: int) -> dict[str, Any]:  # noqa: ANN401 # a client's response
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["requestId"] == answer.headers["request-id"]
    assert told["detail"]
    return told


def errors(answer: Any) -> list[tuple[str, str]]:  # noqa: ANN401 # same
    return [(each["field"], each["code"]) for each in problem(answer, 422)["errors"]]


def test_a_name_that_is_written_twice_is_refused_wherever_it_is(api: MemoryApi, acme: TestClient) -> None:
    body = (
        b'{"url":"https://a.example/","url":"https://b.example/",'
        b'"requestConfig":{"headers":{"X-A":"1","X-A":"2"}},"filter":{"a":[1],"\\u0061":[2]}}'
    )
    refused = acme.post("/v1/webhooks", content=body, headers=JSON)
    assert errors(refused) == [
        ("url", "duplicate"),
        ("requestConfig.headers.X-A", "duplicate"),
        ("filter.a", "duplicate"),
    ]
    assert not api.topics.subscriptions.records


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/webhooks"),
        ("GET", "/v1/event-types"),
        ("GET", "/v1/dead-letters"),
        ("GET", "/v1/keys"),
        ("GET", "/v1/webhooks/wh_1"),
        ("DELETE", "/v1/webhooks/wh_1"),
        ("POST", "/v1/webhooks/wh_1/pause"),
        ("POST", "/v1/webhooks/wh_1/resume"),
        ("DELETE", "/v1/keys/k"),
        ("GET", "/v1/jobs"),
        ("GET", "/v1/jobs/job_1"),
        ("POST", "/v1/jobs/job_1/start"),
        ("POST", "/v1/jobs/job_1/cancel"),
    ],
)
def test_a_body_where_none_belongs_is_refused(acme: TestClient, method: str, path: str) -> None:
    for body in (b"{}", b"x", b" "):
        told = problem(acme.request(method, path, content=body, headers=JSON), 400)
        assert "body" in told["detail"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/webhooks"),
        ("POST", "/v1/webhooks"),
        ("GET", "/v1/event-types"),
        ("GET", "/v1/dead-letters"),
        ("GET", "/v1/webhooks/wh_1"),
        ("DELETE", "/v1/webhooks/wh_1"),
        ("POST", "/v1/webhooks/wh_1/pause"),
        ("POST", "/v1/webhooks/wh_1/test"),
        ("GET", "/v1/jobs"),
        ("POST", "/v1/jobs/job_1/pause"),
        ("POST", "/v1/webhooks/wh_1/replay"),
        ("POST", "/v1/webhooks/wh_1/recover"),
        ("POST", "/v1/deliveries/d/resend"),
    ],
)
def test_a_parameter_that_is_not_there_is_refused(acme: TestClient, method: str, path: str) -> None:
    assert errors(acme.request(method, f"{path}?nonsense=1&Limit=2")) == [("nonsense", "unknown"), ("Limit", "unknown")]


def test_a_parameter_is_given_once(acme: TestClient) -> None:
    assert errors(acme.get("/v1/webhooks?limit=1&limit=2")) == [("limit", "duplicate")]
    assert errors(acme.get("/v1/dead-letters?type=a&type=b&x")) == [("type", "duplicate"), ("x", "unknown")]
    assert acme.get("/v1/dead-letters?type=a&limit=1").status_code == 200


def test_a_slash_that_is_encoded_makes_no_route(api: MemoryApi, acme: TestClient) -> None:
    for path in ("/v1%2Fwebhooks", "/v1%2fwebhooks", "/v1/webhooks%2Fwh_1", "/v1/webhooks/wh_1%2Fpause"):
        told = problem(acme.get(path), 404)
        assert "openapi.json" in told["detail"]
    for path in ("/%2Flivez", "%2Fopenapi.json", "/brands%2Fhookline/openapi.json"):
        assert api.anybody.get(path).status_code == 401


def test_what_is_not_there_says_where_to_look(api: MemoryApi) -> None:
    for name in load_brands():
        told = problem(api.client(brand=name).get("/nowhere"), 404)
        assert api.anybody.get(f"/brands/{name}/openapi.json").status_code == 200
        assert f"/brands/{name}/openapi.json" in told["detail"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/webhooks", "GET, POST"),
        ("/v1/webhooks/wh_1", "DELETE, GET, PATCH"),
        ("/v1/webhooks/wh_1/pause", "POST"),
        ("/v1/event-types", "GET"),
    ],
)
def test_a_method_that_is_not_there_is_told_which_are(acme: TestClient, path: str, allowed: str) -> None:
    for method in ("PUT", "TRACE", "OPTIONS", "PROPFIND"):
        refused = acme.request(method, path)
        assert refused.headers["allow"] == allowed
        assert allowed in problem(refused, 405)["detail"]


def test_another_media_type_is_told_which_to_send(acme: TestClient) -> None:
    refused = acme.post("/v1/webhooks", content=b"<x/>", headers={"Content-Type": "text/xml"})
    assert "application/json" in problem(refused, 415)["detail"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [("rate_limit", "rateLimit"), ("max_concurrency", "maxConcurrency"), ("Topics", "topics"), ("quite_else", None)],
)
def test_a_field_that_is_written_in_another_way_is_told_how(acme: TestClient, written: str, meant: str | None) -> None:
    answer = acme.post("/v1/webhooks", json={"url": "https://example.com/", written: 1})
    [error] = [each for each in answer.json()["errors"] if each["field"] == written]
    hint = "" if meant is None else f": did you mean {meant}?"
    assert (answer.status_code, error["message"]) == (422, f"is no field that can be set here{hint}")


def test_a_header_of_one_meaning_is_sent_once(acme: TestClient) -> None:
    twice = [("If-Match", '"1"'), ("If-Match", '"2"')]
    assert "once" in problem(acme.delete("/v1/webhooks/wh_1", headers=twice), 400)["detail"]
    types = [("Content-Type", "application/json"), ("Content-Type", "text/plain")]
    assert problem(acme.post("/v1/webhooks", content=b"{}", headers=types), 415)


def test_an_unknown_reason_is_refused_and_the_known_are_named(acme: TestClient) -> None:
    refused = acme.get("/v1/dead-letters?reason=exhaustion")
    assert errors(refused) == [("reason", "not_a_choice")]
    assert "exhausted" in refused.text
    assert acme.get("/v1/dead-letters?reason=exhausted").status_code == 200
    webhook = acme.post("/v1/webhooks", json={"url": "https://a.example/"}).json()["id"]
    body = {"reason": "exhaustion"}
    assert errors(acme.post(f"/v1/webhooks/{webhook}/dead-letters/replay", json=body)) == [("reason", "not_a_choice")]


def test_types_that_no_event_can_have_are_refused_where_dead_letters_are_sought(acme: TestClient) -> None:
    for wrong in ("a*b", "", "a\u202eb"):
        assert errors(acme.get("/v1/dead-letters", params={"type": wrong}))[0][0] == "type", wrong
    for fine in ("order.paid", "order.*", "*"):
        assert acme.get("/v1/dead-letters", params={"type": fine}).status_code == 200


def test_what_is_not_there_is_told_without_repeating_what_was_sent(acme: TestClient) -> None:
    for method, path in (
        ("GET", "/v1/webhooks/{}"),
        ("POST", "/v1/dead-letters/{}/replay"),
        ("DELETE", "/v1/keys/{}"),
        ("GET", "/v1/jobs/{}"),
        ("POST", "/v1/jobs/{}/cancel"),
        ("POST", "/v1/deliveries/{}/resend"),
    ):
        answer = acme.request(method, path.format("s3same%E2%80%AE%00"))
        problem(answer, 404)
        assert "s3same" not in answer.text
