"""Where the companies' pages say what to press, it is pressed, on the pages of the same installation.

Each quotation stands above what does it; what arrives is looked at by the page's own code. What is to be seen on the
pages besides, and in which words, is in tests/unit/portal/test_seed_pages.py.
"""

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from tests.acceptance.deadline import until
from tests.acceptance.seeds.deployment import Customer, settle
from tests.acceptance.seeds.endpoints import Answer, Endpoint
from tests.acceptance.seeds.snippets import accepts
from tests.acceptance.seeds.test_conclude import FEEDBACK
from tests.acceptance.seeds.test_conclude import SIGNATURE as CONCLUDE_SIGNATURE
from tests.acceptance.seeds.test_conclude import VERIFIER as CONCLUDE_VERIFIER
from tests.acceptance.seeds.test_mintlify import verify_signature
from tests.person import Person

POST = {"id": "post_1", "title": "Export"}


def host_of(endpoint: Endpoint) -> str:
    """What a webhook without a name is called."""
    return urlsplit(endpoint.url).netloc


def once(person: Person, name: str, seen: Callable[[Person], bool]) -> Person:
    """Follow this link again and again until what it leads to shows what is awaited: the log is a moment behind."""
    until(lambda: seen(person.opens(name)), within_s=20, missing=lambda: person.page.visible)
    return person


def test_conclude(customers: Mapping[str, Customer]) -> None:
    conclude = customers["conclude"]
    endpoint = conclude.deployment.endpoints.open(Answer(), Answer(status=404), Answer())
    # "Go to product Settings. Open the Webhooks tab. Click Add webhook."
    person = conclude.looks_at_its_pages(product="on the pages").opens("Webhooks").opens("Add webhook")
    # "Destination URL — your endpoint." "Events — pick which events to subscribe to." "Save."
    person.fills_in("Destination URL", endpoint.url).picks("feedback.created", among="Events").presses("Save")
    # "Secret — Conclude generates one. Use it to verify signatures."
    secret = person.page.one("textbox", "Secret").attributes["value"]
    # "Conclude immediately sends a webhook.test event to confirm the endpoint reachable."
    person.sees("Accepted", region="The test event that was sent to it")
    assert accepts(CONCLUDE_VERIFIER, endpoint.of("webhook.test"), secret, header=CONCLUDE_SIGNATURE)
    settle()
    conclude.happens("feedback.created", FEEDBACK, product="on the pages")
    # "Every webhook delivery is logged with status, timestamp, request body, and response code."
    shown = ("Delivered", "feedback.created", "200 OK", "UTC")
    once(person, "Webhooks log", lambda on: all(each in on.page.visible for each in shown))
    person.opens("feedback.created").opens("Try 1").sees("404", region="Answer").sees("Export", region="Request")
    assert len(endpoint.wait(3)) == 3


def test_mintlify(customers: Mapping[str, Customer]) -> None:
    mintlify = customers["mintlify"]
    endpoint = mintlify.deployment.endpoints.open(Answer(body=b"rebuilt"))
    # "Go to Integrations → Webhooks → Add endpoint. Enter your HTTPS URL. Add an optional description … Click Create."
    person = mintlify.looks_at_its_pages(product="on the pages").opens("Webhooks").opens("Add endpoint")
    person.fills_in("HTTPS URL", endpoint.url).fills_in("Description", "Rebuilds the search.").presses("Create")
    # "Your endpoint secret is shown once at creation time—save it securely."
    secret = person.page.one("textbox", "Secret").attributes["value"]
    # "After creating the endpoint, open it and click Add events. Choose the event types you want this endpoint to
    # receive."
    person.opens("Done").opens("Add events").picks("webhook.suspended", among="Event types").presses("Save changes")
    # "From the endpoint detail page, click Send test event. Select an event type and click Send. The platform delivers
    # a sample payload to your endpoint and shows the response status and body in the test log."
    person.opens("Send test event").fills_in("Event type", "webhook.suspended").presses("Send")
    person.sees("200", "rebuilt", region="Result")
    assert verify_signature(endpoint.wait(1)[0], secret)
    until(
        lambda: bool(person.presses("Send").page.find("table", "Test log")), within_s=20, missing=lambda: "no test log"
    )
    assert person.rows("Test log")[0]["Answer"] == "200 OK"
    # "Rotate it immediately if it is compromised … Integrations, Webhooks, the endpoint, Rotate secret."
    person.opens("Webhooks").opens(host_of(endpoint)).presses("Rotate secret").presses("Rotate secret")
    rotated = person.page.one("textbox", "Secret").attributes["value"]
    person.opens("Send test event").presses("Send")
    last = endpoint.arrived[-1]
    assert (verify_signature(last, rotated), verify_signature(last, secret)) == (True, False)


def test_trackelio(customers: Mapping[str, Customer]) -> None:
    trackelio = customers["trackelio"]
    endpoint = trackelio.deployment.endpoints.open(Answer(), Answer(status=500, body=b"no such post"))
    person = trackelio.looks_at_its_pages(product="on the pages").opens("New webhook")
    # "URL — The HTTP endpoint that will receive the POST requests." "Events — An array of event types …"
    person.fills_in("URL", endpoint.url).picks("post.created", among="Events").presses("Create webhook").opens("Done")
    # "Active toggle — Enable or disable the endpoint without deleting it. Useful for temporarily pausing deliveries"
    person.presses("Active", role="switch").sees("Paused")
    settle()
    trackelio.happens("post.created", POST | {"id": "while it was off"}, product="on the pages")
    person.presses("Active", role="switch").sees("Switched on.")
    settle()
    trackelio.happens("post.created", POST, product="on the pages")
    assert b"post_1" in endpoint.wait(1)[0].body
    trackelio.happens("post.created", POST | {"id": "post_2"}, product="on the pages")
    # "Failure count — A running count of consecutive failures for each endpoint."
    endpoint.wait(4)
    until(
        lambda: int(person.opens("Webhooks").opens(host_of(endpoint)).fact("Failure count")) >= 3,
        within_s=20,
        missing=lambda: person.page.visible,
    )
    # "Use the delivery log to diagnose issues with your integration. If an endpoint is consistently failing, check the
    # status codes and response bodies for error details."
    failed, fine = person.opens("Delivery log").rows("Deliveries")
    assert (failed["Status code"][:3], fine["Status code"][:3]) == ("500", "200")
    person.opens("post.created").opens("Try 1").sees("no such post", region="Answer")


def test_convo(customers: Mapping[str, Customer]) -> None:
    convo = customers["convo"]
    endpoint = convo.deployment.endpoints.open(Answer(status=500))
    person = convo.looks_at_its_pages(product="on the pages").opens("New webhook")
    person.fills_in("Endpoint URL", endpoint.url).picks("transcript.ready", among="Event types")
    # "Store data.secret securely — it's only shown once"
    person.presses("Create webhook").opens("Done")
    # "To update a webhook's URL or events, delete the existing webhook and create a new one."
    person.sees("This webhook cannot be changed. Delete it and create a new one.")
    assert not person.page.find("link", "Change")
    settle()
    # "Delivery is fire-and-forget — failed deliveries are not retried."
    convo.happens("transcript.ready", {"conversationId": "c", "segmentCount": 1}, product="on the pages")
    once(person, "Log", lambda on: bool(on.page.find("table", "Deliveries")))
    person.opens("transcript.ready").sees("Not accepted. It is tried once only.", region="What happened")
    assert len(endpoint.arrived) == 1


def test_featurebase(customers: Mapping[str, Customer]) -> None:
    featurebase = customers["featurebase"]
    endpoint = featurebase.deployment.endpoints.open()
    # "secret: string — Webhook signing secret for verifying payloads": readable at any time.
    person = featurebase.looks_at_its_pages(product="on the pages").opens("New webhook")
    person.fills_in("Endpoint URL", endpoint.url).fills_in("Name", "Roadmap").presses("Create webhook")
    secret = person.page.one("textbox", "Secret").attributes["value"]
    person.opens("Done").sees(secret, region="Signing secret")
    # "Refresh webhook signing secret"
    person.presses("Rotate secret").presses("Rotate secret")
    refreshed = person.page.one("textbox", "Secret").attributes["value"]
    assert refreshed != secret
    # "status: "active" or "paused" or "suspended""
    person.opens("Done").presses("Active", role="switch").sees("Paused")
    # "Delete a webhook"
    person.opens("Delete").presses("Delete webhook").sees("No webhooks yet")
