"""Conclude's page "Webhooks": each sentence, quoted above what shows it.

Not shown here, and why:
- "Go to product Settings. Open the Webhooks tab. Click Add webhook. … Save." and "Use the log to debug failures …":
  tests/unit/portal/test_seed_pages.py does it, on the pages. What they call, the API, is shown here.
- "More event types are added as features mature.": a promise of the company; a catalogue is a file it edits.
- "Use them to glue Conclude into your own internal tools.": what a customer does with what arrives.
"""

import json
import re
import time
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest

from consumer.setting_values import duration_ms
from consumer.settings import Settings
from tests.acceptance.deadline import until
from tests.acceptance.seeds.deployment import Customer, Hook, settle
from tests.acceptance.seeds.endpoints import Answer, Arrived
from tests.acceptance.seeds.snippets import accepts, altered
from tests.brands_page import OWN_EVENTS

WEBHOOKS = "/v1/webhooks"
DEAD_LETTERS = "/v1/dead-letters"
SIGNATURE = "x-conclude-signature"

# "Verifying signatures": the page's own code.
VERIFICATION = """
const expected = crypto
.createHmac("sha256", secret)
.update(rawBody)
.digest("hex");
if (signature !== expected) {
// reject
}
"""
VERIFIER = (
    "const crypto = require('crypto'); const secret = given.secret;"
    f"const signature = given.headers['{SIGNATURE}'];" + VERIFICATION.replace("// reject", "process.exit(1);")
)

# "What you can subscribe to": the page's list.
EVENTS = ["feedback.created", "feedback.updated", "feedback.linked_to_linear", "roadmap.shipped", "insight.created"]

FEEDBACK = {
    "id": "fb_1",
    "title": "Export",
    "body": "Please.",
    "submitter": {"external_id": "u_1", "email": "ada@example.com"},
    "created_at": "2026-03-19T14:30:00.000Z",
}


@pytest.fixture(scope="module")
def conclude(customers: Mapping[str, Customer]) -> Customer:
    return customers["conclude"]


def of_product(customer: Customer, product: str, *answers: Answer, **wishes: object) -> Hook:
    """A webhook for the events of one product, so that no other test's events reach it."""
    return customer.hook(*answers, product=product, **wishes)


def events_at(hook: Hook, count: int) -> list[Arrived]:
    """What arrived, without the webhook.test of its creation; waits for so many."""
    hook.endpoint.of("webhook.test")
    return [each for each in hook.endpoint.wait(count + 1) if each.event != "webhook.test"]


# ── begun first, looked at last: retries take seconds ────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module", autouse=True)
def failing(conclude: Customer) -> Hook:
    """An endpoint that has failed since its test event."""
    hook = of_product(conclude, "failing", Answer(), Answer(status=503, body=b"down for maintenance"))
    conclude.happens("feedback.created", FEEDBACK, product="failing")
    return hook


@pytest.fixture(scope="module", autouse=True)
def recovering(conclude: Customer) -> dict[str, Hook]:
    """Endpoints that fail the first delivery after their test event, each in its way, and take the second."""
    failures = {
        "redirect": Answer(status=302),
        "not found": Answer(status=404),
        "error": Answer(status=500),
        "timeout": Answer(after_s=1.3),
    }
    hooks = {
        name: of_product(conclude, "recovering", Answer(), failure, Answer(), requestConfig={"timeoutMs": 1_000})
        for name, failure in failures.items()
    }
    for hook in hooks.values():
        hook.endpoint.of("webhook.test")
    conclude.happens("feedback.created", FEEDBACK, product="recovering")
    return hooks


@pytest.fixture(scope="module")
def every_event(conclude: Customer) -> Hook:
    """A webhook for each type of the page, and one event of each."""
    hook = of_product(conclude, "all", events=EVENTS)
    listed = conclude.ok("GET", "/v1/event-types")["data"]
    for entry in listed:
        if entry["type"] in EVENTS:
            conclude.happens(entry["type"], entry["sample"], product="all")
    return hook


# ── "Webhooks fire HTTP POST requests to a URL of your choice when events happen in Conclude." ───────────────────────
# ── "What you can subscribe to": feedback.created — a new feedback item arrived. … "Destination URL — your endpoint."


@pytest.mark.parametrize("event", EVENTS)
def test_each_event_is_posted_to_the_url(every_event: Hook, event: str) -> None:
    arrived = every_event.endpoint.of(event)
    assert arrived.method == "POST"
    assert arrived.headers["content-type"] == "application/json"


# ── "The list above covers what's shipped today." ────────────────────────────────────────────────────────────────────


def test_no_other_event_can_be_chosen(conclude: Customer) -> None:
    listed = [each["type"] for each in conclude.ok("GET", "/v1/event-types")["data"]]
    assert listed == [
        *EVENTS,
        *OWN_EVENTS,
    ]
    url = conclude.deployment.endpoints.open().url
    refused = conclude.ok("POST", WEBHOOKS, 422, {"url": url, "events": ["roadmap.planned"]})
    assert refused["errors"][0]["field"] == "events"


# ── "Go to product Settings." ────────────────────────────────────────────────────────────────────────────────────────


def test_a_webhook_belongs_to_a_product(conclude: Customer) -> None:
    one, other = of_product(conclude, "one"), of_product(conclude, "other")
    conclude.happens("insight.created", {"id": "1"}, product="one")
    conclude.happens("insight.created", {"id": "2"}, product="other")
    assert [each.json["product_id"] for each in events_at(one, 1)] == ["one"]
    assert [each.json["product_id"] for each in events_at(other, 1)] == ["other"]


# ── "Secret — Conclude generates one. Use it to verify signatures." ──────────────────────────────────────────────────


def test_the_secret_is_generated_and_shown_once(conclude: Customer) -> None:
    hook = of_product(conclude, "secret")
    assert len(hook.secret) >= 32
    assert hook.secret not in conclude.client.get(f"{WEBHOOKS}/{hook.id}").text
    wishes = {"url": hook.endpoint.url, "secret": "a secret of my own, long enough"}
    assert "secret" in conclude.ok("POST", WEBHOOKS, 422, wishes)["errors"][0]["field"]


# ── "Events — pick which events to subscribe to." ────────────────────────────────────────────────────────────────────


def test_only_the_events_that_were_picked_arrive(conclude: Customer) -> None:
    hook = of_product(conclude, "picked", events=["roadmap.shipped"])
    for event in EVENTS:
        conclude.happens(event, {"id": event}, product="picked")
    conclude.happens("roadmap.shipped", {"id": "last"}, product="picked")
    assert [each.event for each in events_at(hook, 2)] == ["roadmap.shipped"] * 2


# ── "Conclude immediately sends a webhook.test event to confirm the endpoint reachable." ─────────────────────────────


def test_a_test_event_is_sent_at_once(conclude: Customer) -> None:
    began_s = time.monotonic()
    hook = of_product(conclude, "reachable", events=["insight.created"])
    arrived = hook.endpoint.of("webhook.test")
    assert arrived.at_s - began_s < 4  # the first retry would come after 5 s
    assert (arrived.json["workspace_id"], arrived.json["product_id"]) == ("ws_conclude", "reachable")
    assert accepts(VERIFIER, arrived, hook.secret, header=SIGNATURE)
    assert len(hook.endpoint.arrived) == 1


# ── "Payload shape": { "event", "workspace_id", "product_id", "data": {…}, "timestamp" } ─────────────────────────────


def test_the_payload_has_the_page_s_shape(conclude: Customer) -> None:
    page = """
    {
    "event": "feedback.created",
    "workspace_id": "...",
    "product_id": "...",
    "data": {
    "id": "...",
    "title": "...",
    "body": "...",
    "submitter": { "external_id": "...", "email": "..." },
    "created_at": "..."
    },
    "timestamp": "..."
    }"""
    hook = of_product(conclude, "shape")
    conclude.happens("feedback.created", FEEDBACK, product="shape", time="2026-03-19T14:30:00.000Z")
    [arrived] = events_at(hook, 1)
    assert shape(arrived.json) == shape(json.loads(page))
    assert arrived.json == {
        "event": "feedback.created",
        "workspace_id": "ws_conclude",
        "product_id": "shape",
        "data": FEEDBACK,
        "timestamp": "2026-03-19T14:30:00.000Z",
    }


def shape(value: object) -> object:
    """The members, in their order."""
    return [(name, shape(each)) for name, each in value.items()] if isinstance(value, dict) else None


def test_an_event_of_no_product_says_null(conclude: Customer) -> None:
    hook = conclude.hook(events=["feedback.linked_to_linear"])
    conclude.happens("feedback.linked_to_linear", {"id": "none"})
    [arrived] = events_at(hook, 1)
    assert arrived.json["product_id"] is None


# ── "The data shape varies by event — see the inline payload preview when you set up the webhook." ───────────────────


def test_every_event_has_a_preview_of_its_own(conclude: Customer, every_event: Hook) -> None:
    previews = {each["type"]: each for each in conclude.ok("GET", "/v1/event-types")["data"]}
    for event in EVENTS:
        assert every_event.endpoint.of(event).json["data"] == previews[event]["sample"]
        assert previews[event]["schema"]["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert len({str(shape(previews[event]["sample"])) for event in EVENTS}) == len(EVENTS)


# ── "Every webhook request includes an X-Conclude-Signature header. The signature is HMAC-SHA256 of the raw request ──
# ── body using the webhook's secret as the key." "Reject any request whose signature doesn't match." ─────────────────


def test_the_page_s_code_accepts_every_request(every_event: Hook) -> None:
    for request in every_event.endpoint.wait(len(EVENTS) + 1):
        assert accepts(VERIFIER, request, every_event.secret, header=SIGNATURE)


def test_the_page_s_code_rejects_what_does_not_match(every_event: Hook) -> None:
    request = every_event.endpoint.of("insight.created")
    for other in (
        altered(request, body=request.body.replace(b"insight", b"Insight")),
        altered(request, x_conclude_signature="f" * 64),
        altered(request, x_conclude_signature=""),
    ):
        assert not accepts(VERIFIER, other, every_event.secret, header=SIGNATURE)


# ── "Webhooks are available on every plan. There's no cap on the number of webhooks per product or on event volume." ─


def test_a_product_may_have_many_webhooks_and_many_events(conclude: Customer) -> None:
    endpoint = conclude.deployment.endpoints.open()
    wishes = {"url": endpoint.url, "product": "many", "events": ["insight.created"]}
    ids = {conclude.ok("POST", WEBHOOKS, 201, wishes)["id"] for _ in range(30)}
    assert len(ids) == 30
    settle()
    for _ in range(20):
        conclude.happens("insight.created", {}, product="many")
    endpoint.wait(30 + 30 * 20, within_s=30)


# ── "Every webhook delivery is logged with status, timestamp, request body, and response code." ──────────────────────


def test_every_delivery_is_logged(conclude: Customer, every_event: Hook) -> None:
    arrived = {each.body: each for each in every_event.endpoint.wait(len(EVENTS) + 1)}
    attempts = conclude.deployment.attempts(every_event.id, len(arrived))
    assert {each.request_body for each in attempts} == set(arrived)
    for attempt in attempts:
        assert (attempt.outcome, attempt.status) == ("delivered", 200)
        assert abs(time.time() * 1_000 - attempt.at_ms) < 120_000


# ── "Webhooks log": "Every webhook delivery is logged with status, timestamp, request body, and response code. Use the
# ── log to debug failures or to replay events." ──────────────────────────────────────────────────────────────────────


def test_the_log_has_what_the_page_lists(conclude: Customer) -> None:
    hook = of_product(conclude, "logged", Answer(), Answer(status=410, body=b"moved away"))
    hook.endpoint.of("webhook.test")
    conclude.happens("insight.created", {"id": "ins_1"}, product="logged")
    [row] = conclude.listed("/v1/deliveries", webhook=hook.id, type="insight.created")
    assert row["status"] == "failed"
    told = conclude.ok("GET", f"/v1/attempts/{row['lastAttempt']['id']}")
    arrived = hook.endpoint.of("insight.created")
    assert (told["request"]["body"], told["response"]["status"]) == (arrived.body.decode(), 410)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told["at"])
    # "… to debug failures": what was answered, and what to do.
    assert told["response"]["body"] == "moved away"
    assert (told["explanation"]["code"], told["explanation"]["received"]) == ("gone", "yes")
    assert told["explanation"]["remedies"]


# ── "Conclude retries failed webhook deliveries (non-2xx responses or timeouts) with exponential backoff …" ──────────


@pytest.mark.parametrize("failure", ["redirect", "not found", "error", "timeout"])
def test_whatever_failed_is_sent_again(conclude: Customer, recovering: dict[str, Hook], failure: str) -> None:
    hook = recovering[failure]
    first, second = events_at(hook, 2)
    assert first.body == second.body
    assert accepts(VERIFIER, second, hook.secret, header=SIGNATURE)
    attempts = conclude.deployment.attempts(hook.id, 3)[1:]
    assert [each.outcome for each in attempts] == ["retry", "delivered"]


def test_the_waits_grow(conclude: Customer, failing: Hook) -> None:
    arrived = events_at(failing, 4)
    attempts = [each for each in conclude.deployment.attempts(failing.id, 5) if each.event_type == "feedback.created"]
    assert [each.outcome for each in attempts] == ["retry", "retry", "retry", "dead"]
    delays_ms = [duration_ms(each.next_tier or "") for each in attempts[:-1]]
    assert all(later >= 2 * earlier for earlier, later in pairwise(delays_ms)), delays_ms
    waits_ms = [1_000 * (later.at_s - earlier.at_s) for earlier, later in pairwise(arrived)]
    assert all(wait_ms >= delay_ms for wait_ms, delay_ms in zip(waits_ms, delays_ms, strict=True)), waits_ms


# ── "… for up to 24 hours." ──────────────────────────────────────────────────────────────────────────────────────────


def test_without_settings_the_waits_grow_over_a_day() -> None:
    defaults = Settings.model_fields
    delays_ms = [duration_ms(each) for each in defaults["retry_delays"].default]
    assert defaults["retry_for"].default == "24h"
    assert 23 * 3_600_000 < sum(delays_ms) <= 24 * 3_600_000
    assert all(later >= 2 * earlier for earlier, later in pairwise(delays_ms))


# ── "After that, the delivery is marked failed and dropped." ─────────────────────────────────────────────────────────


def dead_letters_of(conclude: Customer, hook: Hook) -> list[dict[str, Any]]:
    """What failed for good, once there is any."""
    found: list[dict[str, Any]] = []

    def any_there() -> bool:
        asked: dict[str, str] | None = {"webhook": hook.id}
        while asked is not None and not found:
            page = conclude.client.get(DEAD_LETTERS, params=asked).json()
            found.extend(page["data"])
            cursor = page["nextCursor"]
            asked = None if cursor is None else {"webhook": hook.id, "cursor": cursor}
        return bool(found)

    until(any_there, within_s=10, missing=lambda: "there is no dead letter")
    return found


def test_then_it_is_marked_failed_and_dropped(conclude: Customer, failing: Hook) -> None:
    arrived = events_at(failing, 4)
    [failed] = dead_letters_of(conclude, failing)
    assert (failed["type"], failed["reason"], failed["attempts"]) == ("feedback.created", "exhausted", 4)
    assert failed["lastStatus"] == 503
    assert {each.body for each in arrived} == {arrived[0].body}
    assert len(failing.endpoint.arrived) == 5
    last = conclude.deployment.attempts(failing.id, 5)[-1]
    assert (last.outcome, last.response_body) == ("dead", b"down for maintenance")


# ── "You can replay any delivery manually from the Webhooks log." ────────────────────────────────────────────────────


def test_any_delivery_can_be_replayed_from_the_log(conclude: Customer) -> None:
    hook = of_product(conclude, "replayed")
    hook.endpoint.of("webhook.test")
    conclude.happens("feedback.created", FEEDBACK, product="replayed")
    first = hook.endpoint.of("feedback.created")
    [row] = conclude.listed("/v1/deliveries", webhook=hook.id, type="feedback.created", status="delivered")
    refused = conclude.ok("POST", f"/v1/deliveries/{row['id']}/resend", 409)
    assert refused["code"] == "already_delivered"
    conclude.ok("POST", f"/v1/deliveries/{row['id']}/resend", 202, {"again": True})
    replayed = hook.endpoint.wait(3)[-1]
    assert (replayed.event, replayed.body) == ("feedback.created", first.body)
    assert accepts(VERIFIER, replayed, hook.secret, header=SIGNATURE)
    again, before = conclude.listed("/v1/deliveries", 2, webhook=hook.id, type="feedback.created")
    assert (again["trigger"], before["id"]) == ("resend", row["id"])


def test_a_failed_delivery_can_be_replayed(conclude: Customer, failing: Hook) -> None:
    [failed] = dead_letters_of(conclude, failing)
    failing.endpoint.answers = [Answer()]
    conclude.ok("POST", f"{DEAD_LETTERS}/{failed['id']}/replay")
    *before, replayed = failing.endpoint.wait(6)
    assert replayed.body == before[-1].body
    assert accepts(VERIFIER, replayed, failing.secret, header=SIGNATURE)
