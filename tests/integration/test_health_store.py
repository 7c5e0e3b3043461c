"""Health on a real Redis: figures and stand together, for whoever knows the stand."""

import time
from collections.abc import Iterator
from contextlib import closing
from itertools import count

import pytest
import redis
from pydantic import SecretStr

from consumer.log.figures import Figures, Rows
from consumer.log.health import NO_HEALTH, Health, LastStatus
from consumer.log.keeper import Keeper, Superseded
from consumer.log.store import HealthReader, HealthStore
from consumer.settings import Settings
from consumer.webhooks.cache import CacheUnavailable, connect
from tests.services.redis import Redis

PARTITIONS = 3
HEALTH = Health(
    avg_response_ms=12.5,
    consecutive_failures=3,
    errors_since_last_success=4,
    last_response_ms=10.25,
    last_success_at_ms=1_790_000_000_000,
    last_status=LastStatus(code=None, message="connect: refused", at_ms=1_790_000_000_123),
    failing_since_ms=1_790_000_000_100,
    last_attempt_at_ms=1_790_000_000_120,
    answers=7,
    endpoint="0011223344556677",
)
TOKENS = count()


@pytest.fixture
def settings(redis_url: str, topic_prefix: str) -> Settings:
    return Settings(redis_url=SecretStr(redis_url), topic_prefix=topic_prefix, partitions=PARTITIONS)


@pytest.fixture
def client(settings: Settings) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(settings.redis_url.get_secret_value()) as client:
        yield client


@pytest.fixture
def keeper(settings: Settings) -> Iterator[Keeper]:
    store, keeper = keeper_of(settings)
    with closing(store):
        yield keeper


def keeper_of(settings: Settings) -> tuple[HealthStore, Keeper]:
    store = HealthStore(connect(settings), topic_prefix=settings.topic_prefix)
    return store, Keeper(store, new_token=lambda: str(next(TOKENS)))


def loaded(keeper: Keeper, partition: int = 0) -> Figures:
    return keeper.load(partition, lambda offset: offset or 0)


def grown(figures: Figures, *names: str) -> Figures:
    """As if an attempt of each had been folded in."""
    for name in names:
        figures.health.put(name, HEALTH)
        figures.offset += 1
    return figures


def read(settings: Settings, *names: str) -> dict[str, Health]:
    with closing(HealthReader(settings)) as reader:
        return reader.read(names)


def test_what_is_saved_is_loaded_and_read_equal(settings: Settings, keeper: Keeper) -> None:
    for partition in range(PARTITIONS):
        keeper.save(partition, grown(loaded(keeper, partition), f"wh_{partition}"), PARTITIONS)
    again = loaded(keeper, 1)
    assert (again.offset, again.health.rows) == (1, {"wh_1": HEALTH})
    assert read(settings, "wh_0", "wh_2", "wh_3") == {"wh_0": HEALTH, "wh_2": HEALTH, "wh_3": NO_HEALTH}
    assert read(settings) == {}


def test_one_that_was_never_tried_is_known_once_all_partitions_are_there(
    settings: Settings, keeper: Keeper, client: redis.Redis
) -> None:
    for partition in range(PARTITIONS):
        assert read(settings, "wh_9") == {}
        keeper.save(partition, loaded(keeper, partition), PARTITIONS)
    assert read(settings, "wh_9") == {"wh_9": NO_HEALTH}
    client.hset(settings.topic_prefix + "health:1", ":stand", "filling by somebody")
    assert read(settings, "wh_9") == {}


def test_a_later_save_writes_what_changed_and_drops_what_went(settings: Settings, keeper: Keeper) -> None:
    figures = grown(loaded(keeper), "wh_1", "wh_2")
    keeper.save(0, figures, PARTITIONS)
    figures.drop(["wh_1"])
    keeper.save(0, grown(figures, "wh_3"), PARTITIONS)
    assert set(loaded(keeper).health.rows) == {"wh_2", "wh_3"}
    assert loaded(keeper).offset == 3


def test_a_reader_learns_that_there_are_more_partitions_than_it_was_told(settings: Settings, keeper: Keeper) -> None:
    keeper.save(0, loaded(keeper), 9)
    keeper.save(8, grown(loaded(keeper, 8), "wh_8"), 9)
    assert read(settings, "wh_8") == {"wh_8": HEALTH}


def test_of_two_partitions_that_hold_a_webhook_the_later_attempt_counts(settings: Settings, keeper: Keeper) -> None:
    later = Health(last_attempt_at_ms=HEALTH.last_attempt_at_ms + 1)
    keeper.save(0, Figures(stand="", offset=1, health=Rows({"wh_1": later}), anew=True), PARTITIONS)
    keeper.save(2, Figures(stand="", offset=1, health=Rows({"wh_1": HEALTH}), anew=True), PARTITIONS)
    assert read(settings, "wh_1") == {"wh_1": later}


def test_a_flush_is_noticed_and_all_is_written_again(settings: Settings, keeper: Keeper, client: redis.Redis) -> None:
    names = [f"wh_{number}" for number in range(2_500)]  # more than go into one script
    figures = grown(loaded(keeper), *names)
    keeper.save(0, figures, PARTITIONS)
    client.flushdb()
    keeper.save(0, figures, PARTITIONS)
    assert set(loaded(keeper).health.rows) == set(names)
    assert loaded(keeper).offset == 2_500
    assert set(read(settings, *names)) == set(names)


def test_a_fill_that_was_cut_short_is_as_good_as_none(settings: Settings, keeper: Keeper, client: redis.Redis) -> None:
    client.hset(
        settings.topic_prefix + "health:0", mapping={":stand": "filling by somebody", ":partitions": "3", "stale": "{}"}
    )
    figures = loaded(keeper)
    assert (figures.offset, figures.health.rows) == (0, {})
    keeper.save(0, grown(figures, "wh_1"), PARTITIONS)
    assert set(loaded(keeper).health.rows) == {"wh_1"}


def test_figures_that_cannot_be_read_are_counted_again(settings: Settings, keeper: Keeper, client: redis.Redis) -> None:
    keeper.save(0, grown(loaded(keeper), "wh_1", "wh_2"), PARTITIONS)
    client.hset(settings.topic_prefix + "health:0", "wh_1", "not JSON")
    assert read(settings, "wh_1", "wh_2") == {"wh_2": HEALTH}
    figures = loaded(keeper)
    assert (figures.offset, figures.health.rows) == (0, {})
    keeper.save(0, grown(figures, "wh_1"), PARTITIONS)
    assert (loaded(keeper).offset, set(loaded(keeper).health.rows)) == (1, {"wh_1"})


def test_who_lost_the_partition_without_knowing_changes_nothing(settings: Settings, keeper: Keeper) -> None:
    former = grown(loaded(keeper), "wh_1")
    keeper.save(0, former, PARTITIONS)
    owner = grown(loaded(keeper), "wh_2")
    keeper.save(0, owner, PARTITIONS)
    with pytest.raises(Superseded):
        keeper.save(0, grown(former, "wh_1", "wh_3"), PARTITIONS)
    assert (loaded(keeper).offset, set(loaded(keeper).health.rows)) == (2, {"wh_1", "wh_2"})


def test_an_older_replica_is_believed_and_read_on_from(settings: Settings, keeper: Keeper, client: redis.Redis) -> None:
    key = settings.topic_prefix + "health:0"
    figures = grown(loaded(keeper), "wh_1")
    keeper.save(0, figures, PARTITIONS)
    older = client.dump(key) or b""
    keeper.save(0, grown(figures, "wh_2"), PARTITIONS)
    client.restore(key, 0, older, replace=True)
    with pytest.raises(Superseded):
        keeper.save(0, grown(figures, "wh_3"), PARTITIONS)
    assert (loaded(keeper).offset, set(loaded(keeper).health.rows)) == (1, {"wh_1"})


def test_it_expires_with_the_topic(settings: Settings, keeper: Keeper, client: redis.Redis) -> None:
    keeper.save(0, grown(loaded(keeper), "wh_1"), PARTITIONS)
    assert 29 * 86_400 < client.ttl(settings.topic_prefix + "health:0") <= 30 * 86_400


def test_a_write_whose_answer_was_lost_is_found_done_or_done_again(settings: Settings, private_redis: Redis) -> None:
    away = settings.model_copy(update={"redis_url": SecretStr(private_redis.url()), "redis_timeout": "100ms"})
    store, keeper = keeper_of(away)
    with closing(store):
        figures = grown(loaded(keeper), "wh_1")
        keeper.save(0, figures, PARTITIONS)
        grown(figures, "wh_2")
        private_redis.pause()
        with pytest.raises(CacheUnavailable):
            keeper.save(0, figures, PARTITIONS)
        private_redis.resume()  # now it does what it was asked for meanwhile
        keeper.save(0, figures, PARTITIONS)
        keeper.save(0, grown(figures, "wh_3"), PARTITIONS)
        assert (loaded(keeper).offset, set(loaded(keeper).health.rows)) == (3, {"wh_1", "wh_2", "wh_3"})


def test_without_redis_there_is_no_health_and_nobody_waits_for_it_twice(
    settings: Settings, private_redis: Redis
) -> None:
    away = settings.model_copy(update={"redis_url": SecretStr(private_redis.url()), "redis_timeout": "200ms"})
    store, keeper = keeper_of(away)
    now_s = 0.0
    with closing(store), closing(HealthReader(away, monotonic_s=lambda: now_s)) as reader:
        keeper.save(0, grown(loaded(keeper), "wh_1"), PARTITIONS)
        assert reader.read(["wh_1"]) == {"wh_1": HEALTH}
        private_redis.pause()
        began_s = time.monotonic()
        assert reader.read(["wh_1"]) == {}
        assert time.monotonic() - began_s < 5
        began_s = time.monotonic()
        assert [reader.read(["wh_1"]) for _ in range(100)] == [{}] * 100
        assert time.monotonic() - began_s < 10  # asking each time would take 20 s
        private_redis.resume()
        now_s = 1.5
        assert reader.read(["wh_1"]) == {"wh_1": HEALTH}
