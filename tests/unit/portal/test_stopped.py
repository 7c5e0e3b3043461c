"""Keys that stopped: what the pages tell of them, and what becomes of a decision."""

import time

from msgspec import structs

from consumer.control.keys import Scope
from consumer.delivery.delivery import Attempt
from consumer.standings.store import Backlog
from consumer.webhooks.cache import CacheUnavailable
from consumer.webhooks.subscription import Unblock
from tests.attempts import plain
from tests.html import read
from tests.memory_api import OWNER
from tests.memory_portal import Browser, MemoryPortal, webhook

REGION = "Keys that stopped"


def stopped_one(portal: MemoryPortal, keys: int = 2) -> str:
    """An ordered webhook of which so many keys have stopped, as its log tells."""
    id_ = webhook(portal, ordering="data.order", onFailure="block", name="Ordered")
    portal.api.backlogs.known[id_] = Backlog(blocked=keys)
    for number in range(keys):
        portal.api.log.add(dead(id_, event_type=f"order.{number}"), at_ms=time.time_ns() // 1_000_000 + number)
    return id_


def dead(webhook_id: str, **fields: object) -> Attempt:
    told = {"subscription_id": webhook_id, "status": 500, "outcome": "dead", "reason": "blocked", "elapsed_ms": 3.0}
    return structs.replace(plain, **{**told, **fields})


def said(portal: MemoryPortal, id_: str) -> list[tuple[bool, str]]:
    portal.api.plane.fresh()
    unblocks: tuple[Unblock, ...] = portal.api.plane.webhooks.get(OWNER, id_).unblocks
    return [(each.drop, each.delivery_id) for each in unblocks]


def test_keys_that_stopped_stand_where_they_are_looked_for(portal: MemoryPortal, browser: Browser) -> None:
    id_ = stopped_one(portal)
    webhook(portal, name="Without an order")
    rows = browser.page("webhooks").one("table", "Webhooks").all("tr")[1:]
    told = {row.all("a")[0].text: row.all("td")[1].text for row in rows}
    assert told == {"Ordered": "Active Keys stopped", "Without an order": "Active"}
    region = browser.page(f"webhooks/{id_}").one("region", REGION)
    assert "2 keys have stopped: nothing of them is sent." in region.text
    assert [row.all("a")[0].text for row in region.all("tr")[1:]] == ["order.1", "order.0"]
    assert region.all("a")[0].attributes["href"].endswith(f"log?webhook={id_}&reason=blocked")
    settings = browser.page(f"webhooks/{id_}").one("region", "Settings")
    assert "A key stops with a delivery that is given up" in settings.text


def test_one_is_tried_again_and_the_rest_dropped(portal: MemoryPortal, browser: Browser) -> None:
    id_ = stopped_one(portal)
    first = portal.api.log.attempts[0].delivery_id
    path = f"webhooks/{id_}/unblock"
    page = browser.page(f"webhooks/{id_}")
    retry = page.one("button", "Try order.0 again")
    form = next(each for each in page.all("form") if retry in each.all("button"))
    fields = {each.attributes["name"]: each.attributes["value"] for each in form.all("input")}
    answer = browser.post(path, dict(fields))
    assert answer.headers["location"].endswith(f"webhooks/{id_}?done=unblocked_retry")
    assert said(portal, id_) == [(False, first)]
    page = browser.page(f"webhooks/{id_}", done="unblocked_retry")
    assert "It is tried again within seconds." in page.visible
    assert [row.all("a")[0].text for row in page.one("region", REGION).all("tr")[1:]] == ["order.1"]
    assert not page.find("button", "Try order.0 again")
    rest = browser.page(f"webhooks/{id_}").form(f"{browser.base}/{path}") | {"head": "drop", "delivery": ""}
    assert browser.post(path, rest).status_code == 303
    assert said(portal, id_) == [(True, "")]
    region = browser.page(f"webhooks/{id_}").one("region", REGION)
    assert "what you decided is being carried out" in region.text
    portal.api.backlogs.known[id_] = Backlog()
    assert not browser.page(f"webhooks/{id_}").find("region", REGION)


def test_its_own_page_asks_too(portal: MemoryPortal, browser: Browser) -> None:
    id_ = stopped_one(portal, keys=1)
    delivery = portal.api.log.attempts[0].delivery_id
    page = browser.page(f"webhooks/{id_}/deliveries/{delivery}")
    for name in ("Try it again", "Drop it"):
        page.one("button", name)
    form = page.form(f"{browser.base}/webhooks/{id_}/unblock")
    assert browser.post(f"webhooks/{id_}/unblock", form | {"head": "drop"}).status_code == 303
    assert said(portal, id_) == [(True, delivery)]
    page = browser.page(f"webhooks/{id_}/deliveries/{delivery}")
    assert not page.find("region", REGION)


def test_what_a_pause_let_go_of_is_not_asked_about(portal: MemoryPortal, browser: Browser) -> None:
    id_ = stopped_one(portal)
    portal.api.plane.fresh()
    portal.api.plane.webhooks.pause(OWNER, id_)
    assert not browser.page(f"webhooks/{id_}").find("region", REGION)
    portal.api.plane.fresh()
    resumed = portal.api.plane.webhooks.resume(OWNER, id_)
    portal.api.log.add(dead(id_, event_type="order.later"), at_ms=resumed.status_since_ms + 5)
    region = browser.page(f"webhooks/{id_}").one("region", REGION)
    assert [row.all("a")[0].text for row in region.all("tr")[1:]] == ["order.later"]


def test_what_cannot_be_read_is_not_made_up(portal: MemoryPortal, browser: Browser) -> None:
    id_ = stopped_one(portal)
    portal.api.backlogs.away = True
    assert "Keys have stopped:" in browser.page(f"webhooks/{id_}").one("region", REGION).text
    portal.api.backlogs.away = False
    portal.api.log.away = CacheUnavailable("gone")
    region = browser.page(f"webhooks/{id_}").one("region", REGION)
    assert "is not listed" in region.text
    portal.api.backlogs.away = True
    assert not browser.page(f"webhooks/{id_}").find("region", REGION)


def test_who_may_only_look_decides_nothing(portal: MemoryPortal) -> None:
    id_ = stopped_one(portal)
    reader = portal.enter(Scope.READ)
    region = reader.page(f"webhooks/{id_}").one("region", REGION)
    assert "2 keys have stopped" in region.text
    assert not region.all("form")


def test_a_decision_that_is_none_changes_nothing(portal: MemoryPortal, browser: Browser) -> None:
    id_ = stopped_one(portal)
    path = f"webhooks/{id_}/unblock"
    form = browser.page(f"webhooks/{id_}").form(f"{browser.base}/{path}")
    for number, (head, delivery, status) in enumerate(((" ", "", 400), ("drop", "<b>", 422))):
        answer = browser.post(path, form | {"head": head, "delivery": delivery, "once": str(number) * 32})
        assert (answer.status_code, read(answer.text).h1) == (status, "This did not work")
    assert said(portal, id_) == []


def test_an_order_is_asked_for_and_changed_on_the_form(portal: MemoryPortal, browser: Browser) -> None:
    page = browser.page("webhooks/new")
    fields: dict[str, str | list[str]] = {"url": "https://a.example.com/", "ordering": "order", "stops": "1"}
    refused = read(browser.submit(page, "webhooks/new", fields).text)
    assert refused.find("alert")[0].all("a")[0].attributes["href"] == "#ordering"
    assert refused.by_id("ordering").attributes["value"] == "order"
    browser.submit(refused, "webhooks/new", {"ordering": "data.order"})
    [made] = portal.api.client().get("/v1/webhooks").json()["data"]
    assert (made["ordering"], made["onFailure"]) == ("data.order", "block")
    edit = f"webhooks/{made['id']}/edit"
    form = browser.page(edit).form(f"{browser.base}/{edit}")
    assert (form["ordering"], form["stops"]) == ("data.order", "1")
    form.pop("stops")
    browser.post(edit, form | {"ordering": ""})
    [made] = portal.api.client().get("/v1/webhooks").json()["data"]
    assert (made["ordering"], made["onFailure"]) == ("none", "dead_letter")
