"""Statistics and jobs' counts on a real Redis: saved with health, and read by those who ask."""

from collections.abc import Iterator
from contextlib import closing
from itertools import count

import pytest
import redis
from msgspec.structs import replace
from pydantic import SecretStr

from consumer.log.answered import Answered
from consumer.log.figures import Figures
from consumer.log.health import Sent
from consumer.log.job_counts import AnsweredReader
from consumer.log.keeper import Keeper, Superseded
from consumer.log.stats import DAY_MS, Period, buckets, total
from consumer.log.stats_store import StatsReader
from consumer.log.store import HealthReader, HealthStore
from consumer.settings import Settings
from consumer.webhooks.cache import connect
from tests.services.redis import Redis

PARTITIONS = 2
AT_MS = 20_000 * DAY_MS
ACCEPTED = Sent(
    at_ms=AT_MS,
    logged_ms=AT_MS,
    url="https://example.com/",
    status=200,
    failure=None,
    elapsed_ms=10.0,
    outcome="delivered",
    trigger="replay",
    job_id="job_1",
)
FAILED = replace(ACCEPTED, status=500, elapsed_ms=20.0, outcome="retry")


@pytest.fixture
def settings(redis_url: str, topic_prefix: str) -> Settings:
    return Settings(redis_url=SecretStr(redis_url), topic_prefix=topic_prefix, partitions=PARTITIONS)


@pytest.fixture
def keeper(settings: Settings) -> Iterator[Keeper]:
    tokens = count()
    with closing(HealthStore(connect(settings), topic_prefix=settings.topic_prefix)) as store:
        yield Keeper(store, new_token=lambda: str(next(tokens)))


def loaded(keeper: Keeper, partition: int = 0) -> Figures:
    return keeper.load(partition, lambda offset: offset or 0)


def fold(figures: Figures, *attempts: Sent, webhook: str = "wh_1") -> Figures:
    for each in attempts:
        figures.fold(figures.offset, webhook, each, lambda _: 0)
    return figures


def of_jobs(settings: Settings, *jobs: str) -> dict[str, Answered]:
    with closing(AnsweredReader(settings)) as reader:
        return dict(reader.read(jobs))


def sums(settings: Settings, webhook: str) -> tuple[int, int, float | None] | None:
    with closing(StatsReader(settings)) as reader:
        found = reader.read(webhook)
    if found is None:
        return None
    told = total(buckets(found, Period.MONTH, AT_MS))
    return told.delivered, told.failed, told.mean_ms


def test_what_was_folded_is_read_once_all_partitions_are_there(settings: Settings, keeper: Keeper) -> None:
    keeper.save(0, fold(loaded(keeper), ACCEPTED, FAILED), PARTITIONS)
    assert (of_jobs(settings, "job_1"), sums(settings, "wh_1")) == ({}, None)
    keeper.save(1, loaded(keeper, 1), PARTITIONS)
    counts = Answered(tried=2, attempts=2, delivered=1, failed=0, streak=1)
    assert of_jobs(settings, "job_1", "job_2") == {"job_1": counts, "job_2": Answered()}
    assert sums(settings, "wh_1") == (1, 1, 15.0)
    assert sums(settings, "wh_2") == (0, 0, None)
    assert of_jobs(settings) == {}
    with closing(StatsReader(settings)) as reader:
        both = reader.read_all(["wh_1", "wh_2"])
    assert {id_: len(parts) for id_, parts in both.items()} == {"wh_1": 1, "wh_2": 0}


def test_the_next_owner_goes_on_where_the_former_was(settings: Settings, keeper: Keeper) -> None:
    keeper.save(0, fold(loaded(keeper), FAILED), PARTITIONS)
    keeper.save(0, fold(loaded(keeper), FAILED), PARTITIONS)
    keeper.save(1, loaded(keeper, 1), PARTITIONS)
    assert of_jobs(settings, "job_1")["job_1"].streak == 2
    assert sums(settings, "wh_1") == (0, 2, 20.0)


def test_added_partitions_add_up(settings: Settings, keeper: Keeper) -> None:
    keeper.save(0, fold(loaded(keeper), FAILED, FAILED), PARTITIONS)
    later = replace(ACCEPTED, at_ms=AT_MS + 1, logged_ms=AT_MS + 1)
    keeper.save(1, fold(loaded(keeper, 1), later), PARTITIONS)
    assert of_jobs(settings, "job_1") == {"job_1": Answered(tried=3, attempts=3, delivered=1, failed=0, streak=0)}
    assert sums(settings, "wh_1") == (1, 2, 50 / 3)


def test_one_who_lost_the_partition_counts_nothing(settings: Settings, keeper: Keeper) -> None:
    former = loaded(keeper)
    keeper.save(0, former, PARTITIONS)
    keeper.save(0, fold(loaded(keeper), ACCEPTED), PARTITIONS)
    keeper.save(1, loaded(keeper, 1), PARTITIONS)
    with pytest.raises(Superseded):
        keeper.save(0, fold(former, ACCEPTED, FAILED), PARTITIONS)
    assert of_jobs(settings, "job_1")["job_1"] == Answered(tried=1, attempts=1, delivered=1)


def test_a_flush_brings_all_back(settings: Settings, keeper: Keeper, redis_url: str) -> None:
    figures = fold(loaded(keeper), ACCEPTED, FAILED)
    keeper.save(0, figures, PARTITIONS)
    with redis.Redis.from_url(redis_url) as client:
        client.delete(settings.topic_prefix + "health:0")
    keeper.save(0, figures, PARTITIONS)
    keeper.save(1, loaded(keeper, 1), PARTITIONS)
    assert of_jobs(settings, "job_1")["job_1"].attempts == 2
    assert sums(settings, "wh_1") == (1, 1, 15.0)


def test_who_goes_takes_all_of_it_along(settings: Settings, keeper: Keeper, redis_url: str) -> None:
    figures = fold(loaded(keeper), ACCEPTED)
    keeper.save(0, figures, PARTITIONS)
    figures.drop(["wh_1"])
    figures.jobs.drop(["job_1"])
    keeper.save(0, figures, PARTITIONS)
    with redis.Redis.from_url(redis_url) as client:
        assert set(client.hkeys(settings.topic_prefix + "health:0")) == {b":stand", b":partitions"}


def test_statistics_that_cannot_be_read_are_counted_again(settings: Settings, keeper: Keeper, redis_url: str) -> None:
    keeper.save(0, fold(loaded(keeper), ACCEPTED), PARTITIONS)
    keeper.save(1, loaded(keeper, 1), PARTITIONS)
    with redis.Redis.from_url(redis_url) as client:
        client.hset(settings.topic_prefix + "health:0", mapping={":stats:wh_1": "odd", ":job:job_1": "odd"})
    assert (of_jobs(settings, "job_1"), sums(settings, "wh_1")) == ({}, None)
    figures = loaded(keeper)
    assert (figures.offset, figures.health.rows, figures.stats.rows, figures.jobs.rows) == (0, {}, {}, {})


def test_without_redis_nothing_is_known(settings: Settings, private_redis: Redis) -> None:
    away = settings.model_copy(update={"redis_url": SecretStr(private_redis.url()), "redis_timeout": "100ms"})
    private_redis.pause()
    with closing(HealthReader(away)) as health:
        assert (of_jobs(away, "job_1"), sums(away, "wh_1"), health.read(["wh_1"])) == ({}, None, {})
    private_redis.resume()
