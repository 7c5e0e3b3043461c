"""Whatever others wrote is text on our pages: it makes no element, no attribute, and hides nothing."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.brands.loader import load_brands
from consumer.portal.brand_words import PLACES, words_of
from consumer.portal.rendering import templates
from consumer.portal.shown import shown
from consumer.portal.words import speaking
from tests.html import Node, Page, read
from tests.views import VIEWS, html_of

PARTS = {"console_shell.html", "job_parts.html", "page.html", "parts.html", "shell.html"}
ADDRESSES = {"href", "action", "src"}
HOSTILE = (
    "<script>alert(1)</script>",
    "</pre></textarea></title></option><img src=x onerror=alert(1)>",
    '" onfocus="alert(1)" autofocus=\'',
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt;&amp;",
    "\x1b[31m\x00\r\n\ttab",
    "\u202egpj.exe\u2066\ufeff",
    "\ud800",
)


def test_every_template_has_a_view() -> None:
    assert set(templates()) == VIEWS.keys() | PARTS


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("template", sorted(VIEWS))
@settings(max_examples=15, deadline=None)
@given(text=st.sampled_from(HOSTILE) | st.text(min_size=1, max_size=40))
def test_no_text_changes_the_structure_of_a_page(template: str, full: bool, text: str) -> None:
    harmless = read(html_of(template, "x", full=full))
    hostile = read(html_of(template, text, full=full))
    assert skeleton(hostile) == skeleton(harmless)


def under(name: str, template: str) -> Page:
    """A page of a brand that calls everything by this name."""
    brand = replace(load_brands()["hookline"], words=dict.fromkeys(PLACES, name))
    with speaking(words_of(brand, "en")):
        return read(html_of(template, "x", full=True))


@pytest.mark.parametrize("template", sorted(VIEWS))
def test_no_name_of_a_brand_changes_the_structure_of_a_page(template: str) -> None:
    harmless = skeleton(under("x", template))
    for name in HOSTILE:
        assert skeleton(under(name, template)) == harmless, name


@pytest.mark.parametrize("template", sorted(VIEWS))
def test_scripts_and_styles_are_files_of_ours(template: str) -> None:
    page = read(html_of(template, HOSTILE[0], full=True))
    for each in page.all():
        assert each.tag not in {"style", "iframe", "object", "embed", "base"}
        assert not [name for name in each.attributes if name.startswith("on") or name == "style"], each
        if each.tag == "script":
            assert each.attributes["src"].startswith("/portal/assets/")
            assert not each.text


@pytest.mark.parametrize("template", sorted(VIEWS))
def test_what_is_hostile_is_to_be_seen(template: str) -> None:
    page = read(html_of(template, "\u202eevil\x1b", full=True))
    assert "\u202e" not in page.raw
    assert "\x1b" not in page.raw
    assert "[U+202E]evil␛" in page.raw
    for each in page.all():
        assert not any("\u202e" in value for value in each.attributes.values()), each


def skeleton(node: Page | Node) -> list[object]:
    """Elements and the names of their attributes."""
    return [[each.tag, sorted(each.attributes), skeleton(each)] for each in node.children if isinstance(each, Node)]


@given(st.text())
def test_shown_leaves_nothing_out_and_nothing_hidden(text: str) -> None:
    made = shown(text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]", made)
    assert len(made) >= len(text.replace("\r\n", "\n"))
    assert shown(made) == made


def test_a_tab_and_a_new_line_stay() -> None:
    assert shown("a\tb\nc\r\nd") == "a\tb\nc\nd"
    assert shown("a\rb\x7f\x85") == "a␍b␡[U+0085]"
