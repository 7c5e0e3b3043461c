"""Pages in other languages: which one, that nothing is missing in it, and that a page is in it throughout."""

import re
from pathlib import Path

import pytest
from msgspec import structs

from consumer.control.portal_links import LANGUAGES
from consumer.log.explanation import table
from consumer.portal.faults import by_field
from consumer.portal.languages import USUAL, spoken
from consumer.portal.times import moment
from consumer.portal.told import title_of
from consumer.portal.words import language, speaking
from consumer.webhooks.wrong import Code, Wrong
from tests.attempts import plain
from tests.html import read
from tests.memory_portal import MemoryPortal, expired, webhook

WORDS = Path(__file__).parents[3] / "consumer" / "portal" / "words"
OTHERS = [each for each in LANGUAGES if each != USUAL]
ENGLISH_ONLY = "console."
"""The operator's pages."""
ENGLISH = [
    text for key, text in language("en").texts.items() if text != language("de").texts.get(key) and len(text) > 11
]
OTHERS_ONLY = ("explanation.", "fault.")
"""In English the log and the API say it themselves."""


@pytest.mark.parametrize(
    ("granted", "accept", "expected"),
    [
        ("de", "en", "de"),
        ("en", "de", "en"),
        (None, None, "en"),
        (None, "", "en"),
        (None, "de", "de"),
        (None, "de-AT, en;q=0.8", "de"),
        (None, "DE-at", "de"),
        (None, "en-GB,en;q=0.9,de;q=0.8", "en"),
        (None, "fr, de;q=0.5, en;q=0.4", "de"),
        (None, "fr, en;q=0.4, de;q=0.5", "de"),
        (None, "de;q=0, fr", "en"),
        (None, "*, de;q=0.5", "en"),
        (None, "fr", "en"),
        (None, "de;q=nonsense", "en"),
        (None, "de;q=7", "en"),
        (None, ",;=,\x00,q=1;;", "en"),
        (None, "x," * 10_000 + "de", "en"),
        ("tlh", "de", "de"),
    ],
)
def test_the_link_says_which_language_else_the_browser(granted: str | None, accept: str | None, expected: str) -> None:
    assert spoken(granted, accept) == expected


def test_every_language_has_a_file() -> None:
    assert {path.stem for path in WORDS.glob("*.toml")} == set(LANGUAGES)


@pytest.mark.parametrize("name", OTHERS)
def test_nothing_is_missing_and_the_same_is_put_in(name: str) -> None:
    usual, other = language(USUAL).texts, language(name).texts
    wanted = {key for key in usual if not key.startswith(ENGLISH_ONLY)}
    assert {key for key in other if not key.startswith(OTHERS_ONLY)} == wanted
    assert [key for key in wanted if _put_in(usual[key]) != _put_in(other[key])] == []
    assert len(other["time.months"].split()) == 12


def _put_in(text: str) -> set[str]:
    return set(re.findall(r"(?<!\{)\{(\w+)\}(?!\})", text))


@pytest.mark.parametrize("name", OTHERS)
def test_every_explanation_and_every_fault_is_there(name: str) -> None:
    said = language(name)
    wanted = {f"fault.{code}" for code in Code}
    for each in table():
        wanted |= {f"explanation.{each.code}.{part}" for part in ("title", "cause")}
        wanted |= {f"explanation.{each.code}.remedies.{at}" for at, _ in enumerate(each.remedies, start=1)}
    assert {key for key in said.texts if key.startswith(OTHERS_ONLY)} == wanted


def test_numbers_and_times_are_written_as_the_language_does() -> None:
    assert language("en").say("webhooks.beyond", most=2_000).count("2,000") == 1
    with speaking(language("de")):
        assert moment(1_763_712_000_123, 1_763_712_000_123).exact == "21. Nov. 2025, 08:00:00"
        assert "2.000" in language("de").say("webhooks.beyond", most=2_000)
        assert title_of("timeout") == "Keine Antwort in der Zeit"
    assert moment(1_763_712_000_123, 1_763_712_000_123).exact == "21 Nov 2025, 08:00:00"
    assert title_of("timeout") == "No answer in time"


def test_a_fault_is_said_in_the_language_and_exactly() -> None:
    wrong = [Wrong(field="tls.key", code=Code.TOO_LONG, message="must have at most 3 bytes")]
    assert by_field(wrong, within="tls.") == {"key": "must have at most 3 bytes"}
    with speaking(language("de")):
        assert by_field(wrong) == {"tls": "Ist zu lang. (must have at most 3 bytes)"}


def test_a_session_in_german(portal: MemoryPortal) -> None:
    browser = portal.enter(language="de")
    page = browser.page("webhooks")
    assert page.all("html")[0].attributes["lang"] == "de"
    assert "Noch keine Webhooks" in page.visible
    made = webhook(portal)
    for path in ("webhooks", f"webhooks/{made}", "webhooks/new", "log", "failed", "jobs", "event-types", "nowhere"):
        found = read(browser.get(path).text)
        assert found.all("html")[0].attributes["lang"] == "de"
        found.one("navigation", "Hauptnavigation")
        assert [text for text in ENGLISH if text in found.visible] == [], path


def test_the_language_of_the_browser(portal: MemoryPortal) -> None:
    client = portal.client()
    client.headers["Accept-Language"] = "de-CH, en;q=0.5"
    assert "Ihre Webhooks öffnen" in read(client.get("/portal/enter").text).visible
    browser = portal.enter(client=client)
    assert browser.page("log").h1 == "Protokoll"
    client.headers["Accept-Language"] = "en"
    assert browser.page("log").h1 == "Log"
    assert portal.enter(client=client, language="de").page("log").h1 == "Protokoll"


def test_whoever_timed_out_is_told_in_the_language_of_the_link(portal: MemoryPortal) -> None:
    browser = portal.enter(language="de")
    ended = read(expired(portal, browser).get(f"{browser.base}/webhooks", headers={"Accept-Language": "en"}).text)
    assert (ended.h1, ended.all("html")[0].attributes["lang"]) == ("Diese Seite ist abgelaufen", "de")
    unknown = portal.client().get(f"{browser.base}/webhooks", headers={"Accept-Language": "de"})
    assert read(unknown.text).h1 == "Diese Seite ist abgelaufen"


def test_why_it_failed_in_german(portal: MemoryPortal) -> None:
    id_ = webhook(portal)
    made = portal.api.log.add(structs.replace(plain, subscription_id=id_, status=503, outcome="retry", next_tier="5s"))
    browser = portal.enter(language="de")
    why = browser.page(f"attempts/{made}").one("region", "Warum es fehlschlug").text
    assert "Ein Proxy oder Load Balancer antwortete an Stelle des Endpunkts." in why
    assert "Prüfen Sie den Health Check des Load Balancers." in why
    answer = browser.submit(browser.page("webhooks/new"), "webhooks/new", {"url": "http://example.com/"})
    assert answer.status_code == 422
    assert "Muss mit https:// beginnen. (" in read(answer.text).visible
