"""The cache on a Redis Cluster: what one Redis can do, a cluster can, and it may be away at any time."""

import secrets
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis
from pydantic import SecretStr

from consumer.delivery.standing import Report
from consumer.log.entry import Ended, Entry, Trigger, pack
from consumer.log.figures import Fields
from consumer.log.health import Health
from consumer.log.index import Bounds, Kind, Name
from consumer.log.index_keys import Owner
from consumer.log.index_store import IndexStore
from consumer.log.indexing import Append, Begin
from consumer.log.query import Query, View
from consumer.log.reading import LogReader
from consumer.log.store import HealthReader, HealthStore
from consumer.settings import ConfigurationError, Settings
from consumer.standings.store import Backlog, StandingStore
from consumer.webhooks.bucket import bucket_of
from consumer.webhooks.cache import Cache, CacheUnavailable, connect, connect_log
from consumer.webhooks.projection import Projection
from consumer.webhooks.reader import Loaded, Reader
from tests.services.redis import Redis
from tests.services.server import free_port
from tests.webhook_samples import record, subscription

SLOTS = 16_384


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Redis]:
    """A cluster of one node, which serves every slot."""
    # By default it is the server's port plus 10,000, where an outgoing connection may be.
    bus = ["--cluster-port", str(free_port())]
    alone = ["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf"]
    server = Redis.start(tmp_path / "redis", [*alone, *bus])
    with redis.Redis.from_url(server.url()) as client:
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, SLOTS - 1)
        until = time.monotonic() + 20
        while b"cluster_state:ok" not in client.execute_command("CLUSTER", "INFO"):
            assert time.monotonic() < until, "no cluster after 20 s"
            time.sleep(0.02)
    yield server
    server.stop()


def settings_of(url: str, *, cluster: bool = True) -> Settings:
    return Settings(redis_url=SecretStr(url), redis_cluster=cluster)


def test_what_the_projection_writes_the_reader_reads(server: Redis) -> None:
    settings = settings_of(server.url())
    states = [subscription(f"wh_{number}", tenant=f"tenant-{number}") for number in range(20)]
    with closing(Reader.from_settings(settings)) as reader, closing(connect(settings)) as client:
        projection = Projection(client, topic_prefix=settings.topic_prefix, new_token=lambda: secrets.token_hex(8))
        projection.start([len(states)])
        records = [record(state, offset) for offset, state in enumerate(states)]
        projection.apply(records, {0: len(records)})
        projection.heartbeat()
        assert projection.ready
        read = reader.read({state.tenant: None for state in states})
        found = {tenant: each.subscriptions for tenant, each in read.items() if isinstance(each, Loaded)}
        assert found == {state.tenant: (state,) for state in states}
        cache = Cache(client)
        cache.mark(["a", "b"], keep_ms=10_000)
        assert cache.marked(["a", "b", "c"]) == [True, True, False]
        cache.unlink(["a", "b"])
        assert cache.marked(["a", "b"]) == [False, False]
        assert not cache.evicts()


def test_health_is_kept_and_read_in_several_slots(server: Redis) -> None:
    settings = settings_of(server.url())
    with closing(HealthReader(settings)) as reader, closing(connect(settings)) as client:
        store = HealthStore(client, topic_prefix=settings.topic_prefix)
        for number in range(settings.partitions):
            figures = Fields(health={f"wh_{number}": Health(answers=number)})
            assert store.write(number, expected="", stand="7", figures=figures, partitions=settings.partitions) == ""
        assert store.load(3).figures.health == {"wh_3": Health(answers=3)}
        ids = [f"wh_{number}" for number in range(settings.partitions)]
        assert reader.read(ids) == {id_: Health(answers=number) for number, id_ in enumerate(ids)}


def test_standings_are_exchanged_and_backlogs_read_in_several_slots(server: Redis) -> None:
    with closing(connect(settings_of(server.url()))) as client:
        store = StandingStore(Cache(client), topic_prefix="hookline.", process="one")
        reports = [
            Report(
                subscription_id=f"wh_{number}",
                tenant="t",
                revision=1,
                rate_per_s=2.0,
                want=1,
                waits=number,
                blocked=number % 3,
            )
            for number in range(20)
        ]
        permits = [standing.permits for standing in store.exchange(reports).values()]
        assert [each.number for each in permits if each is not None] == [1] * 20
        assert store.present() == 1
        assert store.backlogs(["wh_7", "wh_20"]) == {"wh_7": Backlog(waiting=7, blocked=1), "wh_20": Backlog()}


def test_the_log_is_written_and_read_in_several_slots(server: Redis) -> None:
    settings = settings_of(server.url())
    entry = Entry(
        offset=0, logged_ms=1_000, begun_ms=990, first_ms=990, elapsed_ms=9, status=200, failure="", number=1,
        ended=Ended.DELIVERED, trigger=Trigger.EVENT, truncated=False, tier=None, reason="", delivery="0a" * 16,
        event_type="a", event_id="b",
    )  # fmt: skip
    name, tenants = Name("wh_1", Kind.PLAIN), [f"t{number}" for number in range(5)]
    with closing(LogReader(settings, now_ms=lambda: 2_000)) as reader, closing(connect_log(settings)) as client:
        bounds = Bounds(plain=100, eventful=100)
        store = IndexStore(Cache(client), topic_prefix=settings.topic_prefix, bounds=bounds, kept_for_ms=60_000)
        for tenant in tenants:
            begin = Begin(bucket=bucket_of(tenant), at=0)
            append = Append(bucket=begin.bucket, known=begin.wanted, end=1, entries={name: [pack(entry)]})
            store.do(0, [begin, append], owners={"wh_1": Owner(tenant, "hookline")}, since_ms=900)
        assert set(store.load(0).intervals) == {bucket_of(tenant) for tenant in tenants}
        assert store.memory() is None
        for tenant in tenants:
            page = reader.page(View.DELIVERIES, tenant=tenant, brand="hookline", query=Query(), limit=5)
            assert [row.entry for row in page.rows] == [entry]
        store.drop(0)
        assert store.load(0).intervals == {}


def test_a_cluster_may_be_away_at_the_start_and_later(server: Redis) -> None:
    server.kill()
    with closing(connect(settings_of(server.url()))) as client:
        cache = Cache(client)
        for _ in range(2):
            with pytest.raises(CacheUnavailable):
                cache.marked(["a"])
            with pytest.raises(CacheUnavailable):
                cache.scan("*")
        server.restart()  # its nodes.conf says which slots it serves
        until = time.monotonic() + 20
        while not _answers(cache):
            assert time.monotonic() < until, "not back after 20 s"
            time.sleep(0.05)
        server.kill()
        assert not _answers(cache)


def _answers(cache: Cache) -> bool:
    try:
        return cache.marked(["a"]) == [False]
    except CacheUnavailable:
        return False


def test_a_cluster_has_one_database() -> None:
    with pytest.raises(ConfigurationError, match="HOOKLINE_REDIS_URL"):
        connect(settings_of("redis://127.0.0.1:6379/3"))
    with closing(connect(settings_of("redis://127.0.0.1:6379/3", cluster=False))):
        pass
