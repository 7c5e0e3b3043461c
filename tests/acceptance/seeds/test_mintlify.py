"""The guide "Webhooks" on a Mintlify site: each sentence, quoted above what shows it.

Not shown here, and why:
- "Go to Integrations → Webhooks → Add endpoint." and what else is to be clicked: tests/unit/portal/test_seed_pages.py
  does it, on the pages. What they call, the API, is shown here.
- "publicly accessible": this deployment lets the loopback through, where its endpoints are; that every other address
  that is not public is refused is shown, and all of them by tests/conformance/test_address_table.py.
- "If your server takes longer to process, acknowledge the webhook immediately and handle processing asynchronously.",
  "Most webhook receiver frameworks … provide HTTPS URLs automatically.", "Do not expose your endpoint secret …": advice
  to the receiver.
- "Fetch the complete documentation index at …": how to read the site.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping

import pytest

from tests.acceptance.seeds.deployment import Customer, Slow, settle
from tests.acceptance.seeds.endpoints import Answer, Arrived
from tests.acceptance.seeds.snippets import altered

WEBHOOKS = "/v1/webhooks"
SIGNATURE = "x-signature-256"
TIMEOUT_S = 10.0

# Step 4, "Verify the signature header": the page's own code.
VERIFICATION = """
import hmac
import hashlib

def verify_signature(payload_body, secret, signature_header):
    expected = hmac.new(
        secret.encode(),
        payload_body,
        hashlib.sha256
    ).hexdigest()
    return hmac.compare_digest(f"sha256={expected}", signature_header)
"""


def verify_signature(request: Arrived, secret: str) -> bool:
    """The page's own function, run as it stands there."""
    page: dict[str, Callable[[bytes, str, str], bool]] = {}
    exec(VERIFICATION, page)
    return page["verify_signature"](request.body, secret, request.headers[SIGNATURE])


@pytest.fixture(scope="module")
def mintlify(customers: Mapping[str, Customer]) -> Customer:
    return customers["mintlify"]


# ── "Webhooks deliver HTTP POST requests to a URL you control whenever a selected event occurs in your workspace." ──


def test_a_selected_event_is_posted_to_the_url(mintlify: Customer) -> None:
    hook = mintlify.hook(events=["page.published"], product="selected")
    mintlify.happens("page.published", {"id": "pg_1"}, product="selected", time="2026-03-19T14:30:00.000Z")
    [arrived] = hook.endpoint.wait()
    assert arrived.method == "POST"
    assert arrived.json == {
        "event": "page.published",
        "data": {"id": "pg_1"},
        "timestamp": "2026-03-19T14:30:00.000Z",
    }


# ── "Your endpoint must be a publicly accessible HTTPS URL …" "Enter your HTTPS URL." ────────────────────────────────


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/hooks",
        "https://10.0.0.1/hooks",
        "https://192.168.1.1/hooks",
        "https://169.254.169.254/latest/meta-data",
        "https://[fd00::1]/hooks",
        "https://no-such-host.invalid/hooks",
        "ftp://example.com/hooks",
        "example.com/hooks",
    ],
)
def test_a_url_that_is_not_public_https_is_refused(mintlify: Customer, url: str) -> None:
    refused = mintlify.ok("POST", WEBHOOKS, 422, {"url": url})
    assert refused["errors"][0]["field"] == "url"


def test_an_endpoint_does_not_become_http_later(mintlify: Customer) -> None:
    hook = mintlify.hook(product="later")
    mintlify.ok("PATCH", f"{WEBHOOKS}/{hook.id}", 422, {"url": hook.endpoint.url.replace("https:", "http:")})


# ── "… that returns a 2xx status code …" ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [200, 201, 204])
def test_any_2xx_is_a_success(mintlify: Customer, status: int) -> None:
    hook = mintlify.hook(Answer(status=status), product=f"2xx {status}")
    mintlify.happens("page.updated", {}, product=f"2xx {status}")
    hook.endpoint.wait()
    [attempt] = mintlify.deployment.attempts(hook.id)
    assert (attempt.status, attempt.outcome) == (status, "delivered")


@pytest.mark.parametrize("status", [301, 400, 503])
def test_any_other_status_is_none(mintlify: Customer, status: int) -> None:
    hook = mintlify.hook(Answer(status=status), product=f"other {status}", retries="none")
    mintlify.happens("page.updated", {}, product=f"other {status}")
    hook.endpoint.wait()
    [attempt] = mintlify.deployment.attempts(hook.id)
    assert (attempt.status, attempt.outcome) == (status, "dead")


# ── "Add an optional description to remind yourself what this endpoint is for." ──────────────────────────────────────


def test_a_description_is_kept(mintlify: Customer) -> None:
    described = mintlify.hook(description="Rebuilds the search index.", product="described")
    bare = mintlify.hook(product="described")
    assert mintlify.ok("GET", f"{WEBHOOKS}/{described.id}")["description"] == "Rebuilds the search index."
    assert bare.shown["description"] == ""


# ── "After creating the endpoint, open it and click Add events. Choose the event types you want this endpoint to ────
# ── receive. You can subscribe to all events or select individual types." ────────────────────────────────────────────


def test_events_are_selected_after_creating(mintlify: Customer) -> None:
    hook = mintlify.hook(events=["page.updated"], product="added")
    events = ["page.updated", "deployment.failed"]
    assert mintlify.ok("PATCH", f"{WEBHOOKS}/{hook.id}", body={"events": events})["events"] == events
    settle()
    for event in ("page.published", *events):
        mintlify.happens(event, {}, product="added")
    assert {each.event for each in hook.endpoint.wait(2)} == set(events)


@pytest.mark.parametrize("wishes", [{}, {"events": ["*"]}])
def test_all_events_may_be_selected(mintlify: Customer, wishes: dict[str, object]) -> None:
    product = f"every {len(wishes)}"
    hook = mintlify.hook(**wishes, product=product)
    assert hook.shown["events"] == ["*"]
    for event in ("page.published", "anything.else"):
        mintlify.happens(event, {}, product=product)
    assert {each.event for each in hook.endpoint.wait(2)} == {"page.published", "anything.else"}


# ── "See event types for the full list and payload schemas." ─────────────────────────────────────────────────────────


def test_event_types_are_listed_with_their_schemas(mintlify: Customer) -> None:
    listed = {each["type"]: each for each in mintlify.ok("GET", "/v1/event-types")["data"]}
    assert {"page.published", "page.updated", "deployment.failed", "webhook.test"} <= set(listed)
    assert all(each["schema"]["$schema"].endswith("2020-12/schema") and each["description"] for each in listed.values())


# ── "Every webhook request includes an X-Signature-256 header containing an HMAC-SHA256 signature of the request ────
# ── body, signed with your endpoint's secret key. Verify this header in your receiver before processing the payload" ─


def test_the_page_s_code_verifies_what_arrives_and_nothing_else(mintlify: Customer) -> None:
    hook = mintlify.hook(product="verified")
    mintlify.happens("page.published", {"title": "Größe"}, product="verified")
    [request] = hook.endpoint.wait()
    expected = hmac.new(hook.secret.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers[SIGNATURE] == f"sha256={expected}"
    assert verify_signature(request, hook.secret)
    assert not verify_signature(request, "another secret")
    assert not verify_signature(altered(request, body=request.body + b"\n"), hook.secret)
    assert not verify_signature(altered(request, x_signature_256=expected), hook.secret)


# ── "Your endpoint secret is shown once at creation time—save it securely." ──────────────────────────────────────────


def test_the_secret_is_shown_once(mintlify: Customer) -> None:
    hook = mintlify.hook(product="once")
    answers = [
        mintlify.client.get(f"{WEBHOOKS}/{hook.id}"),
        mintlify.client.get(WEBHOOKS, params={"limit": 100}),
        mintlify.client.patch(f"{WEBHOOKS}/{hook.id}", json={"description": "changed"}),
        mintlify.client.post(f"{WEBHOOKS}/{hook.id}/test", json={}),
    ]
    assert {each.status_code for each in answers} == {200}
    assert not any(hook.secret in each.text for each in answers)


# ── "Select an event type and click Send. The platform delivers a sample payload to your endpoint and shows the ─────
# ── response status and body in the test log." ───────────────────────────────────────────────────────────────────────


def test_a_sample_payload_is_delivered_and_the_response_shown(mintlify: Customer) -> None:
    hook = mintlify.hook(Answer(status=422, body="größer als erlaubt".encode()), product="tested")
    shown = mintlify.ok("POST", f"{WEBHOOKS}/{hook.id}/test", body={"type": "deployment.failed"})
    assert (shown["status"], shown["body"]) == (422, "größer als erlaubt")
    assert shown["elapsedMs"] > 0
    [arrived] = hook.endpoint.wait()
    samples = {each["type"]: each["sample"] for each in mintlify.ok("GET", "/v1/event-types")["data"]}
    assert (arrived.event, arrived.json["data"]) == ("deployment.failed", samples["deployment.failed"])
    assert verify_signature(arrived, hook.secret)
    [attempt] = mintlify.deployment.attempts(hook.id)
    assert (attempt.status, attempt.response_body) == (422, "größer als erlaubt".encode())
    # "… in the test log": the log's rows of what was sent as a test.
    [row] = mintlify.listed("/v1/attempts", webhook=hook.id, trigger="test")
    told = mintlify.ok("GET", f"/v1/attempts/{row['id']}")
    assert (row["type"], row["status"]) == ("deployment.failed", 422)
    assert (told["response"]["status"], told["response"]["body"]) == (422, "größer als erlaubt")
    assert mintlify.ok("GET", f"{WEBHOOKS}/{hook.id}")["health"]["consecutiveFailures"] == 0


# ── "Rotate it immediately if it is compromised—go to Integrations → Webhooks → [Endpoint] → Rotate secret." ─────────


def test_a_rotated_secret_signs_at_once_and_the_old_one_no_more(mintlify: Customer) -> None:
    hook = mintlify.hook(product="rotated")
    rotated = mintlify.ok("POST", f"{WEBHOOKS}/{hook.id}/secret")["secret"]
    assert rotated != hook.secret
    settle()
    mintlify.happens("page.published", {}, product="rotated")
    [arrived] = hook.endpoint.wait()
    assert verify_signature(arrived, rotated)
    assert not verify_signature(arrived, hook.secret)


# ── "… within 10 seconds of receiving a request." ────────────────────────────────────────────────────────────────────


def test_an_endpoint_has_ten_seconds(mintlify: Customer, slow: Mapping[str, Slow]) -> None:
    within, beyond = slow["mintlify"].attempts(mintlify.deployment)
    assert (within.status, within.outcome) == (204, "delivered")
    assert (beyond.status, beyond.failure, beyond.outcome) == (None, "timeout", "dead")
    assert beyond.elapsed_ms == pytest.approx(TIMEOUT_S * 1_000, rel=0.05)
