"""Convo's page "Webhooks": each sentence, quoted above what shows it.

Not shown here, and why:
- "Available to Professional and Enterprise tiers." Who may have a key is the company's business, not Hookline's.
"""

import json
import subprocess
import time
from collections.abc import Mapping
from typing import Any

import pytest

from consumer.brands.brand import SENT_BY_HOOKLINE
from tests.acceptance.seeds.deployment import Customer, Hook, Slow, settle
from tests.acceptance.seeds.endpoints import Answer, Arrived
from tests.acceptance.seeds.snippets import NODE, accepts, altered

WEBHOOKS = "/api/v1/webhooks"
TIMEOUT_S = 10.0

# "Signature Verification": the page's own code.
VERIFICATION = """
const crypto = require('crypto');
const signature = crypto
.createHmac('sha256', webhookSecret)
.update(rawBody)
.digest('hex');
const isValid = signature === req.headers['x-convo-signature'];
"""
VERIFIER = (
    "const webhookSecret = given.secret; const req = {headers: given.headers};"
    + VERIFICATION
    + "process.exit(isValid ? 0 : 1);"
)

# "Creating a Webhook": the page's own code.
CREATION = """
const res = await fetch("https://www.itsconvo.com/api/v1/webhooks", {
method: "POST",
headers: {
"Authorization": "Bearer convo_your_key_here",
"Content-Type": "application/json",
},
body: JSON.stringify({
url: "https://your-server.com/webhooks/convo",
events: ["conversation.keypoints.ready", "transcript.ready"],
}),
});
const { data } = await res.json();
// Store data.secret securely — it's only shown once
console.log(data.secret);
"""

# "Events": the page's table.
EVENTS = {
    "conversation.created": ["conversationId"],
    "conversation.updated": ["conversationId", "title"],
    "conversation.keypoints.ready": ["conversationId", "title"],
    "conversation.summary.ready": ["conversationId", "title", "sectionCount"],
    "conversation.action_items.ready": ["conversationId", "actionItemCount"],
    "conversation.feedback.ready": ["conversationId", "overallScore"],
    "conversation.shared": ["conversationId", "shareUrl"],
    "conversation.deleted": ["conversationId"],
    "transcript.ready": ["conversationId", "segmentCount"],
    "transcript.failed": ["conversationId", "error"],
    "webhook.test": ["message"],
}


@pytest.fixture(scope="module")
def convo(customers: Mapping[str, Customer]) -> Customer:
    return customers["convo"]


@pytest.fixture(scope="module")
def all_events(convo: Customer) -> Hook:
    """A webhook of every type, and one event of each."""
    chosen = convo.hook(events=list(EVENTS), product="all")
    for entry in convo.ok("GET", "/api/v1/event-types")["data"]:
        if entry["type"] in EVENTS:
            convo.happens(entry["type"], entry["sample"], product="all")
    return chosen


def sample(request: Arrived) -> dict[str, Any]:
    data = request.json["data"]
    assert isinstance(data, dict)
    return data


# ── "Webhooks deliver real-time event notifications to your server." ─────────────────────────────────────────────────
# (Also: "Receive real-time event notifications via webhooks.")


def test_an_event_arrives_in_real_time(convo: Customer) -> None:
    chosen = convo.hook(events=["conversation.shared"])
    began_s = time.monotonic()
    convo.happens("conversation.shared", {"conversationId": "now", "shareUrl": "https://www.itsconvo.com/share/k"})
    [arrived] = chosen.endpoint.wait()
    assert arrived.method == "POST"
    assert arrived.at_s - began_s < 4  # the first retry would come after 5 s


# ── "Events": the table of events and their data fields. ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize("event", EVENTS)
def test_each_event_arrives_with_its_data_fields(all_events: Hook, event: str) -> None:
    assert list(sample(all_events.endpoint.of(event))) == EVENTS[event]


def test_the_events_of_the_page_can_be_chosen_and_no_others(convo: Customer) -> None:
    listed = convo.ok("GET", "/api/v1/event-types")["data"]
    ours = SENT_BY_HOOKLINE - {"webhook.test"}
    assert [each["type"] for each in listed if each["type"] not in ours] == list(EVENTS)
    url = convo.deployment.endpoints.open().url
    refused = convo.ok("POST", WEBHOOKS, 422, {"url": url, "events": ["conversation.archived"]})
    assert refused["errors"][0]["field"] == "events"


# ── "Payload Format": { "event": …, "data": { "conversationId", "title" }, "timestamp": … } ──────────────────────────


def test_the_payload_is_the_page_s(convo: Customer) -> None:
    chosen = convo.hook(events=["conversation.keypoints.ready"])
    data = {"conversationId": "sess_a1b2c3", "title": "Q1 Planning Review"}
    convo.happens("conversation.keypoints.ready", data, time="2026-03-19T14:30:00.000Z")
    [arrived] = chosen.endpoint.wait()
    page = """
    {
    "event": "conversation.keypoints.ready",
    "data": { "conversationId": "sess_a1b2c3", "title": "Q1 Planning Review" },
    "timestamp": "2026-03-19T14:30:00.000Z"
    }"""
    assert arrived.json == json.loads(page)
    assert list(arrived.json) == list(json.loads(page))
    assert arrived.headers["content-type"] == "application/json"


# ── "Payloads are signed with HMAC-SHA256 using the webhook secret. Verify the X-Convo-Signature header." ────────────


def test_the_page_s_code_accepts_what_arrives_and_nothing_else(all_events: Hook) -> None:
    request, header = all_events.endpoint.of("transcript.ready"), "x-convo-signature"
    assert accepts(VERIFIER, request, all_events.secret, header=header)
    assert not accepts(VERIFIER, altered(request, body=request.body + b" "), all_events.secret, header=header)
    assert not accepts(VERIFIER, altered(request, x_convo_signature="0" * 64), all_events.secret, header=header)
    assert not accepts(VERIFIER, request, "another secret", header=header)


# ── "The event type is in the X-Convo-Event header." ─────────────────────────────────────────────────────────────────


def test_the_event_type_is_in_the_header(all_events: Hook) -> None:
    arrived = all_events.endpoint.wait(len(EVENTS))
    assert [each.headers["x-convo-event"] for each in arrived] == [each.event for each in arrived]


# ── "Delivery is fire-and-forget — failed deliveries are not retried. Design your endpoint to return 200 quickly and ──
# ── process data asynchronously if needed." ──────────────────────────────────────────────────────────────────────────


def test_a_failed_delivery_is_not_retried(convo: Customer) -> None:
    chosen = convo.hook(Answer(status=500), Answer(), events=["transcript.failed"])
    convo.happens("transcript.failed", {"conversationId": "once", "error": "none"})
    chosen.endpoint.wait()
    [attempt] = convo.deployment.attempts(chosen.id)
    assert (attempt.status, attempt.outcome, attempt.next_tier) == (500, "dead", None)
    first_tier_s = convo.deployment.stage.settings.retry_delays_ms[1] / 1_000
    time.sleep(2 * first_tier_s)
    assert len(chosen.endpoint.arrived) == 1


def test_a_quick_200_is_all_it_takes(all_events: Hook, convo: Customer) -> None:
    attempts = convo.deployment.attempts(all_events.id, len(EVENTS))
    assert {(each.status, each.outcome) for each in attempts} == {(200, "delivered")}


# ── "To update a webhook's URL or events, delete the existing webhook and create a new one." ─────────────────────────


def test_a_webhook_is_not_updated_but_deleted_and_created_anew(convo: Customer) -> None:
    was = convo.hook(events=["transcript.ready"])
    answered = convo.client.patch(f"{WEBHOOKS}/{was.id}", json={"events": ["transcript.failed"]})
    assert answered.status_code == 405
    assert answered.headers["content-type"] == "application/problem+json"
    assert convo.ok("DELETE", f"{WEBHOOKS}/{was.id}")["data"] == {"id": was.id, "deleted": True, "object": "webhook"}
    now = convo.hook(events=["transcript.ready"])
    convo.happens("transcript.ready", {"conversationId": "anew", "segmentCount": 1})
    now.endpoint.wait()
    assert was.endpoint.arrived == []
    assert now.id != was.id


# ── "Creating a Webhook": the page's code. "Store data.secret securely — it's only shown once." ──────────────────────


def test_the_page_s_code_creates_a_webhook(convo: Customer) -> None:
    endpoint = convo.deployment.endpoints.open()
    secret = created_by_the_page_s_code(convo, endpoint.url)
    settle()
    convo.happens("conversation.keypoints.ready", {"conversationId": "c", "title": "t"})
    [arrived] = endpoint.wait()
    assert accepts(VERIFIER, arrived, secret, header="x-convo-signature")
    convo.happens("conversation.updated", {"conversationId": "c", "title": "t"})
    convo.happens("transcript.ready", {"conversationId": "c", "segmentCount": 2})
    assert [each.event for each in endpoint.wait(2)] == ["conversation.keypoints.ready", "transcript.ready"]


def created_by_the_page_s_code(convo: Customer, url: str) -> str:
    """The secret that the page's code prints, run against this API, with this key and this URL."""
    program = CREATION
    for was, here in {
        "https://www.itsconvo.com": convo.deployment.api_url,
        "convo_your_key_here": convo.key,
        "https://your-server.com/webhooks/convo": url,
    }.items():
        assert was in program
        program = program.replace(was, here)
    if NODE is None:
        return str(created_by_the_page_s_request(convo, url)["secret"])
    ran = subprocess.run([NODE, "--input-type=module", "-e", program], capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr.decode()
    return ran.stdout.decode().strip()


def created_by_the_page_s_request(convo: Customer, url: str) -> Any:  # noqa: ANN401 # JSON
    """The request that the page's code makes."""
    body = {"url": url, "events": ["conversation.keypoints.ready", "transcript.ready"]}
    return convo.ok("POST", WEBHOOKS, 201, body)["data"]


def test_the_key_begins_as_on_the_page(convo: Customer) -> None:
    assert convo.key.startswith("convo_")


# ── "The webhook secret for HMAC verification is returned once on creation — store it securely." ─────────────────────


def test_the_secret_is_returned_once(convo: Customer) -> None:
    chosen = convo.hook(events=["transcript.ready"])
    assert len(chosen.secret) >= 32
    read = convo.client.get(f"{WEBHOOKS}/{chosen.id}")
    listed = convo.client.get(WEBHOOKS, params={"limit": 100})
    assert (read.status_code, listed.status_code) == (200, 200)
    assert chosen.secret not in read.text + listed.text
    assert read.json()["data"].get("secret") is None


# ── "Use the webhook endpoints in the API Reference section to list, test, and delete webhooks." ─────────────────────


def test_webhooks_are_listed_tested_and_deleted(convo: Customer) -> None:
    chosen = convo.hook(Answer(status=202, body=b"got it"), events=["transcript.ready"])
    assert chosen.id in {each["id"] for each in convo.ok("GET", f"{WEBHOOKS}?limit=100")["data"]}
    tested = convo.ok("POST", f"{WEBHOOKS}/{chosen.id}/test", body={})["data"]
    assert (tested["status"], tested["body"]) == (202, "got it")
    [arrived] = chosen.endpoint.wait()
    assert arrived.event == arrived.headers["x-convo-event"] == "webhook.test"
    assert list(sample(arrived)) == ["message"]
    assert accepts(VERIFIER, arrived, chosen.secret, header="x-convo-signature")
    convo.ok("DELETE", f"{WEBHOOKS}/{chosen.id}")
    convo.ok("GET", f"{WEBHOOKS}/{chosen.id}", 404)


# ── "Webhooks are delivered with a 10-second timeout. Your endpoint must respond within this window." ────────────────


def test_an_endpoint_has_ten_seconds(convo: Customer, slow: Mapping[str, Slow]) -> None:
    within, beyond = slow["convo"].attempts(convo.deployment)
    assert (within.status, within.outcome) == (204, "delivered")
    assert (beyond.status, beyond.failure, beyond.outcome) == (None, "timeout", "dead")
    assert beyond.elapsed_ms == pytest.approx(TIMEOUT_S * 1_000, rel=0.05)
