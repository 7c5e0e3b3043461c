"""The cases that issue 12 names, each a world of its own."""

from typing import Final

from consumer.delivery.budget import MIB
from tests.simulation.capacity.case import Case, Endpoint, Flow, Outage, Silence, Webhook
from tests.simulation.plan import HOUR_MS, MINUTE_MS

_SECOND_MS: Final = 1_000
_BESIDE: Final = Webhook(flows=(Flow(count=300, every_ms=1_000),))  # a healthy neighbour


def _down(hours: int, kind: Silence) -> Case:
    """Two events a minute before, during and after; what is told of it is about those after."""
    outage = Outage(from_ms=10 * MINUTE_MS, for_ms=hours * HOUR_MS, kind=kind)
    before = Flow(count=20 + 120 * hours, every_ms=30 * _SECOND_MS)
    after = Flow(count=2_220, from_ms=outage.from_ms + outage.for_ms, every_ms=10 * _SECOND_MS)
    webhook = Webhook(flows=(before, after), endpoint=Endpoint(outages=(outage,)))
    return Case(name=f"down-{hours}h-{kind}", webhooks=(webhook, _BESIDE))


def _every_minute() -> Case:
    outages = (Outage(from_ms=10 * _SECOND_MS, for_ms=20 * _SECOND_MS, every_ms=MINUTE_MS),)
    return Case(
        name="every-minute",
        webhooks=(Webhook(flows=(Flow(count=6_000, every_ms=100),), endpoint=Endpoint(outages=outages)), _BESIDE),
    )


def _views(tenants: int, us: int) -> Case:
    """All of them at once, and then a third of them each second, in turn: more than half of what the cache can tell."""
    return Case(
        name=f"views-{tenants}",
        tenants_us=us,
        turn_ms=2,
        webhooks=tuple(
            Webhook(flows=(Flow(count=1), Flow(count=3, from_ms=1_000 + 3_000 * number // tenants, every_ms=3_000)))
            for number in range(tenants)
        ),
    )


CASES: Final = {
    case.name: case
    for case in (
        Case(name="rate-limit", webhooks=(Webhook(flows=(Flow(count=8_000),), rate_per_s=3.0), _BESIDE)),
        Case(name="slow", webhooks=(Webhook(flows=(Flow(count=6_000),), endpoint=Endpoint(takes_ms=8_000)), _BESIDE)),
        _down(3, Silence.REFUSES),
        _down(10, Silence.REFUSES),
        _down(3, Silence.HANGS),
        _every_minute(),
        Case(
            name="limits",
            processes=3,
            webhooks=(
                Webhook(flows=(Flow(count=3_000, every_ms=50),), rate_per_s=10.0),
                Webhook(flows=(Flow(count=3_000, every_ms=50),), max_concurrency=4, endpoint=Endpoint(takes_ms=300)),
            ),
        ),
        Case(
            name="faster",
            webhooks=(
                Webhook(
                    flows=(Flow(count=6_000),),
                    endpoint=Endpoint(takes_ms=4_000, at_once=8, changes=((10 * MINUTE_MS, 100),)),
                ),
            ),
        ),
        Case(
            name="refuses-above",
            webhooks=(Webhook(flows=(Flow(count=3_000),), endpoint=Endpoint(rate_per_s=5.0)),),
        ),
        Case(
            name="large",
            memory_bytes=4 * MIB,
            webhooks=(Webhook(flows=(Flow(count=1_200),), rate_per_s=2.0, payload_bytes=50_000), _BESIDE),
        ),
        Case(
            name="backlog",
            webhooks=(
                Webhook(flows=(Flow(count=100_000),), endpoint=Endpoint(takes_ms=500, at_once=16)),
                _BESIDE,
            ),
        ),
        _views(3_000, 600),
        _views(30_000, 60),
        Case(
            name="views-100000",
            tenants_us=60,
            turn_ms=2,
            webhooks=tuple(Webhook(flows=(Flow(count=1, from_ms=number // 10),)) for number in range(100_000)),
        ),
    )
}
