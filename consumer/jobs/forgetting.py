"""Marks on the state topic that nobody needs any more, and how they go: those of replays, and of poison written again.

The laws:
- a mark outlives what it is about. That of a chain is needed as long as there may be a dead letter or an attempt of it,
  that of a poison record as long as the record itself;
- where nobody knows how long those are kept, nothing is forgotten;
- marks go a few at a time, in transactions of the one writer. What is not written is looked for again an hour later.

So the topic, and what is kept of it in mind, grow by what is sent again within that time: about 300 bytes a chain.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from consumer.kafka.writing import NewRecord
from consumer.replay.generations import Generations
from consumer.replay.republished_marks import RepublishedMarks

AT_ONCE: Final = 500
_EVERY_S: Final = 3_600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """For how long, after it was written, a mark is needed: of a chain, of a poison record. None: nobody knows."""

    chain_ms: int | None
    poison_ms: int | None


class Forgetting:
    """Belongs to one thread. `lifetimes` asks Kafka, and is called about once an hour."""

    def __init__(
        self,
        generations: Generations,
        republished: RepublishedMarks,
        lifetimes: Callable[[], Lifetimes],
        *,
        of_chain: Callable[[str], NewRecord],
        of_poison: Callable[[str], NewRecord],
    ) -> None:
        """`of_chain` and `of_poison` are the records that delete a mark."""
        self._generations = generations
        self._republished = republished
        self._lifetimes = lifetimes
        self._of_chain = of_chain
        self._of_poison = of_poison
        self._looked_s: float | None = None
        self._chains: list[str] = []
        self._poison: list[str] = []

    def due(self, now_ms: int, now_s: float) -> Sequence[NewRecord]:
        """The next of what is to be deleted; once they are written, `written` has to be called."""
        if self._looked_s is None or now_s - self._looked_s >= _EVERY_S:
            self._looked_s = now_s
            lifetimes = self._lifetimes()
            chain_ms, poison_ms = lifetimes.chain_ms, lifetimes.poison_ms
            self._chains = [] if chain_ms is None else self._generations.outlived(now_ms - chain_ms)
            self._poison = [] if poison_ms is None else self._republished.outlived(now_ms - poison_ms)
        records = [self._of_chain(each) for each in self._chains[:AT_ONCE]]
        return records or [self._of_poison(each) for each in self._poison[:AT_ONCE]]

    def written(self) -> None:
        """What was due last is written."""
        if self._chains:
            self._generations.drop(self._chains[:AT_ONCE])
            del self._chains[:AT_ONCE]
        else:
            self._republished.drop(self._poison[:AT_ONCE])
            del self._poison[:AT_ONCE]
