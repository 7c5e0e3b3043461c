"""The projection and the reader against a real Redis: what is folded, lost, taken over and written again."""

import secrets

import pytest
import redis
from msgspec.structs import replace
from redis.backoff import NoBackoff
from redis.retry import Retry

from consumer.webhooks.bucket import bucket_of
from consumer.webhooks.cache import CacheUnavailable
from consumer.webhooks.history import Deletion
from consumer.webhooks.projection import Projection, Superseded
from consumer.webhooks.reader import Loaded, Reader, Unavailable, Unchanged
from consumer.webhooks.subscription import Subscription
from tests.projection_bench import KEYS, PREFIX, Bench, LosesAnswers
from tests.webhook_samples import changed, record, subscription


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
