"""Slots as a lane gives them, and when a delivery queues, waits on or gets another."""

from itertools import pairwise

import pytest
from msgspec.structs import replace

from consumer.delivery.delivery import Delivery
from consumer.delivery.lane import Patience
from consumer.delivery.outcome import read
from consumer.delivery.schedule import Wait
from consumer.delivery.standing import Standing
from consumer.delivery.traffic import Traffic
from consumer.webhooks.subscription import Subscription
from tests.deliveries import NOW_MS, delivery, event, job, limits, response, subscription

LATER_MS = NOW_MS + 10_000_000
LIMITED = subscription(rate_per_s=2)


def offered(traffic: Traffic, to: Subscription, *, of: Delivery | None = None, now_ms: int = NOW_MS) -> int | None:
    """When it has its turn; None: it is queued."""
    made = job(to, of=of)
    wait = traffic.offer(made, now_ms)
    return None if wait is None else traffic.slot_ms(made, wait, now_ms, LATER_MS)


def slowed(traffic: Traffic, takes_ms: int) -> None:
    """Its endpoint is known to be slow."""
    traffic.offer(job(), NOW_MS - takes_ms)
    [each] = traffic.start(NOW_MS - takes_ms)
    traffic.answered(each, read(response(), NOW_MS), NOW_MS)


def test_what_a_rate_limit_cannot_take_soon_gets_slots_as_far_apart_as_it_asks() -> None:
    traffic = Traffic(limits())
    turns = [offered(traffic, LIMITED) for _ in range(10)]
    given = [turn for turn in turns if turn is not None]
    assert turns[:5] == [None] * 5
    assert given[0] > NOW_MS + 2_000
    assert [later - earlier for earlier, later in pairwise(given)] == [500] * 4


def test_a_slow_endpoint_gets_slots_by_its_pace_and_the_requests_it_may_have_at_once() -> None:
    traffic = Traffic(limits(lane_concurrency=8))
    slowed(traffic, 8_000)
    assert [offered(traffic, subscription()) for _ in range(3)] == [NOW_MS + each for each in (1_000, 2_000, 3_000)]


def test_what_is_new_stands_behind_what_was_given_and_what_comes_back_does_not() -> None:
    traffic = Traffic(limits())
    for _ in range(10):
        offered(traffic, LIMITED)
    traffic.unqueue(lambda _: True)
    behind = offered(traffic, LIMITED)
    assert behind is not None
    assert behind > NOW_MS + 4_000
    back = replace(delivery(event("back")), tier=1, slot_ms=NOW_MS - 1)
    assert offered(traffic, LIMITED, of=back) is None


def test_one_whose_slot_is_ahead_waits_on_for_the_same_one() -> None:
    traffic = Traffic(limits(patience=Patience(wait_ms=10_000, slow_ms=None)))
    ahead = replace(delivery(), tier=1, slot_ms=NOW_MS + 10_001)
    assert traffic.offer(made := job(of=ahead), NOW_MS) == Wait(ms=10_001, on=True)
    assert traffic.slot_ms(made, Wait(ms=10_001, on=True), NOW_MS, LATER_MS) == NOW_MS + 10_001
    assert traffic.slot_ms(made, Wait(ms=10_001, on=True), NOW_MS, NOW_MS + 500) == NOW_MS + 500
    assert traffic.offer(job(of=replace(ahead, slot_ms=NOW_MS + 10_000)), NOW_MS) is None


def test_nothing_is_given_beyond_the_time_that_a_delivery_may_wait() -> None:
    traffic = Traffic(limits())
    for _ in range(5):
        offered(traffic, LIMITED)
    late = [job(LIMITED) for _ in range(4)]
    turns = [
        traffic.slot_ms(each, wait, NOW_MS, NOW_MS + 3_100) for each in late if (wait := traffic.offer(each, NOW_MS))
    ]
    assert turns == [NOW_MS + each for each in (2_500, 3_000, 3_100, 3_100)]


def test_what_goes_forward_comes_without_its_slot_and_gives_it_back() -> None:
    traffic = Traffic(limits(patience=Patience(wait_ms=500, slow_ms=None)))
    turns = [offered(traffic, LIMITED) for _ in range(6)]
    last = turns[-1]
    assert last is not None
    ahead = replace(delivery(), tier=1, slot_ms=last)
    assert traffic.sooner(NOW_MS, ahead) == replace(ahead, slot_ms=None)
    assert offered(traffic, LIMITED) == last
    assert traffic.sooner(NOW_MS, delivery()) == delivery()


def test_a_healthy_webhook_without_limits_has_no_account_and_asks_nobody() -> None:
    traffic = Traffic(limits(), shared=True)
    made = job()
    assert traffic.offer(made, NOW_MS) is None
    [each] = traffic.start(NOW_MS)
    traffic.answered(each, read(response(), NOW_MS), NOW_MS + 5)
    assert len(traffic.standings) == 0
    assert made.lane is not None
    assert made.lane.allowance is None


@pytest.mark.parametrize(("pace_per_s", "gap_ms"), [(4.0, 250), (0.5, 2_000)])
def test_slots_follow_the_pace_of_all_processes_where_it_is_known(pace_per_s: float, gap_ms: int) -> None:
    traffic = Traffic(limits(lane_concurrency=8), shared=True)
    slowed(traffic, 8_000)
    assert offered(traffic, subscription()) == NOW_MS + 1_000
    [told] = traffic.standings.reports(NOW_MS)
    assert (told.slots, told.subscription_id) == (1, "sub_1")
    standing = Standing(
        number=1, permits=None, places=None, pace_per_s=pace_per_s, horizon_ms=60_000, waiting=0, until_ms=0
    )
    traffic.heard(NOW_MS, "sub_1", standing)
    assert [offered(traffic, subscription()) for _ in range(2)] == [
        NOW_MS + 60_000 + gap_ms,
        NOW_MS + 60_000 + 2 * gap_ms,
    ]
