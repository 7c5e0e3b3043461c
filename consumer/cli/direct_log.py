"""The log by way of Redis and Kafka, as its operator reads it, for one tenant."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from consumer.api.log_models import AttemptsSought, DeliveriesSought
from consumer.api.log_pages import tiers_of
from consumer.api.log_query import query_of
from consumer.brands.loader import brand as brand_named
from consumer.cli.exits import CommandFailed, unavailable, usage
from consumer.cli.log_flags import Asked
from consumer.cli.log_port import attempt_unknown, delivery_unknown
from consumer.cli.reach import installation
from consumer.cli.webhook_port import DEFAULT_BRAND, Shown
from consumer.kafka.picking import NotKept
from consumer.log.archive import Archive, AttemptUnknown
from consumer.log.attempt_id import place_of
from consumer.log.bodies import Search
from consumer.log.query import Cursor, Page, Query, Row, View
from consumer.log.reading import LogReader
from consumer.log.resource import Sight, attempt_detail, attempt_row, delivery_row, delivery_told
from consumer.settings import Settings
from consumer.webhooks.cache import CacheUnavailable

_PART: Final = 500
_ATTEMPTS_MOST: Final = 100
_MODELS: Final = {View.ATTEMPTS: AttemptsSought, View.DELIVERIES: DeliveriesSought}


class DirectLog:
    """The log of one tenant under one brand. A context's; `close` ends its connections."""

    def __init__(self, settings: Settings, *, tenant: str | None, brand: str | None) -> None:
        """Kafka is looked for. Raises CommandFailed."""
        if tenant is None:
            raise usage("give --tenant, whose log it is", field="--tenant")
        self._settings = installation(settings, lambda topics: [topics.attempts])
        self._tenant = tenant
        self._brand = brand or DEFAULT_BRAND
        self._branded = brand_named(self._brand, settings.brands_dir)
        self._reader = LogReader(self._settings)
        self._archive = Archive(self._settings)

    def listed(self, view: View, asked: Asked) -> Iterator[Shown]:
        """See `LogPort`."""
        query, text = self._query(view, asked)
        cursor: Cursor | None = None
        while True:
            page = self._page(view, query, text, cursor)
            yield from self._shown(view, page.rows)
            cursor = page.next
            if cursor is None:
                return

    def tail(self, view: View, asked: Asked, wait: Callable[[], None]) -> Iterator[Shown]:
        """See `LogPort`."""
        query, text = self._query(view, asked)
        tenant, brand = self._tenant, self._brand
        first = partial(self._reader.page, view, tenant=tenant, brand=brand, query=query, limit=1)
        newer = partial(self._reader.newer, view, tenant=tenant, brand=brand, query=query, limit=_PART)
        latest = self._reached(first).latest
        while True:
            page = self._reached(partial(newer, after=latest))
            rows = (
                page.rows
                if text is None
                else self._search(view, query, text).rows(self._archive, page.rows, monotonic_s=time.monotonic)
            )
            yield from self._shown(view, rows)
            if page.latest == latest:
                wait()
            latest = page.latest

    def attempt(self, name: str) -> Shown:
        """See `LogPort`."""
        place = place_of(name)
        if place is None:
            raise attempt_unknown(name)
        try:
            return attempt_detail(self._archive.read(self._tenant, self._brand, place), self._sight())
        except AttemptUnknown:
            raise attempt_unknown(name) from None
        except NotKept as gone:
            raise CommandFailed(65, f"{name} is kept no longer: {gone}") from None

    def delivery(self, name: str) -> Shown:
        """See `LogPort`."""
        query = Query(delivery=name)
        page = self._reached(
            partial(
                self._reader.page,
                View.ATTEMPTS,
                tenant=self._tenant,
                brand=self._brand,
                query=query,
                limit=_ATTEMPTS_MOST,
            )
        )
        if not page.rows:
            raise delivery_unknown(name)
        return delivery_told(page.rows, self._sight())

    def close(self) -> None:
        """End the connections."""
        self._reader.close()
        self._archive.close()

    def _query(self, view: View, asked: Asked) -> tuple[Query, str | None]:
        sought = _MODELS[view].model_validate(asked)
        return query_of(sought, _now_ms()), sought.contains

    def _page(self, view: View, query: Query, text: str | None, cursor: Cursor | None) -> Page:
        if text is None:
            read = partial(self._reader.page, view, tenant=self._tenant, brand=self._brand, query=query)
            return self._reached(partial(read, limit=_PART, cursor=cursor))
        find = partial(self._search(view, query, text).page, self._reader, self._archive)
        return self._reached(partial(find, limit=_PART, cursor=cursor, monotonic_s=time.monotonic))

    def _search(self, view: View, query: Query, text: str) -> Search:
        return Search(view=view, tenant=self._tenant, brand=self._brand, query=query, text=text)

    def _shown(self, view: View, rows: tuple[Row, ...]) -> Iterator[Shown]:
        show = attempt_row if view is View.ATTEMPTS else delivery_row
        seen = self._sight()
        return (show(row, seen) for row in rows)

    def _sight(self) -> Sight:
        return Sight(tiers=tiers_of(self._settings), now_ms=_now_ms(), bodies=True, brand=self._branded)

    def _reached(self, read: Callable[[], Page]) -> Page:
        try:
            return read()
        except CacheUnavailable as error:
            where = "HOOKLINE_LOG_REDIS_URL" if self._settings.log_redis_url else "HOOKLINE_REDIS_URL"
            raise unavailable(f"no Redis answers where {where} says: {error}", field=where) from None


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
