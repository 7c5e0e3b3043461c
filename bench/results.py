"""What a run found, the bars it has to clear, and the file it leaves.

The law: a bar that was not measured is missed.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import needs
from bench.installation import ROOT, BenchError
from bench.parts import NOT_COMPARABLE
from consumer.kafka.client import KafkaBroken
from tests.services.server import ServiceError

OUT = ROOT / "bench" / "out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """`least`, or else `most`, that a figure may be."""

    figure: str
    unit: str
    least: float | None = None
    most: float | None = None

    def cleared(self, figures: Mapping[str, object]) -> bool:
        """Whether the figure was measured and is good enough."""
        value = figures.get(self.figure)
        if not isinstance(value, int | float):
            return False
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        return f"≥ {self.least:,g} {self.unit}" if self.least is not None else f"≤ {self.most:,g} {self.unit}"


def write(name: str, figures: Mapping[str, object]) -> Path:
    """Leave the figures in bench/out."""
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / f"{name}.json"
    path.write_text(json.dumps(figures, indent=2) + "\n")
    return path


def read(name: str) -> dict[str, object] | None:
    """The figures of the last run; None when there was none."""
    path = OUT / f"{name}.json"
    if not path.exists():
        return None
    found: dict[str, object] = json.loads(path.read_text())
    return found


def shown(figure: float | list[float]) -> str:
    """A figure, or the figures of several runs, for people."""
    return ", ".join(map(str, figure)) if isinstance(figure, list) else f"{figure:,}"


def measured(
    name: str, run: Callable[[Console], Mapping[str, object]], bars: Sequence[Bar], *, nginx: bool = True
) -> int:
    """Install what `nginx`'s benches need, measure, leave the file, judge; the exit code."""
    console = Console()
    if nginx:
        needs.install()
    try:
        figures = run(console)
    except (BenchError, ServiceError, KafkaBroken) as error:
        print(f"bench.{name}: FAIL: {error}")
        return 1
    return judge(console, name, figures, bars)


def judge(console: Console, name: str, figures: Mapping[str, object], bars: Sequence[Bar]) -> int:
    """Leave the figures, show them with their bars, and say what was missed and what is not comparable; the exit code.

    0: every bar is cleared. 1: one is missed. 2: none is, and a part has no figures that can be compared.
    """
    path = write(name, figures)
    by_figure = {bar.figure: bar for bar in bars}
    table = Table("figure", "measured", "bar")
    for column in table.columns[1:]:
        column.justify = "right"
    for figure, value in figures.items():
        if isinstance(value, int | float | list):
            table.add_row(figure, shown(value), str(by_figure.get(figure, "")))
    console.print(table)
    print(f"figures: {path}")
    missed = [bar for bar in bars if not bar.cleared(figures)]
    said = "; ".join(f"{bar.figure} {figures.get(bar.figure, 'was not measured')} ({bar})" for bar in missed or bars)
    strange = _not_comparable(figures)
    verdict, code = ("FAIL", 1) if missed else ("NOT COMPARABLE", 2) if strange else ("PASS", 0)
    print(f"{name}: {verdict}: {'; '.join([said, *strange])}")
    return code


def _not_comparable(figures: Mapping[str, object]) -> list[str]:
    """Each such part and its reason, on one line."""
    found = figures.get(NOT_COMPARABLE, {})
    assert isinstance(found, dict)
    return [f"{part} is not comparable: {' '.join(str(reason).split())}" for part, reason in found.items()]
