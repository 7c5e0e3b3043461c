"""What a job looks at: events and deliveries that may be sent again, from whichever topic. Pure.

The law: of one source, and from the same position on, the same candidates come in the same order of each partition. So
a job that was killed goes on where its last batch was written, and looks at nothing twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from consumer.events.event import Event
from consumer.jobs.job import Skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One that matches. `skip`: it is not to be sent, and why; the event may be a stand-in then.

    `delivery` is the delivery that it was (None: an event never tried), `replays` which replay of its chain that was.
    `body` is what was sent, None where nothing was. `raced`: it may be on its way all the same.
    """

    event: Event
    at_ms: int
    delivery: str | None = None
    replays: int = 0
    body: bytes | None = field(default=None, repr=False)
    content_type: str = "application/json"
    order: str | None = None
    raced: bool = False
    skip: Skip | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Some of what there is. `positions`: behind each candidate, the next offsets of its source then.

    `position` is that behind everything looked at, `looked` how much that was. `finished`: there is no more.
    """

    candidates: Sequence[Candidate]
    positions: Sequence[Mapping[tuple[str, int], int]]
    position: Mapping[tuple[str, int], int]
    looked: int
    reached_ms: int | None
    finished: bool


class Source(Protocol):
    """Belongs to one thread."""

    begins: Mapping[tuple[str, int], int]
    """Where each partition is read from."""
    ends: Mapping[tuple[str, int], int]
    """And to: fixed when the job begins, so that it ends."""

    def take(self, most: int, wait_s: float) -> Taken:
        """At most `most` candidates, after looking for at most `wait_s` seconds.

        Raises:
            TooMany: more of this webhook would have to be kept in mind than can be.
            KafkaBroken: a topic could not be read.
        """

    def close(self) -> None:
        """Leave Kafka."""


class TooEarly(Exception):  # noqa: N818 # it names a state, as the glossary does
    """What is to be looked at is not finished yet: the source is to be opened again a moment later."""


class TooMany(Exception):  # noqa: N818 # it names a state, as the glossary does
    """More has to be kept in mind than can be: a shorter span is."""
