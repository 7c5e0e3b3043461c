"""The index of the delivery log, read for its customers: pages of deliveries or of attempts.

The laws:
- what is told of a list is of one tenant and brand: only lists that it has in `seen` are looked at;
- a list's moment (`query.Cursor.top_ms`) is one until which everything is in, as far as the role `log` is at work: a
  partition that was not told of for 5 s, or is so far behind, is not waited for, and `as_of_ms` says so;
- a page looks at `search.MOST_ENTRIES` entries or for a second, and tells how far it came.

Any thread may ask. Redis being away is `CacheUnavailable`.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from consumer.log.entry import logged_of
from consumer.log.index import Kind, Name
from consumer.log.index_keys import IndexKeys, Owner, field, member
from consumer.log.query import Cursor, Filter, Page, Position, Query, View, ready
from consumer.log.reading_script import ALL, BEHIND, DELIVERIES, LISTS, OLDEST, SINCE, TIMES
from consumer.log.search import MOST_ENTRIES, Behind, InFront, Lists, Place, Reading, Search
from consumer.log.tail import newer
from consumer.setting_values import duration_ms
from consumer.settings import Settings
from consumer.webhooks.bucket import bucket_of
from consumer.webhooks.cache import Answer, Cache, Call, Client, connect_log

SEARCH_FOR_S: Final = 1.0
LIVE_WITHIN_MS: Final = 5_000
_LATEST: Final = 2**53
_TAIL_MOST: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stand:
    """How the index stands for a tenant: its partitions, since when each is in, and until when all are.

    `filling`: one of them is still to be read downwards.
    """

    partitions: tuple[int, ...]
    indexed_from_ms: int | None
    as_of_ms: int | None
    top_ms: int
    filling: bool


class LogReader:
    """Pages of the delivery log."""

    def __init__(
        self,
        settings: Settings,
        *,
        client: Client | None = None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is sent yet.

        Raises:
            ConfigurationError: HOOKLINE_LOG_REDIS_URL or HOOKLINE_REDIS_URL is malformed.
        """
        self._cache = Cache(connect_log(settings) if client is None else client)
        self._keys = IndexKeys(settings.topic_prefix)
        self._kept_for_ms = duration_ms(settings.log_for)
        self._now_ms = now_ms
        self._monotonic_s = monotonic_s

    def page(
        self, view: View, *, tenant: str, brand: str, query: Query, limit: int, cursor: Cursor | None = None
    ) -> Page:
        """The newest rows that are asked for, or those after a page's `next`.

        Raises:
            CacheUnavailable: the log's Redis is away.
        """
        until_s = self._monotonic_s() + SEARCH_FOR_S
        owner, asked = Owner(tenant, brand), self._ready(query)
        bucket = bucket_of(tenant)
        stand = self._stand(bucket)
        top_ms = stand.top_ms if cursor is None else cursor.top_ms
        begin = cursor or Cursor(top_ms, Position.from_(min(top_ms, _LATEST if asked.top_ms is None else asked.top_ms)))
        search = Search(
            view=view,
            asked=asked,
            begin=begin,
            limit=limit,
            partitions=stand.partitions,
            unknown={} if query.webhooks else dict.fromkeys(asked.kinds, _LATEST),
        )
        chosen = self._of_webhooks(bucket, owner, asked, stand.partitions) if query.webhooks else []
        for place, newest_ms in chosen:
            search.know(place, newest_ms)
        while wanted := search.wanted():
            self._read(search, bucket, owner, wanted)
            if self._monotonic_s() > until_s:
                search.stop()
        return Page(
            rows=tuple(search.rows[:limit]),
            next=search.next,
            latest=Position.from_(top_ms),
            as_of_ms=stand.as_of_ms,
            indexed_from_ms=self._reach_ms(bucket, [place for place, _ in chosen], stand),
            filling=stand.filling,
            searched_to_ms=search.reached.logged_ms if search.stopped else None,
        )

    def newer(self, view: View, *, tenant: str, brand: str, query: Query, limit: int, after: Position) -> Page:
        """What came after a page's `latest`, the oldest first; its `latest` is where to go on. There is no `next`.

        Raises:
            CacheUnavailable: the log's Redis is away.
        """
        owner, asked = Owner(tenant, brand), self._ready(query)
        bucket = bucket_of(tenant)
        stand = self._stand(bucket)
        until = min(after, Position.from_(stand.top_ms))
        chosen = self._of_webhooks(bucket, owner, asked, stand.partitions) if query.webhooks else []
        lists = chosen if query.webhooks else self._all_since(bucket, owner, asked, after.logged_ms)
        places = [place for place, newest_ms in lists if newest_ms >= after.logged_ms]
        most = max(1, min(_TAIL_MOST, MOST_ENTRIES // max(1, len(places))))
        found = self._cache.run_known([self._since(bucket, place, after, most) for place in places])
        read = dict(zip(places, found, strict=True))
        rows, went = newer(view, asked, read, most=most, until=until, limit=limit)
        return Page(
            rows=rows,
            next=None,
            latest=went,
            as_of_ms=stand.as_of_ms,
            indexed_from_ms=self._reach_ms(bucket, [place for place, _ in chosen], stand),
            filling=stand.filling,
        )

    def close(self) -> None:
        """Close the connections."""
        self._cache.close()

    def _ready(self, query: Query) -> Filter:
        return ready(query, bottom_ms=self._now_ms() - self._kept_for_ms)

    # ── how the index stands ─────────────────────────────────────────────────────────────────────────────────────

    def _stand(self, bucket: int) -> _Stand:
        fields = self._hashes([self._keys.at(bucket)])[0]
        partitions = tuple(sorted(int(name) for name in fields if name.isdecimal()))
        since = [int(value) for name, value in fields.items() if name.endswith(":since")]
        told = self._hashes([self._keys.progress(partition) for partition in partitions])
        now_ms = self._now_ms()
        stands = [int(each.get("as_of_ms", 0)) for each in told]
        live = [at_ms for at_ms in stands if at_ms > max(0, now_ms - LIVE_WITHIN_MS)]
        return _Stand(
            partitions=partitions,
            indexed_from_ms=max(since, default=None),
            as_of_ms=min(stands, default=0) or None,
            top_ms=min(live, default=now_ms),
            filling=any(each.get("filled") == "0" for each in told),
        )

    def _hashes(self, keys: Sequence[str]) -> list[dict[str, str]]:
        found = self._cache.run_known([Call(script=ALL, keys=(key,), args=()) for key in keys])
        return [
            {name.decode(): value.decode() for name, value in zip(each[::2], each[1::2], strict=True)} for each in found
        ]

    def _reach_ms(self, bucket: int, places: Sequence[Place], stand: _Stand) -> int | None:
        """Since when all is in: of chosen webhooks also as far as these lists of theirs were cut."""
        if stand.indexed_from_ms is None or not places:
            return stand.indexed_from_ms
        calls = [
            Call(
                script=OLDEST,
                keys=(self._keys.lists(bucket, place.partition), self._entries(bucket, place)),
                args=(field(place.name),),
            )
            for place in places
        ]
        oldest = [logged_of(entry) for entry in self._cache.run_known(calls) if entry]
        return max([stand.indexed_from_ms, *oldest])

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _read(self, search: Search, bucket: int, owner: Owner, wanted: Sequence[Reading]) -> None:
        answers = self._cache.run_known([self._call(bucket, owner, each, search.asked) for each in wanted])
        for reading, answer in zip(wanted, answers, strict=True):
            match reading:
                case Lists():
                    search.lists_read(reading, _places(reading.kind, answer))
                case Behind():
                    search.read(reading, answer[::-1])
                case InFront():
                    search.in_front_read(reading, answer)

    def _call(self, bucket: int, owner: Owner, reading: Reading, asked: Filter) -> Call:
        match reading:
            case Lists():
                return self._lists(bucket, owner, reading, asked.bottom_ms)
            case Behind():
                args = (*_bound(reading.place, reading.behind), str(reading.most))
                return Call(script=BEHIND, keys=(self._entries(bucket, reading.place),), args=args)
            case InFront():
                args = (*_bound(reading.place, reading.before), str(reading.top_ms))
                return Call(script=DELIVERIES, keys=(self._entries(bucket, reading.place),), args=args)

    def _lists(self, bucket: int, owner: Owner, reading: Lists, since_ms: int) -> Call:
        args = (str(since_ms), str(reading.until_ms), str(reading.most))
        return Call(script=LISTS, keys=(self._keys.seen(bucket, reading.kind, owner),), args=args)

    def _of_webhooks(
        self, bucket: int, owner: Owner, asked: Filter, partitions: Sequence[int]
    ) -> list[tuple[Place, int]]:
        """The lists of the webhooks that are asked for, those that are this owner's."""
        places = {
            kind: [
                Place(Name(webhook, kind), partition) for webhook in asked.query.webhooks for partition in partitions
            ]
            for kind in asked.kinds
            if partitions
        }
        calls = [
            Call(
                script=TIMES,
                keys=(self._keys.seen(bucket, kind, owner),),
                args=[member(place.name.webhook, place.partition) for place in each],
            )
            for kind, each in places.items()
        ]
        found = [at for answer in self._cache.run_known(calls) for at in answer]
        known = zip((place for each in places.values() for place in each), found, strict=True)
        return [(place, int(float(at))) for place, at in known if at is not None]

    def _all_since(self, bucket: int, owner: Owner, asked: Filter, since_ms: int) -> list[tuple[Place, int]]:
        """All lists with something newer."""
        calls = [
            self._lists(bucket, owner, Lists(kind=kind, until_ms=_LATEST, most=MOST_ENTRIES), since_ms)
            for kind in asked.kinds
        ]
        answers = self._cache.run_known(calls)
        return [each for kind, answer in zip(asked.kinds, answers, strict=True) for each in _places(kind, answer)]

    def _since(self, bucket: int, place: Place, after: Position, most: int) -> Call:
        """Its entries in front of this position, the oldest first."""
        args = (*_bound(place, after._replace(minus_offset=after.minus_offset - 1)), str(most))
        return Call(script=SINCE, keys=(self._entries(bucket, place),), args=args)

    def _entries(self, bucket: int, place: Place) -> str:
        return self._keys.entries(bucket, place.name, place.partition)


def _bound(place: Place, at: Position) -> tuple[str, str]:
    """The time and the offset below which a list's entries are behind a position."""
    whose, of = (place.name.webhook, place.partition), (at.webhook, at.partition)
    if whose == of:
        return str(at.logged_ms), str(-at.minus_offset)
    return (str(at.logged_ms + 1), "0") if whose > of else (str(at.logged_ms), "0")


def _places(kind: Kind, answer: Answer) -> list[tuple[Place, int]]:
    """What a `seen` says: members and times."""
    found: list[tuple[Place, int]] = []
    for name, at in zip(answer[::2], answer[1::2], strict=True):
        webhook, _, partition = name.decode().rpartition(":")
        found.append((Place(Name(webhook, kind), int(partition)), int(float(at))))
    return found
