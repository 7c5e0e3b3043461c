"""What a reader does not believe of the cache: a flush, an eviction, a stale replica, silence. A real Redis."""

import pytest

from consumer.webhooks.bucket import BUCKETS, bucket_of
from consumer.webhooks.reader import Loaded
from tests.projection_bench import KEYS, Bench
from tests.webhook_samples import changed, subscription


def test_a_cold_cache_is_read_only_from_the_end_on(bench: Bench) -> None:
    bench.log = [subscription(f"wh_{number}") for number in range(4)]
    bench.projection.start([4])
    bench.catch_up(most=3)
    assert "not filled" in bench.refuses()
    bench.catch_up()
    assert len(bench.ids()) == 4


def test_a_flush_is_never_no_subscribers(bench: Bench) -> None:
    bench.log = [subscription()]
    bench.start()
    version_before = bench.reader.read({"acme": None})["acme"]
    bench.redis.flushdb()
    assert "not filled" in bench.refuses()
    assert "not filled" in bench.refuses("nobody")
    assert len(bench.mend()) == BUCKETS
    assert bench.ids() == ["wh_1"]
    assert isinstance(version_before, Loaded)
    assert isinstance(bench.reader.read({"acme": version_before.version})["acme"], Loaded)


def test_a_flush_while_records_are_applied(bench: Bench) -> None:
    bench.log = [subscription()]
    bench.start()
    bench.redis.flushdb()
    bench.write(subscription("wh_2"))
    assert "not filled" in bench.refuses()
    bench.mend()
    assert bench.ids() == ["wh_1", "wh_2"]


def test_a_flush_in_the_middle_of_a_rebuild(bench: Bench) -> None:
    bench.log = [subscription("wh_1"), subscription("wh_2")]
    bench.projection.start([2])
    bench.catch_up(most=1)
    bench.redis.flushdb()
    bench.catch_up()
    assert "not filled" in bench.refuses()
    bench.mend()
    assert bench.ids() == ["wh_1", "wh_2"]


@pytest.mark.parametrize("evicted", ["tenant", "tenants", "bucket"])
def test_one_evicted_key_is_noticed_and_only_its_bucket_rebuilt(bench: Bench, evicted: str) -> None:
    bench.log = [subscription(), subscription("wh_2", tenant="umbrella")]
    bench.start()
    number = bucket_of("acme")
    keys = {"tenant": KEYS.tenant(number, "acme"), "tenants": KEYS.tenants(number), "bucket": KEYS.bucket(number)}
    bench.redis.delete(keys[evicted])
    bench.refuses()
    assert bench.ids("umbrella") == ["wh_2"]
    assert bench.mend() == {number}
    assert bench.ids() == ["wh_1"]


def test_a_stale_replica_is_not_believed(bench: Bench) -> None:
    bench.log = [subscription()]
    bench.start()
    stale = bench.dump()
    bench.write(subscription("wh_2"))
    bench.projection.heartbeat()
    assert bench.ids() == ["wh_1", "wh_2"]
    bench.restore(stale)
    assert "older" in bench.refuses()
    assert bucket_of("acme") in bench.mend()
    assert bench.ids() == ["wh_1", "wh_2"]


def test_a_replica_from_before_a_rebuild_is_not_believed(bench: Bench) -> None:
    bench.log = [subscription()]
    bench.start()
    for _ in range(5):
        bench.projection.heartbeat()
    bench.ids()
    stale = bench.dump()
    bench.redis.flushdb()
    bench.mend()
    bench.write(subscription("wh_2"))
    bench.ids()
    bench.restore(stale)
    assert "epoch that was left" in bench.refuses()


def test_a_replica_that_missed_one_write_is_rebuilt(bench: Bench) -> None:
    bench.log = [subscription()]
    bench.start()
    bench.projection.heartbeat()
    stale = bench.dump()
    bench.write(subscription("wh_2"))
    bench.restore(stale)
    assert bucket_of("acme") in bench.mend()
    assert bench.ids() == ["wh_1", "wh_2"]


def test_a_silent_projection_is_not_believed(bench: Bench) -> None:
    bench.start()
    bench.ids()
    bench.clock.now_s += 9.9
    bench.ids()
    bench.clock.now_s += 0.2
    assert "silent" in bench.refuses()
    bench.projection.heartbeat()
    bench.ids()


def test_a_beat_that_is_old_already_is_not_believed(bench: Bench) -> None:
    bench.start()
    bench.redis.hincrby(KEYS.bucket(bucket_of("acme")), "beat_ms", -10_100)
    assert "silent" in bench.refuses()


def test_an_unreadable_value_in_the_cache_is_rebuilt(bench: Bench) -> None:
    first = subscription()
    bench.log = [first]
    bench.start()
    bench.redis.hset(KEYS.tenant(bucket_of("acme"), "acme"), "wh_1", "garbage")
    assert "cannot be read" in bench.refuses()
    bench.write(changed(first, name="second"))
    assert bench.mend() == {bucket_of("acme")}
    assert bench.ids() == ["wh_1"]
