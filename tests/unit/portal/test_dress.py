"""A brand's look on its pages: its style sheet, its logo, its name."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from consumer.brands.brand import Logo, PagesLook
from consumer.brands.loader import load_brands
from consumer.portal.assets import assets
from consumer.portal.dress import dress, wardrobe
from tests.html import read
from tests.memory_portal import MemoryPortal

CSS = Path(__file__).parents[3] / "consumer" / "portal" / "assets" / "pages.css"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"/>'
PLAIN = PagesLook(
    title="Acme", accent="#2a57d0", accent_dark=None, radius_px=8, support_url=None, logo=None, logo_dark=None
)


def css_of(look: PagesLook) -> str:
    asset = wardrobe([look]).find(dress(look).css_url)
    assert asset is not None
    return asset.body.decode()


def test_a_style_sheet_has_custom_properties_only_and_only_those_that_are_asked_for() -> None:
    asked = set(re.findall(r"var\((--[a-z-]+)[,)]", CSS.read_text("utf-8"))) | {"--r"}
    for brand in load_brands().values():
        css = css_of(brand.look)
        assert re.sub(r"--[a-z-]+:[^;{}]+;", "", css) == (
            ":root{}\n[data-theme=dark]{}\n@media (prefers-color-scheme:dark){[data-theme=auto]{}}\n"
        )
        assert set(re.findall(r"(--[a-z-]+):", css)) <= asked
        assert len(css) < 2_000


def test_a_name_is_made_of_the_bytes() -> None:
    assert re.fullmatch(r"/portal/brand\.[0-9a-f]{16}\.css", dress(PLAIN).css_url)
    assert dress(PLAIN).css_url != dress(replace(PLAIN, radius_px=4)).css_url
    assert wardrobe([PLAIN]).find("/portal/brand.0000000000000000.css") is None


def test_a_logo_with_the_name_in_it_stands_alone() -> None:
    mark, word = Logo(svg=SVG, ratio=1.0), Logo(svg=SVG + b" ", ratio=4.0)
    assert (dress(PLAIN).wordmark, dress(PLAIN).icon_url) == (False, None)
    assert not dress(replace(PLAIN, logo=mark)).wordmark
    worded = replace(PLAIN, logo=word, logo_dark=mark)
    assert (dress(worded).wordmark, dress(worded).icon_url) == (True, None)
    light, _, dark = css_of(worded).partition("[data-theme=dark]")
    urls = [re.findall(r"url\((.*?)\)", part)[0] for part in (light, dark)]
    assert urls[0] != urls[1]
    assert [getattr(wardrobe([worded]).find(each), "body", None) for each in urls] == [word.svg, mark.svg]


@pytest.mark.parametrize("name", sorted(load_brands()))
def test_pages_wear_their_brand(name: str) -> None:
    portal = MemoryPortal(brands=("hookline", name))
    browser = portal.enter(brand=name)
    page = browser.page("webhooks")
    look = load_brands()[name].look
    sheets = [each.attributes["href"] for each in page.all("link") if each.attributes["rel"] == "stylesheet"]
    assert sheets == [assets().url("pages.css"), dress(look).css_url]
    for url, kind in ((sheets[1], "text/css"), (str(dress(look).icon_url), "image/svg+xml")):
        answer = browser.client.get(url)
        assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, kind)
        assert "immutable" in answer.headers["cache-control"]
        assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert page.all("title")[0].text == f"Webhooks · {look.title}"
    assert "brand." not in read(portal.client().get("/portal/enter").text).all("head")[0].text


def test_what_no_brand_has_is_not_there() -> None:
    client = MemoryPortal().client()
    assert client.get("/portal/brand.0123456789abcdef.css").status_code == 404
    assert client.get(dress(load_brands()["convo"].look).css_url).status_code == 404, "a brand that is not served here"


def test_whoever_needs_help_finds_it() -> None:
    portal = MemoryPortal()
    hookline = portal.api.brands["hookline"]
    helped = replace(hookline.look, support_url="mailto:help@acme.example")
    portal.api.brands["hookline"] = replace(hookline, look=helped)
    browser = portal.enter(expires_in_ms=60_000)
    assert browser.page("webhooks").one("link", "Get help").attributes["href"] == "mailto:help@acme.example"
