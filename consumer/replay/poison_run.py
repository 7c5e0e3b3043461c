"""Poison records written to their event topics again: read, planned, written in batches, counted.

The law: the event and the mark that it was written are one Kafka transaction, and there is one such writer at a time.
So none is written twice, and what the summary counts as replayed is written, wherever a run is interrupted or killed.
"""

import time
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Self

from consumer.events.event import Record
from consumer.kafka.picking import NothingThere, NotKept, Picker
from consumer.kafka.republished import republished_record
from consumer.kafka.transactions import Transactions
from consumer.replay.poison import PoisonRecord, Spot
from consumer.replay.poison_plan import Planned, PoisonPlanner, PoisonSkip, is_original
from consumer.settings import Settings

_MOST: Final = 500
_MOST_BYTES: Final = 8 * 1_048_576
_PICK_S: Final = 10.0


@dataclass(slots=True, kw_only=True)
class PoisonSummary:
    """How far a run came. `stopped`: it was asked to stop before the end. `left_out`: these are there no more."""

    matched: int = 0
    replayed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    left_out: list[Spot] = field(default_factory=list)
    stopped: bool = False


class PoisonWriter:
    """The one writer of poison records. Belongs to one thread."""

    def __init__(self, settings: Settings, transactions: Transactions) -> None:
        self._settings = settings
        self._transactions = transactions

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Become the writer; the marks are to be read afterwards.

        Raises:
            ConfigurationError: the user's Kafka properties contradict those needed.
            KafkaBroken: Kafka did not answer, or forbids the transactional id.
        """
        return cls(settings, Transactions.open(settings, "poison"))

    def write(self, batch: Iterable[Planned]) -> None:
        """Write the events and their marks, all or none. Raises as `Transactions.write`."""
        self._transactions.write(
            [record for each in batch for record in (each.event, republished_record(self._settings, each.mark))]
        )


class Originals:
    """The whole records of stubs, from where they were read. Belongs to one thread."""

    def __init__(self, settings: Settings, topics: Container[str]) -> None:
        """`topics` are those that there are."""
        self._settings = settings
        self._topics = topics
        self._pickers: dict[str, Picker] = {}

    def find(self, poison: PoisonRecord) -> Record | None:
        """The original of a stub; None where its topic holds it no more, or it is none.

        Raises:
            KafkaBroken: its topic could not be read.
        """
        source = poison.source
        if source is None or not poison.left_out_bytes or source.topic not in self._topics:
            return None
        if source.topic not in self._pickers:
            self._pickers[source.topic] = Picker(self._settings, source.topic)
        try:
            found = self._pickers[source.topic].pick(source.partition, source.offset, within_s=_PICK_S)
        except (NotKept, NothingThere):
            return None
        return found if is_original(poison, found) else None

    def close(self) -> None:
        """Close the connections."""
        for picker in self._pickers.values():
            picker.close()


@contextmanager
def originals(settings: Settings, topics: Container[str]) -> Iterator[Originals]:
    """Where stubs' originals are looked for."""
    found = Originals(settings, topics)
    try:
        yield found
    finally:
        found.close()


def replay(
    chosen: Iterable[PoisonRecord],
    planner: PoisonPlanner,
    original_of: Callable[[PoisonRecord], Record | None],
    write: Callable[[list[Planned]], None],
    *,
    stop: Callable[[], bool],
    summary: PoisonSummary,
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    progress: Callable[[PoisonSummary], None] = lambda _: None,
) -> None:
    """Write these again. `summary` is counted up as batches are written: it also tells how far a run came that raised.

    Raises:
        Exception: whatever `write` or `original_of` raises; its batch is not counted.
    """
    batch: list[Planned] = []
    held_bytes = 0

    def flush() -> None:
        nonlocal held_bytes
        if batch:
            write(batch)
            summary.replayed += len(batch)
        batch.clear()
        held_bytes = 0
        progress(summary)

    for poison in chosen:
        if stop():
            break
        summary.matched += 1
        match planner.plan(poison, original_of(poison), now_ms()):
            case Planned() as planned:
                batch.append(planned)
                held_bytes += len(planned.event.value or b"")
                if len(batch) >= _MOST or held_bytes >= _MOST_BYTES:
                    flush()
            case skipped:
                summary.skipped[skipped.reason] += 1
                if skipped.reason is PoisonSkip.LEFT_OUT and poison.source is not None:
                    summary.left_out.append(poison.source)
    summary.stopped = stop()
    if not summary.stopped:
        flush()
