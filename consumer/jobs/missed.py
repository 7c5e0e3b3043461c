"""Which events a webhook missed. Pure.

The law: an event is missed when the webhook, as it is now, wants it; its record lies in the span; no attempt for this
webhook accepted it; and it does not wait in a delay topic or the ordered topic. What is known of the last two is known
as of a moment each (`Seen`), in this order:

    1. where `deliver` is: events from there on are its own, and not looked at
    2. what waits: every record of the webhook in those topics from what is committed on, less what its map says is done
    3. what was tried: the webhook's attempts in the span and after it, up to their topic's end

A delivery is written to its next place before the one before it is left, and its attempt is logged before that: so
one that moves between 2 and 3 is found by its attempt. Where they race all the same, an event is sent twice rather
than not at all; those whose last attempt says that another one is to come are counted (`Counts.raced`).

An event is known by where it lies and by its id: its place alone would be another one's in a topic that was made anew.
"""

from collections.abc import Container
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, NamedTuple

MOST: Final = 1_000_000
"""Events of one webhook that can be kept in mind; some 150 bytes each."""


class Name(NamedTuple):
    """What an event is known by."""

    topic: str
    partition: int
    offset: int
    event_id: str


class Verdict(Enum):
    """What is known of an event that the webhook wants."""

    MISSED = "missed"
    RACED = "raced"  # missed, as far as is known: an attempt that is over due may still come
    DELIVERED = "delivered"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of a webhook's events: accepted ones, those that wait, and those that were to be tried again."""

    accepted: Container[Name] = field(default_factory=frozenset)
    waiting: Container[Name] = field(default_factory=frozenset)
    to_come: Container[Name] = field(default_factory=frozenset)
    overdue: Container[Name] = field(default_factory=frozenset)

    def of(self, name: Name) -> Verdict:
        """What is to be made of an event."""
        if name in self.accepted:
            return Verdict.DELIVERED
        if name in self.waiting or name in self.to_come:
            return Verdict.WAITING
        return Verdict.RACED if name in self.overdue else Verdict.MISSED
