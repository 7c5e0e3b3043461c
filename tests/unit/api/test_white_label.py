"""Under a brand nothing that its customers see names us, another brand, or what we are made of."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from starlette.testclient import TestClient

from consumer.brands.loader import brand, load_brands
from consumer.control.keys import Scope
from consumer.control.owner import Owner
from consumer.control.sample import sample_event
from consumer.jobs.job import Reason, State
from consumer.settings import Settings
from consumer.signing.signer import Signer
from consumer.webhooks.subscription import SigningProfile
from tests.dead_letters import dead_letter
from tests.memory_api import KEYS, NOW_MS, OWNER, MemoryApi

BRANDS = sorted(load_brands())
MADE_OF = (
    "kafka",
    "redis",
    "librdkafka",
    "libcurl",
    "uvicorn",
    "fastapi",
    "starlette",
    "pydantic",
    "python",
    "msgspec",
)
OTHERS = ("amazon", "aws", "eventbridge", "svix", "stripe", "slack", "discord")
CHOICES = {"stripe", "slack", "discord"}
"""Formats that a customer chooses by the names of what they are for. They may be values, and nothing more."""


def foreign(name: str) -> re.Pattern[str]:
    words = {
        word.lower() for other in load_brands().values() if other.name != name for word in (other.name, other.title)
    }
    return re.compile(rf"(?<![a-z])({'|'.join(sorted(words | {*MADE_OF, *OTHERS}))})(?![a-z])", re.IGNORECASE)


def texts(node: Any) -> Iterator[str]:  # noqa: ANN401 # JSON
    """All that a document says, but for the choices."""
    match node:
        case dict():
            for key, value in node.items():
                yield str(key)
                yield from (each for each in texts(value) if key != "enum" or each not in CHOICES)
        case list():
            for value in node:
                yield from texts(value)
        case _:
            yield str(node)


@pytest.mark.parametrize("name", BRANDS)
def test_no_brands_document_names_another(name: str) -> None:
    document = MemoryApi(brands=BRANDS).anybody.get(f"/brands/{name}/openapi.json").json()
    assert [text for text in texts(document) if foreign(name).search(text)] == []


@pytest.mark.parametrize("name", BRANDS)
def test_no_brands_page_about_its_api_names_another(name: str) -> None:
    anybody = MemoryApi(brands=BRANDS).anybody
    page = anybody.get(f"/brands/{name}/docs")
    assert brand(name).title in page.text
    assert foreign(name).search(page.text) is None


def test_the_first_page_names_nobody() -> None:
    page = MemoryApi(brands=BRANDS).anybody.get("/")
    assert re.search("hookline", page.text, re.IGNORECASE) is None
    assert all(foreign(name).search(page.text) is None for name in BRANDS)


@pytest.mark.parametrize("name", BRANDS)
def test_no_answer_to_a_brands_customer_names_another(name: str) -> None:
    with structlog.testing.capture_logs():
        seen = list(answered(MemoryApi(brands=BRANDS, settings=OPEN), name))
    assert {200, 201, 400, 401, 403, 404, 405, 413, 415, 422, 500, 503} <= {each.status_code for each in seen}
    for answer in seen:
        said = [*(f"{key}: {value}" for key, value in answer.headers.items()), answer.text]
        assert [text for text in said if foreign(name).search(text)] == [], answer.request.url


@pytest.mark.parametrize("name", BRANDS)
def test_no_request_to_a_brands_endpoint_names_another(name: str) -> None:
    api = MemoryApi(brands=BRANDS)
    for signing in SigningProfile:
        made = api.webhook(api.client(brand=name), brand(name).api.base_path, signing=signing.value)
        subscription = api.plane.webhooks.get(OWNER.__class__(tenant="acme", brand=name), made["id"])
        event = sample_event(subscription, "webhook.test", brand(name), now_ms=NOW_MS, entropy=bytes)
        signer = Signer(subscription, brand(name), api.plane.keyring)
        body, content_type = signer.body(event)
        sent = signer.request(event=event, body=body, content_type=content_type, now_ms=NOW_MS)
        said = [*(f"{key}: {value}" for key, value in sent.headers), body.decode()]
        assert any("user-agent" in each.lower() for each in said)
        wrong = [each for each in said if foreign(name).search(each)]
        # The profile is called after the company whose receivers check it, and so is nothing that it sends.
        assert wrong == [], signing


OPEN = Settings(encryption_keys=KEYS, api_requests_per_s=10_000, api_cors_origins=("https://app.example",))


def answered(api: MemoryApi, name: str) -> Iterator[Any]:
    """What a customer gets to see, by all roads and wrong turns."""
    habits = brand(name).api
    base, beside = habits.base_path, habits.base_path.rpartition("/")[0]
    customer: TestClient = api.client(*Scope, brand=name)
    created = customer.post(base, json={"url": "https://example.com/", "name": "n"})
    yield created
    told = created.json()
    id_ = told.get("data", told)["id"]
    api.dead_letters.add(dead_letter(1, id_))
    one = f"{base}/{id_}"
    for path in (base, one, f"{beside}/event-types", f"{beside}/dead-letters", f"{beside}/keys", "/nowhere", "/livez"):
        yield customer.get(path)
    replays: tuple[dict[str, object], ...] = ({"filter": {}}, {"filter": {"code": ["x"]}}, {"deliveries": ["x"]})
    for body in replays:
        yield customer.post(one + "/replay", json=body)
    for since in ("2h", "soon"):
        yield customer.post(one + "/recover", json={"since": since})
    yield customer.post(f"{beside}/deliveries/{'0' * 32}/resend")
    for reason in Reason:
        job = api.jobs.put(Owner(tenant="acme", brand=name), id_, state=State.PAUSED, reason=reason)
        yield customer.get(f"{beside}/jobs/{job}")
        yield customer.post(f"{beside}/jobs/{job}/start")
    yield customer.get(f"{beside}/jobs")
    api.jobs.nobody()
    yield customer.post(one + "/recover", json={"since": "1h"})
    for path in ("/pause", "/resume", "/secret", "/test", "/dead-letters/replay"):
        yield customer.post(one + path)
    yield customer.patch(one, json={"url": "https://example.org/", "requestConfig": {"headers": {"X-A": "1"}}})
    yield customer.patch(one, json={"url": "https://example.net/"})
    everything = {"topics": [], "events": ["a*"], "filter": {}, "rateLimit": -1, "secret": "s", "x": 1, "url": "ftp:x"}
    for field, value in everything.items():
        yield customer.post(base, json={"url": "https://example.com/", field: value})
    yield customer.post(base, content=b"{", headers={"Content-Type": "application/json"})
    yield customer.post(base, content=b"<x/>", headers={"Content-Type": "text/xml"})
    yield customer.post(base, content=b" " * 300_000, headers={"Content-Type": "application/json"})
    yield customer.put(base)
    yield customer.get(base, params={"limit": 0, "y": 1})
    yield customer.get(base, headers={"Hookline-Tenant": "somebody"})
    yield customer.post(f"{beside}/keys", json={"name": "n", "expiresAt": "soon"})
    yield customer.post(f"{beside}/keys", json={"name": "n"})
    yield api.client(Scope.READ, brand=name).delete(one)
    yield api.anybody.get(base)
    yield api.anybody.options(base, headers={"Origin": "https://app.example", "Access-Control-Request-Method": "POST"})
    yield customer.get(base, headers={"Origin": "https://app.example"})
    api.healths.bug = RuntimeError("broken")
    yield customer.get(base)
    api.plane.away = "no broker"
    yield customer.get(base)
    yield customer.delete(one)


def test_the_words_that_are_sought_would_be_found() -> None:
    for text in ("Hookline-Notice: x", "by Convo.", "as in Amazon EventBridge", "X-Stripe-Signature"):
        assert foreign("trackelio").search(text), text
    assert not foreign("convo").search("a conversation with Convo")
    assert json.dumps(list(texts({"enum": ["stripe", "hex"]}))) == '["enum", "hex"]'
