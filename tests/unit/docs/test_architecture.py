"""docs/architecture.md maps the tree as it is, and docs/operating.md explains what the log says."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from consumer.telemetry.count import Count, Dropped, reasoned
from tests import markdown

PACKAGE = markdown.ROOT / "consumer"
ARCHITECTURE = markdown.ROOT / "docs" / "architecture.md"
OPERATING = markdown.ROOT / "docs" / "operating.md"
NAMING = ("count.py", "counted.py")


def test_the_file_map_covers_every_file_and_names_no_other() -> None:
    mapped: set[str] = set()
    room = ""
    for line in markdown.between(ARCHITECTURE, "files").splitlines():
        if heading := re.match(r"### `consumer/(.*)`", line):
            room = heading[1]
        elif row := re.match(r"\| `([^`]+)` \|", line):
            mapped.add(room + row[1])
    tree = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"}
    assert tree - mapped == set(), "not in the file map"
    assert mapped - tree == set(), "in the file map, and nowhere else"


def test_every_path_named_in_architecture_exists() -> None:
    named = re.findall(r"`((?:consumer|schemas|tests|make|docs)/[\w./-]+)`", ARCHITECTURE.read_text(encoding="utf-8"))
    assert [path for path in named if "NAME" not in path and not (markdown.ROOT / path).exists()] == []


def test_every_function_named_in_architecture_exists() -> None:
    """`file.py: function` names a function of that file."""
    text = ARCHITECTURE.read_text(encoding="utf-8")
    named = re.findall(r"`([\w/]+\.py): ([\w.]+)`", text)
    assert named
    assert [f"{path}: {name}" for path, name in named if name.split(".")[-1] not in _defined(path)] == []


def _defined(path: str) -> set[str]:
    tree = ast.parse((PACKAGE / path).read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_every_line_of_the_log_is_explained() -> None:
    explained = OPERATING.read_text(encoding="utf-8")
    assert sorted({line for line in _logged() if f"`{line}`" not in explained}) == []


def _logged() -> Iterator[str]:
    """What the package logs at info and above, and the conditions that last."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield from _message(node)


def _message(call: ast.Call) -> Iterator[str]:
    match call:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="_log" | "log")), args=[first, *_]):
            yield from _texts(first)
        case ast.Call(func=ast.Name(id="Outage"), args=[_, first, *_]):
            yield from _texts(first)


def _texts(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str() as text):
            yield text
        case ast.IfExp(body=body, orelse=orelse):
            yield from _texts(body)
            yield from _texts(orelse)


def test_every_counter_is_counted_and_explained_and_no_other() -> None:
    counted = {node.value for path in PACKAGE.rglob("*.py") if path.name not in NAMING for node in _strings(path)}
    assert {*get_args(Count), *get_args(Dropped)} - counted == set(), "named, and never counted"
    table = OPERATING.read_text(encoding="utf-8").partition("## Counters")[2].partition("## ")[0]
    explained = {
        name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)
    }
    assert explained == {*get_args(Count), *(reasoned("dropped", reason) for reason in get_args(Dropped))}


def _strings(path: Path) -> Iterator[ast.Constant]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.Constant))
