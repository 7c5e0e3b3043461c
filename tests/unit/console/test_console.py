"""The operator's console: who comes in, what he sees when parts are away, and how he opens a customer's pages."""

import os
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from consumer.console.front import SIGN_IN, SIGN_OUT
from consumer.console.opening import PATH as OPEN
from consumer.console.sessions import FOR_S, WRONG_MOST, Sessions
from consumer.console.supervised import Now
from consumer.control.audit import AuditLog, Deed, decode, record_of
from consumer.control.keys import Scope
from consumer.log.health import Health, LastStatus
from consumer.settings import Settings
from consumer.telemetry.admin_client import AdminSilent
from tests.html import Page, read
from tests.memory_api import KEYS, OPERATOR, PORTAL, SETTINGS
from tests.memory_console import IDLE
from tests.memory_portal import NAVIGATED, MemoryPortal
from tests.memory_topic import AwayTopic
from tests.web import Client

REGIONS = (
    "Now", "Lag", "Waiting to be retried", "Worst endpoints", "Stuck partitions", "Tenants", "Jobs",
    "Activity", "Latest poison", "The log's index",
)  # fmt: skip
COOKIE = "__Host-hookline-console"


@pytest.fixture
def portal() -> MemoryPortal:
    return MemoryPortal()


def posted(client: Client, path: str, **fields: str | list[str]) -> Any:  # noqa: ANN401 # httpx's answer
    return client.post(path, data=dict(fields), headers=NAVIGATED, follow_redirects=False)


def signed_in(portal: MemoryPortal) -> Client:
    client = portal.client()
    answer = posted(client, SIGN_IN, key=OPERATOR)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")
    return client


def shown(client: httpx2.Client, path: str = "/console", expected: int = 200) -> Page:
    answer = client.get(path, follow_redirects=False)
    assert answer.status_code == expected, (answer.status_code, answer.text[-500:])
    return read(answer.text)


def region(page: Page, name: str) -> str:
    return page.one("region", name).text


# ── who comes in ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_only_the_operators_key_opens_it(portal: MemoryPortal) -> None:
    client = portal.client()
    page = shown(client)
    assert page.h1 == "Operator"
    assert page.one("textbox", "Operator key").attributes["type"] == "password"
    assert page.find("region") == []
    refused = posted(client, SIGN_IN, key="x" * 40)
    assert refused.status_code == 403
    assert "This is not the operator's key." in read(refused.text).visible
    assert "set-cookie" not in refused.headers
    assert "x" * 40 not in refused.text
    page = shown(signed_in(portal))
    assert page.h1 == "Console"
    for name in REGIONS:
        page.one("region", name)
    page.one("searchbox", "Find a tenant")


def test_its_cookie_is_the_hosts_own_and_strict(portal: MemoryPortal) -> None:
    answer = posted(portal.client(), SIGN_IN, key=OPERATOR)
    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name.startswith(f"{COOKIE}=")
    assert {*attributes} == {"Path=/", f"Max-Age={FOR_S}", "HttpOnly", "SameSite=Strict", "Secure"}


@pytest.mark.parametrize("path", ["/console", "/console/open?tenant=acme&brand=hookline", "/console/nothing"])
def test_no_page_of_it_may_be_framed(portal: MemoryPortal, path: str) -> None:
    for client in (portal.client(), signed_in(portal)):
        headers = client.get(path).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "require-trusted-types-for 'script'" in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"


def test_too_many_wrong_keys_are_not_looked_at(portal: MemoryPortal) -> None:
    client = portal.client()
    for _ in range(WRONG_MOST):
        assert posted(client, SIGN_IN, key="wrong").status_code == 403
    limited = posted(client, SIGN_IN, key=OPERATOR)
    assert limited.status_code == 429
    assert 1 <= int(limited.headers["retry-after"]) <= 60
    assert "Too many wrong keys" in read(limited.text).visible
    assert "set-cookie" not in limited.headers


def test_without_an_operators_key_there_is_none() -> None:
    portal = MemoryPortal(settings=SETTINGS.model_copy(update={"operator_key": None}))
    for path in ("/console", SIGN_IN, "/console/open"):
        assert portal.client().get(path).status_code in {401, 404}
        assert "Operator key" not in portal.client().get(path).text
    assert posted(portal.client(), SIGN_IN, key="").status_code in {401, 404}


def test_a_session_of_the_portal_is_none_of_the_console(portal: MemoryPortal) -> None:
    browser = portal.enter(*Scope)
    assert shown(browser.client).h1 == "Operator"
    [(name, text)] = [(name, value) for name, value in browser.client.cookies.items() if name.startswith("__Host-hl-")]
    client = portal.client()
    client.cookies.set(COOKIE, text)
    assert shown(client).h1 == "Operator", name
    operator = signed_in(portal)
    stolen = portal.client()
    stolen.cookies.set(name, operator.cookies[COOKIE])
    assert stolen.get(f"{browser.base}/webhooks").status_code == 401


def test_a_session_ends_with_its_key_and_after_eight_hours(portal: MemoryPortal) -> None:
    text = signed_in(portal).cookies[COOKIE]
    other = MemoryPortal(settings=SETTINGS.model_copy(update={"operator_key": SecretStr("another-" + "k" * 40)}))
    client = other.client()
    client.cookies.set(COOKIE, text)
    assert shown(client).h1 == "Operator"
    changed = portal.client()
    changed.cookies.set(COOKIE, text[:-2] + ("AA" if text[-2:] != "AA" else "BB"))
    assert shown(changed).h1 == "Operator"
    same = MemoryPortal().client()
    same.cookies.set(COOKIE, text)
    assert shown(same).h1 == "Console"
    sessions = Sessions(portal.api.plane.keyring, SecretStr(OPERATOR), base=PORTAL)
    session, _ = sessions.open(now_ms=0, entropy=os.urandom)
    assert session.ends_at_ms == 8 * 3_600_000
    _, cookie = sessions.open(now_ms=0, entropy=os.urandom)
    cookies = {COOKIE: cookie.partition("=")[2].partition(";")[0]}
    assert sessions.of(cookies, 8 * 3_600_000 - 1) is not None
    assert sessions.of(cookies, 8 * 3_600_000) is None


def test_signing_out(portal: MemoryPortal) -> None:
    client = signed_in(portal)
    form = shown(client).form(SIGN_OUT)
    answer = posted(client, SIGN_OUT, **form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    client.cookies.delete(COOKIE)
    assert shown(client).h1 == "Operator"


def test_a_form_of_elsewhere_does_nothing(portal: MemoryPortal) -> None:
    portal.api.webhook(portal.api.client())
    client = signed_in(portal)
    form = shown(client, "/console/open?tenant=acme&brand=hookline").form(OPEN) | {"reason": "T-1", "access": "look"}
    assert posted(client, OPEN, **form | {"token": "x"}).status_code == 403
    cross = client.post(OPEN, data=form, headers={"Sec-Fetch-Site": "cross-site"}, follow_redirects=False)
    assert cross.status_code == 403
    assert client.post(SIGN_IN, data={"key": OPERATOR}, headers={"Origin": "https://evil"}).status_code == 403
    assert posted(portal.client(), OPEN, **form).headers["location"] == "/console", "who is not in is sent to the door"


# ── what he sees ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_kafka_away_takes_only_its_own_regions(portal: MemoryPortal) -> None:
    portal.api.webhook(portal.api.client())
    client = signed_in(portal)
    portal.api.plane.away = "no broker"
    portal.console.kafka = "no <b>broker</b>"
    page = shown(client)
    for name in ("Lag", "Waiting to be retried", "Stuck partitions", "Latest poison", "Activity"):
        assert "Kafka cannot be asked right now. no <b>broker</b>" in region(page, name)
    assert "acme" in region(page, "Tenants")
    assert "deliver" in region(page, "Now")
    assert "1,203 in 3.0 MiB" in region(page, "The log's index")


def test_redis_away_takes_only_its_own_regions(portal: MemoryPortal) -> None:
    portal.api.webhook(portal.api.client())
    portal.console.redis = "timed out"
    page = shown(signed_in(portal))
    for name in ("Worst endpoints", "The log's index"):
        assert "Redis cannot be asked right now. timed out" in region(page, name)
    assert "orders" in region(page, "Lag")


def test_health_that_is_not_known_is_not_taken_for_good(portal: MemoryPortal) -> None:
    portal.api.webhook(portal.api.client())
    portal.api.healths.away = True
    assert "Redis cannot be asked" in region(shown(signed_in(portal)), "Worst endpoints")


def test_a_supervisor_that_is_silent(portal: MemoryPortal) -> None:
    portal.console.supervisor = AdminSilent("Connection refused")
    page = shown(signed_in(portal))
    assert "cannot be asked. Connection refused" in region(page, "Now")
    assert "How old they are" in region(page, "Waiting to be retried")


def test_requests_at_once_share_a_look(portal: MemoryPortal) -> None:
    client = signed_in(portal)
    for _ in range(3):
        shown(client)
    assert sorted(portal.console.asked) == ["behind", "deeds", "index", "now", "poison", "worst"]


def test_the_worst_endpoints_are_everybodys(portal: MemoryPortal) -> None:
    for number, tenant in enumerate(("acme", "globex", "well")):
        made = portal.api.webhook(portal.api.client(tenant=tenant), url=f"https://{tenant}.example.com/x")
        portal.api.healths.known[made["id"]] = Health(
            errors_since_last_success=(3, 900, 2)[number],
            last_status=LastStatus(code=503, message="Service Unavailable", at_ms=1),
            failing_since_ms=1,
        )
    text = region(shown(signed_in(portal)), "Worst endpoints")
    assert "2 of 3 webhooks fail" in text
    assert text.index("globex") < text.index("acme")
    assert "900" in text
    assert "503 Service Unavailable" in text
    assert "well" not in text


def test_what_was_done_last_is_told_with_whose_hand(portal: MemoryPortal) -> None:
    portal.api.webhook(portal.api.client())
    for number in range(12):
        deed = Deed(
            id="d", at_ms=0, tenant="globex", brand="", by="command:root@host", action="eraseTenant", user="<i>",
            target=f"<b>{number}",
        )  # fmt: skip
        portal.api.topics.audit.write(record_of("audit", deed))
    told = region(shown(signed_in(portal)), "Activity")
    assert told.count("eraseTenant") == 10
    assert "eraseTenant<b>11 command:root@host<i> globex" in told
    assert "createWebhook" not in told


def test_finding_a_tenant(portal: MemoryPortal) -> None:
    for number in range(30):
        portal.api.key(tenant=f"tenant-{number}")
    portal.api.webhook(portal.api.client(tenant="Bücher <script>alert(1)</script>{{7*7}}"))
    client = signed_in(portal)
    text = region(shown(client), "Tenants")
    assert "31 tenants, 1 webhooks" in text
    assert "23 more tenants" in text
    found = shown(client, "/console?tenant=b%C3%BCcher")
    assert "Bücher <script>alert(1)</script>{{7*7}}" in region(found, "Tenants")
    assert "tenant-1" not in region(found, "Tenants")
    assert found.one("searchbox", "Find a tenant").attributes["value"] == "bücher"
    assert "No tenant has a name like this." in region(shown(client, "/console?tenant=nobody"), "Tenants")


def test_what_is_not_ready_says_why(portal: MemoryPortal) -> None:
    slow = IDLE.processes[0].__class__(
        role="retry", slot=0, running=True, reasons=["Kafka does not answer"], restarts=2, silent_for_s=61.0
    )
    told = IDLE.__class__(
        version="1.0", processes=[*IDLE.processes, slow], topics=[], attempts={}, events={}, troubles=[]
    )
    portal.console.told = Now(told=told, pace=None)
    text = region(shown(signed_in(portal)), "Now")
    assert "deliver Ready 1 of 1 alive, 1 ready" in text
    assert "retry Not alive 0 of 1 alive, 0 ready 2 Kafka does not answer" in text


# ── opening a customer's pages ───────────────────────────────────────────────────────────────────────────────────────


def opening(portal: MemoryPortal, **fields: str) -> tuple[Client, Any, list[Any]]:
    """The answer to the form, filled in so, and what was logged."""
    portal.api.webhook(portal.api.client())
    client = signed_in(portal)
    page = shown(client)
    button = page.one("button", "Open as this tenant")
    assert button is not None
    form = shown(client, "/console/open?tenant=acme&brand=hookline").form(OPEN)
    with capture_logs() as lines:
        answer = posted(client, OPEN, **form | fields)
    return client, answer, [line for line in lines if line["event"] == "opened as a tenant"]


def test_a_customers_pages_are_opened_to_be_looked_at(portal: MemoryPortal) -> None:
    client, answer, [line] = opening(portal, reason="ticket 4711", access="look")
    assert answer.status_code == 303
    path = answer.headers["location"]
    page = read(client.get(path).text)
    assert page.h1 == "Webhooks"
    assert page.find("link", "New webhook") == []
    assert "You can look, but not change anything here." in page.visible
    assert {key: line[key] for key in ("tenant", "brand", "scopes", "reason")} == {
        "tenant": "acme", "brand": "hookline", "scopes": ["read"], "reason": "ticket 4711",
    }  # fmt: skip
    session = path.split("/")[3]
    assert line["link"].startswith("pl_")
    deed = decode(portal.api.topics.audit.records[-1].value or b"")
    assert (deed.action, deed.by, deed.made, deed.fields) == ("openPages", "operator", line["link"], ())
    secrets = [OPERATOR, client.cookies[COOKIE], client.cookies[f"__Host-hl-{session}"]]
    assert not any(each in str(line) for each in secrets)


def test_what_the_audit_log_does_not_take_is_not_opened(portal: MemoryPortal) -> None:
    portal.api.webhook(portal.api.client())
    client = signed_in(portal)
    form = shown(client, "/console/open?tenant=acme&brand=hookline").form(OPEN)
    audit = portal.api.services.audit
    assert isinstance(audit, AuditLog)
    audit._writer = AwayTopic()
    answer = posted(client, OPEN, **form | {"reason": "ticket 4711", "access": "look"})
    assert (answer.status_code, "set-cookie" in answer.headers) == (503, False)


def test_to_change_them_is_asked_twice(portal: MemoryPortal) -> None:
    client, answer, lines = opening(portal, reason="ticket 4711", access="change")
    assert (answer.status_code, lines) == (200, [])
    page = read(answer.text)
    assert page.h1 == "Open the pages of acme, to change them?"
    answer = posted(client, OPEN, **page.form(OPEN))
    assert answer.status_code == 303
    page = read(client.get(answer.headers["location"]).text)
    page.one("link", "New webhook")
    assert page.find("link", "API keys") == []


@pytest.mark.parametrize("reason", ["", "   ", "x" * 301, "two\nlines", "\u202eturned"])
def test_without_a_reason_nothing_is_opened(portal: MemoryPortal, reason: str) -> None:
    _, answer, lines = opening(portal, reason=reason, access="look")
    assert (answer.status_code, lines) == (422, [])
    page = read(answer.text)
    assert page.one("textbox", "Reason").attributes["aria-invalid"] == "true"
    assert page.find("alert")


def test_who_is_not_there_is_not_opened(portal: MemoryPortal) -> None:
    client = signed_in(portal)
    for query in ("tenant=nobody&brand=hookline", "tenant=&brand=", "tenant=acme&brand=none"):
        shown(client, f"/console/open?{query}", 404)


def test_it_ends_with_the_other_links(portal: MemoryPortal) -> None:
    client, answer, _ = opening(portal, reason="ticket", access="look")
    bearer = portal.api.bearing(OPERATOR, **{"Hookline-Tenant": "acme"})
    assert bearer.delete("/v1/portal-links").status_code in {200, 204}
    assert client.get(answer.headers["location"]).status_code == 401


def test_another_kind_of_request(portal: MemoryPortal) -> None:
    assert portal.client().put("/console").status_code == 405
    assert portal.client().get("/console/x").status_code == 404
    assert portal.client().get("/console%2fopen").status_code == 404
    assert Settings(encryption_keys=KEYS).operator_key is None
