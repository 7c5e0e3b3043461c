"""deploy/helm/hookline: what in the chart comes from elsewhere.

`python -m make.chart` writes the alerts and the dashboard that the chart brings, the schema of its values, and the
table of its README anew. Tests find what is behind.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, cast

import yaml

from make.chart_schema import FREE, values_schema

ROOT: Final = Path(__file__).resolve().parent.parent
CHART: Final = ROOT / "deploy" / "helm" / "hookline"
VALUES: Final = CHART / "values.yaml"
README: Final = CHART / "README.md"
SCHEMA: Final = CHART / "values.schema.json"
BROUGHT: Final[Mapping[Path, Path]] = {
    CHART / "files" / "hookline.rules.yml": ROOT / "deploy" / "prometheus" / "hookline.rules.yml",
    CHART / "files" / "hookline.json": ROOT / "deploy" / "grafana" / "hookline.json",
}
_BEGIN, _END = "<!-- values -->\n", "<!-- /values -->"
_KEY: Final = re.compile(r"^(?P<indent> *)(?P<key>\w+):(?: (?P<value>.*))?$")
_TOLD: Final = re.compile(r"^ *# (?P<first>-- )?(?P<text>.*)$")


def values() -> dict[str, object]:
    """The defaults."""
    return cast("dict[str, object]", yaml.safe_load(VALUES.read_text(encoding="utf-8")))


def told() -> dict[str, str]:
    """What values.yaml says of a value, by the value's name: the comment above it that begins with two hyphens."""
    return {name: text for name, _, text in _lines() if text}


def table() -> str:
    """The README's: every value with its default."""
    rows = ["| value | default | |", "|---|---|---|"]
    known = told()
    for name, value in _leaves("", values()):
        shown = json.dumps(value) if value not in ("", None) else ""
        text = known.get(name, "").replace("|", "\\|")
        rows.append(f"| `{name}` | {f'`{shown}`' if shown else ''} | {text} |")
    return "\n".join(rows) + "\n"


def readme(text: str) -> str:
    """The README with the table as it has to be."""
    before, _, rest = text.partition(_BEGIN)
    return before + _BEGIN + table() + _END + rest.partition(_END)[2]


def schema() -> str:
    """values.schema.json."""
    return json.dumps(values_schema(values()), indent=2) + "\n"


def _leaves(inside: str, found: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Values with a default of their own, and maps that are told of. A map of Kubernetes' own is one value."""
    known = told()
    for key, value in found.items():
        name = f"{inside}.{key}".lstrip(".")
        if isinstance(value, dict) and value and key not in FREE:
            if name in known:
                yield name, None
            yield from _leaves(name, value)
        else:
            yield name, value


def _lines() -> Iterator[tuple[str, str, str]]:
    """Each key of values.yaml: its name, its indent, and what is told of it."""
    path: list[tuple[int, str]] = []
    text = ""
    for line in VALUES.read_text(encoding="utf-8").splitlines():
        if comment := _TOLD.match(line):
            text = comment["text"] if comment["first"] else f"{text} {comment['text']}" if text else ""
        elif key := _KEY.match(line):
            indent = len(key["indent"])
            path = [*((at, name) for at, name in path if at < indent), (indent, key["key"])]
            yield ".".join(name for _, name in path), key["indent"], text
            text = ""
        else:
            text = ""


def main() -> None:
    """Write all of it."""
    for copy, source in BROUGHT.items():
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(source.read_bytes())
    SCHEMA.write_text(schema(), encoding="utf-8")
    README.write_text(readme(README.read_text(encoding="utf-8")), encoding="utf-8")
    print("wrote the chart's files, schema and table")


if __name__ == "__main__":
    main()
