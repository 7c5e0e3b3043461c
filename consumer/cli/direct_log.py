"""The log by way of Redis and Kafka, as its operator reads it, for one tenant."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Final, TypeVar

from consumer.api.log_models import AttemptsSought, DeliveriesSought
from consumer.api.log_pages import tiers_of
from consumer.api.log_query import query_of
from consumer.api.moments import now_ms
from consumer.brands.loader import brand as brand_named
from consumer.cli.exits import CommandFailed, unavailable, usage
from consumer.cli.log_flags import Asked
from consumer.cli.log_port import attempt_unknown, delivery_unknown
from consumer.cli.reach import installation
from consumer.cli.webhook_port import DEFAULT_BRAND, Shown
from consumer.kafka.picking import NotKept
from consumer.kafka.retention import Retention
from consumer.kafka.topic_specs import Topics
from consumer.log.archive import Archive, AttemptUnknown
from consumer.log.attempt_id import place_of
from consumer.log.listing import Listing
from consumer.log.query import Query, Row, View
from consumer.log.reading import LogReader
from consumer.log.resource import Sight, attempt_detail, attempt_row, delivery_row, delivery_told
from consumer.settings import Settings
from consumer.webhooks.cache import CacheUnavailable

T = TypeVar("T")

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
        self._retention = Retention(self._settings, Topics.of(self._settings).attempts)

    def listed(self, view: View, asked: Asked) -> Iterator[Shown]:
        """See `LogPort`."""
        pages = self._listing(view, asked).parts(self._reader, self._archive)
        while (page := self._reached(lambda: next(pages, None))) is not None:
            yield from self._shown(view, page.rows)

    def tail(self, view: View, asked: Asked, wait: Callable[[], None]) -> Iterator[Shown]:
        """See `LogPort`."""
        listing = self._listing(view, asked)
        first = replace(listing, text=None)  # where it stands now, whatever is there
        latest = self._reached(partial(first.page, self._reader, self._archive, limit=1, cursor=None)).latest
        newer = partial(listing.newer, self._reader, self._archive, limit=_PART)
        while True:
            page = self._reached(partial(newer, after=latest))
            yield from self._shown(view, page.rows)
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
            raise CommandFailed(os.EX_DATAERR, f"{name} is kept no longer: {gone}") from None

    def delivery(self, name: str) -> Shown:
        """See `LogPort`."""
        listing = Listing(
            view=View.ATTEMPTS, tenant=self._tenant, brand=self._brand, query=Query(deliveries=frozenset({name}))
        )
        page = self._reached(partial(listing.page, self._reader, self._archive, limit=_ATTEMPTS_MOST, cursor=None))
        if not page.rows:
            raise delivery_unknown(name)
        return delivery_told(page.rows, self._sight())

    def close(self) -> None:
        """End the connections."""
        self._reader.close()
        self._archive.close()

    def _listing(self, view: View, asked: Asked) -> Listing:
        sought = _MODELS[view].model_validate(asked)
        query = query_of(sought, now_ms())
        return Listing(view=view, tenant=self._tenant, brand=self._brand, query=query, text=sought.contains)

    def _shown(self, view: View, rows: tuple[Row, ...]) -> Iterator[Shown]:
        show = attempt_row if view is View.ATTEMPTS else delivery_row
        seen = self._sight()
        return (show(row, seen) for row in rows)

    def _sight(self) -> Sight:
        return Sight(
            tiers=tiers_of(self._settings),
            now_ms=now_ms(),
            bodies=True,
            brand=self._branded,
            kept_for_ms=self._retention.ms(),
        )

    def _reached(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except CacheUnavailable as error:
            where = "HOOKLINE_LOG_REDIS_URL" if self._settings.log_redis_url else "HOOKLINE_REDIS_URL"
            raise unavailable(f"no Redis answers where {where} says: {error}", field=where) from None
