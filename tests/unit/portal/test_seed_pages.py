"""What the companies' own pages tell their customers to do, done on the pages here, by the words on those pages.

Each quotation stands above what shows it. The rest of those pages is in tests/acceptance/seeds/.
"""

from msgspec import structs

from consumer.log.health import Health, LastStatus
from tests.attempts import plain
from tests.memory_log import BEGAN_MS
from tests.memory_portal import MemoryPortal
from tests.person import Person


def a_customer_of(brand: str) -> tuple[MemoryPortal, Person]:
    portal = MemoryPortal(brands=("hookline", brand))
    return portal, Person(portal.enter(brand=brand))


def their_webhook(portal: MemoryPortal, person: Person) -> str:
    """The id of the webhook whose page is looked at."""
    path = next(each for each in person.page.all("form") if each.attributes["action"].endswith(("/pause", "/rotate")))
    return path.attributes["action"].split("/webhooks/")[1].split("/")[0]


def test_conclude_setting_up_a_webhook() -> None:
    portal, person = a_customer_of("conclude")
    # "Go to product Settings. Open the Webhooks tab. Click Add webhook."
    person.opens("Webhooks").opens("Add webhook")
    # "Destination URL — your endpoint."
    person.fills_in("Destination URL", "https://hooks.acme.example/in")
    # "Secret — Conclude generates one. Use it to verify signatures."
    assert person.page.find("radio", "Generate a secret")
    assert not person.page.find("textbox", "Own secret")
    # "Events — pick which events to subscribe to."
    person.picks("feedback.created", "roadmap.shipped", among="Events")
    # "The data shape varies by event — see the inline payload preview when you set up the webhook."
    person.sees('"workspace_id"', region="Preview")
    # "Save."
    person.presses("Save")
    assert person.page.h1 == "Keep this secret"
    assert person.page.one("textbox", "Secret").attributes["value"].startswith("whsec_")
    # "Conclude immediately sends a webhook.test event to confirm the endpoint reachable."
    person.sees("Accepted", "200", "thanks", region="The test event that was sent to it")
    assert [type_ for _, type_ in portal.api.plane.tried] == ["webhook.test"]
    person.opens("Done").sees("feedback.created", "roadmap.shipped", region="Settings")


def test_conclude_webhooks_log() -> None:
    portal, person = a_customer_of("conclude")
    person.opens("Add webhook").fills_in("Destination URL", "https://hooks.acme.example/in")
    person.picks("feedback.created", among="Events").presses("Save").opens("Done")
    body = b'{"event":"feedback.created","data":{"id":"fb_1"}}'
    portal.api.log.add(
        structs.replace(
            plain, brand="conclude", subscription_id=their_webhook(portal, person), event_type="feedback.created",
            request_body=body, status=503, outcome="retry", next_tier="5m",
        )
    )  # fmt: skip
    # "Every webhook delivery is logged with status, timestamp, request body, and response code."
    person.opens("Webhooks log")
    assert person.page.h1 == "Webhooks log"
    [row] = person.rows("Deliveries")
    assert (row["Status"], row["Event type"]) == ("Retrying", "feedback.created")
    assert row["Answer"].startswith("503 Service Unavailable")
    assert "UTC" in row["Time"]
    # "You can replay any delivery manually from the Webhooks log."
    person.opens("feedback.created").presses("Replay").sees("It is sent again")
    # "Use the log to debug failures or to replay events."
    person.opens("Webhooks log").opens("feedback.created").opens("Try 1")
    person.sees("The server in front could not reach", region="Why it failed")
    person.sees('"fb_1"', region="Request").sees("503", region="Answer")


def test_mintlify_steps() -> None:
    portal, person = a_customer_of("mintlify")
    # "Go to Integrations → Webhooks → Add endpoint. Enter your HTTPS URL."
    person.opens("Webhooks").opens("Add endpoint").fills_in("HTTPS URL", "https://hooks.acme.example/in")
    # "Add an optional description to remind yourself what this endpoint is for. Click Create."
    person.fills_in("Description", "Rebuilds the search.").presses("Create")
    # "Your endpoint secret is shown once at creation time—save it securely."
    assert person.page.find("textbox", "Secret")
    person.opens("Done").sees("The secret was shown when it was made.", region="Signing secret")
    id_ = their_webhook(portal, person)
    # "After creating the endpoint, open it and click Add events. Choose the event types you want this endpoint to
    # receive. You can subscribe to all events or select individual types."
    person.opens("Webhooks").opens("hooks.acme.example").opens("Add events")
    assert person.page.find("checkbox", "All event types")
    chosen = "webhook.suspended"
    person.picks(chosen, among="Event types").presses("Save changes").sees(chosen, region="Settings")
    # "Every webhook request includes an X-Signature-256 header"
    person.opens("Change").sees("X-Signature-256: sha256=", region="Preview").opens("Cancel")
    # "From the endpoint detail page, click Send test event. Select an event type and click Send. The platform delivers
    # a sample payload to your endpoint and shows the response status and body in the test log."
    person.opens("Send test event").fills_in("Event type", chosen).presses("Send").sees(
        "200", "thanks", region="Result"
    )
    assert portal.api.plane.tried[-1] == (id_, chosen)
    tested = structs.replace(plain, brand="mintlify", subscription_id=id_, event_type=chosen, trigger="test")
    portal.api.log.add(tested)
    person.presses("Send")
    [row] = person.rows("Test log")
    assert (row["Event type"], row["Answer"]) == (chosen, "200 OK")
    # "Rotate it immediately if it is compromised … Integrations, Webhooks, the endpoint, Rotate secret."
    person.opens("Webhooks").opens("hooks.acme.example").presses("Rotate secret")
    assert person.page.find("button", "Rotate secret")


def test_trackelio_settings_and_delivery_log() -> None:
    portal, person = a_customer_of("trackelio")
    # "URL — The HTTP endpoint that will receive the POST requests."
    person.opens("New webhook").fills_in("URL", "https://hooks.acme.example/in")
    # "Events — An array of event types this endpoint should receive. You can subscribe to one or more events"
    person.picks("post.created", "nps.submitted", among="Events")
    # "Secret — A secret key used to sign payloads with HMAC-SHA256." "the secret you configure for the endpoint"
    assert person.page.find("radio", "Use my own")
    person.presses("Create webhook").opens("Done")
    id_ = their_webhook(portal, person)
    # "Active toggle — Enable or disable the endpoint without deleting it. Useful for temporarily pausing deliveries"
    assert person.page.one("switch", "Active").attributes["aria-checked"] == "true"
    person.presses("Active", role="switch").sees("Paused")
    assert person.page.one("switch", "Active").attributes["aria-checked"] == "false"
    person.presses("Active", role="switch").sees("Active")
    # "Trackelio tracks the result of every webhook delivery, including: Status code — The HTTP status code returned by
    # your endpoint. Response body — The body of the response from your endpoint."
    portal.api.log.add(
        structs.replace(
            plain, brand="trackelio", subscription_id=id_, event_type="post.created", status=500, outcome="retry",
            next_tier="5m", response_body=b"no such post",
        )
    )  # fmt: skip
    # "Failure count — A running count of consecutive failures for each endpoint."
    portal.api.healths.known[id_] = Health(
        consecutive_failures=3,
        errors_since_last_success=3,
        last_status=LastStatus(code=500, message="", at_ms=BEGAN_MS),
        last_attempt_at_ms=BEGAN_MS,
    )
    person.opens("Webhooks").opens("hooks.acme.example")
    assert person.fact("Failure count") == "3"
    # "Use the delivery log to diagnose issues with your integration. If an endpoint is consistently failing, check the
    # status codes and response bodies for error details."
    person.opens("Delivery log")
    assert person.page.h1 == "Delivery log"
    [row] = person.rows("Deliveries")
    assert row["Status code"].startswith("500 Internal Server Error")
    person.opens("post.created").opens("Try 1").sees("no such post", region="Answer")


def test_convo_has_one_attempt_and_changes_nothing() -> None:
    portal, person = a_customer_of("convo")
    person.opens("New webhook").fills_in("Endpoint URL", "https://hooks.acme.example/in").presses("Create webhook")
    # "Store data.secret securely — it's only shown once"
    person.opens("Done")
    # "To update a webhook's URL or events, delete the existing webhook and create a new one."
    person.sees("This webhook cannot be changed. Delete it and create a new one.")
    assert not person.page.find("link", "Change")
    assert not person.page.find("link", "Change event types")
    id_ = next(each for each in person.page.all("a") if each.text == "Delete").attributes["href"].split("/")[-2]
    # "Delivery is fire-and-forget — failed deliveries are not retried."
    person.sees("One attempt only", region="Settings")
    portal.api.log.add(
        structs.replace(plain, brand="convo", subscription_id=id_, status=500, outcome="dead", reason="retries_none")
    )
    [row] = person.opens("Log").rows("Deliveries")
    assert "Tries" not in row
    person.opens(row["Event type"])
    assert "tries" not in person.page.visible.lower().replace("entries", "")
    person.sees("Not accepted. It is tried once only.", region="What happened")
