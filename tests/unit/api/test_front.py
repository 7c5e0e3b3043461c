"""What stands in front of the routes: keys, rates, bodies, probes, headers, the log."""

import asyncio
import json
import threading
from dataclasses import replace
from typing import Any

import pytest
import structlog
from pydantic import SecretStr
from starlette.types import Message

from consumer.api.application import front
from consumer.api.front import REQUESTS_OF_A_TENANT
from consumer.api.incoming import MAX_BODY_BYTES
from consumer.api.server import THREADS
from consumer.control.keys import Scope
from consumer.control.trial import Trial
from consumer.settings import Settings
from consumer.shares import Busy
from consumer.webhooks.subscription import Subscription
from tests.memory_api import KEYS, OPERATOR, MemoryApi, answered
from tests.web import Client


def problem(answer: Any) -> dict[str, Any]:  # noqa: ANN401 # a client's response
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["status"] == answer.status_code
    return told


def test_no_answer_is_kept_or_framed_or_sniffed(api: MemoryApi) -> None:
    acme = api.client()
    for answer in (acme.get("/v1/webhooks"), api.anybody.get("/v1/webhooks"), acme.get("/x"), acme.get("/livez")):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert len(answer.headers["request-id"]) == 16
        assert "access-control-allow-origin" not in answer.headers


def test_an_unknown_path_is_404_and_a_method_that_is_not_there_405(api: MemoryApi) -> None:
    acme = api.client()
    for path in ("/v1", "/v1/webhooks/", "/v2/webhooks", "/api/v1/webhooks", "/docs/x", "/brands/x/openapi.json"):
        assert problem(acme.get(path))["title"] == "Not Found", path
    wrong = acme.put("/v1/webhooks")
    assert problem(wrong)["status"] == 405
    assert "GET" in wrong.headers["allow"]


@pytest.mark.parametrize(
    "body",
    [b"{", b"\xff", b'{"url": NaN}', b'{"url": "\\ud800"}', b"[" * 200_000, b'{"a": 1' + b"0" * 5_000 + b"}", b'"'],
)
def test_a_body_that_is_not_json_is_a_400(shared: MemoryApi, body: bytes) -> None:
    refused = shared.client().post("/v1/webhooks", content=body, headers={"Content-Type": "application/json"})
    assert problem(refused)["status"] == 400


@pytest.mark.parametrize("body", [b"[]", b"1", b"null", b'"x"', b""])
def test_json_that_is_no_object_is_a_422(shared: MemoryApi, body: bytes) -> None:
    refused = shared.client().post("/v1/webhooks", content=body, headers={"Content-Type": "application/json"})
    assert problem(refused)["status"] == 422


def test_another_media_type_is_a_415(api: MemoryApi) -> None:
    acme = api.client()
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        refused = acme.post("/v1/webhooks", content=b'{"url":"https://a.example/"}', headers={"Content-Type": kind})
        assert problem(refused)["status"] == 415, kind
    charset = {"Content-Type": "application/json; charset=utf-8"}
    assert acme.post("/v1/webhooks", content=b'{"url":"https://a.example/"}', headers=charset).status_code == 201


def test_a_body_has_at_most_256_kib_announced_or_not(api: MemoryApi) -> None:
    acme = api.client()
    filler = b" " * (MAX_BODY_BYTES - 30)
    fits = b'{"url":"https://a.example/"}' + filler
    kind = {"Content-Type": "application/json"}
    assert len(fits) <= MAX_BODY_BYTES
    assert acme.post("/v1/webhooks", content=fits, headers=kind).status_code == 201
    assert problem(acme.post("/v1/webhooks", content=fits + b" " * 30, headers=kind))["status"] == 413
    pieces = iter([fits, b" " * 30])
    assert problem(acme.post("/v1/webhooks", content=pieces, headers=kind))["status"] == 413
    assert len(api.topics.subscriptions.records) == 1


def test_a_key_has_a_rate_and_is_told_of_it() -> None:
    api = MemoryApi(settings=Settings(encryption_keys=KEYS, api_requests_per_s=3, operator_key=SecretStr(OPERATOR)))
    acme, other = api.client(), api.client(tenant="other")
    first = acme.get("/v1/webhooks")
    assert first.headers["ratelimit-policy"] == '"key";q=3;w=1'
    assert first.headers["ratelimit"].startswith('"key";r=2;t=')
    answers = [acme.get("/v1/webhooks") for _ in range(6)]
    refused = [each for each in answers if each.status_code == 429]
    assert refused
    assert problem(refused[0])["status"] == 429
    assert refused[0].headers["retry-after"] == "1"
    assert other.get("/v1/webhooks").status_code == 200


def test_kafka_away_is_a_503_that_says_when_to_come_again(api: MemoryApi) -> None:
    acme = api.client()
    api.plane.away = "no broker"
    refused = acme.get("/v1/webhooks")
    assert (problem(refused)["status"], refused.headers["retry-after"]) == (503, "1")
    assert "no broker" not in refused.text
    assert api.anybody.get("/v1/webhooks").status_code == 401
    assert api.anybody.get("/livez").status_code == 200
    unready = api.anybody.get("/readyz")
    assert (unready.status_code, unready.json()["reasons"]) == (503, ["Kafka does not answer"])


def test_ready_is_what_has_read_everything(api: MemoryApi) -> None:
    api.plane.ready = False
    unready = api.anybody.get("/readyz")
    assert (unready.status_code, unready.json()["reasons"]) == (503, ["the topics are not read to their ends yet"])
    assert MemoryApi(api.topics).anybody.get("/readyz").json() == {"status": "ready"}


def test_the_operator_says_for_whom_it_acts(api: MemoryApi) -> None:
    assert problem(api.bearing(OPERATOR).get("/v1/webhooks"))["status"] == 400
    assert problem(api.bearing(OPERATOR, **{"Hookline-Tenant": "a", "Hookline-Brand": "x"}).get("/v1/webhooks"))
    acting = api.bearing(OPERATOR, **{"Hookline-Tenant": "acme"})
    made = api.webhook(acting)
    assert api.client().get(f"/v1/webhooks/{made['id']}").status_code == 200


def test_a_tenant_beyond_ascii_is_read_as_declared_or_not_at_all(api: MemoryApi) -> None:
    """Else `münchen` in UTF-8 is read as another tenant, `mÃ¼nchen`, and in Latin-1 the other way round."""
    declared = api.bearing(OPERATOR, **{"Hookline-Tenant": "UTF-8''m%C3%BCnchen"})
    made = declared.post("/v1/webhooks", json={"url": "https://example.com/hook"}).json()
    assert made["tenant"] == "münchen"
    customer = api.client(tenant="münchen")
    assert customer.get(f"/v1/webhooks/{made['id']}").status_code == 200
    named = customer.get("/v1/webhooks", headers={"Hookline-Tenant": "UTF-8''m%C3%BCnchen"})
    assert named.status_code == 200
    for text in (OPERATOR, api.key(tenant="münchen")[1]):
        for undeclared in ("münchen".encode(), "münchen".encode("latin-1")):
            answer = api.bearing(text).get("/v1/webhooks", headers={b"Hookline-Tenant": undeclared})
            assert problem(answer)["status"] == 400
            assert "UTF-8''m%C3%BCnchen" in answer.json()["detail"]


@pytest.mark.parametrize("name", ["Hookline-Tenant", "Hookline-Brand", "Authorization"])
def test_who_calls_is_said_once(api: MemoryApi, name: str) -> None:
    """What stands before us may read the other one."""
    said = {"Hookline-Tenant": "acme", "Hookline-Brand": "hookline", "Authorization": f"Bearer {OPERATOR}"}
    twice = api.anybody.get("/v1/webhooks", headers=[*said.items(), (name, said[name])])
    assert problem(twice)["status"] == (401 if name == "Authorization" else 400)


def test_a_key_is_noted_as_used(api: MemoryApi) -> None:
    key, text = api.key()
    api.bearing(text).get("/v1/webhooks")
    assert key.id in api.uses.at_ms


def test_the_log_says_who_and_what_and_holds_no_key_query_or_body(api: MemoryApi) -> None:
    key, text = api.key()
    with structlog.testing.capture_logs() as lines:
        api.bearing(text).get("/v1/webhooks", params={"limit": 1, "cursor": "sesame"})
        api.bearing(text).post("/v1/webhooks", json={"url": "https://a.example/s3cret-path", "secret": "tiny-s3cret"})
        api.anybody.get(f"/{text}")
    said = [line for line in lines if line["event"] == "request"]
    assert [(line["method"], line["route"], line["status"]) for line in said] == [
        ("GET", "/v1/webhooks", 422),
        ("POST", "/v1/webhooks", 422),
        ("GET", None, 401),
    ]
    assert (said[0]["by"], said[0]["tenant"], said[0]["brand"]) == (key.id, "acme", "hookline")
    told = json.dumps(lines)
    assert not [each for each in (text, "sesame", "s3cret") if each in told]


def test_a_bug_is_a_500_without_a_word_of_what_it_was(api: MemoryApi) -> None:
    acme = api.client()
    api.healths.bug = RuntimeError("the secret is whsec_x")
    with structlog.testing.capture_logs() as lines:
        refused = acme.get("/v1/webhooks")
    assert problem(refused)["status"] == 500
    assert "whsec" not in refused.text
    assert [(line["event"], line["log_level"]) for line in lines if line["event"] == "bug"] == [("bug", "error")]


def test_a_request_that_is_cut_off_by_the_end_of_its_process_is_told_so(api: MemoryApi) -> None:
    sent: list[Message] = []

    body_awaited = asyncio.Event()

    async def receive() -> Message:
        body_awaited.set()
        await asyncio.sleep(60)
        raise AssertionError("it is cancelled before")

    async def send(message: Message) -> None:
        sent.append(message)

    async def asked() -> None:
        key = api.key(Scope.WRITE)[1]
        headers = [(b"authorization", f"Bearer {key}".encode()), (b"content-type", b"application/json")]
        await api.app(
            {"type": "http", "http_version": "1.1", "scheme": "http", "method": "POST", "path": "/v1/webhooks",
             "raw_path": b"/v1/webhooks", "root_path": "", "query_string": b"", "headers": headers,
             "client": ("127.0.0.1", 1), "server": ("api", 80)},
            receive,
            send,
        )  # fmt: skip

    async def cut_off() -> None:
        request = asyncio.create_task(asked())
        await body_awaited.wait()
        request.cancel()
        await request

    with structlog.testing.capture_logs() as lines:
        asyncio.run(cut_off())
    assert sent[0]["status"] == 503
    assert (b"retry-after", b"1") in sent[0]["headers"]
    assert b"not known whether this was done" in sent[1]["body"]
    assert all(line["log_level"] != "error" for line in lines)


def test_every_brands_openapi_is_public(api: MemoryApi) -> None:
    assert api.anybody.get("/openapi.json").json()["openapi"].startswith("3.1")
    assert api.anybody.get("/openapi.json").json() == api.anybody.get("/brands/hookline/openapi.json").json()


def test_cors_is_off_unless_an_origin_is_named() -> None:
    preflight = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    closed = MemoryApi()
    assert closed.anybody.options("/v1/webhooks", headers=preflight).status_code == 401
    opened = MemoryApi(settings=Settings(encryption_keys=KEYS, api_cors_origins=("https://app.example",)))
    answer = opened.anybody.options("/v1/webhooks", headers=preflight)
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    listed = opened.client(Scope.READ).get("/v1/webhooks", headers={"Origin": "https://app.example"})
    assert listed.headers["access-control-allow-origin"] == "https://app.example"
    foreign = opened.anybody.options("/v1/webhooks", headers=preflight | {"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in foreign.headers
    assert problem(foreign)["requestId"] == foreign.headers["request-id"]
    strange = opened.anybody.options("/v1/webhooks", headers=preflight | {"Access-Control-Request-Headers": "X-Odd"})
    assert problem(strange)["status"] == 400


def test_a_head_of_a_probe_has_no_body(api: MemoryApi) -> None:
    client: Client = api.anybody
    assert client.head("/livez").status_code == 200


def test_a_tenant_has_so_many_requests_under_way_and_no_more(api: MemoryApi) -> None:
    id_ = api.webhook(api.client())["id"]
    begun, go_on = threading.Semaphore(0), threading.Event()

    def hang(subscription: Subscription, event_type: str) -> Trial:
        begun.release()
        assert go_on.wait(20)
        return answered(subscription, event_type)

    api.plane.trial = hang

    async def ask() -> None:
        async with api.in_one_loop() as acme, api.in_one_loop(tenant="other") as other:
            waiting = [asyncio.create_task(acme.post(f"/v1/webhooks/{id_}/test")) for _ in range(REQUESTS_OF_A_TENANT)]
            assert all([await asyncio.to_thread(begun.acquire, timeout=20) for _ in waiting])
            refused = await acme.get("/v1/webhooks")
            assert (problem(refused)["status"], refused.headers["retry-after"]) == (429, "1")
            assert (await other.get("/v1/webhooks")).status_code == 200
            assert 2 * REQUESTS_OF_A_TENANT < THREADS
            go_on.set()
            assert {each.status_code for each in await asyncio.gather(*waiting)} == {200}
            assert (await acme.get("/v1/webhooks")).status_code == 200

    asyncio.run(ask())


@pytest.mark.parametrize(("own", "status"), [(True, 429), (False, 503)])
def test_a_busy_pool_is_never_the_fault_of_what_was_asked(own: bool, status: int) -> None:
    """A resolver that has too much to do is no fault of the field `url`."""

    def busy(_url: str, _tenant: str) -> None:
        raise Busy("look-ups of names are under way", own=own, retry_after_s=5)

    made = MemoryApi()
    made.services = replace(made.services, check_url=busy)
    app = front(made.services, made.brands)
    text = made.key()[1]
    client = Client(app, base_url="http://api", headers={"Authorization": f"Bearer {text}"})
    answer = client.post("/v1/webhooks", json={"url": "https://example.com/hook"})
    assert (problem(answer)["status"], answer.headers["retry-after"]) == (status, "5")
