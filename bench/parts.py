"""A run in parts: each gives its figures, or the reason why it has none, or why they are not to be compared.

The law: what was measured is kept, whatever becomes of the rest. The figures are left after each part, so a part that
fails, or a run that is stopped by hand, loses nothing that was measured before, and a part stands on nothing that an
earlier one left behind.
"""

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.installation import BenchError
from tests.services.server import ServiceError

NOT_COMPARABLE = "not_comparable"
"""In the figures: by part, why it has none, or why they are not to be compared with another day's."""

_NOT_BEGUN = "the run ended before it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a part found. `not_comparable`: what happened meanwhile and is in its figures too."""

    figures: Mapping[str, object]
    not_comparable: str | None = None


class Findings:
    """What all parts found so far."""

    def __init__(self, parts: Sequence[str], keep: Callable[[Mapping[str, object]], object]) -> None:
        """`keep` is given all figures after each part."""
        self._figures: dict[str, object] = {}
        self._reasons = dict.fromkeys(parts, _NOT_BEGUN)
        self._keep = keep

    @property
    def figures(self) -> dict[str, object]:
        """All of them, and what is not comparable."""
        return {**self._figures, NOT_COMPARABLE: dict(self._reasons)}

    def note(self, **figures: object) -> None:
        """What is known beside the parts."""
        self._figures |= figures

    def measure(self, part: str, measure: Callable[[], Measured]) -> None:
        """Run a part and keep what it found."""
        try:
            found = measure()
        except (BenchError, ServiceError) as error:
            found = Measured(figures={}, not_comparable=str(error))
        except Exception as error:  # noqa: BLE001 # a part's bug takes this part and no other; it is shown
            traceback.print_exc()
            found = Measured(figures={}, not_comparable=f"{type(error).__name__}: {error}")
        self._merge(found.figures)
        if found.not_comparable is None:
            del self._reasons[part]
        else:
            self._reasons[part] = found.not_comparable
        self._keep(self.figures)

    def end(self, reason: str) -> None:
        """The parts that were not begun will not be."""
        self._reasons = {part: reason if why == _NOT_BEGUN else why for part, why in self._reasons.items()}
        self._keep(self.figures)

    def _merge(self, figures: Mapping[str, object]) -> None:
        for name, value in figures.items():
            known = self._figures.get(name)
            self._figures[name] = known | value if isinstance(known, dict) and isinstance(value, dict) else value
