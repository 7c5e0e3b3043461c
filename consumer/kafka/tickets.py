"""How the delivery log knows what is acknowledged without a callback for every record. Pure.

    write ─► active ──┐ they change places when the resting one has nothing left,
             resting ◄┘ and a ticket was given out since they last did

The law: when `has` says yes to a ticket, every record that was written before the ticket was given out is acknowledged.
It may be asked at any time, and what it said yes to once it never denies.

Two sides alternate. One takes what is written, the other rests: nothing is added to it, so it is empty once all that it
was given is acknowledged.
"""

from collections.abc import Callable
from typing import Generic, NewType, Protocol, TypeVar

Ticket = NewType("Ticket", int)
"""Stands for everything that was written before it was given out."""


class Side(Protocol):
    """One of the two that records are written to."""

    @property
    def left(self) -> int:
        """How many of its records are not known to be acknowledged; more may be counted than there are."""


_Side = TypeVar("_Side", bound=Side)


class Sides(Generic[_Side]):
    """Whoever writes gives every record to `active`. `turned` is told of each new one."""

    def __init__(self, active: _Side, resting: _Side, turned: Callable[[_Side], None]) -> None:
        self.active = active
        self._resting = resting
        self._turned = turned
        self._turns = 0
        self._rested = True  # once seen empty the resting side stays so: what it counts later are no records
        self._is_awaited = False

    @property
    def left(self) -> int:
        """How many records are not known to be acknowledged."""
        return self.active.left + self._resting.left

    def ticket(self) -> Ticket:
        """A ticket for everything that was written until now."""
        ticket = Ticket(self._turns + 1)
        self._is_awaited = True
        self._go_on()
        return ticket

    def has(self, ticket: Ticket) -> bool:
        """Whether everything that the ticket stands for is acknowledged."""
        self._go_on()
        return ticket < self._turns or (self._rested and ticket == self._turns)

    def _go_on(self) -> None:
        if not self._rested and self._resting.left == 0:
            self._rested = True
        if self._rested and self._is_awaited:
            self.active, self._resting = self._resting, self.active
            self._turns += 1
            self._rested = self._is_awaited = False
            self._turned(self.active)
