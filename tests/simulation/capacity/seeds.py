"""The case of a seed: a few webhooks, each drawn from the kinds of endpoints there are.

The law: the seed decides everything, by a stream of its own.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from consumer.delivery.budget import MIB
from tests.simulation.capacity.case import Case, Endpoint, Flow, Outage, Silence, Webhook
from tests.simulation.plan import HOUR_MS, MINUTE_MS, stream

DELIVERIES: Final = 150
"""Of a seed: its endpoints are slow, and its days long."""

_SECOND_MS: Final = 1_000
_FAULTY: Final = 3  # every so many


def case_of(seed: int, deliveries: int) -> Case:
    """About so many deliveries, over up to a few days."""
    dice = stream(seed, "case")
    kinds = dice.sample(_KINDS, dice.randrange(1, 4))
    most = deliveries // (len(kinds) + 1)
    beside = Webhook(flows=(Flow(count=most, every_ms=dice.choice((200, 1_000, 5_000))),))
    faulty = seed // 10 % _FAULTY == _FAULTY - 1
    return Case(
        name=f"seed {seed}",
        webhooks=(*(kind(dice, most) for kind in kinds), beside),
        processes=dice.randrange(1, 4),
        partitions=dice.randrange(1, 5),
        lane_concurrency=dice.choice((8, 32)),
        turn_ms=dice.choice((20, 50)),
        memory_bytes=dice.choice((None, 4 * MIB)),
        faults=dice.choice((0.3, 1.0)) if faulty else 0.0,
        faults_for_ms=dice.randrange(20_000, 90_000) if faulty else 0,
    )


def _flows(dice: random.Random, most: int, per_s: float) -> tuple[Flow, ...]:
    """A burst, a stream that it can just take, both, or a stream that is too much for it."""
    steady = Flow(count=most // 2, every_ms=_SECOND_MS / (0.7 * per_s))
    burst = Flow(count=most - most // 2, from_ms=dice.randrange(60) * _SECOND_MS)
    too_much = Flow(count=most, every_ms=_SECOND_MS / (1.5 * per_s))
    return dice.choice(((Flow(count=most),), (steady,), (steady, burst), (too_much,)))


def _limited(dice: random.Random, most: int) -> Webhook:
    rate_per_s = dice.choice((0.2, 1.0, 3.0, 10.0, 50.0))
    return Webhook(flows=_flows(dice, most, rate_per_s), rate_per_s=rate_per_s)


def _few_at_once(dice: random.Random, most: int) -> Webhook:
    at_once, takes_ms = dice.choice((1, 2, 8)), dice.choice((50, 400, 2_500))
    flows = _flows(dice, most, at_once * _SECOND_MS / takes_ms)
    return Webhook(flows=flows, max_concurrency=at_once, endpoint=Endpoint(takes_ms=takes_ms))


def _slow(dice: random.Random, most: int) -> Webhook:
    takes_ms = dice.choice((1_500, 4_000, 8_000))
    return Webhook(flows=_flows(dice, most, 8 * _SECOND_MS / takes_ms), endpoint=Endpoint(takes_ms=takes_ms))


def _line_at_the_door(dice: random.Random, most: int) -> Webhook:
    at_once, takes_ms = dice.choice((1, 4, 16)), dice.choice((100, 700))
    flows = _flows(dice, most, at_once * _SECOND_MS / takes_ms)
    return Webhook(flows=flows, endpoint=Endpoint(takes_ms=takes_ms, at_once=at_once), timeout_ms=30_000)


def _changing(dice: random.Random, most: int) -> Webhook:
    slow, quick = (dice.choice((3_000, 6_000)), dice.choice((50, 300)))
    before, after = dice.choice(((slow, quick), (quick, slow)))
    changes = ((dice.randrange(1, 6) * MINUTE_MS, after),)
    return Webhook(flows=_flows(dice, most, 2.0), endpoint=Endpoint(takes_ms=before, changes=changes))


def _refusing_above(dice: random.Random, most: int) -> Webhook:
    rate_per_s = dice.choice((2.0, 10.0))
    endpoint = Endpoint(rate_per_s=rate_per_s, refusal=dice.choice((429, 503)), asks_s=dice.choice((None, 2, 30)))
    return Webhook(flows=(Flow(count=most // 2, every_ms=_SECOND_MS / (0.7 * rate_per_s)),), endpoint=endpoint)


def _away(dice: random.Random, most: int) -> Webhook:
    for_ms = dice.choice((10 * MINUTE_MS, HOUR_MS, 3 * HOUR_MS, 10 * HOUR_MS))
    outage = Outage(from_ms=dice.randrange(MINUTE_MS), for_ms=for_ms, kind=dice.choice(tuple(Silence)))
    before = Flow(count=most // 2, every_ms=max(1_000.0, for_ms / (most // 2)))
    after = Flow(count=most // 2, from_ms=outage.from_ms + for_ms, every_ms=5 * _SECOND_MS)
    return Webhook(flows=(before, after), endpoint=Endpoint(outages=(outage,)))


def _every_minute(dice: random.Random, most: int) -> Webhook:
    outage = Outage(
        from_ms=dice.randrange(MINUTE_MS),
        for_ms=dice.choice((5, 20)) * _SECOND_MS,
        every_ms=MINUTE_MS,
        kind=dice.choice((Silence.REFUSES, Silence.UNAVAILABLE)),
    )
    return Webhook(flows=(Flow(count=most, every_ms=500),), endpoint=Endpoint(outages=(outage,)))


def _large(dice: random.Random, most: int) -> Webhook:
    """Events that fill what a process may keep of them."""
    rate_per_s = dice.choice((1.0, 5.0))
    return Webhook(flows=(Flow(count=most),), rate_per_s=rate_per_s, payload_bytes=dice.choice((10_000, 50_000)))


def _both(dice: random.Random, most: int) -> Webhook:
    """A limit of its own, and an outage."""
    return replace(_away(dice, most), rate_per_s=dice.choice((3.0, 10.0)))


_KINDS: Final[Sequence[Callable[[random.Random, int], Webhook]]] = (
    _limited,
    _few_at_once,
    _slow,
    _line_at_the_door,
    _changing,
    _refusing_above,
    _away,
    _every_minute,
    _both,
    _large,
)
