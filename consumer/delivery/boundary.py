"""Where an exception ends one delivery's attempt, or one record, and not the process.

The laws:
- an exception is contained at these boundaries and nowhere else: within them runs what reads a record, a webhook or an
  answer. What keeps our own books (windows, offsets, lanes, seals) runs outside, and its bug ends the process;
- what runs for a record has it in hand, so that a death is blamed on it (`mark.py`): from `take` until the next one is
  taken, or nothing is. Nothing is in hand while Kafka or an endpoint is waited for;
- a bug is told by where the code failed, never by what it was given: an exception's text may quote a payload or a
  secret. A process without memory is not contained: it would fail everybody's deliveries, one after the other.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar, TypeVarTuple

from consumer.delivery.answer import Failure, FailureKind
from consumer.delivery.entry import Entry
from consumer.delivery.mark import Mark
from consumer.delivery.offsets import Partition
from consumer.events.event import Poison
from consumer.events.reasons import PoisonReason
from consumer.telemetry.bugs import reported

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Boundary(StrEnum):
    """The named boundaries. The words appear in logs, counters, dead letters and poison."""

    DECODE = "decode"  # a record becomes what it is
    MATCH = "match"  # an event meets its tenant's webhooks
    RENDER = "render"  # the body of a request
    SIGN = "sign"  # its headers, the secrets opened for them
    SUBMIT = "submit"  # the engine takes the request
    ANSWER = "answer"  # what came back is read
    LOG = "log"  # what is written of it: its attempt, its next record


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """An exception that was contained, and the record it belongs to."""

    boundary: Boundary
    error: Exception = field(repr=False)
    partition: Partition
    offset: int
    delivery_id: str | None = None

    @property
    def detail(self) -> str:
        """What is needed to report it, in a line."""
        return reported(self.boundary, self.error)

    @property
    def poison(self) -> Poison:
        """The record that it ended."""
        return Poison(reason=PoisonReason.BUG, detail=self.detail)

    @property
    def failure(self) -> Failure:
        """The attempt that it ended."""
        return Failure(kind=FailureKind.BUG, detail=self.detail, elapsed_ms=0.0)


class Boundaries:
    """What is done for one record after the other. Belongs to one thread."""

    def __init__(self, mark: Mark) -> None:
        self.mark = mark
        self._met: list[Bug] = []
        self._in_hand: Entry | None = None
        self._hold = mark.hold

    def take(self, entry: Entry) -> None:
        """From here on code runs for this record."""
        if entry is not self._in_hand:
            self._in_hand = entry
            self._hold(entry.window.partition, entry.offset)

    def let_go(self) -> None:
        """From here on code runs for none."""
        if self._in_hand is not None:
            self._in_hand = None
            self.mark.let_go()

    def within(
        self, boundary: Boundary, entry: Entry, act: Callable[[*Ts], T], *given: *Ts, delivery_id: str | None = None
    ) -> T | Bug:
        """What `act` makes of the given for this record, or the bug that it met.

        What every delivery passes catches by itself and says so to `met`: this costs as much as what it contains.
        """
        try:
            return act(*given)
        except Exception as error:  # noqa: BLE001 # contained
            return self.met(boundary, entry, error, delivery_id)

    def met(self, boundary: Boundary, entry: Entry, error: Exception, delivery_id: str | None = None) -> Bug:
        """A bug that was caught, here or where it could only be noted: it is told with the others."""
        if isinstance(error, MemoryError):
            raise error
        bug = Bug(
            boundary=boundary,
            error=error,
            partition=entry.window.partition,
            offset=entry.offset,
            delivery_id=delivery_id,
        )
        self._met.append(bug)
        return bug

    def bugs(self) -> list[Bug]:
        """The bugs met since the last call."""
        met, self._met = self._met, []
        return met
