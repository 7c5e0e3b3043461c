"""The barrier that requests share, and the rate of a key."""

import asyncio
import threading
import time

import pytest

from consumer.api.freshness import Freshness
from consumer.api.rate import MOST_KEYS, RateLimit
from consumer.kafka.client import KafkaBroken


def test_who_comes_while_a_round_is_under_way_waits_for_the_next() -> None:
    rounds: list[int] = []
    began, go_on = threading.Event(), threading.Event()

    def fresh() -> None:
        rounds.append(len(rounds))
        began.set()
        assert go_on.wait(5)

    async def ask() -> None:
        freshness = Freshness(fresh)
        first = asyncio.create_task(freshness.wait())
        assert await asyncio.to_thread(began.wait, 5)
        others = [asyncio.create_task(freshness.wait()) for _ in range(20)]
        await asyncio.sleep(0.01)
        assert rounds == [0]
        go_on.set()
        await asyncio.gather(first, *others)
        assert rounds == [0, 1]

    asyncio.run(ask())


def test_a_failed_round_fails_for_all_that_waited_and_for_nobody_after() -> None:
    answers = iter([KafkaBroken("away"), None])

    def fresh() -> None:
        if (error := next(answers)) is not None:
            raise error

    async def ask() -> None:
        freshness = Freshness(fresh)
        both = await asyncio.gather(freshness.wait(), freshness.wait(), return_exceptions=True)
        assert [type(each) for each in both] == [KafkaBroken, KafkaBroken]
        await freshness.wait()

    asyncio.run(ask())


def test_one_that_gives_up_leaves_the_round_to_the_others() -> None:
    async def ask() -> None:
        freshness = Freshness(lambda: time.sleep(0.05))
        impatient = asyncio.create_task(freshness.wait())
        other = asyncio.create_task(freshness.wait())
        await asyncio.sleep(0.01)
        impatient.cancel()
        await other
        with pytest.raises(asyncio.CancelledError):
            await impatient

    asyncio.run(ask())


def test_a_bucket_holds_a_second_and_fills_at_its_rate() -> None:
    rate = RateLimit(5)
    assert [rate.take("k", 0.0).allowed for _ in range(6)] == [True] * 5 + [False]
    refused = rate.take("k", 0.1)
    assert (refused.allowed, refused.wait_s, refused.headers["Retry-After"]) == (False, 1, "1")
    assert rate.take("k", 0.25).allowed
    assert [rate.take("k", 100.0).allowed for _ in range(6)] == [True] * 5 + [False]
    assert rate.take("other", 100.0).left == 4


def test_buckets_do_not_pile_up() -> None:
    rate = RateLimit(1)
    for number in range(MOST_KEYS + 10):
        rate.take(str(number), float(number))
    assert len(rate._buckets) == MOST_KEYS
