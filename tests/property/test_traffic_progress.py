"""Whoever may start is started, whatever was offered, answered, refused, spilled or taken out before."""

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from consumer.delivery.lane import Job, Lane
from consumer.delivery.limits import LARGE_BYTES
from consumer.delivery.names import Addresses, Names, Unanswered
from consumer.delivery.outcome import read
from consumer.delivery.traffic import Traffic
from tests.deliveries import NOW_MS, delivery, failure, job, limits, response, subscription

WEBHOOKS = [
    subscription(
        f"sub_{number}",
        tenant=f"tenant_{number % 3}",
        url=f"https://{number % 2}.example/{number}",
        rate_per_s=50 if number == 3 else None,
    )
    for number in range(9)
]


def start_all(traffic: Traffic, now_ms: int) -> list[Job]:
    started: list[Job] = []
    while more := list(traffic.start(now_ms)):
        started += more
    return started


def left_behind(traffic: Traffic, now_ms: int) -> list[str]:
    """Lanes that could start a request and did not."""
    if traffic.flying >= traffic._limits.in_flight:
        return []
    return [
        url
        for (_, url), lane in traffic._lanes._lanes.items()
        if lane.queue
        and lane.has_room
        and lane.full is None
        and traffic._stands.full_of_bulk(lane) is None
        and lane.sleep_ms(now_ms) <= 0
        and traffic.names.look(lane.share.tenant, lane.origin.host, now_ms) is not None
    ]


def at_once_as_step_by_step(lane: Lane, now_ms: int) -> bool:
    """Whether `goes` says what the questions one by one say, of lanes that have no limits and reach their endpoint."""
    may = lane.has_room and lane.sleep_ms(now_ms) <= 0 and lane.full is None
    return lane.goes(now_ms) == (may and lane.allowance is None and lane.breaker.closed)


@given(seed=st.integers(0, 2**32), in_flight=st.integers(2, 12), share=st.integers(1, 12))
def test_nobody_who_may_start_is_left_behind(seed: int, in_flight: int, share: int) -> None:
    chance = random.Random(seed)
    traffic = Traffic(
        replace(limits(in_flight=in_flight, tenant_in_flight=share, lane_concurrency=4), bulk_bytes=4 * LARGE_BYTES),
        names=Names(lambda _: None, at_once=2, of_a_tenant=1),
    )
    asked: list[str] = []
    flying: list[Job] = []
    now_ms = NOW_MS
    for _ in range(60):
        now_ms += chance.choice((0, 1, 30, 700, 6_000))
        for _ in range(chance.randrange(6)):
            to, size = chance.choice(WEBHOOKS), chance.choice((0, 0, LARGE_BYTES, LARGE_BYTES + 1, 3 * LARGE_BYTES))
            traffic.offer(job(to, of=structs.replace(delivery(to=to.id), body=b"x" * size)), now_ms)
        for _ in range(chance.randrange(4)):
            if flying:
                landed = flying.pop(chance.randrange(len(flying)))
                answer = chance.choice((response(), response(), response(429), failure()))
                traffic.answered(landed, read(answer, now_ms), now_ms)
        asked += traffic.names.asked()
        if asked and chance.random() < 0.3:
            said = chance.choice((Addresses(("192.0.2.1",), 1.0), Addresses(("192.0.2.1",), 1.0), Unanswered()))
            traffic.named(now_ms, asked.pop(chance.randrange(len(asked))), said)
        if chance.random() < 0.2:
            traffic.unqueue(lambda _: chance.random() < 0.5)
        flying += start_all(traffic, now_ms)
        traffic.overdue(now_ms)
        flying += start_all(traffic, now_ms)
        assert left_behind(traffic, now_ms) == []
        assert [lane.key for lane in traffic._lanes.busy if not at_once_as_step_by_step(lane, now_ms)] == []
        assert traffic._stands.bulk.bytes == sum(each.size for each in flying if each.size > LARGE_BYTES)
        assert traffic._stands.bulk.bytes < 4 * LARGE_BYTES + 3 * LARGE_BYTES
