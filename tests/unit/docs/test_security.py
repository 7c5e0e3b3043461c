"""docs/security.md: what one may do to others is a list of claims, and each names the test that shows it."""

import ast
import re
from functools import cache
from pathlib import Path

from tests import markdown

PAGE = markdown.ROOT / "docs" / "security.md"
WHO = ("endpoint", "customer", "producer", "operator", "admin", "bug")
_NAMED = re.compile(r"`(tests/[\w/]+\.py): (test_\w+)`")
_IN_A_PAGE = re.compile(r"`(tests/[\w/.]+)`")


def _claims() -> list[str]:
    """The lines of the tables, without their heads."""
    found: list[str] = []
    for who in WHO:
        lines = [line for line in markdown.between(PAGE, who).splitlines() if line.startswith("|")]
        assert len(lines) > 3, who
        found += lines[2:]
    return found


@cache
def _defined_in(path: str) -> frozenset[str]:
    tree = ast.parse((markdown.ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_every_claim_names_a_test_that_there_is() -> None:
    for claim in _claims():
        named = _NAMED.findall(claim)
        assert named, f"name the test of: {claim}"
        assert claim.count("`tests/") == len(named), f"write it as `tests/…/test_x.py: test_y`: {claim}"
        for path, name in named:
            assert Path(markdown.ROOT / path).is_file(), path
            assert name in _defined_in(path), f"{path} has no {name}"


def test_every_claim_is_made_once() -> None:
    texts = [claim.split("|")[1].strip() for claim in _claims()]
    assert sorted(texts) == sorted(set(texts))


def test_every_test_file_that_the_page_names_exists() -> None:
    named = _IN_A_PAGE.findall(PAGE.read_text(encoding="utf-8"))
    assert [path for path in named if not (markdown.ROOT / path).exists()] == []
