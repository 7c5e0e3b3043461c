"""The standings' script on a real Redis against the rule it repeats, and what the store makes of it."""

import random
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
import redis

from consumer.delivery.exchange import exchange
from consumer.delivery.lane import Job, Patience
from consumer.delivery.outcome import read
from consumer.delivery.standing import Open, Report
from consumer.delivery.state import State
from consumer.delivery.traffic import Traffic
from consumer.roles.replaced import ReplacedNews
from consumer.roles.standings import StandingLookup
from consumer.standings.replaced import ReplacedStore, ReplacedTeller
from consumer.standings.script import EXCHANGE_AT, STATE
from consumer.standings.store import StandingStore, arguments, standing
from consumer.webhooks.cache import Cache
from consumer.webhooks.subscription import Subscription
from tests.deliveries import job, limits, response, subscription
from tests.services.redis import Redis

BEGAN_MS = 1_700_000_000_000.0
KEY = "hookline.standing:{sub_1}"


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    made = redis.Redis.from_url(redis_url)
    made.flushdb()
    yield made
    made.close()


def report(chance: random.Random, revision: int, heard: int) -> Report:
    """Whatever a process could say, sensible or not."""
    opened = chance.random() < 0.2
    limits = random.Random(revision)
    return Report(
        subscription_id="sub_1",
        tenant="tenant_1",
        revision=revision,
        rate_per_s=limits.choice((None, 1 / 3_600, 0.3, 3.0, 1_000 / 3, 5_000.0)),
        max_concurrency=limits.choice((None, 1, 2, 16)),
        heard=heard if chance.random() < 0.8 else chance.randrange(12),
        want=chance.choice((0, 1, 7, 3_000)),
        want_forward=chance.choice((0, 0, 2, 900)),
        permits=chance.choice((0, 0, 1, 50)),
        flying=chance.choice((0, 1, 3)),
        places=chance.choice((0, 1, 5)),
        pace_per_s=chance.choice((0.0, chance.uniform(0.01, 900))),
        slots=chance.randrange(-20, 900),
        slots_heard=chance.randrange(-20, 900),
        horizon_ms=chance.uniform(0, 90_000),
        waits=chance.randrange(-50, 500),
        waits_heard=chance.randrange(-50, 500),
        until_ms=chance.choice((0.0, chance.uniform(0, 200_000))),
        blocked=chance.choice((0, 0, 1, 16)),
        answered_ms=chance.choice((None, chance.uniform(0, 9_000))),
        accepted_ms=chance.choice((None, chance.uniform(0, 9_000))),
        failing_ms=chance.uniform(0, 9_000) if opened else None,
        open=_open(chance) if opened else None,
        early=chance.random() < 0.5,
        probing=chance.random() < 0.3,
        told=chance.randrange(4),
    )


def _open(chance: random.Random) -> Open:
    return Open(level=chance.randrange(4), for_ms=chance.uniform(0, 9_000), early_ms=chance.uniform(0, 5_000))


STEPS_MS = ((0.125, 20.0, 250.0, 600.0), (0.0, 250.0, 3_000.0, 11_000.0, 70_000.0, 400_000.0, -3.0, -50_000.0))


def test_the_script_is_the_rule(client: redis.Redis) -> None:
    for seed in range(80):
        chance = random.Random(seed)
        state, now_ms, revision = State(), BEGAN_MS, seed
        heard: dict[str, int] = {}
        client.delete(KEY)
        for turn in range(25):
            now_ms += chance.choice(STEPS_MS[seed % 2])
            revision += chance.random() < 0.03
            process = f"process-{chance.randrange(4)}"
            told = report(chance, revision - (chance.random() < 0.1), heard.get(process, 0))
            state, expected = exchange(state, process, told, now_ms)
            answer = client.eval(EXCHANGE_AT, 1, KEY, *arguments(process, told), repr(now_ms))
            assert standing(answer) == expected, (seed, turn)
            kept = client.hget(KEY, STATE)
            assert isinstance(kept, bytes)
            assert [float(each) for each in kept.split()[:3]] == [state.waiting, state.until_ms, state.blocked]
            if chance.random() < 0.8:
                heard[process] = expected.number


def test_reports_go_out_together_and_are_known_by_their_digest(redis_url: str, client: redis.Redis) -> None:
    client.script_flush()
    store = StandingStore(Cache(redis.Redis.from_url(redis_url)), topic_prefix="hookline.", process="one")
    reports = [
        Report(
            subscription_id=f"sub_{number}", tenant="t", revision=1, rate_per_s=5.0, want=2, waits=number, until_ms=9e4
        )
        for number in range(20)
    ]
    for turn in range(2):
        standings = store.exchange(reports)
        assert [each.permits.number for each in standings.values() if each.permits] == [2] * 20, turn
    assert 600_000 <= client.pttl("hookline.standing:{sub_1}") <= 700_000
    backlogs = store.backlogs([f"sub_{number}" for number in range(21)])
    assert [backlogs[f"sub_{number}"].waiting for number in range(21)] == [*range(20), 0]


def test_processes_are_counted_while_they_say_that_they_are_there(redis_url: str, client: redis.Redis) -> None:
    del client
    cache = Cache(redis.Redis.from_url(redis_url))
    one = StandingStore(cache, topic_prefix="hookline.", process="one")
    other = StandingStore(cache, topic_prefix="hookline.", process="other")
    assert (one.present(), other.present(), one.present()) == (1, 2, 2)


def test_a_key_of_another_type_is_begun_anew(redis_url: str, client: redis.Redis) -> None:
    client.set(KEY, b"not a hash")
    store = StandingStore(Cache(redis.Redis.from_url(redis_url)), topic_prefix="hookline.", process="one")
    assert store.exchange([Report(subscription_id="sub_1", tenant="t")])["sub_1"].number == 1


def test_what_is_kept_of_a_webhook_is_small(redis_url: str, client: redis.Redis) -> None:
    cache = Cache(redis.Redis.from_url(redis_url))
    for number in range(40):
        store = StandingStore(cache, topic_prefix="hookline.", process=f"process-{number:032}")
        store.exchange(
            [Report(subscription_id="sub_1", tenant="t", revision=1, rate_per_s=1 / 3, pace_per_s=1 / 7, want=1)]
        )
    assert 0 < (client.memory_usage(KEY) or 0) < 16_000


class Lanes:
    """One process's lanes of a webhook, and its thread that asks Redis."""

    def __init__(self, url: str, name: str) -> None:
        store = StandingStore(Cache(redis.Redis.from_url(url)), topic_prefix="hookline.", process=name)
        patient = Patience(wait_ms=1e12, slow_ms=None)
        self.traffic = Traffic(limits(in_flight=500, queued=5_000, lane_concurrency=64, patience=patient), shared=True)
        self.lookup = StandingLookup(store)
        self.flying: list[tuple[int, Job]] = []

    def turn(self, webhook: Subscription, now_ms: int) -> int:
        """How many requests it started. Each takes 20 ms."""
        while self.flying and self.flying[0][0] <= now_ms:
            landed = self.flying.pop(0)[1]
            self.traffic.answered(landed, read(response(), now_ms), now_ms)
        while self.traffic.queued < 50 and self.traffic.offer(job(webhook), now_ms) is None:
            pass
        started = list(self.traffic.start(now_ms))
        self.flying += [(now_ms + 20, each) for each in started]
        self.lookup.ask(self.traffic.standings.reports(now_ms))
        for heard in self.lookup.take():
            for name, standing_ in heard.standings.items():
                self.traffic.heard(now_ms, name, standing_, ago_ms=heard.ago_ms)
        self.traffic.overdue(now_ms)
        return len(started)


def test_two_processes_keep_to_one_rate(redis_url: str) -> None:
    webhook = subscription("sub_1", rate_per_s=100.0, max_concurrency=8)
    processes = [Lanes(redis_url, "one"), Lanes(redis_url, "other")]
    with closing(processes[0].lookup), closing(processes[1].lookup):
        started = [0, 0]
        most = 0
        began_ms = now_ms = clock_ms()
        while sum(started) < 200 and (now_ms := clock_ms()) < began_ms + 60_000:
            for at, each in enumerate(processes):
                started[at] += each.turn(webhook, now_ms)
            most = max(most, sum(len(each.flying) for each in processes))
            time.sleep(0.002)
    assert 200 <= sum(started) <= 100 * ((now_ms - began_ms) / 1_000 + 0.5) + 1
    assert min(started) >= 40
    assert most <= 8


def clock_ms() -> int:
    return int(time.monotonic() * 1_000)


def test_what_was_sent_again_and_accepted_is_heard_by_the_others_once(client: redis.Redis) -> None:
    def store(most: int = 3) -> ReplacedStore:
        return ReplacedStore(Cache(client), topic_prefix="t.", keep_ms=60_000, most=most)

    def heard(news: ReplacedNews) -> list[str]:
        until_s = time.monotonic() + 5
        while not (found := news.take()):
            assert time.monotonic() < until_s
            time.sleep(0.005)
        return [name for names in found for name in names]

    store().add(["a", "b"], 1_000)
    store().add(["c", "d"], 2_000)
    assert store().since(0) == ["b", "c", "d"]  # the latest three
    assert store().since(2_000) == ["c", "d"]
    store().add(["e"], 62_001)
    assert store().since(0) == ["e"]  # the others are too old
    with closing(ReplacedNews(store(), every_s=0.02)) as news, closing(ReplacedNews(store(), every_s=9)) as other:
        assert heard(news) == ["e"]
        other.tell(["f"])
        assert heard(news) == ["f"]


def test_a_word_that_cannot_be_told_is_no_error(private_redis: Redis) -> None:
    away = redis.Redis.from_url(private_redis.url(), socket_connect_timeout=0.2)
    private_redis.kill()
    store = ReplacedStore(Cache(away), topic_prefix="t.", keep_ms=60_000)
    ReplacedTeller(store).tell("a")
    with closing(ReplacedNews(store, every_s=0.02)) as news:
        news.tell(["a"])
        time.sleep(0.1)
        assert news.take() == []
    private_redis.restart()
    assert store.since(0) == []
