"""A list of the delivery log as one owner asks for it: what the index has, or those rows whose bodies hold a text."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Protocol

from consumer.log import bodies
from consumer.log.bodies import Records, Search
from consumer.log.query import Cursor, Page, Position, Query, View

_PART: Final = 500
"""Rows of a part of a list that is wanted whole."""


class Lists(bodies.Lists, Protocol):
    """See `reading.py: LogReader`."""

    def newer(self, view: View, *, tenant: str, brand: str, query: Query, limit: int, after: Position) -> Page:
        """What is newer, the oldest first. Raises CacheUnavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """`text`: what the bodies must hold; None: they are not looked at."""

    view: View
    tenant: str
    brand: str
    query: Query
    text: str | None = None
    monotonic_s: Callable[[], float] = time.monotonic

    def page(self, lists: Lists, records: Records, *, limit: int, cursor: Cursor | None) -> Page:
        """A page, the newest first. Raises as `Search.page` does."""
        search = self._search
        if search is not None:
            return search.page(lists, records, limit=limit, cursor=cursor, monotonic_s=self.monotonic_s)
        return lists.page(self.view, tenant=self.tenant, brand=self.brand, query=self.query, limit=limit, cursor=cursor)

    def newer(self, lists: Lists, records: Records, *, limit: int, after: Position) -> Page:
        """What is newer, the oldest first. Raises as `Search.rows` does."""
        search = self._search
        page = lists.newer(self.view, tenant=self.tenant, brand=self.brand, query=self.query, limit=limit, after=after)
        if search is None:
            return page
        return replace(page, rows=search.rows(records, page.rows, monotonic_s=self.monotonic_s))

    def parts(self, lists: Lists, records: Records) -> Iterator[Page]:
        """The whole list, a part after the other. Each raises as `page` does, and may then be asked for no more."""
        cursor: Cursor | None = None
        while True:
            page = self.page(lists, records, limit=_PART, cursor=cursor)
            yield page
            cursor = page.next
            if cursor is None:
                return

    @property
    def _search(self) -> Search | None:
        if self.text is None:
            return None
        return Search(view=self.view, tenant=self.tenant, brand=self.brand, query=self.query, text=self.text)
