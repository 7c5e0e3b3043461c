"""What laws of a kind of seeds are told, beyond what the checker judges of all of them.

The law: they watch and change nothing. What is broken they raise as a `Violation`.
"""

from collections.abc import Iterator
from typing import Protocol

from tests.simulation.ledger import Pair, Published


class Laws(Protocol):
    """Times are the world's."""

    def published(self, webhook: str, event: Published) -> None:
        """An event that this webhook wants is in the log."""

    def sent(self, now_ms: int, pair: Pair) -> None:
        """A request left."""

    def returned(self, now_ms: int, pair: Pair, *, accepted: bool) -> None:
        """It is under way no longer: answered, given up, or its process is gone. `accepted`: and a 2xx was heard."""

    def buried(self, now_ms: int, pair: Pair, reason: str) -> None:
        """A dead letter of it is in the log."""

    def look(self, now_ms: int) -> None:
        """Some seconds have passed."""

    def ended(self, now_ms: int) -> None:
        """Everything has ended."""

    def figures(self) -> Iterator[str]:
        """What was measured, for people."""


class NoLaws:
    """The seeds that are judged by the checker alone."""

    def published(self, webhook: str, event: Published) -> None:
        """Nothing is kept."""

    def sent(self, now_ms: int, pair: Pair) -> None:
        """Nothing is kept."""

    def returned(self, now_ms: int, pair: Pair, *, accepted: bool) -> None:
        """Nothing is kept."""

    def buried(self, now_ms: int, pair: Pair, reason: str) -> None:
        """Nothing is kept."""

    def look(self, now_ms: int) -> None:
        """Nothing is judged."""

    def ended(self, now_ms: int) -> None:
        """Nothing is judged."""

    def figures(self) -> Iterator[str]:
        """Nothing was measured."""
        return iter(())
