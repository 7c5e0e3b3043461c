"""What forms do: once, only when a page of the session sent them, and with what was typed kept."""

from dataclasses import replace

import pytest

from consumer.control.audit import decode
from consumer.control.trial import Trial
from consumer.shares import Busy
from consumer.webhooks.subscription import Status
from consumer.webhooks.wrong import Code, invalid
from tests.html import Page, read
from tests.memory_api import OWNER
from tests.memory_portal import NAVIGATED, Browser, MemoryPortal, webhook

URL = "https://example.com/hook"


def listed(portal: MemoryPortal) -> list[dict[str, object]]:
    return list(portal.api.client().get("/v1/webhooks").json()["data"])


def test_the_form_of_a_new_webhook(browser: Browser) -> None:
    page = browser.page("webhooks/new")
    assert page.h1 == "New webhook"
    for role, name in [
        ("textbox", "Endpoint URL"),
        ("textbox", "Name"),
        ("textbox", "Description"),
        ("group", "Event types"),
        ("checkbox", "All event types"),
        ("checkbox", "order.paid"),
        ("searchbox", "Find event types"),
        ("textbox", "Other event types"),
        ("group", "Secret"),
        ("radio", "Generate a secret"),
        ("radio", "Use my own"),
        ("textbox", "Own secret"),
        ("group", "More"),
        ("spinbutton", "Timeout in seconds"),
        ("textbox", "Filter"),
        ("combobox", "Payload"),
        ("combobox", "Signing"),
        ("spinbutton", "Requests a second"),
        ("spinbutton", "Requests at once"),
        ("textbox", "Header name"),
        ("textbox", "Header value"),
        ("region", "Preview"),
        ("combobox", "Sample event"),
        ("button", "Create webhook"),
        ("link", "Cancel"),
    ]:
        page.one(role, name)


def test_a_webhook_is_created_and_its_secret_shown_once(portal: MemoryPortal, browser: Browser) -> None:
    form = browser.page("webhooks/new")
    fields: dict[str, str | list[str]] = {
        "url": URL,
        "name": "Billing",
        "type": ["order.paid", "order.sent"],
        "others": "invoice.*, a.b",
    }
    answer = browser.submit(form, "webhooks/new", fields)
    page = read(answer.text)
    assert (answer.status_code, page.h1) == (200, "Keep this secret")
    secret = page.one("textbox", "Secret").attributes
    assert secret["value"].startswith("whsec_")
    assert "readonly" in secret
    page.one("checkbox", "I have stored the secret")
    page.one("button", "Copy secret")
    page.one("link", "Send a test event")
    made = listed(portal)[0]
    assert (made["name"], made["topics"]) == ("Billing", ["order.paid", "order.sent", "invoice.*", "a.b"])
    again = browser.submit(form, "webhooks/new", fields)
    assert (again.status_code, again.headers["location"]) == (303, f"{browser.base}/webhooks/{made['id']}/secret")
    assert len(listed(portal)) == 1
    shown = browser.page(f"webhooks/{made['id']}/secret")
    assert "The secret was shown once. If it is lost, make a new one." in shown.visible
    assert secret["value"] not in shown.raw
    assert page.one("link", "Done").attributes["href"] == f"{browser.base}/webhooks/{made['id']}"


def test_everything_that_may_be_said_of_a_webhook(portal: MemoryPortal, browser: Browser) -> None:
    fields: dict[str, str | list[str]] = {
        "url": URL,
        "name": "n",
        "description": "one\r\ntwo",
        "every": "1",
        "own": "own",
        "timeout_s": "2.5",
        "secret": "whsec_" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz",
        "payload": "cloudevents",
        "signing": "standard",
        "rate": "0.5",
        "concurrency": "3",
        "filter": '{"amount": [1]}',
        "header_name": ["X-A", ""],
        "header_value": ["v", ""],
    }
    answer = browser.submit(browser.page("webhooks/new"), "webhooks/new", fields)
    assert read(answer.text).one("textbox", "Secret").attributes["value"] == fields["secret"]
    made = listed(portal)[0]
    assert made["description"] == "one\ntwo"
    assert made["topics"] == ["*"]
    assert made["requestConfig"] == {"timeoutMs": 2_500, "headers": {"X-A": "[hidden]"}}
    assert (made["rateLimit"], made["maxConcurrency"], made["filter"]) == (0.5, 3, {"amount": [1]})
    assert made["payloadFormat"] == "cloudevents"


def test_what_is_wrong_is_told_at_its_field_and_nothing_typed_is_lost(portal: MemoryPortal, browser: Browser) -> None:
    fields: dict[str, str | list[str]] = {
        "url": "ftp://example.com",
        "name": "kept",
        "was_every": "",
        "every": [],
        "timeout_s": "99",
        "rate": "many",
        "concurrency": "1.5",
        "filter": "{",
        "payload": "none",
        "signing": "none",
        "own": "own",
        "secret": "",
        "header_name": ["Host", "Host"],
        "header_value": ["kept too", "b"],
    }
    answer = browser.submit(browser.page("webhooks/new"), "webhooks/new", fields)
    page = read(answer.text)
    assert answer.status_code == 422
    assert listed(portal) == []
    alert = page.find("alert")[0]
    told = {each.attributes["href"][1:] for each in alert.all("a")}
    assert told == {
        "url",
        "event_types",
        "timeout_ms",
        "rate_per_s",
        "max_concurrency",
        "filter",
        "payload_format",
        "signing",
        "secret",
        "headers",
    }
    for field in told:
        assert page.by_id(field).tag
        assert page.by_id(f"wrong-{field}").text
    for field in told - {"event_types", "headers"}:
        assert page.by_id(field).attributes["aria-invalid"] == "true"
        assert f"wrong-{field}" in page.by_id(field).attributes["aria-describedby"]
    kept = page.form(f"{browser.base}/webhooks/new")
    assert (kept["url"], kept["name"], kept["header_value"]) == ("ftp://example.com", "kept", ["kept too", "b", ""])
    assert "open" in next(each for each in page.all("details")).attributes


def test_where_a_host_is_is_asked_too(portal: MemoryPortal, browser: Browser) -> None:
    def refuse(_url: str) -> None:
        raise invalid("url", Code.NOT_PUBLIC, "must have a host that resolves")

    portal.api.check = refuse
    answer = browser.submit(browser.page("webhooks/new"), "webhooks/new", {"url": URL})
    assert answer.status_code == 422
    assert "must have a host that resolves" in read(answer.text).visible


def test_a_preview_is_what_is_sent_and_makes_nothing(portal: MemoryPortal, browser: Browser) -> None:
    page = browser.page("webhooks/new")
    fields = {"url": URL, "payload": "raw", "sample": "order.sent", "draft": "1", "filter": '{"total": [1]}'}
    drawn = read(browser.submit(page, "webhooks/new", fields).text)
    preview = drawn.one("region", "Preview")
    assert '"tracking": "https://tracking.example.com/42"' in preview.raw
    assert "webhook-signature" in preview.text
    assert "The filter stops this sample." in preview.text
    assert "$.total" in preview.text
    assert listed(portal) == []
    assert drawn.form(f"{browser.base}/webhooks/new")["url"] == URL
    claimed = [each for each in portal.api.topics.state.records if not (each.key or b"").startswith(b"key:")]
    assert claimed == [], "a look at a form claims nothing"


def test_a_draft_says_what_cannot_be_and_shows_what_can(portal: MemoryPortal, browser: Browser) -> None:
    form = browser.page("webhooks/new")
    blank = browser.submit(form, "webhooks/new", {"draft": "1", "url": ""})
    assert (blank.status_code, read(blank.text).find("alert")) == (200, [])
    wrong = browser.submit(form, "webhooks/new", {"draft": "1", "url": "http://a.example.com/", "rate": "-1"})
    page = read(wrong.text)
    assert [each.attributes["href"] for each in page.find("alert")[0].all("a")] == ["#url", "#rate_per_s"]
    assert "https" in page.by_id("wrong-url").text
    assert not portal.api.checked, "no name is looked up for a draft"
    only_the_address = browser.submit(form, "webhooks/new", {"draft": "1", "url": "http://a.example.com/"})
    assert "webhook-signature" in read(only_the_address.text).by_id("previewed").text
    id_ = webhook(portal)
    edit = f"webhooks/{id_}/edit"
    changed = browser.submit(browser.page(edit), edit, {"draft": "1", "url": "nonsense"})
    assert read(changed.text).by_id("wrong-url").text
    assert listed(portal)[0]["url"] != "nonsense"


def test_a_webhook_is_changed(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal, name="old", requestConfig={"headers": {"X-Team": "s3cret"}}, topics=["order.paid", "x.*"])
    page = browser.page(f"webhooks/{id_}/edit")
    assert page.h1 == "Change webhook"
    assert page.find("button", "Save changes")
    assert "s3cret" not in page.raw
    form = page.form(f"{browser.base}/webhooks/{id_}/edit")
    assert (form["type"], form["others"], form["header_value"]) == ("order.paid", "x.*", ["[hidden]", ""])
    answer = browser.submit(page, f"webhooks/{id_}/edit", {"name": "new"})
    assert answer.headers["location"] == f"{browser.base}/webhooks/{id_}?done=saved"
    assert browser.page(f"webhooks/{id_}?done=saved").one("status", "Notices").text == "Saved."
    made = listed(portal)[0]
    assert (made["name"], made["topics"]) == ("new", ["order.paid", "x.*"])
    assert made["requestConfig"]["headers"] == {"X-Team": "[hidden]"}  # type: ignore[index] # it is an object
    late = browser.submit(page, f"webhooks/{id_}/edit", {"name": "later", "once": "b" * 32})
    assert late.status_code == 412
    assert listed(portal)[0]["name"] == "new"


def test_all_types_again(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal, topics=["order.paid"])
    page = browser.page(f"webhooks/{id_}/edit")
    browser.submit(page, f"webhooks/{id_}/edit", {"every": "1"})
    assert listed(portal)[0]["topics"] == ["*"]


def test_a_webhook_is_paused_and_resumed(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal)
    browser.submit(browser.page(f"webhooks/{id_}"), f"webhooks/{id_}/pause")
    assert listed(portal)[0]["status"] == "paused"
    page = browser.page(f"webhooks/{id_}")
    assert page.one("switch", "Active").attributes["aria-checked"] == "false"
    browser.submit(page, f"webhooks/{id_}/resume")
    assert listed(portal)[0]["status"] == "active"


def test_a_suspended_webhook_is_resumed_where_what_is_wrong_is_told(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal)
    store = portal.api.plane.webhooks._store
    was = portal.api.plane.webhooks.get(OWNER, id_)
    store.write(replace(was, status=Status.SUSPENDED, changes=was.revision, revision=was.revision + 1))
    page = browser.page(f"webhooks/{id_}")
    assert "Suspended" in page.one("region", "What is wrong").text
    assert not page.find("switch")
    page.one("button", "Resume")
    browser.submit(page, f"webhooks/{id_}/resume")
    assert listed(portal)[0]["status"] == "active"


def test_a_secret_is_rotated(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal)
    page = browser.page(f"webhooks/{id_}/rotate")
    assert page.h1 == "Make a new secret?"
    bad = browser.submit(page, f"webhooks/{id_}/rotate", {"hours": "soon"})
    assert bad.status_code == 422
    assert read(bad.text).by_id("overlap_seconds").attributes["aria-invalid"] == "true"
    too_long = browser.submit(page, f"webhooks/{id_}/rotate", {"hours": "99999", "once": "c" * 32})
    assert too_long.status_code == 422
    answer = browser.submit(page, f"webhooks/{id_}/rotate", {"once": "d" * 32})
    shown = read(answer.text)
    assert shown.one("textbox", "Secret").attributes["value"].startswith("whsec_")
    assert "The former secret signs beside the new one" in shown.visible
    assert "Former secret" in browser.page(f"webhooks/{id_}").one("region", "Signing secret").text


def test_a_webhook_is_deleted_after_a_question(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal, name="Billing")
    page = browser.page(f"webhooks/{id_}/delete")
    assert page.h1 == "Delete this webhook?"
    assert "Billing" in page.visible
    page.one("button", "Delete webhook")
    page.one("link", "Cancel")
    answer = browser.submit(page, f"webhooks/{id_}/delete")
    assert answer.headers["location"] == f"{browser.base}/webhooks?done=deleted"
    assert listed(portal) == []
    assert browser.submit(page, f"webhooks/{id_}/delete").headers["location"].endswith("webhooks?done=deleted")
    assert browser.get(f"webhooks/{id_}").status_code == 404


def test_a_test_event_and_its_result(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal, topics=["order.paid"])
    page = browser.page(f"webhooks/{id_}/test")
    assert page.h1 == "Send a test event"
    assert page.one("combobox", "Event type").attributes["value"] == "order.paid"
    assert '"order": 42' in page.one("textbox", "Data").raw
    page.one("region", "Test log")
    answer = browser.submit(page, f"webhooks/{id_}/test", {"data": '{"order": 7}'})
    result = read(answer.text).one("region", "Result")
    assert (answer.status_code, "200 OK" in result.text, "thanks" in result.text) == (200, True, True)
    assert portal.api.plane.tried == [(id_, "order.paid")]
    assert portal.api.plane.data == b'{"order": 7}'
    browser.submit(page, f"webhooks/{id_}/test", {"data": '{"order": 7}'})
    assert len(portal.api.plane.tried) == 1, "a form is done once"


def test_a_test_of_another_type_has_that_types_sample(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal)
    page = browser.page(f"webhooks/{id_}/test", type="order.paid")
    browser.submit(page, f"webhooks/{id_}/test", {"type": "user.created"})
    assert (portal.api.plane.tried, portal.api.plane.data) == ([(id_, "user.created")], None)
    drawn = read(browser.submit(page, f"webhooks/{id_}/test", {"type": "user.created", "draft": "1"}).text)
    assert "ada@example.com" in drawn.one("textbox", "Data").raw
    assert len(portal.api.plane.tried) == 1


@pytest.mark.parametrize("data", ["{", "[1]", '{"a":1', "x" * 70_000])
def test_data_that_cannot_be_is_told_and_kept(portal: MemoryPortal, browser: Browser, data: str) -> None:
    id_ = webhook(portal)
    answer = browser.submit(browser.page(f"webhooks/{id_}/test"), f"webhooks/{id_}/test", {"data": data})
    page = read(answer.text)
    assert answer.status_code == 422
    assert portal.api.plane.tried == []
    assert page.by_id("data").attributes["aria-invalid"] == "true"
    assert data in page.by_id("data").raw


def test_a_test_that_fails_says_why(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal)

    def fails(_webhook: object, event_type: str) -> Trial:
        return Trial(
            event_id="t",
            event_type=event_type,
            status=None,
            body=b"",
            truncated=False,
            error="x",
            elapsed_ms=0.0,
            failure="dns",
        )

    portal.api.plane.trial = fails
    result = read(browser.submit(browser.page(f"webhooks/{id_}/test"), f"webhooks/{id_}/test").text).one(
        "region", "Result"
    )
    assert "Not accepted" in result.text
    assert "The host has no public address" in result.text
    assert result.all("li")

    def busy(_webhook: object, _type: str) -> Trial:
        raise Busy("2 test events", own=True, retry_after_s=2)

    portal.api.plane.trial = busy
    answer = browser.submit(browser.page(f"webhooks/{id_}/test"), f"webhooks/{id_}/test")
    assert answer.status_code == 429
    assert "wait for one of them" in read(answer.text).visible


def test_nothing_is_done_that_no_page_of_ours_sent(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal)
    page: Page = browser.page(f"webhooks/{id_}/delete")
    form = page.form(f"{browser.base}/webhooks/{id_}/delete")
    path = f"{browser.base}/webhooks/{id_}/delete"
    post = browser.client.post
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://pages.example.com"},
    ):
        assert post(path, data=form, headers=headers).status_code == 403, headers
    for token in ("", "nonsense", str(form["token"])[:-1]):
        assert post(path, data=form | {"token": token}, headers=NAVIGATED).status_code == 403
    assert post(path, data=form | {"once": ""}, headers=NAVIGATED).status_code == 400
    assert post(path, json={}, headers=NAVIGATED).status_code == 415
    many = "&".join(["a=b"] * 501)
    typed = NAVIGATED | {"Content-Type": "application/x-www-form-urlencoded"}
    assert post(path, content=many, headers=typed).status_code == 413
    assert len(listed(portal)) == 1
    assert (
        post(path, data=form, headers={"Origin": "https://pages.example.com"}, follow_redirects=False).status_code
        == 303
    )


def test_what_is_done_on_a_page_is_in_the_audit_log_once_with_the_link_and_the_user() -> None:
    portal = MemoryPortal()
    id_ = webhook(portal)
    portal.api.topics.audit.records.clear()
    browser = portal.enter(user="ann")
    page = browser.page(f"webhooks/{id_}")
    for _ in range(2):  # a button that is pressed twice
        browser.submit(page, f"webhooks/{id_}/pause")
    [record] = portal.api.topics.audit.records
    deed = decode(record.value or b"")
    assert (deed.action, deed.target, deed.user, deed.fields) == ("pauseWebhook", id_, "ann", ())
    assert deed.by.startswith("link:")
    made = browser.submit(
        browser.page("webhooks/new"), "webhooks/new", {"url": "https://example.com/new", "every": "1"}
    )
    assert made.status_code == 200
    latest = decode(portal.api.topics.audit.records[-1].value or b"")
    assert (latest.action, latest.made in made.text) == ("createWebhook", True)
