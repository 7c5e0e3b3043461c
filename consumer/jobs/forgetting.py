"""Marks on the jobs topic that nobody needs any more, and how they go: those of replays, and of poison written again.

The laws:
- a mark outlives what it is about. That of a chain is needed as long as there may be a dead letter or an attempt of it,
  that of a poison record as long as the record itself;
- where nobody knows how long those are kept, nothing is forgotten;
- marks go a few at a time, in transactions of the one writer, and none that was written anew meanwhile. What is not
  written is looked for again an hour later.

So the topic, and what is kept of it in mind, grow by what is sent again within that time: about 300 bytes a chain.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

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


class Marks(Protocol):
    """The fold of one kind of mark."""

    def outlived(self, before_ms: int, among: Iterable[str] | None = None) -> list[str]:
        """Those that were written last before then; only of these, where some are named."""

    def drop(self, names: Iterable[str]) -> None:
        """These are deleted from the topic."""


class _Kind:
    """Marks of one kind that go: `record` deletes one of them."""

    def __init__(self, marks: Marks, record: Callable[[str], NewRecord]) -> None:
        self._marks = marks
        self._record = record
        self._before_ms = 0
        self._found: list[str] = []
        self._due: list[str] = []

    def look(self, now_ms: int, needed_ms: int | None) -> None:
        """Find those that are needed no more."""
        self._before_ms = now_ms - (needed_ms or 0)
        self._found = [] if needed_ms is None else self._marks.outlived(self._before_ms)

    def due(self) -> Sequence[NewRecord]:
        """The next of them."""
        self._due = []
        while self._found and not self._due:
            self._due = self._marks.outlived(self._before_ms, self._found[:AT_ONCE])
            del self._found[:AT_ONCE]
        return [self._record(each) for each in self._due]

    def written(self) -> None:
        """What was due last is written."""
        self._marks.drop(self._due)
        self._due = []


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
        self._lifetimes = lifetimes
        self._looked_s: float | None = None
        self._chains = _Kind(generations, of_chain)
        self._poison = _Kind(republished, of_poison)

    def due(self, now_ms: int, now_s: float) -> Sequence[NewRecord]:
        """The next of what is to be deleted; once they are written, `written` has to be called."""
        if self._looked_s is None or now_s - self._looked_s >= _EVERY_S:
            self._looked_s = now_s
            lifetimes = self._lifetimes()
            self._chains.look(now_ms, lifetimes.chain_ms)
            self._poison.look(now_ms, lifetimes.poison_ms)
        return self._chains.due() or self._poison.due()

    def written(self) -> None:
        """What was due last is written."""
        self._chains.written()
        self._poison.written()
