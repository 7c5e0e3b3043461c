"""Who changed a webhook, and when: of the audit log, to whom the API tells it."""

from dataclasses import replace

from consumer.control.audit import Deed, record_of
from consumer.control.keys import Scope
from tests.html import Page
from tests.memory_portal import Browser, MemoryPortal, webhook

DONE = Deed(id="d", at_ms=0, tenant="acme", brand="hookline", by="operator", action="pauseWebhook")
HOSTILE = "<script>alert(1)</script>\u202e\x00"


def done(portal: MemoryPortal, *deeds: Deed) -> None:
    for each in deeds:
        portal.api.topics.audit.write(record_of("audit", each))


def told(page: Page) -> list[tuple[str, str]]:
    rows = [row.all("td") for row in page.one("table", "Activity").all("tr")[1:]]
    return [(did.text, by.text) for did, by, _ in rows]


def test_it_tells_what_was_done_to_this_webhook_and_by_whom(portal: MemoryPortal) -> None:
    key, text = portal.api.key(*Scope)
    client = portal.api.bearing(text)
    id_ = client.post("/v1/webhooks", json={"url": "https://example.com/in", "name": "n"}).json()["id"]
    client.patch(f"/v1/webhooks/{id_}", json={"name": "new", "description": "d"})
    named, text = portal.api.key(*Scope)
    portal.api.write_key(replace(named, name="Deployment"))
    client = portal.api.bearing(text)
    full: dict[str, object] = {
        "name": "n",
        "description": "d",
        "topics": ["*"],
        "filter": None,
        "metadata": {},
        "payloadFormat": "raw",
    }
    assert client.patch(f"/v1/webhooks/{id_}", json=full).status_code == 200
    other = webhook(portal)
    browser = portal.enter(*Scope, user="Ada")
    browser.submit(browser.page(f"webhooks/{id_}"), f"webhooks/{id_}/pause")
    done(
        portal,
        replace(DONE, target=id_, by="command:root@host", action="importWebhook"),
        replace(DONE, target=id_, by="link:pl_1", action="somethingNew"),
        replace(DONE, target=id_, by="link:pl_1", user=HOSTILE, fields=(HOSTILE,)),
        replace(DONE, target=other),
        replace(DONE, target=id_, tenant="other"),
        replace(DONE, target=id_, brand="conclude"),
    )
    link = browser.page(f"webhooks/{id_}").one("link", "Activity").attributes["href"]
    assert told(browser.page(link.removeprefix(f"{browser.base}/"))) == [
        ("Paused<script>alert(1)</script>[U+202E]␀", "<script>alert(1)</script>[U+202E]␀, on these pages"),
        ("somethingNew", "Somebody on these pages"),
        ("Imported", "The operator"),
        ("Paused", "Ada, on these pages"),
        ("Changeddescription, filter, metadata, name and 2 more", "The API key Deployment"),
        ("Changeddescription, name", f"The API key {key.id}"),
        ("Createdname, url", f"The API key {key.id}"),
    ]


def test_it_goes_on_page_by_page_and_says_what_is_not_there(portal: MemoryPortal) -> None:
    id_, browser = webhook(portal), portal.enter(*Scope)
    portal.api.topics.audit.records.clear()
    assert "Nothing is listed" in browser.page(f"webhooks/{id_}/activity").visible
    done(portal, *(replace(DONE, target=id_) for _ in range(25)))
    first = browser.page(f"webhooks/{id_}/activity")
    assert len(told(first)) == 20
    after = first.one("link", "Next").attributes["href"].removeprefix(f"{browser.base}/")
    following = browser.page(after)
    assert len(told(following)) == 5
    assert following.one("link", "First page").attributes["href"] == f"{browser.base}/webhooks/{id_}/activity"
    others = webhook(portal)
    assert browser.get(after.replace(id_, others)).status_code == 303, "its cursor is of another webhook"


def test_who_administers_no_keys_is_not_told_of_them(portal: MemoryPortal) -> None:
    id_ = webhook(portal, product="shop")
    for browser in (portal.enter(), portal.enter(Scope.READ, Scope.WRITE, Scope.REPLAY, Scope.BODIES)):
        assert not browser.page(f"webhooks/{id_}").find("link", "Activity")
        assert browser.get(f"webhooks/{id_}/activity").status_code == 403
    narrow: Browser = portal.enter(*Scope, product="shop")
    assert told(narrow.page(f"webhooks/{id_}/activity")) == [("Createdproduct, url", "An API key")]
