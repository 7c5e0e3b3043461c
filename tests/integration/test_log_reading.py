"""Pages of the delivery log on a real Redis, written there by the index's own scripts."""

from collections.abc import Iterator
from contextlib import closing

import pytest
import redis
from pydantic import SecretStr

from consumer.log.entry import Ended, Entry, Trigger, pack
from consumer.log.index import Bounds, Interval, Kind, Name
from consumer.log.index_keys import Owner
from consumer.log.index_store import IndexStore
from consumer.log.indexing import Append, Begin
from consumer.log.query import Page, Position, Query, Row, View
from consumer.log.reading import LogReader
from consumer.log.tending import Progress
from consumer.settings import Settings
from consumer.webhooks.bucket import bucket_of
from consumer.webhooks.cache import Cache, connect_log

NOW_MS = 1_790_000_000_000
TENANT, BRAND = "acme:1", "hookline"
BUCKET = bucket_of(TENANT)
STRANGER = next(f"t{number}" for number in range(10_000) if bucket_of(f"t{number}") == BUCKET)
OWNERS = {f"wh_{number}": Owner(TENANT, BRAND) for number in range(12)} | {"wh_of_another": Owner(STRANGER, BRAND)}


@pytest.fixture
def settings(redis_url: str, topic_prefix: str) -> Settings:
    return Settings(
        redis_url=SecretStr("redis://127.0.0.1:1/0"), log_redis_url=SecretStr(redis_url), topic_prefix=topic_prefix
    )


@pytest.fixture
def reader(settings: Settings) -> Iterator[LogReader]:
    with closing(LogReader(settings, now_ms=lambda: NOW_MS)) as made:
        yield made


class Written:
    """The index of two partitions, as the role log writes it."""

    def __init__(self, settings: Settings) -> None:
        self.store = IndexStore(
            Cache(connect_log(settings)), topic_prefix=settings.topic_prefix, bounds=Bounds(plain=20, eventful=400),
            kept_for_ms=3_600_000,
        )  # fmt: skip
        self.ends = [0, 0]
        self.told_ms = NOW_MS - 1_000
        for partition in (0, 1):
            self.store.do(partition, [Begin(bucket=BUCKET, at=0)], owners={}, since_ms=NOW_MS - 60_000)

    def attempt(
        self,
        webhook: str,
        delivery: int,
        number: int,
        ended: Ended,
        at_ms: int,
        *,
        partition: int = 0,
        trigger: Trigger = Trigger.EVENT,
        job_id: str = "",
    ) -> Entry:
        offset = self.ends[partition]
        entry = Entry(
            offset=offset, logged_ms=at_ms, begun_ms=at_ms - 20, first_ms=None if number > 1 else at_ms - 20,
            elapsed_ms=9, status=503, failure="", number=number, ended=ended, trigger=trigger, truncated=False,
            job_id=job_id, tier=1 if ended is Ended.RETRY else None, reason="exhausted" if ended is Ended.DEAD else "",
            delivery=f"{delivery:032x}", event_type="order.paid", event_id=f"event {delivery}",
        )  # fmt: skip
        name = Name(webhook, Kind.PLAIN if entry.plain else Kind.EVENTFUL)
        append = Append(
            bucket=BUCKET, known=Interval(first=0, end=offset), end=offset + 1, entries={name: [pack(entry)]}
        )
        [done] = self.store.do(partition, [append], owners=OWNERS, since_ms=None)
        assert done.found == append.known
        self.ends[partition] += 1
        return entry

    def tell(self) -> None:
        told = Progress(as_of_ms=self.told_ms, end=0, first=0, filled=True, entries=0, bytes=0)
        self.store.tell({0: told, 1: told})


@pytest.fixture
def written(settings: Settings) -> Written:
    return Written(settings)


def page(reader: LogReader, query: Query | None = None, *, limit: int = 5, tenant: str = TENANT) -> Page:
    return reader.page(View.DELIVERIES, tenant=tenant, brand=BRAND, query=query or Query(), limit=limit)


def all_pages(reader: LogReader, view: View, query: Query, limit: int) -> list[int]:
    """The deliveries of all rows."""
    found = reader.page(view, tenant=TENANT, brand=BRAND, query=query, limit=limit)
    rows = list(found.rows)
    while found.next is not None:
        found = reader.page(view, tenant=TENANT, brand=BRAND, query=query, limit=limit, cursor=found.next)
        assert found.rows
        rows += found.rows
    assert [row.position for row in rows] == sorted(row.position for row in rows)
    return [int(row.entry.delivery, 16) for row in rows]


def test_pages_of_many_webhooks(reader: LogReader, written: Written) -> None:
    for number in range(100):
        at_ms, partition = NOW_MS - 30_000 + number // 3, number % 2
        webhook = f"wh_{number % 12}"
        if number % 4 == 0:
            written.attempt(webhook, number, 1, Ended.RETRY, at_ms, partition=partition)
            written.attempt(webhook, number, 2, Ended.DELIVERED, at_ms + 1, partition=partition)
        else:
            written.attempt(webhook, number, 1, Ended.DELIVERED, at_ms, partition=partition)
    written.attempt("wh_of_another", 1_000, 1, Ended.DELIVERED, NOW_MS - 20_000)
    written.tell()
    for limit in (3, 7, 200):
        assert sorted(all_pages(reader, View.DELIVERIES, Query(), limit)) == list(range(100))
        assert len(all_pages(reader, View.ATTEMPTS, Query(), limit)) == 125
    assert sorted(all_pages(reader, View.DELIVERIES, Query(webhooks=frozenset({"wh_3", "wh_of_another"})), 2)) == [
        number for number in range(100) if number % 12 == 3
    ]
    assert all_pages(reader, View.ATTEMPTS, Query(ended=frozenset({Ended.RETRY})), 4) == [*range(96, -1, -4)]
    assert all_pages(reader, View.DELIVERIES, Query(events=frozenset({"event 42"})), 4) == [42]
    assert [row.webhook for row in page(reader, tenant=STRANGER).rows] == ["wh_of_another"]
    assert page(reader, Query(webhooks=frozenset({"wh_1"})), tenant=STRANGER).rows == ()


def test_how_far_back_and_as_of_when(reader: LogReader, written: Written) -> None:
    for number in range(30):
        written.attempt("wh_0", number, 1, Ended.DELIVERED, NOW_MS - 50_000 + number)
    written.attempt("wh_1", 99, 1, Ended.RETRY, NOW_MS - 500)
    found = page(reader)
    assert (found.as_of_ms, found.indexed_from_ms, len(found.rows)) == (None, NOW_MS - 60_000, 5)
    written.tell()
    found = page(reader, Query(webhooks=frozenset({"wh_0", "wh_1"})), limit=100)
    assert found.as_of_ms == NOW_MS - 1_000
    assert "wh_1" not in {row.webhook for row in found.rows}  # logged since
    assert found.indexed_from_ms == found.rows[-1].entry.logged_ms  # the list was cut
    assert found.latest == Position.from_(NOW_MS - 1_000)
    written.told_ms = NOW_MS - 10_000  # a partition that is not heard of is not waited for
    written.tell()
    assert page(reader).rows[0].webhook == "wh_1"


def test_of_another_tenant_s_webhook_nothing_is_told_not_even_how_far_back_it_is_known(
    reader: LogReader, written: Written
) -> None:
    for number in range(30):
        written.attempt("wh_of_another", number, 1, Ended.DELIVERED, NOW_MS - 50_000 + number)
    written.tell()
    another = Query(webhooks=frozenset({"wh_of_another"}))
    own = page(reader, another, limit=100, tenant=STRANGER)
    assert own.indexed_from_ms == own.rows[-1].entry.logged_ms > NOW_MS - 60_000  # the list was cut
    after = Position.from_(NOW_MS - 70_000)
    newer = reader.newer(View.ATTEMPTS, tenant=TENANT, brand=BRAND, query=another, limit=5, after=after)
    for found in (page(reader, another), newer):
        assert (found.rows, found.indexed_from_ms) == ((), NOW_MS - 60_000)


def test_a_live_tail(reader: LogReader, written: Written) -> None:
    written.attempt("wh_0", 1, 1, Ended.DELIVERED, NOW_MS - 4_000)
    written.tell()
    after = page(reader).latest
    written.told_ms = NOW_MS - 10

    def newer(after: Position, limit: int = 2) -> tuple[list[int], Position]:
        found = reader.newer(View.DELIVERIES, tenant=TENANT, brand=BRAND, query=Query(), limit=limit, after=after)
        return [int(row.entry.delivery, 16) for row in found.rows], found.latest

    assert newer(after) == ([], after)
    for number in range(2, 7):
        written.attempt(f"wh_{number}", number, 1, Ended.DELIVERED, NOW_MS - 900 + number // 2, partition=number % 2)
    written.attempt("wh_2", 7, 1, Ended.RETRY, NOW_MS - 800)
    written.attempt("wh_2", 7, 2, Ended.DEAD, NOW_MS - 700)
    written.tell()
    found: list[int] = []
    for _ in range(4):
        rows, after = newer(after)
        found += rows
    assert sorted(found[:5]) == [2, 3, 4, 5, 6]
    assert found[5:] == [7]
    assert newer(after) == ([], Position.from_(NOW_MS - 10))


def test_no_index_is_an_empty_page(reader: LogReader) -> None:
    found = page(reader)
    assert (found.rows, found.next, found.as_of_ms, found.indexed_from_ms) == ((), None, None, None)


def test_a_search_ends_after_a_second_and_goes_on(settings: Settings, written: Written) -> None:
    for number in range(300):
        written.attempt(f"wh_{number % 2}", number, 1, Ended.DEAD, NOW_MS - 30_000 + number)
    written.tell()
    seconds = iter(range(10_000))
    with closing(LogReader(settings, now_ms=lambda: NOW_MS, monotonic_s=lambda: next(seconds))) as hurried:
        query = Query(events=frozenset({"event 3"}))
        found = page(hurried, query)
        assert found.rows == ()
        assert found.searched_to_ms is not None
        rows: list[Row] = []
        rounds = 0
        while found.next is not None:
            found = hurried.page(View.DELIVERIES, tenant=TENANT, brand=BRAND, query=query, limit=5, cursor=found.next)
            rows += found.rows
            rounds += 1
        assert rounds > 1
        assert [row.entry.event_id for row in rows] == ["event 3"]


def test_a_try_now_that_was_not_accepted_takes_no_delivery_from_any_page(reader: LogReader, written: Written) -> None:
    for number in range(6):
        written.attempt("wh_1", number, 2, Ended.DEAD, NOW_MS - 30_000 + number)
    for number, ended in ((0, Ended.DEAD), (1, Ended.DELIVERED), (2, Ended.RETRY)):
        written.attempt("wh_1", number, 3, ended, NOW_MS - 20_000 + number, trigger=Trigger.RESEND)
    written.attempt("wh_1", 3, 3, Ended.DEAD, NOW_MS - 10_000, trigger=Trigger.RESEND, job_id="job_1")
    written.tell()
    expected = [3, 1, 5, 4, 2, 0]  # of a job it is an attempt as any other
    for limit in (1, 2, 3, 10):
        assert all_pages(reader, View.DELIVERIES, Query(), limit) == expected


def test_redis_keeps_nothing_of_it_where_the_cache_is(settings: Settings, written: Written, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert all(key.startswith(settings.topic_prefix.rstrip(".").encode() + b":log:") for key in client.keys("*"))
