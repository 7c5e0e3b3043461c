"""Whoever asks for a brand knows the operator's own: each call passes the folder, or webhooks of such a brand fail."""

import ast
from collections.abc import Iterator

from tests import markdown

PACKAGE = markdown.ROOT / "consumer"
FUNCTIONS = {"brand", "load_brands"}
WITHOUT = {"demo/stage.py"}  # it has settings and brands of its own


def test_every_caller_says_where_the_operator_s_brands_are() -> None:
    calls = [
        (path.relative_to(PACKAGE).as_posix(), call)
        for path in PACKAGE.rglob("*.py")
        if path.parent.name != "brands"
        for call in _calls(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert calls
    assert {path for path, call in calls if not _says_where(call)} - WITHOUT == set()


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    """The calls of the loader's functions, under whatever name they were imported."""
    names = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "consumer.brands.loader"
        for alias in node.names
        if alias.name in FUNCTIONS
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield node


def _says_where(call: ast.Call) -> bool:
    return "brands_dir" in ast.unparse(call)
