"""The standings' script on a real Redis against the rule it repeats, and what the store makes of it."""

import random
from collections.abc import Iterator

import pytest
import redis

from consumer.delivery.exchange import State, exchange
from consumer.delivery.standing import Open, Report
from consumer.standings.script import EXCHANGE_AT
from consumer.standings.store import StandingStore, arguments, standing
from consumer.webhooks.cache import Cache

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
        answered_ms=chance.choice((None, chance.uniform(0, 9_000))),
        failing_ms=chance.uniform(0, 9_000) if opened else None,
        open=Open(level=chance.randrange(4), for_ms=chance.uniform(0, 9_000)) if opened else None,
        probing=chance.random() < 0.3,
        told=chance.randrange(4),
    )


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
    assert (len(backlogs), backlogs["sub_7"].waiting) == (19, 7)


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
