"""Trackelio's page "Webhooks": each sentence, quoted above what shows it.

Not shown here, and why:
- "Use the delivery log to diagnose issues with your integration.": tests/unit/portal/test_seed_pages.py does it, on the
  pages. What it shows, the attempts and the figures of each endpoint, is shown here.
- "updating a CRM, triggering CI/CD pipelines, or syncing data with internal tools": what a custom system does with its
  events is its own.
"""

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest

from tests.acceptance.deadline import until
from tests.acceptance.seeds.deployment import Customer, Hook, settle
from tests.acceptance.seeds.endpoints import Answer
from tests.acceptance.seeds.snippets import accepts, altered, hex_of_the_body

WEBHOOKS = "/v1/webhooks"
SIGNATURE = "x-trackelio-signature"
OWN_SECRET = "correct horse battery staple 42"

# The page has no code; it says "signed using HMAC-SHA256 with the secret", "included in the request headers".
VERIFIER = (
    "const crypto = require('crypto');"
    "const expected = crypto.createHmac('sha256', given.secret).update(rawBody).digest('hex');"
    f"process.exit(expected === given.headers['{SIGNATURE}'] ? 0 : 1);"
)

# The page's table "Event, Description".
EVENTS = [
    "post.created",
    "post.status_changed",
    "post.assigned",
    "comment.created",
    "nps.submitted",
    "csat.submitted",
    "conversation.completed",
]
POST = {"id": "post_1", "title": "Dark <mode> & more", "content": "Please, @everyone!"}


@pytest.fixture(scope="module")
def trackelio(customers: Mapping[str, Customer]) -> Customer:
    return customers["trackelio"]


@pytest.fixture(scope="module")
def every_event(trackelio: Customer) -> Hook:
    """A webhook for every type of the page, and one event of each."""
    hook = trackelio.hook(events=EVENTS, secret=OWN_SECRET, product="all")
    for entry in trackelio.ok("GET", "/v1/event-types")["data"]:
        if entry["type"] in EVENTS:
            trackelio.happens(entry["type"], entry["sample"], product="all")
    return hook


# ── "When a configured event occurs, Trackelio sends an HTTP POST request to your specified URL with details about ──
# ── the event." "Webhooks let you notify external systems when something happens in Trackelio." "The following ──────
# ── events can trigger webhook deliveries": the table. ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize("event", EVENTS)
def test_each_event_is_posted_with_its_details(trackelio: Customer, every_event: Hook, event: str) -> None:
    arrived = every_event.endpoint.of(event)
    samples = {each["type"]: each["sample"] for each in trackelio.ok("GET", "/v1/event-types")["data"]}
    assert arrived.method == "POST"
    assert list(arrived.json) == ["event", "data", "timestamp"]
    assert arrived.json["data"] == samples[event]


def test_no_other_event_can_be_chosen(trackelio: Customer) -> None:
    url = trackelio.deployment.endpoints.open().url
    refused = trackelio.ok("POST", WEBHOOKS, 422, {"url": url, "events": ["post.archived"]})
    assert refused["errors"][0]["field"] == "events"


# ── "URL — The HTTP endpoint that will receive the POST requests." ───────────────────────────────────────────────────


def test_the_url_is_a_setting_of_the_endpoint(trackelio: Customer) -> None:
    hook = trackelio.hook(product="url")
    moved = trackelio.deployment.endpoints.open()
    changed = trackelio.ok("PATCH", f"{WEBHOOKS}/{hook.id}", body={"url": moved.url})
    assert changed["url"] == moved.url
    settle()
    trackelio.happens("post.created", POST, product="url")
    moved.wait()
    assert hook.endpoint.arrived == []


# ── "Events — An array of event types this endpoint should receive. You can subscribe to one or more events per ─────
# ── endpoint." ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("chosen", [["nps.submitted"], ["post.created", "csat.submitted"], EVENTS])
def test_an_endpoint_receives_the_events_of_its_array(trackelio: Customer, chosen: list[str]) -> None:
    product = f"array {len(chosen)}"
    hook = trackelio.hook(events=chosen, product=product)
    assert hook.shown["events"] == chosen
    for event in EVENTS:
        trackelio.happens(event, {"id": event}, product=product)
    trackelio.happens(chosen[-1], {"id": "end"}, product=product)
    arrived = hook.endpoint.wait(len(chosen) + 1)
    assert sorted(str(each.event) for each in arrived) == sorted([*chosen, chosen[-1]])


# ── "Secret — A secret key used to sign payloads with HMAC-SHA256. Use this to verify that incoming requests ────────
# ── genuinely came from Trackelio." "Every webhook delivery is signed using HMAC-SHA256 with the secret you ─────────
# ── configure for the endpoint. The signature is included in the request headers …" ──────────────────────────────────


def test_the_secret_that_was_configured_signs(every_event: Hook) -> None:
    assert every_event.secret == OWN_SECRET
    for request in every_event.endpoint.wait(len(EVENTS)):
        assert accepts(VERIFIER, request, OWN_SECRET, header=SIGNATURE)
        assert request.headers[SIGNATURE] == hex_of_the_body(OWN_SECRET, request.body)


def test_a_secret_is_generated_where_none_was_configured(trackelio: Customer) -> None:
    hook = trackelio.hook(product="generated")
    trackelio.happens("post.created", POST, product="generated")
    [request] = hook.endpoint.wait()
    assert len(hook.secret) >= 32
    assert accepts(VERIFIER, request, hook.secret, header=SIGNATURE)
    assert hook.secret not in trackelio.client.get(f"{WEBHOOKS}/{hook.id}").text


# ── "Always validate the signature before processing a webhook payload to prevent unauthorized requests." ────────────


def test_what_trackelio_did_not_send_is_not_valid(every_event: Hook) -> None:
    request = every_event.endpoint.of("post.created")
    assert not accepts(VERIFIER, altered(request, body=b"{}"), OWN_SECRET, header=SIGNATURE)
    assert not accepts(VERIFIER, altered(request, x_trackelio_signature="1" * 64), OWN_SECRET, header=SIGNATURE)
    assert not accepts(VERIFIER, request, "a guess", header=SIGNATURE)


# ── "Active toggle — Enable or disable the endpoint without deleting it. Useful for temporarily pausing deliveries ──
# ── during maintenance." ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("toggle", ["the status", "the actions"])
def test_deliveries_pause_and_go_on(trackelio: Customer, toggle: str) -> None:
    hook = trackelio.hook(product=toggle)

    def set_(status: str, action: str) -> None:
        if toggle == "the status":
            shown = trackelio.ok("PATCH", f"{WEBHOOKS}/{hook.id}", body={"status": status})
        else:
            shown = trackelio.ok("POST", f"{WEBHOOKS}/{hook.id}/{action}")
        assert shown["status"] == status
        settle()

    set_("paused", "pause")
    trackelio.happens("post.created", {"id": "during maintenance"}, product=toggle)
    time.sleep(0.5)
    set_("active", "resume")
    trackelio.happens("post.created", {"id": "after maintenance"}, product=toggle)
    hook.endpoint.wait()
    assert [each.json["data"] for each in hook.endpoint.arrived] == [{"id": "after maintenance"}]
    assert trackelio.ok("GET", f"{WEBHOOKS}/{hook.id}")["status"] == "active"


# ── "Trackelio tracks the result of every webhook delivery, including: Status code …, Response body …" ──────────────
# ── "If an endpoint is consistently failing, check the status codes and response bodies for error details." ─────────


def test_status_codes_and_response_bodies_are_tracked(trackelio: Customer) -> None:
    hook = trackelio.hook(Answer(status=500, body=b"no such table: posts"), Answer(status=201), product="tracked")
    trackelio.happens("post.created", POST, product="tracked")
    hook.endpoint.wait(2)
    failed, delivered = trackelio.deployment.attempts(hook.id, 2)
    assert (failed.status, failed.response_body, failed.outcome) == (500, b"no such table: posts", "retry")
    assert (delivered.status, delivered.response_body, delivered.outcome) == (201, b"", "delivered")


# ── "Failure count — A running count of consecutive failures for each endpoint." ─────────────────────────────────────


def test_consecutive_failures_are_counted_and_a_success_ends_the_count(trackelio: Customer) -> None:
    answers = [Answer(status=500), Answer(status=502), Answer(status=404)]
    hook = trackelio.hook(*answers, product="counted", retries="none")

    def count() -> int | None:
        health: dict[str, Any] = trackelio.ok("GET", f"{WEBHOOKS}/{hook.id}")["health"]
        found: int | None = health["consecutiveFailures"]
        return found

    for number in range(1, len(answers) + 1):
        trackelio.happens("post.created", POST, product="counted")
        until(
            lambda number=number: count() == number,  # type: ignore[misc] # the default binds this round's number
            within_s=30,
            missing=lambda: f"{count()} failures are counted",
        )
    hook.endpoint.answers = [Answer()]
    trackelio.happens("post.created", POST, product="counted")
    until(lambda: count() == 0, within_s=30, missing=lambda: f"{count()} failures are counted after a success")


# ── "Use the delivery log to diagnose issues with your integration. If an endpoint is consistently failing, check the
# ── status codes and response bodies for error details." "Failure count — A running count of consecutive failures …" ─


def test_the_delivery_log_tells_why_an_endpoint_fails(trackelio: Customer) -> None:
    hook = trackelio.hook(Answer(status=500, body=b"column missing"), product="diagnosed")
    trackelio.happens("post.created", POST, product="diagnosed")
    rows = trackelio.listed("/v1/attempts", 2, webhook=hook.id, code="5xx")
    assert {row["status"] for row in rows} == {500}
    for row in rows:
        told = trackelio.ok("GET", f"/v1/attempts/{row['id']}")
        assert (told["response"]["status"], told["response"]["body"]) == (500, "column missing")
        assert told["explanation"]["code"] == "server_error"

    def count() -> int:
        found: int = trackelio.ok("GET", f"{WEBHOOKS}/{hook.id}")["health"]["consecutiveFailures"]
        return found

    logged = len(rows)
    until(lambda: count() >= logged, within_s=30, missing=lambda: f"{count()} of {logged} failures are counted")


# ── "Slack — Post a message to a channel when new feedback is submitted or a post changes status." ───────────────────
# Slack's incoming webhooks want `text`, and take Block Kit's `blocks`: docs.slack.dev/messaging/sending-messages-using-
# incoming-webhooks, docs.slack.dev/reference/block-kit.


def test_a_slack_channel_gets_a_message(trackelio: Customer) -> None:
    hook = trackelio.hook(
        Answer(body=b"ok"), payloadFormat="slack", events=["post.created", "post.status_changed"], product="slack"
    )
    trackelio.happens("post.created", POST, product="slack")
    [arrived] = hook.endpoint.wait()
    message: dict[str, Any] = arrived.json
    assert arrived.headers["content-type"] == "application/json"
    assert set(message) == {"text", "blocks"}
    assert message["text"] == "Trackelio: post.created"
    header, section, context = message["blocks"]
    assert header == {"type": "header", "text": {"type": "plain_text", "text": "Trackelio: post.created"}}
    assert (section["type"], section["text"]["type"], context["type"]) == ("section", "mrkdwn", "context")
    assert "Dark &lt;mode&gt; &amp; more" in section["text"]["text"]
    assert len(section["text"]["text"]) <= 3_000
    assert context["elements"][0]["type"] == "mrkdwn"
    assert accepts(VERIFIER, arrived, hook.secret, header=SIGNATURE)


# ── "Discord — Send notifications to a Discord channel for team visibility." ─────────────────────────────────────────
# Discord's "Execute Webhook" wants one of content, embeds, …: discord.com/developers/docs/resources/webhook.


def test_a_discord_channel_gets_a_notification(trackelio: Customer) -> None:
    hook = trackelio.hook(Answer(status=204), payloadFormat="discord", product="discord")
    trackelio.happens("nps.submitted", {"score": 9, "comment": "@everyone ```"}, product="discord")
    [arrived] = hook.endpoint.wait()
    message: dict[str, Any] = arrived.json
    assert set(message) == {"content", "embeds"}
    assert message["content"] == "Trackelio: nps.submitted"
    [embed] = message["embeds"]
    assert set(embed) == {"title", "description", "timestamp"}
    assert '"score": 9' in embed["description"]
    assert embed["description"].count("```") == 2
    assert len(embed["description"]) <= 4_096
    [attempt] = trackelio.deployment.attempts(hook.id)
    assert (attempt.status, attempt.outcome) == (204, "delivered")


def test_an_endpoint_may_become_a_slack_channel(trackelio: Customer) -> None:
    hook = trackelio.hook(product="turned")
    assert hook.shown["payloadFormat"] == "event"
    trackelio.ok("PATCH", f"{WEBHOOKS}/{hook.id}", body={"payloadFormat": "slack"})
    settle()
    trackelio.happens("post.created", POST, product="turned")
    [arrived] = hook.endpoint.wait()
    assert set(arrived.json) == {"text", "blocks"}


# ── "Zapier — Connect Trackelio to thousands of apps through Zapier's webhook trigger." ──────────────────────────────
# Its catch hook takes any POST of a JSON object and names the object's members; it has a URL and no secret to keep.


def test_zapier_s_trigger_gets_a_json_object(trackelio: Customer) -> None:
    answer = Answer(body=json.dumps({"status": "success", "id": "018f", "attempt": "018f"}).encode())
    hook = trackelio.hook(answer, events=["comment.created"], product="zapier")
    trackelio.happens("comment.created", {"id": "cmt_1", "content": "Me too"}, product="zapier")
    [arrived] = hook.endpoint.wait()
    assert arrived.headers["content-type"] == "application/json"
    assert arrived.json["data"] == {"id": "cmt_1", "content": "Me too"}


# ── "Custom systems — Forward events to your own API for custom workflows." ──────────────────────────────────────────


def test_an_api_of_one_s_own_gets_the_headers_it_asks_for(trackelio: Customer) -> None:
    hook = trackelio.hook(product="own", requestConfig={"headers": {"Authorization": "Bearer of my api"}})
    trackelio.happens("conversation.completed", {"id": "conv_1"}, product="own")
    [arrived] = hook.endpoint.wait()
    assert arrived.headers["authorization"] == "Bearer of my api"
    assert "Bearer of my api" not in trackelio.client.get(f"{WEBHOOKS}/{hook.id}").text
