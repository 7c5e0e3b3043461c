"""The documentation names only what there is: files, headings, settings, targets of make."""

import re
from pathlib import Path
from typing import Literal, get_args, get_origin

import pytest

from consumer.events.reasons import PoisonReason
from consumer.settings import Settings
from tests import markdown

README = markdown.ROOT / "README.md"
SETTINGS_PAGE = markdown.ROOT / "docs" / "settings.md"
SETTINGS = {f"HOOKLINE_{name.upper()}" for name in Settings.model_fields} - {"HOOKLINE_KAFKA"}
NAMES = [page.relative_to(markdown.ROOT).as_posix() for page in markdown.pages()]


@pytest.mark.parametrize("name", NAMES)
def test_every_relative_link_leads_somewhere(name: str) -> None:
    page = markdown.ROOT / name
    broken = []
    for target in markdown.links(page):
        path, _, anchor = target.partition("#")
        if ":" in path:
            continue
        linked = (page.parent / path).resolve() if path else page
        if not linked.exists() or (anchor and anchor not in markdown.anchors(linked)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_named_exists(name: str) -> None:
    text = (markdown.ROOT / name).read_text(encoding="utf-8")
    named = set(re.findall(r"HOOKLINE_[A-Z_]*[A-Z]", text))
    assert {
        each for each in named - SETTINGS if not each.startswith("HOOKLINE_KAFKA") and each != "HOOKLINE_X"
    } == set()


def test_the_settings_table_is_what_the_settings_say() -> None:
    assert markdown.between(SETTINGS_PAGE, "settings") == settings_table(), "write what settings_table() returns"


def settings_table() -> str:
    rows = ["| setting | default | |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        if name == "kafka":
            continue
        others = [f"`{each}`" for each in _choices(field.annotation) if each != field.default]
        default = " ".join(filter(None, [_shown(field.default), *(f"or {each}" for each in others)]))
        rows.append(f"| `HOOKLINE_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows) + "\n"


def _choices(annotation: object) -> tuple[object, ...]:
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _shown(default: object) -> str:
    if hasattr(default, "get_secret_value"):
        default = default.get_secret_value()
    match default:
        case None | ():
            return ""
        case bool():
            return f"`{str(default).lower()}`"
        case tuple():
            return f"`{','.join(default)}`"
        case _:
            return f"`{default}`"


def test_every_target_of_make_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (markdown.ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named: set[str] = set()
    for page in markdown.pages():
        named |= set(
            re.findall(r"\bmake ([a-z]+)\b(?=`|$|\s*#| [A-Z]+=)", page.read_text(encoding="utf-8"), re.MULTILINE)
        )
    assert {"demo", "test", "setup"} <= named
    assert named <= targets


@pytest.mark.parametrize(("language", "example"), [("python", "receive.py"), ("js", "receive.mjs")])
def test_the_readme_verifies_as_the_example_does(language: str, example: str) -> None:
    shown = [block.text for block in markdown.blocks(README) if block.info == language and "verify" in block.text]
    assert len(shown) == 1
    assert shown[0] in (markdown.ROOT / "docs" / "examples" / example).read_text(encoding="utf-8")


def test_the_readme_is_short_and_begins_with_the_two_commands() -> None:
    lines = README.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 280
    first = markdown.blocks(README)[0].text
    assert [line.split("#")[0].strip() for line in first.splitlines()] == ["make demo", "make test"]


def test_a_page_that_nothing_links_to_is_lost() -> None:
    linked: set[Path] = set()
    for page in markdown.pages():
        linked |= {(page.parent / target.partition("#")[0]).resolve() for target in markdown.links(page)}
    decisions = {page.resolve() for page in (markdown.ROOT / "docs" / "decisions").glob("*.md")}
    assert {page.resolve() for page in markdown.pages()} - linked - decisions - {README.resolve()} == set()


def test_every_reason_of_poison_is_explained_and_no_other() -> None:
    page = (markdown.ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
    table = page.partition("<!-- poison -->")[2].partition("<!-- /poison -->")[0]
    firsts = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert {name for first in firsts for name in re.findall(r"`(\w+)`", first)} == set(PoisonReason)
