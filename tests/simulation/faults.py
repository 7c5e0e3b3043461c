"""What goes wrong, when, and how often it did.

The law: a fault is drawn from the plan's stream before it strikes, and after the plan's time for faults none strikes:
from then on everything must finish.
"""

import random
from collections import Counter

from tests.simulation.history import History
from tests.simulation.plan import Plan
from tests.simulation.timeline import START_MS, Timeline


class Faults:
    """The dice of the small faults, and the count of all."""

    def __init__(self, plan: Plan, timeline: Timeline, history: History) -> None:
        self._timeline = timeline
        self._history = history
        self._plan = plan
        self.until_ms = START_MS + plan.faults_for_ms
        self.counts: Counter[str] = Counter()

    @property
    def on(self) -> bool:
        """Whether anything may still go wrong."""
        return self._plan.faults > 0 and self._timeline.now_ms < self.until_ms

    def strikes(self, dice: random.Random, share: float) -> bool:
        """Whether one that strikes this share of the time strikes now."""
        return self.on and dice.random() < share * self._plan.faults

    def met(self, kind: str, *about: str) -> None:
        """One more of this kind."""
        self.counts[kind] += 1
        self._history.add("fault", "! " + kind, *about)
