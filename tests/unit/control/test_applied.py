"""Waiting for the projection, against the projection's own writing of the cache."""

import itertools
from collections.abc import Callable

import fakeredis
import pytest

from consumer.control.applied import CacheWatch, Seen
from consumer.events.event import Record
from consumer.kafka.topic_writer import Place
from consumer.settings import Settings
from consumer.webhooks.bucket import Keys, bucket_of
from consumer.webhooks.projection import Projection

# The beat is dated by this machine's clock, and beats of all buckets take a while: beside others more than ten seconds.
SETTINGS = Settings(topic_prefix="t.", projection_silence="1h")
_tokens = itertools.count()


class Time:
    """Sleeping runs what happens meanwhile."""

    def __init__(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.now_s = 0.0
        self._meanwhile = meanwhile

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        self._meanwhile()


@pytest.fixture
def server() -> fakeredis.FakeServer:
    return fakeredis.FakeServer()


def client(server: fakeredis.FakeServer) -> fakeredis.FakeRedis:
    return fakeredis.FakeRedis(server=server)


def running(server: fakeredis.FakeServer, ends: tuple[int, ...] = (0, 0)) -> Projection:
    projection = Projection(client(server), topic_prefix="t.", new_token=lambda: f"token{next(_tokens)}")
    projection.start(ends)
    projection.apply([], dict(enumerate(ends)))
    projection.heartbeat()
    return projection


def waited(server: fakeredis.FakeServer, offset: int, time: Time) -> Seen:
    watch = CacheWatch(SETTINGS, client=client(server), monotonic_s=lambda: time.now_s, sleep=time.sleep)
    return watch.wait("acme", Place(partition=1, offset=offset), 5.0)


def test_nothing_in_the_cache_means_no_projection_and_no_waiting(server: fakeredis.FakeServer) -> None:
    time = Time()
    assert waited(server, 0, time) is Seen.NO_PROJECTION
    assert time.now_s == 0


def test_a_record_below_the_applied_offsets_is_applied(server: fakeredis.FakeServer) -> None:
    running(server, (3, 5))
    assert waited(server, 4, Time()) is Seen.APPLIED


def test_it_waits_for_exactly_that_record(server: fakeredis.FakeServer) -> None:
    projection = running(server, (3, 5))
    positions = iter([{0: 9, 1: 5}, {0: 9, 1: 6}, {0: 9, 1: 7}])

    def meanwhile() -> None:
        none: list[Record] = []
        projection.apply(none, next(positions))
        projection.heartbeat()

    time = Time(meanwhile)
    assert waited(server, 6, time) is Seen.APPLIED
    assert next(positions, None) is None


def test_a_projection_that_does_not_come_so_far_is_not_waited_for_long(server: fakeredis.FakeServer) -> None:
    running(server)
    time = Time()
    assert waited(server, 0, time) is Seen.NOT_YET
    assert 4 < time.now_s < 7


def test_a_cache_being_filled_has_not_applied_anything(server: fakeredis.FakeServer) -> None:
    projection = Projection(client(server), topic_prefix="t.", new_token=lambda: f"token{next(_tokens)}")
    projection.start((0, 9))
    projection.apply([], {0: 0, 1: 8})
    projection.heartbeat()
    assert waited(server, 3, Time()) is Seen.NOT_YET


def test_a_silent_projection_is_none(server: fakeredis.FakeServer) -> None:
    running(server, (3, 5))
    client(server).hset(Keys("t.").bucket(bucket_of("acme")), "beat_ms", "1000")
    assert waited(server, 4, Time()) is Seen.NO_PROJECTION


def test_redis_away_is_said(server: fakeredis.FakeServer) -> None:
    server.connected = False
    assert waited(server, 4, Time()) is Seen.CACHE_UNREACHABLE


@pytest.mark.parametrize("away", [True, False])
def test_who_comes_after_one_who_waited_in_vain_does_not_wait(server: fakeredis.FakeServer, away: bool) -> None:
    projection = running(server, (3, 5))
    time = Time()
    watch = CacheWatch(SETTINGS, client=client(server), monotonic_s=lambda: time.now_s, sleep=time.sleep)
    server.connected = not away
    in_vain = watch.wait("acme", Place(partition=1, offset=5), 0.5)
    server.connected = True
    projection.apply([], {0: 3, 1: 6})
    projection.heartbeat()
    began_s = time.now_s
    assert in_vain is watch.wait("acme", Place(partition=1, offset=5), 0.5) is not Seen.APPLIED
    time.now_s = began_s + 4.9
    assert watch.wait("acme", Place(partition=1, offset=5), 0.5) is in_vain
    assert time.now_s == began_s + 4.9
    time.now_s = began_s + 5.1
    assert watch.wait("acme", Place(partition=1, offset=5), 0.5) is Seen.APPLIED
