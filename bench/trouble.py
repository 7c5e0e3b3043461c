"""What every tenth webhook may be up to, what it could have taken meanwhile, and what it got. Pure.

`RETURNING`: for the first 20 s of each minute its endpoint resets every request, for the other 40 s it answers at once.

The law: what a webhook can take is known beforehand and owes nothing to us: all that was published for it, a rate of so
many a second, or so many requests at once for as long as an answer takes.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Final

from bench.audience import Audience
from bench.receiver import AWAY_S, SLOW_S, Arrival, Receiver

WEBHOOKS: Final = 200
TROUBLED: Final = 20
TENANTS: Final = 20
RATE_PER_S: Final = 3.0
AT_ONCE: Final = 8
RATE_OVER_S: Final = 10.0
"""A rate limit is looked at over so long."""

_FRESH_S: Final = 2.0


class Trouble(StrEnum):
    """Of every tenth webhook."""

    NONE = "none"
    OWN_ORIGINS = "hang on own origins"
    SHARED_ORIGIN = "hang on the shared origin"
    LIMITED = "limited to 3/s"
    SLOW = "8 s an answer"
    RETURNING = "back every minute"

    @property
    def hangs(self) -> bool:
        """Whether a troubled webhook never takes anything."""
        return self in {Trouble.OWN_ORIGINS, Trouble.SHARED_ORIGIN}

    @property
    def least_s(self) -> float:
        """How long a round has to be for it to show."""
        return 60.0 if self is Trouble.RETURNING else 0.0

    @property
    def most_p99(self) -> float:
        """How many times as long the healthy ones may wait at p99."""
        return 2.0 if self.hangs else 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What the troubled webhooks got in a round.

    `share` of what they could have taken. `rate_most`: the most that one got in any 10 s, as a multiple of its limit.
    `fresh_share`: of what was published while they were back, how much came within 2 s. None: not of this trouble.
    """

    share: float
    rate_most: float | None = None
    fresh_share: float | None = None


def is_troubled(webhook: int) -> bool:
    """Whether it is one of those in trouble where any are: every tenth, so that every other tenant has some."""
    return webhook % (WEBHOOKS // TROUBLED) == 0


def audience(receiver: Receiver, trouble: Trouble) -> Audience:
    """All webhooks; the receiver has a port for all, and one for each that hangs on an origin of its own."""
    shared, *own = receiver.ports
    does = {
        Trouble.NONE: "take",
        Trouble.OWN_ORIGINS: "hang",
        Trouble.SHARED_ORIGIN: "hang",
        Trouble.LIMITED: "take",
        Trouble.SLOW: "slow",
        Trouble.RETURNING: "back",
    }

    def url(webhook: int) -> str:
        if not is_troubled(webhook):
            return f"http://127.0.0.1:{shared}/take/{webhook}"
        on_its_own = trouble not in {Trouble.NONE, Trouble.SHARED_ORIGIN}
        port = own[webhook // (WEBHOOKS // TROUBLED)] if on_its_own else shared
        return f"http://127.0.0.1:{port}/{does[trouble]}/{webhook}"

    return Audience(
        name="wh",
        webhooks=WEBHOOKS,
        tenants=TENANTS,
        url=url,
        rate_per_s=lambda webhook: RATE_PER_S if trouble is Trouble.LIMITED and is_troubled(webhook) else None,
        max_concurrency=lambda webhook: AT_ONCE if trouble is Trouble.SLOW and is_troubled(webhook) else None,
    )


def taken(
    trouble: Trouble, arrivals: Sequence[Arrival], *, began_ns: int, for_s: float, published: int
) -> Taken | None:
    """What the troubled ones got of what came; `published` so many for each of them since `began_ns`."""
    mine = [each for each in arrivals if is_troubled(each.webhook)]
    until_ns = began_ns + int(for_s * 1e9)
    match trouble:
        case Trouble.LIMITED:
            could = min(RATE_PER_S * for_s, published) * TROUBLED
            came = sum(began_ns <= each.received_ns < until_ns for each in mine)
            return Taken(share=round(came / could, 4), rate_most=round(_rate_most(mine) / RATE_PER_S, 3))
        case Trouble.SLOW:
            busy_ns = sum(_overlap_ns(each.received_ns, began_ns, until_ns) for each in mine)
            return Taken(share=round(busy_ns / (for_s * 1e9 * AT_ONCE * TROUBLED), 4))
        case Trouble.RETURNING:
            new = [each for each in mine if each.published_ns >= began_ns]
            back_ns = began_ns + int((AWAY_S + _FRESH_S) * 1e9)
            last_ns = until_ns - int(_FRESH_S * 1e9)
            fresh = sum(back_ns <= each.published_ns < last_ns and each.latency_ms <= _FRESH_S * 1e3 for each in new)
            meanwhile = published * (last_ns - back_ns) / 1e9 / for_s * TROUBLED
            share = len({(each.webhook, each.published_ns) for each in new}) / (published * TROUBLED)
            return Taken(share=round(share, 4), fresh_share=round(fresh / meanwhile, 4))
        case _:
            return None


def _overlap_ns(received_ns: int, began_ns: int, until_ns: int) -> int:
    """How much of the time that a slow request was under way lies between."""
    return max(0, min(received_ns + int(SLOW_S * 1e9), until_ns) - max(received_ns, began_ns))


def _rate_most(arrivals: Sequence[Arrival]) -> float:
    """The most a second that one webhook got over any 10 s that end with a request."""
    most = 0
    by_webhook = sorted((each.webhook, each.received_ns) for each in arrivals)
    for _, came in groupby(by_webhook, key=lambda each: each[0]):
        times = [at for _, at in came]
        within = (number - bisect_right(times, at - int(RATE_OVER_S * 1e9)) for number, at in enumerate(times, start=1))
        most = max(most, *within, 0)
    return most / RATE_OVER_S
