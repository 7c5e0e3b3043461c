"""Text sought in bodies: rows of a list whose request or answer holds it, within bounds.

The law: a page looks at no more than LOOKED_AT_MOST records and no longer than LOOKED_FOR_S, and says how far it came;
the next one goes on there. So a search that finds little costs each request little, and misses nothing.

It looks at few rows first, and at more and more of them together: where bodies are large a page still comes somewhere.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from consumer.kafka.client import KafkaBroken
from consumer.log.archive import Kept
from consumer.log.query import Cursor, Page, Query, Row, View

LOOKED_AT_MOST: Final = 20_000
LOOKED_FOR_S: Final = 3.0
_FIRST: Final = 10
_AT_A_TIME: Final = 200
"""Rows that are looked at together: so many first, then twice as many each time, up to so many."""
SHORTEST: Final = 3
"""Characters of a text that is sought."""


class Lists(Protocol):
    """See `reading.py: LogReader`."""

    def page(self, view: View, *, tenant: str, brand: str, query: Query, limit: int, cursor: Cursor | None) -> Page: ...


class Records(Protocol):
    """See `Archive`."""

    def scan(
        self, tenant: str, brand: str, partition: int, offsets: Sequence[int], *, until_s: float
    ) -> Iterator[Kept]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Of one owner, in one list. `text` is sought as it is written, in UTF-8."""

    view: View
    tenant: str
    brand: str
    query: Query
    text: str

    def page(
        self,
        lists: Lists,
        records: Records,
        *,
        limit: int,
        cursor: Cursor | None,
        monotonic_s: Callable[[], float],
    ) -> Page:
        """A page of it.

        Raises:
            CacheUnavailable, Busy: as the list and the records do.
            KafkaBroken: before anything was looked at.
        """
        until_s = monotonic_s() + LOOKED_FOR_S
        found: list[Row] = []
        looked_at, at_a_time = 0, _FIRST
        first: Page | None = None
        while True:
            part = lists.page(
                self.view, tenant=self.tenant, brand=self.brand, query=self.query, limit=at_a_time, cursor=cursor
            )
            first = first or part
            try:
                holding = self._holding(records, part.rows, until_s)
            except KafkaBroken:
                if cursor is None or looked_at == 0:
                    raise
                return replace(self._ended(first, found, cursor, limit), searched_to_ms=cursor.behind.logged_ms)
            looked_at, at_a_time = looked_at + len(part.rows), min(2 * at_a_time, _AT_A_TIME)
            found += [row for row in part.rows if (row.partition, row.entry.offset) in holding]
            cursor = part.next
            if cursor is None or len(found) >= limit:
                return self._ended(first, found, cursor, limit)
            if looked_at >= LOOKED_AT_MOST or monotonic_s() >= until_s or part.searched_to_ms is not None:
                return replace(self._ended(first, found, cursor, limit), searched_to_ms=cursor.behind.logged_ms)

    def rows(self, records: Records, rows: Sequence[Row], *, monotonic_s: Callable[[], float]) -> tuple[Row, ...]:
        """Those of the rows that hold it. Raises as `page` does."""
        holding = self._holding(records, rows, monotonic_s() + LOOKED_FOR_S)
        return tuple(row for row in rows if (row.partition, row.entry.offset) in holding)

    def _ended(self, first: Page, found: Sequence[Row], cursor: Cursor | None, limit: int) -> Page:
        if len(found) > limit:
            top_ms = first.latest.logged_ms if first.next is None else first.next.top_ms
            return replace(first, rows=tuple(found[:limit]), next=Cursor(top_ms, found[limit - 1].position))
        return replace(first, rows=tuple(found), next=cursor)

    def _holding(self, records: Records, rows: Sequence[Row], until_s: float) -> set[tuple[int, int]]:
        places: defaultdict[int, list[int]] = defaultdict(list)
        for row in rows:
            places[row.partition].append(row.entry.offset)
        sought = self.text.encode()
        return {
            (kept.partition, kept.offset)
            for partition, offsets in places.items()
            for kept in records.scan(self.tenant, self.brand, partition, sorted(offsets), until_s=until_s)
            if sought in kept.attempt.request_body or sought in kept.attempt.response_body
        }
