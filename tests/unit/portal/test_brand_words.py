"""What a company's documentation tells its customers to press is there, under the names that it says."""

from dataclasses import replace

import pytest

from consumer.brands.loader import load_brands
from consumer.brands.pages import WordsTable
from consumer.portal.brand_words import PLACES, words_of
from consumer.portal.words import language, speaking, words
from tests.html import Page
from tests.memory_portal import Browser, MemoryPortal
from tests.sending_again import listed


def browser_of(name: str) -> Browser:
    return MemoryPortal(brands=("hookline", name)).enter(brand=name)


def test_every_name_has_its_places() -> None:
    assert list(PLACES) == list(WordsTable.model_fields)
    assert [key for keys in PLACES.values() for key in keys if key not in language("en")] == []


def test_words_are_those_of_whoever_is_spoken_for() -> None:
    conclude = words_of(load_brands()["conclude"], "en")
    with speaking(conclude):
        assert words().say("nav.log") == "Webhooks log"
    assert words().say("nav.log") == "Log"


def test_a_name_with_braces_is_shown_as_it_is() -> None:
    odd = replace(load_brands()["conclude"], words={"log": "{x} <log>"})
    assert words_of(odd, "en").say("nav.log") == "{x} &lt;log&gt;"


def names(page: Page, role: str) -> list[str]:
    return [page.name(each) for each in page.find(role)]


@pytest.mark.parametrize(
    ("brand", "path", "named"),
    [
        ("conclude", "webhooks", {("link", "Add webhook"), ("link", "Webhooks log")}),
        ("conclude", "webhooks/new", {("textbox", "Destination URL"), ("group", "Events"), ("button", "Save")}),
        ("mintlify", "webhooks", {("link", "Add endpoint")}),
        ("mintlify", "webhooks/new", {("textbox", "HTTPS URL"), ("button", "Create"), ("group", "Event types")}),
        ("trackelio", "webhooks/new", {("textbox", "URL"), ("group", "Events"), ("button", "Create webhook")}),
        ("trackelio", "log", {("combobox", "Status code"), ("link", "Delivery log")}),
        ("hookline", "webhooks/new", {("textbox", "Endpoint URL"), ("button", "Create webhook"), ("link", "Log")}),
    ],
)
def test_names_of_brands(brand: str, path: str, named: set[tuple[str, str]]) -> None:
    page = browser_of(brand).page(path)
    assert [each for each in named if len(page.find(*each)) != 1] == []


def test_titles_follow() -> None:
    browser = browser_of("conclude")
    assert (browser.page("webhooks/new").h1, browser.page("log").h1) == ("Add webhook", "Webhooks log")


def test_a_delivery_is_sent_again_by_the_brand_s_name_for_it() -> None:
    portal = MemoryPortal(brands=("hookline", "conclude"))
    client = portal.api.client(brand="conclude")
    id_ = portal.api.webhook(client, portal.api.brands["conclude"].api.base_path)["id"]
    failed = listed(portal.api, id_, brand="conclude")
    browser = portal.enter(brand="conclude")
    page = browser.page(f"webhooks/{id_}/deliveries/{failed}")
    assert "Replay" in names(page, "button")
    assert "Send again" not in names(page, "button")
    assert browser.page(f"webhooks/{id_}/replay").h1 == "Replay"


def test_a_refusal_is_said_in_the_brand_s_words() -> None:
    page = browser_of("conclude").page("nothing", 404)
    assert "Webhooks log" in names(page, "link")
