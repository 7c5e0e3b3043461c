"""Whatever colour a brand has, its pages can be read: over all colours, and three that want to be unreadable."""

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from consumer.portal import shades
from consumer.portal.shades import DARK, LIGHT, Scheme, colour, contrast, written

CSS = Path(__file__).parents[3] / "consumer" / "portal" / "assets" / "pages.css"
HOSTILE = ("#ffff00", "#ffffff", "#000000")
COLOURS = st.tuples(*[st.integers(0, 255)] * 3).map(lambda parts: written((parts[0], parts[1], parts[2])))


def check(accent: str, scheme: Scheme) -> None:
    made = shades.shades(accent, scheme)
    surfaces = [colour(each) for each in (scheme.surface, *scheme.others)]
    assert all(contrast(colour(made.link), each) >= 4.5 for each in [*surfaces, colour(made.soft)])
    assert all(contrast(colour(made.edge), each) >= 3 for each in surfaces)
    assert contrast(colour(made.on_fill), colour(made.fill)) >= 4.5
    assert contrast(colour(made.on_fill), colour(made.hovered)) >= 4.5
    assert made.fill == accent


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@given(accent=COLOURS)
@example(accent=HOSTILE[0])
@example(accent=HOSTILE[1])
@example(accent=HOSTILE[2])
@example(accent="#767676")
def test_every_colour_can_be_read_and_seen(scheme: Scheme, accent: str) -> None:
    check(accent, scheme)


def test_the_whole_cube_in_steps() -> None:
    sides = range(0, 256, 51)
    for accent in (written((red, green, blue)) for red in sides for green in sides for blue in sides):
        check(accent, LIGHT)
        check(shades.lightened(accent), DARK)


def test_a_colour_that_can_be_read_stays_as_it_is() -> None:
    assert shades.shades("#1d3fb0", LIGHT).link == "#1d3fb0"
    assert shades.lightened("#8aadff") == "#8aadff"
    assert contrast(colour(shades.lightened("#000080")), colour(DARK.surface)) >= 3


def test_the_surfaces_are_those_of_the_style_sheet() -> None:
    blocks = re.findall(r"\{[^{}]*--bg:[^{}]*\}", CSS.read_text("utf-8"))
    for block, scheme in zip(blocks, (LIGHT, DARK, DARK), strict=True):
        found = dict(re.findall(r"--(bg|surface|raised|sunk): (#[0-9a-f]{3,6})", block))
        assert {_long(each) for each in found.values()} == {scheme.surface, *scheme.others}


def _long(text: str) -> str:
    return text if len(text) == 7 else "#" + "".join(each * 2 for each in text[1:])
