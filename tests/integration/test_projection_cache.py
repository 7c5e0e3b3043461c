"""The projection and the reader against a real Redis, and what may happen to it."""

import secrets
from collections.abc import Iterator

import pytest
import redis
from msgspec.structs import replace
from redis.backoff import NoBackoff
from redis.retry import Retry

from consumer.webhooks.bucket import BUCKETS, Keys, bucket_of
from consumer.webhooks.cache import CacheUnavailable
from consumer.webhooks.history import Deletion, State
from consumer.webhooks.projection import Applied, Projection, Superseded
from consumer.webhooks.reader import Loaded, Reader, Unavailable, Unchanged
from consumer.webhooks.record import state_of
from consumer.webhooks.subscription import Subscription
from tests.webhook_samples import changed, record, subscription

PREFIX = "hookline."
KEYS = Keys(PREFIX)


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Bench:
    """A topic of one partition as a list, a Redis, and those who work on them."""

    def __init__(self, url: str) -> None:
        self.redis = redis.Redis.from_url(url, socket_timeout=1.0)
        self.clock = Clock()
        self.log: list[State] = []
        self.projection = self.new_projection()
        self.reader = self.new_reader()

    def new_projection(self) -> Projection:
        return Projection(self.redis, topic_prefix=PREFIX, new_token=lambda: secrets.token_hex(8))

    def new_reader(self) -> Reader:
        return Reader(self.redis, topic_prefix=PREFIX, silence_ms=10_000, monotonic_s=self.clock)

    def start(self, projection: Projection | None = None) -> None:
        """Take over and catch up."""
        projection = projection or self.projection
        projection.start([len(self.log)])
        self.catch_up(projection)

    def catch_up(self, projection: Projection | None = None, most: int = 1_000) -> Applied:
        """Apply what is left, the projection's own rewrites included."""
        projection = projection or self.projection
        at = projection.positions[0]
        records = [record(state, offset) for offset, state in enumerate(self.log)][at : at + most]
        step = projection.apply(records, {0: at + len(records)})
        for rewrite in step.rewrites:
            self.log.append(state_of(rewrite.key, rewrite.value, rewrite.headers))
        return self.catch_up(projection) if step.rewrites else step

    def write(self, *states: State) -> None:
        self.log += states
        self.catch_up()

    def ids(self, tenant: str = "acme", reader: Reader | None = None) -> list[str]:
        reading = (reader or self.reader).read({tenant: None})[tenant]
        assert isinstance(reading, Loaded), reading
        return [each.id for each in reading.subscriptions]

    def refuses(self, tenant: str = "acme", reader: Reader | None = None) -> str:
        reading = (reader or self.reader).read({tenant: None})[tenant]
        assert isinstance(reading, Unavailable), reading
        return reading.reason

    def mend(self) -> frozenset[int]:
        """What the role does each second."""
        broken = self.projection.heartbeat()
        self.projection.rebuild(broken, [len(self.log)])
        self.catch_up()
        return broken

    def dump(self) -> dict[bytes, bytes]:
        return {key: self.redis.dump(key) for key in self.redis.scan_iter()}  # type: ignore[misc] # redis-py's Awaitable

    def restore(self, dump: dict[bytes, bytes]) -> None:
        """A stale replica takes over."""
        self.redis.flushdb()
        for key, value in dump.items():
            self.redis.restore(key, 0, value)


@pytest.fixture
def bench(redis_url: str) -> Iterator[Bench]:
    made = Bench(redis_url)
    yield made
    made.redis.close()


def test_what_is_written_is_read(bench: Bench) -> None:
    one, two, other = subscription("wh_1"), subscription("wh_2"), subscription("wh_3", tenant="umbrella")
    bench.log += [one, two, other]
    assert "not filled" in bench.refuses()
    bench.start()
    assert bench.projection.ready
    readings = bench.reader.read({"acme": None, "umbrella": None, "nobody": None})
    acme = readings["acme"]
    assert isinstance(acme, Loaded)
    assert acme.subscriptions == (one, two)
    assert bench.ids("umbrella") == ["wh_3"]
    assert bench.ids("nobody") == []
    assert bench.reader.read({"acme": acme.version}) == {"acme": Unchanged()}
    bench.write(changed(one, name="new"))
    again = bench.reader.read({"acme": acme.version})["acme"]
    assert isinstance(again, Loaded)
    assert {each.name for each in again.subscriptions} == {"", "new"}
    bench.write(Deletion.of(other))
    assert bench.ids("umbrella") == []
    assert bench.redis.hlen(KEYS.tenants(bucket_of("umbrella"))) == (bucket_of("acme") == bucket_of("umbrella"))


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


def test_of_two_projections_the_former_one_stops(bench: Bench) -> None:
    bench.log = [subscription()]
    bench.start()
    former, bench.projection = bench.projection, bench.new_projection()
    bench.start()
    bench.log.append(subscription("wh_2"))
    with pytest.raises(Superseded):
        former.heartbeat()
    with pytest.raises(Superseded):
        bench.catch_up(former)
    with pytest.raises(Superseded):
        former.rebuild(frozenset({0}), [2])
    assert bench.ids() == ["wh_1"]
    bench.catch_up()
    assert bench.ids() == ["wh_1", "wh_2"]


def test_a_takeover_goes_on_where_the_former_one_was(bench: Bench) -> None:
    bench.log = [subscription("wh_1")]
    bench.start()
    bench.projection.heartbeat()
    before = bench.reader.read({"acme": None})["acme"]
    bench.log.append(subscription("wh_2"))
    bench.projection = bench.new_projection()
    bench.projection.start([2])
    assert bench.projection.positions == (1,)
    assert "not filled" in bench.refuses()
    bench.catch_up()
    assert bench.ids() == ["wh_1", "wh_2"]
    assert isinstance(before, Loaded)


def test_a_topic_made_anew_is_read_from_its_beginning(bench: Bench) -> None:
    bench.log = [subscription("wh_1"), subscription("wh_2")]
    bench.start()
    bench.log = [subscription("wh_3")]
    bench.start(bench.new_projection())
    assert bench.ids() == ["wh_3"]


def test_a_lost_write_is_followed_by_its_winner(bench: Bench) -> None:
    first = subscription()
    winner, loser = changed(first, name="winner"), changed(first, name="loser")
    bench.log = [first]
    bench.start()
    bench.write(winner, loser)
    last = bench.log[-1]
    assert isinstance(last, Subscription)
    assert (len(bench.log), last.name, last.revision) == (4, "winner", 2)
    # Compaction leaves the last record only; a cold cache comes to the same.
    bench.log = bench.log[-1:]
    bench.redis.flushdb()
    bench.start(bench.new_projection())
    assert bench.ids() == ["wh_1"]


def test_a_write_to_a_deleted_webhook_is_lost(bench: Bench) -> None:
    first = subscription()
    bench.log = [first]
    bench.start()
    bench.write(Deletion.of(first), changed(first, name="too late"))
    assert bench.ids() == []
    assert isinstance(bench.log[-1], Deletion)
    bench.write(changed(first, name="later still"))
    assert bench.ids() == []


def test_a_winner_owed_is_remembered_over_a_crash(bench: Bench) -> None:
    first = subscription()
    bench.log = [first]
    bench.start()
    bench.log += [changed(first, name="winner"), changed(first, name="loser")]
    at = bench.projection.positions[0]
    records = [record(state, offset) for offset, state in enumerate(bench.log)][at:]
    assert len(bench.projection.apply(records, {0: 3}).rewrites) == 1
    # … and the process dies before it is produced.
    bench.start(bench.new_projection())
    last = bench.log[-1]
    assert isinstance(last, Subscription)
    assert (len(bench.log), last.name) == (4, "winner")
    bench.start(bench.new_projection())
    assert len(bench.log) == 4


def test_a_rebuild_does_not_write_again_what_follows_in_the_topic(bench: Bench) -> None:
    first = subscription()
    bench.log = [first]
    bench.start()
    bench.write(changed(first, name="winner"), changed(first, name="loser"))
    assert len(bench.log) == 4
    bench.redis.flushdb()
    bench.mend()
    assert len(bench.log) == 4


def test_garbage_is_refused_and_the_rest_applied(bench: Bench) -> None:
    bench.projection.start([2])
    garbage = replace(record(subscription(), 0), value=b"garbage")
    step = bench.projection.apply([garbage, record(subscription("wh_2"), 1)], {0: 2})
    assert [(each.partition, each.offset) for each in step.refused] == [(0, 0)]
    assert bench.ids() == ["wh_2"]


def test_a_record_that_raises_is_refused_and_the_rest_applied(bench: Bench) -> None:
    class Trap(bytes):
        def __getitem__(self, _at: object) -> bytes:  # type: ignore[override] # it gives nothing
            raise ZeroDivisionError

    bench.start()
    bad = replace(record(subscription("wh_1"), 0), value=Trap(b"a" * 40))
    step = bench.projection.apply([bad, record(subscription("wh_2"), 1)], {0: 2})
    assert [(each.partition, each.offset) for each in step.refused] == [(0, 0)]
    assert "please report it" in step.refused[0].reason
    assert bench.ids() == ["wh_2"]


def test_an_unreadable_value_in_the_cache_is_rebuilt(bench: Bench) -> None:
    first = subscription()
    bench.log = [first]
    bench.start()
    bench.redis.hset(KEYS.tenant(bucket_of("acme"), "acme"), "wh_1", "garbage")
    assert "cannot be read" in bench.refuses()
    bench.write(changed(first, name="second"))
    assert bench.mend() == {bucket_of("acme")}
    assert bench.ids() == ["wh_1"]


class LosesAnswers(redis.Redis):
    """A Redis that does what it is asked, and whose answers are lost on demand."""

    losing = False

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> redis.client.Pipeline:
        made = super().pipeline(transaction, shard_hint)
        if self.losing:
            execute = made.execute

            def lost(raise_on_error: bool = True) -> list[object]:
                execute(raise_on_error)
                raise redis.TimeoutError("lost")

            made.execute = lost  # type: ignore[method-assign] # a fake at the edge
        return made


def test_lost_answers_are_repeated_without_harm(bench: Bench, redis_url: str) -> None:
    client = LosesAnswers.from_url(redis_url)
    assert isinstance(client, LosesAnswers)
    bench.projection = Projection(client, topic_prefix=PREFIX, new_token=lambda: secrets.token_hex(8))
    first = subscription()
    bench.log = [first]
    bench.start()
    bench.log += [changed(first, name="second"), subscription("wh_2")]
    records = [record(state, offset) for offset, state in enumerate(bench.log)]
    client.losing = True
    with pytest.raises(CacheUnavailable):
        bench.projection.heartbeat()
    client.losing = False
    for most in (1, 2):
        client.losing = True
        with pytest.raises(CacheUnavailable):
            bench.projection.apply(records[most : most + 1], {0: most + 1})
        with pytest.raises(CacheUnavailable):
            bench.projection.apply(records[most : most + 1], {0: most + 1})
        client.losing = False
        assert bench.projection.apply(records[most : most + 1], {0: most + 1}).rewrites == ()
        client.losing = True
        for _ in range(3):
            with pytest.raises(CacheUnavailable):
                bench.projection.heartbeat()
        client.losing = False
    assert bench.projection.heartbeat() == frozenset()
    assert bench.ids() == ["wh_1", "wh_2"]
    client.close()


def test_redis_away_is_unavailable() -> None:
    client = redis.Redis(port=1, socket_timeout=0.2, retry=Retry(NoBackoff(), 0))
    reader = Reader(client, topic_prefix=PREFIX, silence_ms=10_000)
    readings = reader.read({"a": None, "b": "1"})
    assert all(isinstance(each, Unavailable) for each in readings.values())
    projection = Projection(client, topic_prefix=PREFIX, new_token=lambda: "x")
    with pytest.raises(CacheUnavailable):
        projection.start([0])
