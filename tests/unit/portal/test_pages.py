"""Each page has the regions, roles and names that log-and-pages fixes."""

import base64
import re

import pytest
from msgspec import structs

from consumer.control.keys import Scope
from consumer.kafka.client import KafkaBroken
from consumer.log.health import Health, LastStatus
from consumer.portal.pills import Condition, condition
from consumer.portal.sparkline import sparkline
from consumer.portal.statistics import Day, Hour
from consumer.webhooks.cache import CacheUnavailable
from tests.attempts import plain
from tests.dead_letters import dead_letter
from tests.html import Page, read
from tests.memory_api import OWNER
from tests.memory_log import BEGAN_MS, DELIVERY
from tests.memory_portal import Browser, MemoryPortal, webhook

FAILING = Health(
    consecutive_failures=4,
    errors_since_last_success=4,
    last_status=LastStatus(code=503, message="Service Unavailable", at_ms=BEGAN_MS),
    failing_since_ms=BEGAN_MS,
    last_attempt_at_ms=BEGAN_MS,
)
WELL = Health(
    last_status=LastStatus(code=200, message="OK", at_ms=BEGAN_MS),
    last_success_at_ms=BEGAN_MS,
    last_attempt_at_ms=BEGAN_MS,
)


def names(page: Page, role: str) -> list[str]:
    return [page.name(each) for each in page.find(role)]


def test_what_is_on_every_page(browser: Browser) -> None:
    page = browser.page("webhooks")
    assert page.find("banner")
    assert page.find("main")
    main = page.one("navigation", "Main")
    assert [each.text for each in main.all("a")] == ["Webhooks", "Log", "Failed deliveries", "Jobs", "Event types"]
    assert next(each for each in main.all("a") if "aria-current" in each.attributes).text == "Webhooks"
    first = next(each for each in page.all() if each.role in {"link", "button", "textbox"} and each.tag != "link")
    assert (page.name(first), first.attributes["href"]) == ("Skip to content", "#main")
    page.one("button", "Keyboard shortcuts")
    theme, times = page.one("radiogroup", "Theme"), page.one("radiogroup", "Times")
    assert [each.text for each in theme.all("label")] == ["System", "Light", "Dark"]
    assert [each.text for each in times.all("label")] == ["Local", "UTC"]
    page.one("status", "Notices")
    assert page.all("html")[0].attributes["lang"] == "en"


def test_no_webhooks_yet(browser: Browser) -> None:
    page = browser.page("webhooks")
    assert page.h1 == "Webhooks"
    assert "No webhooks yet" in page.visible
    page.one("link", "New webhook")
    assert not page.find("table")


def test_the_list_of_webhooks(portal: MemoryPortal, browser: Browser) -> None:
    quiet, failing, well = webhook(portal), webhook(portal, name="Bad"), webhook(portal, name="Good")
    portal.api.healths.known |= {failing: FAILING, well: WELL}
    portal.statistics.known[well] = Day(hours=(Hour(),) * 23 + (Hour(delivered=1_203, failed=4, mean_ms=9.0),))
    portal.api.plane.webhooks.pause(OWNER, quiet)
    page = browser.page("webhooks")
    table = page.one("table", "Webhooks")
    columns = ["Webhook", "Status", "Health", "Last 24 hours", "Last request"]
    assert [each.text for each in table.all("th")] == columns
    rows = table.all("tr")[1:]
    assert [each.all("a")[0].text for each in rows] == ["Bad", "Good", "example.com"]
    assert [each.all("td")[1].text for each in rows] == ["Active", "Active", "Paused"]
    assert [each.all("td")[2].text for each in rows] == ["Failing", "Healthy", "Not tried yet"]
    assert rows[1].all("svg")
    assert names(page, "img") == ["Last 24 hours: 1,203 delivered, 4 failed"]
    assert [each.attributes["data-label"] for each in rows[0].all("td")] == columns
    portal.api.healths.away = True
    assert "Not known" in browser.page("webhooks").one("table", "Webhooks").text


def test_twenty_webhooks_a_page_and_a_box_to_find_one(portal: MemoryPortal, browser: Browser) -> None:
    for number in range(24):
        webhook(portal, name=f"Name {number}")
    assert not browser.page("webhooks").find("searchbox")
    webhook(portal, name="Needle", url="https://needle.example.com/")
    page = browser.page("webhooks")
    assert len(page.one("table", "Webhooks").all("tr")) == 21
    assert "1 to 20 of 25" in page.visible
    following = page.one("link", "Next").attributes["href"].removeprefix(browser.base + "/")
    assert "21 to 25 of 25" in browser.page(following).visible
    assert len(browser.page("webhooks", find="NEEDLE").one("table", "Webhooks").all("tr")) == 2
    assert "Nothing matches these filters" in browser.page("webhooks", find="nobody").visible
    assert browser.get("webhooks", page="0").status_code == browser.get("webhooks", page="9" * 30).status_code == 200


@pytest.mark.parametrize(
    ("health", "day", "expected"),
    [
        (None, None, Condition.UNKNOWN),
        (Health(), None, Condition.UNTRIED),
        (WELL, None, Condition.HEALTHY),
        (FAILING, None, Condition.FAILING),
        (WELL, Day(hours=(Hour(delivered=95, failed=5),)), Condition.HEALTHY),
        (WELL, Day(hours=(Hour(delivered=94, failed=6),)), Condition.UNSTEADY),
    ],
)
def test_health_words(health: Health | None, day: Day | None, expected: Condition) -> None:
    assert condition(health, day) is expected


def test_a_single_failure_is_to_be_seen_among_many() -> None:
    drawn = sparkline(Day(hours=(Hour(delivered=1_000_000, failed=1),)))
    assert drawn is not None
    assert drawn.bars[0].failed_height >= 1


def test_one_webhook(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal, name="Billing", topics=["order.paid"], requestConfig={"headers": {"X-Team": "s3cret"}})
    portal.api.healths.known[id_] = WELL
    portal.api.log.add(structs.replace(plain, subscription_id=id_))
    page = browser.page(f"webhooks/{id_}")
    assert page.h1 == "Billing"
    assert set(names(page, "region")) == {"Health", "Settings", "Latest deliveries", "Signing secret"}
    assert page.one("switch", "Active").attributes["aria-checked"] == "true"
    page.one("button", "Rotate secret")
    for name in ("Change", "Change event types", "Send a test event", "Log of this webhook", "Delete"):
        page.one("link", name)
    assert "All well: last accepted" in page.visible
    assert len(page.one("table", "Latest deliveries").all("tr")) == 2
    assert "X-Team: hidden" in page.one("region", "Settings").text
    assert "s3cret" not in page.raw


def test_the_health_of_one_webhook(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal)
    portal.statistics.known[id_] = Day(hours=(Hour(delivered=20, failed=2, mean_ms=9.0),) * 24)
    for elapsed_ms in range(1, 18):
        portal.api.log.add(structs.replace(plain, subscription_id=id_, elapsed_ms=float(elapsed_ms)))
    for failed in ({"status": 503}, {"status": 503}, {"status": None, "failure": "timeout"}):
        portal.api.log.add(structs.replace(plain, subscription_id=id_, outcome="retry", elapsed_ms=400.0, **failed))
    portal.api.log.add(structs.replace(plain, subscription_id=id_, trigger="test", status=500))
    health = browser.page(f"webhooks/{id_}").one("region", "Health").text
    assert "Last 24 hours: 480 delivered, 48 failed" in health
    assert "10 ms for half, 400 ms for 95 %" in health
    shares = health.replace(" \N{MULTIPLICATION SIGN}", ":")
    assert "Of the last 20 attempts17: 2002: 5031: No answer" in shares
    assert "2: The server in front could not reach the endpoint1: No answer in time" in shares


def test_what_is_wrong(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal)
    portal.api.healths.known[id_] = FAILING
    portal.api.log.add(structs.replace(plain, subscription_id=id_, status=503, outcome="retry", next_tier="5s"))
    wrong = browser.page(f"webhooks/{id_}").one("region", "What is wrong")
    assert re.search("Failing since 21 Sep 2026, .* UTC. The last 4 requests were not accepted, the latest", wrong.text)
    assert "answered 503 Service Unavailable" in wrong.text
    assert "could not reach the endpoint" in wrong.text
    assert wrong.all("li")
    links = {each.text: each.attributes["href"] for each in wrong.all("a")}
    assert links["See the failures"].endswith(f"log?webhook={id_}&status=failed&status=retrying")
    assert "Send a test event" in links


def test_a_webhook_without_a_log_or_health_to_be_read(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal)
    portal.api.log.away = CacheUnavailable("gone")
    portal.api.healths.away = True
    page = browser.page(f"webhooks/{id_}")
    assert "The log cannot be read right now" in page.one("region", "Latest deliveries").text
    assert "Not known" in page.one("region", "Health").text


def test_the_log(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal, name="Billing")
    portal.api.log.add(structs.replace(plain, subscription_id=id_))
    portal.api.log.add(
        structs.replace(
            plain, subscription_id="wh_gone", status=None, failure="dns", outcome="dead", reason="exhausted", number=8
        )
    )
    page = browser.page("log")
    search = page.one("search", "Filter the log")
    page.one("searchbox", "Find by id or text")
    for name in ("Webhook", "Answer", "Cause", "Event type"):
        page.one("combobox", name)
    for name in ("From", "To"):
        page.one("textbox", name)
    group = page.one("group", "Status")
    assert [each.text for each in group.all("label")] == ["Delivered", "Retrying", "Failed"]
    assert "Apply" in [each.text for each in search.all("button")]
    assert [each.text for each in page.one("combobox", "Answer").all("option")] == [
        "Any",
        "2xx",
        "3xx",
        "4xx",
        "5xx",
        "No answer",
    ]
    table = page.one("table", "Deliveries")
    assert [each.text for each in table.all("th")] == [
        "Status",
        "Event type",
        "Answer",
        "Duration",
        "Tries",
        "Webhook",
        "Time",
    ]
    dead, fine = (row.all("td") for row in table.all("tr")[1:])
    assert [each.text for each in fine[:6]] == ["Delivered", "order.created", "200 OK", "1 ms", "1 of 8", "Billing"]
    assert [each.text for each in dead[:5]] == ["Failed", "order.created", "No public address", "\u2013", "8"]
    assert "deleted" in dead[5].text
    page.one("link", "Each attempt")
    page.one("navigation", "Pages")
    for name in ("Download as CSV", "Download as JSON lines"):
        page.one("link", name)
    attempts = browser.page("log", view="attempts")
    attempts.one("table", "Attempts")
    attempts.one("link", "By delivery")


def test_filters_stand_in_the_address_and_in_the_form(portal: MemoryPortal, browser: Browser) -> None:
    portal.api.log.add()
    portal.api.log.add(structs.replace(plain, status=503, outcome="retry", event_type="order.sent"))
    page = browser.page("log?status=retrying&status=failed&code=5xx&type=order.*&since=2026-01-01")
    assert len(page.one("table", "Deliveries").all("tr")) == 2
    form = page.form(f"{browser.base}/log")
    assert (form["status"], form["code"], form["type"], form["since"]) == (
        ["retrying", "failed"],
        "5xx",
        "order.*",
        "2026-01-01",
    )
    assert page.one("link", "Clear filters").attributes["href"] == f"{browser.base}/log"
    nothing = browser.page("log", status="delivered", code="5xx")
    assert "Nothing matches these filters" in nothing.visible
    attempts = browser.page("log", status="delivered", view="attempts")
    assert len(attempts.one("table", "Attempts").all("tr")) == 2
    assert "view=attempts" in attempts.one("link", "Clear filters").attributes["href"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("since=yesterday", "since"),
        ("code=banana", "code"),
        ("status=nonsense", ""),
        ("contains=ab", "contains"),
        ("reason=x", "reason"),
    ],
)
def test_a_filter_that_cannot_be_is_told_at_its_field(browser: Browser, query: str, field: str) -> None:
    page = browser.page(f"log?{query}", expected=422)
    alert = page.find("alert")[0]
    if field:
        assert alert.all("a")[0].attributes["href"] == f"#{field}"
        page.by_id(field)
    assert not page.find("table")


def test_one_box_finds_whatever_was_pasted(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal)
    attempt = portal.api.log.add(structs.replace(plain, subscription_id=id_, event_id="e-42"))
    delivery = portal.api.log.attempts[0].delivery_id

    def led(**query: str) -> str:
        answer = browser.get("log", **query)
        assert answer.status_code == 303
        return str(answer.headers["location"]).removeprefix(browser.base + "/")

    assert led(find=attempt) == f"attempts/{attempt}"
    assert led(find=id_) == f"webhooks/{id_}"
    assert led(find=delivery) == f"webhooks/{id_}/deliveries/{delivery}"
    assert led(find=" e-42 ") == "log?event=e-42"
    assert led(find="f" * 32) == f"log?event={'f' * 32}"
    assert led(find=attempt, **{"in": "bodies"}) == f"log?contains={attempt}"
    assert led(find="", status="failed", event="e-42") == "log?status=failed"
    assert len(browser.page("log", event="e-42").one("table", "Deliveries").all("tr")) == 2
    portal.api.log.add(structs.replace(plain, subscription_id=id_, response_body=b"needle"))
    assert len(browser.page("log", contains="needle").one("table", "Deliveries").all("tr")) == 2


def test_pages_of_the_log_go_on_and_back(portal: MemoryPortal, browser: Browser) -> None:
    for _ in range(45):
        portal.api.log.add()
    seen: list[list[str]] = []
    path = "log?status=delivered"
    page = browser.page(path)
    for _ in range(3):
        page = browser.page(path)
        seen.append(
            [
                each.attributes["href"]
                for each in page.one("table", "Deliveries").all("a")
                if "/deliveries/" in each.attributes["href"]
            ]
        )
        portal.api.log.add()
        older = page.find("link", "Older")
        path = older[0].attributes["href"].removeprefix(browser.base + "/") if older else ""
    assert [len(each) for each in seen] == [20, 20, 5]
    assert path == ""
    assert len({link for each in seen for link in each}) == 45
    back = browser.page(page.one("link", "Newer").attributes["href"].removeprefix(browser.base + "/"))
    assert [
        each.attributes["href"]
        for each in back.one("table", "Deliveries").all("a")
        if "/deliveries/" in each.attributes["href"]
    ] == seen[1]
    broken = browser.get("log", cursor="nonsense")
    assert (broken.status_code, broken.headers["location"]) == (303, f"{browser.base}/log")


def test_nothing_was_sent_yet(portal: MemoryPortal, browser: Browser) -> None:
    webhook(portal)
    page = browser.page("log")
    assert "Nothing was sent yet" in page.visible
    page.one("link", "Send a test event")


def test_the_log_away_is_told(portal: MemoryPortal, browser: Browser) -> None:
    portal.api.log.away = CacheUnavailable("gone")
    page = browser.page("log", expected=503)
    assert page.h1 == "The log cannot be read right now"
    page.one("link", "Try again")


def test_a_delivery(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal, name="Billing")
    first = structs.replace(
        plain,
        subscription_id=id_,
        status=500,
        outcome="retry",
        next_tier="5s",
        event_id="e1",
        event_time_ms=BEGAN_MS - 1_000,
        first_due_ms=BEGAN_MS - 500,
    )
    for number, each in enumerate(
        [
            first,
            structs.replace(first, number=2),
            structs.replace(first, number=3, status=200, outcome="delivered", next_tier=None),
        ]
    ):
        portal.api.log.add(each, delivery_id=DELIVERY, first_attempt_ms=BEGAN_MS if number else None)
    portal.api.log.add(structs.replace(plain, subscription_id="wh_other", event_id="e1"))
    portal.api.log.add(structs.replace(plain, subscription_id=id_, event_id="e1", trigger="resend"))
    page = browser.page(f"webhooks/{id_}/deliveries/{DELIVERY}")
    assert page.h1 == "Delivery"
    what = page.one("region", "What happened")
    assert "Delivered at try 3, 3 s after the event." in what.text
    tries = page.one("list", "Attempts").all("li")
    assert [each.all("a")[0].text for each in tries] == ["Try 1", "Try 2", "Try 3"]
    assert "after 1 s" in tries[1].text
    assert "The event happened" in page.visible
    assert "Became due" in page.visible
    assert len(page.one("table", "The same event for other webhooks").all("tr")) == 2
    again = page.one("table", "The same event, sent to this webhook again or before")
    assert "Sent again" in again.text
    assert again.all("a")[0].attributes["href"].endswith(portal.api.log.attempts[4].delivery_id)
    assert browser.get(f"webhooks/wh_other/deliveries/{DELIVERY}").status_code == 404
    assert browser.get(f"webhooks/{id_}/deliveries/nonsense").status_code == 404


def test_what_follows_for_a_delivery_that_was_not_accepted(portal: MemoryPortal, browser: Browser) -> None:
    id_, now_ms = webhook(portal), portal.now_ms()
    portal.api.log.add(
        structs.replace(plain, subscription_id=id_, status=503, outcome="retry", next_tier="30m"),
        delivery_id=DELIVERY,
        at_ms=now_ms,
        event_time_ms=now_ms,
    )
    page = browser.page(f"webhooks/{id_}/deliveries/{DELIVERY}")
    assert len(page.one("list", "Attempts").all("li")) == 1
    assert re.search("Try 2, not before ?in (29|30) min", page.visible)
    assert re.search("Try 3, not before ?in 2 h", page.visible)
    assert "If that fails too, it is given up." in page.visible
    portal.api.log.begins = 1
    bare = browser.page(f"webhooks/{id_}/deliveries/{DELIVERY}")
    assert "The event happened" not in bare.visible
    assert "Try 2, not before" in bare.visible


def test_a_delivery_that_never_had_a_try(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal)
    buried = dead_letter(1, id_, reason="suspended")
    portal.api.dead_letters.add(buried)
    page = browser.page(f"webhooks/{id_}/deliveries/{buried.delivery.id}")
    assert "Not sent: suspended" in page.one("region", "What happened").text


def test_an_attempt(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal)
    failed = structs.replace(
        plain,
        subscription_id=id_,
        status=503,
        outcome="retry",
        next_tier="5s",
        response_body=b"later\x1b",
        request_headers=(
            ("content-type", "application/json"),
            ("webhook-signature", "v1,abc"),
            ("X-Team", "[redacted]"),
        ),
        request_body=b'{"a":1.0}',
        dns_ms=1.0,
    )
    one = portal.api.log.add(failed, delivery_id=DELIVERY)
    two = portal.api.log.add(structs.replace(failed, number=2), delivery_id=DELIVERY)
    page = browser.page(f"attempts/{one}")
    assert page.h1 == "Attempt"
    regions = {"Why it failed", "Request", "Answer", "Timing", "Signature"}
    assert regions <= set(names(page, "region"))
    why = page.one("region", "Why it failed")
    assert "The server in front could not reach the endpoint" in why.text
    assert why.all("li")
    assert "may have received" in why.text
    request = page.one("region", "Request")
    assert "POST https://example.com/" in request.text
    assert "X-Team: [redacted]" in request.text
    assert '"a": 1.0' in request.raw
    formatted = page.one("button", "Formatted")
    assert formatted.attributes["aria-pressed"] == "true"
    raw = browser.page(f"attempts/{one}", request="raw")
    assert '{"a":1.0}' in raw.one("region", "Request").raw
    assert raw.one("button", "Formatted").attributes["aria-pressed"] == "false"
    assert "503 Service Unavailable" in page.one("region", "Answer").text
    assert "later␛" in page.raw
    for name in ("Copy as curl", "Copy as text", "Copy link", "Copy request body"):
        assert page.one("button", name).attributes["type"] == "button"
    for name in ("Download request body", "Download response body"):
        page.one("link", name)
    assert page.one("link", "Next attempt").attributes["href"] == f"{browser.base}/attempts/{two}"
    assert browser.page(f"attempts/{two}").one("link", "Previous attempt").attributes["href"].endswith(one)
    assert "webhook-signature" in page.one("region", "Signature").text
    assert [each.all("th")[0].text for each in page.one("table", "Timing").all("tr")] == [
        "Name",
        "Connect",
        "TLS",
        "Waiting",
        "Reading",
    ]
    assert "curl -sS" in page.by_id("curl").raw
    assert "v1,abc" not in page.by_id("report").raw
    got = browser.get(f"attempts/{one}/request-body")
    assert (got.content, got.headers["content-type"]) == (b'{"a":1.0}', "application/octet-stream")
    assert "attachment" in got.headers["content-disposition"]


def test_an_attempt_says_what_is_not_kept_of_its_bodies(portal: MemoryPortal, browser: Browser) -> None:
    signed = (("webhook-id", "e"), ("webhook-timestamp", "1"), ("webhook-signature", "v1,abc"))
    part = structs.replace(plain, request_headers=signed, response_body=b"")
    left_out = portal.api.log.add(part, request_body=b"", bodies="none")
    page = browser.page(f"attempts/{left_out}")
    for region in ("Request", "Answer"):
        assert "Its body is not kept." in page.one("region", region).text
        assert "Download" not in page.one("region", region).text
    assert browser.get(f"attempts/{left_out}/request-body").status_code == 410
    redacted = portal.api.log.add(part, request_body=b'{"card":"[redacted]"}', bodies="redacted")
    page = browser.page(f"attempts/{redacted}")
    assert "They were sent." in page.one("region", "Request").text
    assert "Its body is not kept." in page.one("region", "Answer").text
    assert "Compute it again" not in page.one("region", "Signature").text
    got = browser.get(f"attempts/{redacted}/request-body")
    assert (got.status_code, "redacted" in got.headers["content-disposition"]) == (200, True)


@pytest.mark.parametrize(
    ("kept", "told"), [("erased", "can never be read again"), ("locked", "are sealed, and cannot be opened now")]
)
def test_an_attempt_that_cannot_be_opened_says_so_in_place_of_its_bodies(
    portal: MemoryPortal, browser: Browser, kept: str, told: str
) -> None:
    bare = structs.replace(plain, request_headers=(), response_headers=(), request_body=b"", response_body=b"")
    id_ = portal.api.log.add(bare, bodies=kept)
    page = browser.page(f"attempts/{id_}")
    for region in ("Request", "Answer"):
        assert told in page.one("region", region).text
        assert "Download" not in page.one("region", region).text
    assert browser.get(f"attempts/{id_}/request-body").status_code == 410


def test_an_attempt_that_found_no_address_tells_nothing_of_the_network(portal: MemoryPortal, browser: Browser) -> None:
    pages = []
    for failure in ("dns", "address_refused"):
        id_ = portal.api.log.add(
            structs.replace(
                plain, status=None, failure=failure, outcome="dead", reason="exhausted", elapsed_ms=4_321.0, dns_ms=17.5
            )
        )
        pages.append(browser.page(f"attempts/{id_}"))
    for page in pages:
        assert "It did not come to that." in page.one("region", "Timing").text
        assert "4321" not in page.raw
        assert "17.5" not in page.raw
        assert "No answer came." in page.one("region", "Answer").text


def test_what_is_no_longer_kept_is_told(portal: MemoryPortal, browser: Browser) -> None:
    id_ = portal.api.log.add()
    portal.api.log.begins = 1
    page = browser.page(f"attempts/{id_}", expected=410)
    assert page.h1 == "No longer kept"
    assert "Requests and answers are kept for 30 d. This one is older." in page.visible
    assert "can be sent again" in page.visible
    logs = [each for each in page.find("link", "Log") if each.attributes.get("class") == "button"]
    assert [each.attributes["href"] for each in logs] == [f"{browser.base}/log"]
    assert page.find("link", "Try again") == []
    portal.api.kept_for_ms = None
    assert "This one is older" not in browser.page(f"attempts/{id_}", expected=410).visible
    assert browser.get("attempts/nonsense").status_code == 404
    portal.api.log.away = KafkaBroken("gone")
    assert browser.page(f"attempts/{id_}", expected=503).h1 == "This cannot be shown right now"


def test_a_body_that_is_no_text_shows_in_hex(portal: MemoryPortal, browser: Browser) -> None:
    id_ = portal.api.log.add(structs.replace(plain, request_body=b"\xff\x00AB"))
    page = browser.page(f"attempts/{id_}")
    assert "ff 00 41 42" in page.raw
    assert "not text" in page.visible
    assert not page.find("button", "Formatted")
    assert base64.b64encode(b"\xff\x00AB").decode() in page.by_id("curl").raw


def test_failed_deliveries(portal: MemoryPortal, browser: Browser) -> None:
    id_ = webhook(portal, name="Billing")
    assert "Nothing failed for good" in browser.page("failed").visible
    for number in range(23):
        portal.api.dead_letters.add(dead_letter(number, id_, reason="gone" if number == 3 else "exhausted"))
    portal.api.dead_letters.add(dead_letter(99, id_, tenant="other"))
    page = browser.page("failed")
    assert len(page.one("table", "Failed deliveries").all("tr")) == 21
    following = browser.page(page.one("link", "Next").attributes["href"].removeprefix(browser.base + "/"))
    assert len(following.one("table", "Failed deliveries").all("tr")) == 4
    gone = browser.page("failed", reason="gone").one("table", "Failed deliveries")
    assert len(gone.all("tr")) == 2
    assert "Billing" in gone.text
    link = gone.all("a")[0].attributes["href"].removeprefix(browser.base + "/")
    assert browser.page(link).h1 == "Delivery"
    assert browser.get("failed", cursor="nonsense").status_code == 303


def test_event_types(browser: Browser) -> None:
    page = browser.page("event-types")
    table = page.one("table", "Event types")
    assert "order.paid" in table.text
    assert "An order was paid." in table.text
    one = browser.page("event-types/order.paid")
    assert one.h1 == "order.paid"
    assert '"total": 99.5' in one.one("region", "Sample").raw
    assert "$schema" in one.one("region", "Schema").raw
    assert browser.get("event-types/nothing").status_code == 404


@pytest.mark.parametrize("brand", ["convo", "trackelio", "featurebase", "conclude", "mintlify"])
def test_pages_under_every_brand(brand: str) -> None:
    portal = MemoryPortal(brands=[brand])
    browser = portal.enter(brand=brand)
    base = portal.api.brands[brand].api.base_path
    id_ = portal.api.webhook(portal.api.client(brand=brand), base)["id"]
    for path in ("webhooks", "webhooks/new", f"webhooks/{id_}", f"webhooks/{id_}/test", "log", "failed", "event-types"):
        text = browser.page(path).visible
        assert portal.api.brands[brand].title in text
        assert not {"hookline", "kafka", "redis"} & set(text.lower().split()), path
    editable = portal.api.brands[brand].api.editable
    assert browser.get(f"webhooks/{id_}/edit").status_code == (200 if editable else 404)
    page = browser.page(f"webhooks/{id_}")
    assert bool(page.find("link", "Change")) is editable
    assert ("cannot be changed" in page.visible) is not editable


def test_a_product_narrows_all_pages(portal: MemoryPortal) -> None:
    ours, theirs = webhook(portal, name="Ours", product="shop"), webhook(portal, name="Theirs", product="blog")
    kept = [portal.api.log.add(structs.replace(plain, subscription_id=each)) for each in (ours, theirs)]
    portal.api.dead_letters.add(dead_letter(1, ours), dead_letter(2, theirs))
    browser = portal.enter(product="shop")
    for path, count in (("webhooks", 1), ("log", 1), ("failed", 1)):
        assert len(browser.page(path).find("table")[0].all("tr")) == count + 1, path
    assert browser.get(f"webhooks/{theirs}").status_code == 404
    assert [browser.get(f"attempts/{each}").status_code for each in kept] == [200, 404]
    assert "Nothing matches" in browser.page("log", webhook=theirs).visible
    assert "Nothing was sent yet" in portal.enter(product="none").page("log").visible


def test_an_export_has_the_rows_of_the_list(portal: MemoryPortal, browser: Browser) -> None:
    portal.api.log.add()
    portal.api.log.add(structs.replace(plain, event_type="=1+1", status=503, outcome="retry"))
    page = browser.page("log", status="retrying")
    link = page.one("link", "Download as CSV").attributes["href"].removeprefix(browser.base + "/")
    got = browser.get(link)
    assert (got.headers["content-type"].startswith("text/csv"), got.text.count("\r\n"), "'=1+1" in got.text) == (
        True,
        2,
        True,
    )
    lines = browser.get(page.one("link", "Download as JSON lines").attributes["href"].removeprefix(browser.base + "/"))
    assert lines.text.count("\n") == 1


def test_nothing_here(browser: Browser) -> None:
    answer = browser.get("nothing/of/this")
    assert (answer.status_code, read(answer.text).h1) == (404, "Nothing here")


def test_a_reader_sees_no_button_that_changes(portal: MemoryPortal) -> None:
    id_ = webhook(portal)
    one = portal.api.log.add(structs.replace(plain, subscription_id=id_))
    browser = portal.enter(Scope.READ)
    delivery = portal.api.log.attempts[0].delivery_id
    for path in (
        "webhooks",
        f"webhooks/{id_}",
        "log",
        f"attempts/{one}",
        f"webhooks/{id_}/deliveries/{delivery}",
        "failed",
        "event-types",
    ):
        page = browser.page(path)
        posts = [each.attributes["action"] for each in page.all("form") if each.attributes.get("method") == "post"]
        assert posts == [f"{browser.base}/look"], path
        assert "You can look, but not change anything here" in page.visible
        for name in ("New webhook", "Change", "Delete", "Send a test event"):
            assert not page.find("link", name), (path, name)
    attempt = browser.page(f"attempts/{one}")
    assert "Bodies are hidden for you" in attempt.visible
    assert "{}" not in attempt.one("region", "Request").text
    assert attempt.all("pre")[0].text != "{}"


def test_whoever_may_not_see_bodies_cannot_search_them(portal: MemoryPortal) -> None:
    portal.api.log.add(structs.replace(plain, response_body=b"needle"))
    reader, other = portal.enter(Scope.READ), portal.enter(Scope.READ, Scope.BODIES)
    assert not reader.page("log").find("checkbox", "In bodies")
    for path in ("log?contains=needle", "log/export?contains=needle"):
        assert reader.get(path).status_code == 403
        assert other.get(path).status_code == 200
    assert reader.get("log", find="needle", **{"in": "bodies"}).status_code == 303
