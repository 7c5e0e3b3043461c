"""What a run found, the bars it has to clear, and the file it leaves.

The law: a bar that was not measured is missed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.installation import ROOT

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
