"""Featurebase's API reference "Webhooks": each sentence, quoted above what shows it.

Not shown here, and why:
- The reference says nothing of signatures but that the secret verifies payloads; how is design section 8's profile hex.
"""

import re
import time
from collections.abc import Mapping
from typing import Any

import pytest

from tests.acceptance.deadline import until
from tests.acceptance.seeds.deployment import Customer, Hook, settle
from tests.acceptance.seeds.endpoints import Answer
from tests.acceptance.seeds.snippets import hex_of_the_body
from tests.brands_page import OWN_EVENTS

WEBHOOKS = "/v2/webhooks"
SIGNATURE = "x-featurebase-signature"
ISO_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

# Field `topics`, "One of the following".
TOPICS = [
    "post.created",
    "post.updated",
    "post.deleted",
    "post.voted",
    "ticket.created",
    "ticket.updated",
    "ticket.deleted",
    "changelog.published",
    "comment.created",
    "comment.updated",
    "comment.deleted",
    "conversation.user.created",
    "conversation.user.replied",
    "conversation.admin.replied",
    "conversation.admin.closed",
    "conversation.handover_requested",
    "conversation.admin.assigned",
    "conversation.admin.noted",
    "conversation.admin.snoozed",
    "conversation.admin.unsnoozed",
    "conversation.admin.opened",
    "conversation.priority.updated",
    "conversation.deleted",
    "conversation.contact.attached",
    "conversation.contact.detached",
    "conversation.read",
    "conversation_part.redacted",
]

# "Webhook object { id, createdAt, description, 11 more }", "health: object { …, 2 more }", with their types. By these
# counts lastStatus stands beside health; design and issue have it inside: it is in both places.
WEBHOOK = {
    "id": str,
    "createdAt": str,
    "description": str,
    "health": dict,
    "lastStatus": dict,
    "name": str,
    "object": str,
    "requestConfig": dict,
    "secret": str,
    "status": str,
    "topics": list,
    "updatedAt": str,
    "url": str,
    "version": str,
}
NUMBER = (int, float)
HEALTH = {
    "avgResponseTime": NUMBER,
    "consecutiveFailures": NUMBER,
    "errorsSinceLastSuccess": NUMBER,
    "lastResponseTime": NUMBER,
    "lastSuccessAt": str,
}
LAST_STATUS = {"code": NUMBER, "message": str, "timestamp": str}


@pytest.fixture(scope="module")
def featurebase(customers: Mapping[str, Customer]) -> Customer:
    return customers["featurebase"]


@pytest.fixture(scope="module")
def every_topic(featurebase: Customer) -> Hook:
    """A webhook of all 27 topics, and one event of each."""
    hook = featurebase.hook(topics=TOPICS, product="all")
    for entry in featurebase.ok("GET", "/v2/event-types")["data"]:
        if entry["type"] in TOPICS:
            featurebase.happens(entry["type"], entry["sample"], product="all")
    return hook


@pytest.fixture(scope="module")
def delivered(featurebase: Customer) -> dict[str, Any]:
    """A webhook after one delivery that failed and one that did not, as `Get webhook by ID` shows it."""
    hook = featurebase.hook(Answer(status=500), Answer(status=202), topics=["post.voted"], product="health")
    featurebase.happens("post.voted", {}, product="health")
    hook.endpoint.wait(2)
    return once(featurebase, hook, lambda shown: shown["health"]["lastSuccessAt"] is not None)


def once(featurebase: Customer, hook: Hook, condition: Any) -> dict[str, Any]:  # noqa: ANN401 # any predicate on JSON
    """The webhook, once it is so."""
    shown: dict[str, Any] = {}

    def is_so() -> bool:
        shown.update(featurebase.ok("GET", f"{WEBHOOKS}/{hook.id}"))
        return bool(condition(shown))

    until(is_so, within_s=30, missing=lambda: str(shown))
    return shown


def typed(value: dict[str, Any], reference: dict[str, Any]) -> bool:
    return all(isinstance(value[name], kind) for name, kind in reference.items())


# ── "Webhooks allow you to receive real-time HTTP callbacks when events occur in your Featurebase organization." ─────


@pytest.mark.parametrize("topic", TOPICS)
def test_each_topic_is_called_back(every_topic: Hook, topic: str) -> None:
    arrived = every_topic.endpoint.of(topic)
    assert arrived.method == "POST"
    assert list(arrived.json) == ["event", "data", "timestamp"]


def test_a_callback_comes_in_real_time(featurebase: Customer) -> None:
    hook = featurebase.hook(topics=["conversation.read"], product="now")
    began_s = time.monotonic()
    featurebase.happens("conversation.read", {}, product="now")
    [arrived] = hook.endpoint.wait()
    assert arrived.at_s - began_s < 4  # the first retry would come after 5 s


# ── "Configure webhook endpoints to subscribe to specific event types." ──────────────────────────────────────────────


def test_only_the_topics_that_were_configured_arrive(featurebase: Customer) -> None:
    chosen = ["post.created", "comment.deleted"]
    hook = featurebase.hook(topics=chosen, product="specific")
    for topic in [*TOPICS, "post.created"]:
        featurebase.happens(topic, {}, product="specific")
    assert sorted(str(each.event) for each in hook.endpoint.wait(3)) == ["comment.deleted", *["post.created"] * 2]


# ── "List webhooks GET /v2/webhooks", "Create a webhook POST /v2/webhooks", "Get webhook by ID", "Update a webhook ──
# ── PATCH /v2/webhooks/{id}", "Delete a webhook", "Refresh webhook signing secret POST /v2/webhooks/{id}/secret" ─────


def test_a_webhook_s_life(featurebase: Customer) -> None:
    hook = featurebase.hook(name="First", topics=["post.created"], product="life")
    path = f"{WEBHOOKS}/{hook.id}"
    assert featurebase.ok("GET", path) == hook.shown
    assert hook.shown in featurebase.ok("GET", f"{WEBHOOKS}?limit=100")["data"]

    changed = featurebase.ok("PATCH", path, body={"name": "Second", "topics": ["post.deleted"]})
    assert (changed["name"], changed["topics"]) == ("Second", ["post.deleted"])
    assert featurebase.ok("GET", path) == changed

    refreshed = featurebase.ok("POST", f"{path}/secret")
    assert refreshed["secret"] != hook.secret
    assert featurebase.ok("GET", path)["secret"] == refreshed["secret"]

    # "WebhookDeleteResponse object { id, deleted, object }": "deleted: true", "object: "webhook"".
    assert featurebase.ok("DELETE", path) == {"id": hook.id, "deleted": True, "object": "webhook"}
    featurebase.ok("GET", path, 404)
    featurebase.ok("DELETE", path, 404)
    assert hook.id not in {each["id"] for each in featurebase.ok("GET", f"{WEBHOOKS}?limit=100")["data"]}


def test_the_reference_s_paths_are_in_the_openapi(featurebase: Customer) -> None:
    paths = featurebase.ok("GET", "/brands/featurebase/openapi.json")["paths"]
    assert {"get", "post"} <= set(paths["/v2/webhooks"])
    assert {"get", "patch", "delete"} <= set(paths["/v2/webhooks/{id}"])
    assert "post" in paths["/v2/webhooks/{id}/secret"]


def test_a_refreshed_secret_signs(featurebase: Customer) -> None:
    hook = featurebase.hook(topics=["ticket.created"], product="refreshed")
    refreshed = featurebase.ok("POST", f"{WEBHOOKS}/{hook.id}/secret")["secret"]
    settle()
    featurebase.happens("ticket.created", {}, product="refreshed")
    [arrived] = hook.endpoint.wait()
    assert arrived.headers[SIGNATURE] == hex_of_the_body(refreshed, arrived.body)


# ── "Webhook object { id, createdAt, description, 11 more }" ─────────────────────────────────────────────────────────


def test_the_object_has_the_reference_s_members(delivered: dict[str, Any]) -> None:
    assert len(WEBHOOK) == 14
    assert typed(delivered, WEBHOOK)


# ── "health: object { avgResponseTime, consecutiveFailures, errorsSinceLastSuccess, 2 more }" ────────────────────────


def test_health_has_the_reference_s_members(delivered: dict[str, Any]) -> None:
    assert len(HEALTH) == 5
    assert typed(delivered["health"], HEALTH)
    assert delivered["health"]["avgResponseTime"] > 0
    assert delivered["health"]["lastResponseTime"] > 0


def test_health_is_what_the_log_tells(featurebase: Customer, delivered: dict[str, Any]) -> None:
    newest, first = featurebase.listed("/v2/attempts", 2, webhook=delivered["id"])
    health = delivered["health"]
    assert (health["lastStatus"]["code"], newest["status"], first["status"]) == (202, 202, 500)
    assert (health["consecutiveFailures"], health["errorsSinceLastSuccess"]) == (0, 0)
    mean_ms = (newest["elapsedMs"] + first["elapsedMs"]) / 2
    assert health["avgResponseTime"] == pytest.approx(mean_ms, abs=2)
    assert health["lastResponseTime"] == pytest.approx(newest["elapsedMs"], abs=2)


# ── "Number of consecutive delivery failures", "Number of errors since last successful delivery" ─────────────────────


def test_failures_are_counted_until_a_delivery_succeeds(featurebase: Customer) -> None:
    hook = featurebase.hook(Answer(), Answer(status=503), topics=["post.updated"], product="failures", retries="none")
    for _ in range(3):
        before = len(hook.endpoint.arrived)
        featurebase.happens("post.updated", {}, product="failures")
        hook.endpoint.wait(before + 1)
    health = once(featurebase, hook, lambda shown: shown["health"]["consecutiveFailures"] == 2)["health"]
    assert health["errorsSinceLastSuccess"] == 2
    hook.endpoint.answers = [Answer()]
    featurebase.happens("post.updated", {}, product="failures")
    health = once(featurebase, hook, lambda shown: shown["health"]["consecutiveFailures"] == 0)["health"]
    assert health["errorsSinceLastSuccess"] == 0


# ── "lastStatus: object { code, message, timestamp }": "HTTP status code from last delivery attempt", … ──────────────


def test_the_last_status_is_that_of_the_last_attempt(delivered: dict[str, Any]) -> None:
    last = delivered["lastStatus"]
    assert typed(last, LAST_STATUS)
    assert last["code"] == 202
    assert last["message"]
    assert last == delivered["health"]["lastStatus"]


# ── "ISO timestamp when the webhook was created", "… of last successful delivery", "… of last status update", … ──────


def test_times_are_iso_timestamps(delivered: dict[str, Any]) -> None:
    times = [
        delivered["createdAt"],
        delivered["updatedAt"],
        delivered["health"]["lastSuccessAt"],
        delivered["lastStatus"]["timestamp"],
    ]
    assert all(ISO_TIMESTAMP.fullmatch(each) for each in times), times


def test_an_update_moves_updated_at_alone(featurebase: Customer) -> None:
    hook = featurebase.hook(topics=["post.created"], product="moved")
    changed = featurebase.ok("PATCH", f"{WEBHOOKS}/{hook.id}", body={"description": "Something new."})
    assert changed["createdAt"] == hook.shown["createdAt"]
    assert changed["updatedAt"] > hook.shown["updatedAt"]


# ── "Optional description of the webhook purpose", "Human-readable webhook name", "Webhook endpoint URL", ────────────
# ── "object: "webhook"", "Unique identifier", "API version for webhook payloads" ─────────────────────────────────────


def test_the_plain_members(featurebase: Customer) -> None:
    hook = featurebase.hook(name="Jira", description="Opens tickets.", topics=["post.created"], product="plain")
    other = featurebase.hook(topics=["post.created"], product="plain")
    assert (hook.shown["name"], hook.shown["description"]) == ("Jira", "Opens tickets.")
    assert (hook.shown["url"], hook.shown["object"]) == (hook.endpoint.url, "webhook")
    assert hook.shown["version"] == other.shown["version"] != ""
    assert hook.id != other.id


# ── "secret: string — Webhook signing secret for verifying payloads" ─────────────────────────────────────────────────


def test_the_secret_can_be_read_and_verifies_payloads(featurebase: Customer, every_topic: Hook) -> None:
    read = featurebase.ok("GET", f"{WEBHOOKS}/{every_topic.id}")["secret"]
    listed = {each["id"]: each["secret"] for each in featurebase.ok("GET", f"{WEBHOOKS}?limit=100")["data"]}
    assert every_topic.secret == read == listed[every_topic.id]
    for arrived in every_topic.endpoint.wait(len(TOPICS)):
        assert arrived.headers[SIGNATURE] == hex_of_the_body(read, arrived.body)


# ── "status: "active" or "paused" or "suspended" — Current status of the webhook" ────────────────────────────────────


def test_a_webhook_is_active_paused_or_suspended(featurebase: Customer) -> None:
    hook = featurebase.hook(Answer(status=410), topics=["post.created"], product="status")
    watching = featurebase.hook(topics=["webhook.suspended"], product="status")
    path = f"{WEBHOOKS}/{hook.id}"
    assert hook.shown["status"] == "active"
    assert featurebase.ok("PATCH", path, body={"status": "paused"})["status"] == "paused"
    featurebase.ok("PATCH", path, 422, {"status": "suspended"})
    assert featurebase.ok("PATCH", path, body={"status": "active"})["status"] == "active"
    settle()
    featurebase.happens("post.created", {}, product="status")
    once(featurebase, hook, lambda shown: shown["status"] == "suspended")
    told = watching.endpoint.of("webhook.suspended").json["data"]
    assert isinstance(told, dict)
    assert told["id"] == hook.id


# ── "topics: array of "post.created" or … 24 more — Array of event topics the webhook subscribes to" ─────────────────


def test_the_topics_are_those_of_the_reference(featurebase: Customer, every_topic: Hook) -> None:
    assert len(TOPICS) == 27
    assert every_topic.shown["topics"] == TOPICS
    listed = [each["type"] for each in featurebase.ok("GET", "/v2/event-types")["data"]]
    assert listed == [
        *TOPICS,
        *OWN_EVENTS,
    ]
    url = featurebase.deployment.endpoints.open().url
    refused = featurebase.ok("POST", WEBHOOKS, 422, {"url": url, "topics": ["post.archived"]})
    assert refused["errors"][0]["field"] == "topics"


# ── "timeoutMs: number — Request timeout in milliseconds (1000-30000)" ───────────────────────────────────────────────


@pytest.mark.parametrize(("timeout_ms", "status"), [(999, 422), (1_000, 201), (30_000, 201), (30_001, 422)])
def test_a_timeout_lies_between_one_second_and_thirty(featurebase: Customer, timeout_ms: int, status: int) -> None:
    url = featurebase.deployment.endpoints.open().url
    wishes = {"url": url, "topics": ["post.created"], "product": "none", "requestConfig": {"timeoutMs": timeout_ms}}
    answered = featurebase.ok("POST", WEBHOOKS, status, wishes)
    if status == 422:
        assert answered["errors"][0]["field"] == "requestConfig.timeoutMs"
    else:
        assert answered["requestConfig"]["timeoutMs"] == timeout_ms


def test_the_timeout_is_the_request_s(featurebase: Customer) -> None:
    config = {"timeoutMs": 1_000}
    hook = featurebase.hook(Answer(after_s=1.5), Answer(), topics=["post.created"], product="t", requestConfig=config)
    featurebase.happens("post.created", {}, product="t")
    first, second = featurebase.deployment.attempts(hook.id, 2)
    assert (first.failure, second.status) == ("timeout", 200)
    assert first.elapsed_ms == pytest.approx(1_000, abs=300)


# ── "headers: optional map[string] — Custom headers to send with webhook requests (max 10)" ──────────────────────────


def test_ten_custom_headers_are_sent(featurebase: Customer) -> None:
    headers = {f"X-Custom-{number}": f"value {number}" for number in range(10)}
    hook = featurebase.hook(topics=["post.created"], product="headers", requestConfig={"headers": headers})
    featurebase.happens("post.created", {}, product="headers")
    [arrived] = hook.endpoint.wait()
    assert {name: arrived.headers[name.lower()] for name in headers} == headers
    assert set(hook.shown["requestConfig"]["headers"]) == set(headers)


def test_eleven_are_refused(featurebase: Customer) -> None:
    headers = {f"X-Custom-{number}": "v" for number in range(11)}
    url = featurebase.deployment.endpoints.open().url
    refused = featurebase.ok("POST", WEBHOOKS, 422, {"url": url, "requestConfig": {"headers": headers}})
    assert refused["errors"][0]["field"] == "requestConfig.headers"
