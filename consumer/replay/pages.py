"""A part of the dead letters at a time, for a reader that comes back for the rest.

The law: going on from the position of the page before gives every dead letter that matches, once, up to where the
topic ended at the last page. A page costs a bounded look at the topic, whatever is sought: it may be empty, and not the
last.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeAlias

from consumer.delivery.delivery import DeadLetter
from consumer.events.event import Record
from consumer.kafka.reading import read_to_end
from consumer.kafka.topics import Topics
from consumer.replay.dead_letters import matching
from consumer.replay.filters import Filters
from consumer.settings import Settings

MOST_RECORDS: Final = 20_000
MOST_S: Final = 3.0

# A record is dated when it is written, by a clock that may differ from the one which dated the failure.
_SKEW_MS: Final = 60_000

Opened: TypeAlias = Callable[[Iterable[Record]], Iterator[Record]]
Position: TypeAlias = Mapping[int, int]
"""The next offset of each partition that was read from; the others were not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Dead letters, and where to go on; None at the end of the topic."""

    found: list[DeadLetter]
    position: Position | None


def page(settings: Settings, filters: Filters, *, after: Position, limit: int, opened: Opened) -> Page:
    """The next dead letters that match.

    Raises:
        KafkaBroken: the topic does not exist, or could not be read.
    """
    since_ms = None if filters.since_ms is None else max(0, filters.since_ms - _SKEW_MS)
    records = read_to_end(settings, Topics.of(settings).dead_letter, starts=after, since_ms=since_ms)
    return part_of(records, filters, after=after, limit=limit, opened=opened)


def part_of(
    records: Iterator[Record],
    filters: Filters,
    *,
    after: Position,
    limit: int,
    opened: Opened = iter,
    monotonic_s: Callable[[], float] = time.monotonic,
) -> Page:
    """As many of the records as a page may look at. `opened`: those of them that can be read, sealed or not."""
    look = _Look(records, after, monotonic_s() + MOST_S, monotonic_s)
    found = list(islice(matching(opened(look), filters), limit))
    # Not exhausted as long as there may be another record: only a further one would tell.
    return Page(found=found, position=None if look.exhausted else look.position)


class _Look:
    """Passes records on, and remembers how far it came."""

    def __init__(
        self, records: Iterator[Record], after: Position, until_s: float, monotonic_s: Callable[[], float]
    ) -> None:
        self.position = dict(after)
        self.exhausted = False
        self._records = records
        self._until_s = until_s
        self._monotonic_s = monotonic_s

    def __iter__(self) -> Iterator[Record]:
        for _ in range(MOST_RECORDS):
            record = next(self._records, None)
            if record is None:
                self.exhausted = True
                return
            self.position[record.partition] = record.offset + 1
            yield record
            if self._monotonic_s() > self._until_s:
                return
