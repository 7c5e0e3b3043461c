"""docs/architecture.md maps the tree as it is, and docs/operating.md explains what the log says."""

import ast
import re
from collections.abc import Iterator

from tests import markdown

PACKAGE = markdown.ROOT / "consumer"
ARCHITECTURE = markdown.ROOT / "docs" / "architecture.md"
OPERATING = markdown.ROOT / "docs" / "operating.md"


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


def test_every_counter_is_explained() -> None:
    explained = OPERATING.read_text(encoding="utf-8")
    assert sorted(name for name in _counted() if f"`{name}`" not in explained) == []


def _counted() -> set[str]:
    """The names that some code counts under, each with its reason where it is fixed."""
    found: set[str] = set()
    members = dict(re.findall(r'^    ([A-Z_]+) = "(\w+)"', _source("telemetry/counters.py"), re.MULTILINE))
    for path in PACKAGE.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        found |= set(re.findall(r'counts\["(\w+)"\] \+=', source))
        found |= {members[name] for name in re.findall(r"counters\.add\(Count\.(\w+)", source)}
        found |= {f"dropped{{{reason}}}" for reason in re.findall(r'\.drop\(entry, "(\w+)"\)', source)}
    return found


def _source(path: str) -> str:
    return (PACKAGE / path).read_text(encoding="utf-8")
