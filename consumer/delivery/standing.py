"""A webhook's standing: what all processes together know of it, and what each of them may do.

    process ── Report ──►  one state for each webhook  ── Standing ──► process
    (what it wants, did and saw)  exchange.py           (what it may do, and what the others saw)

Only a webhook that is limited, behind, slow, failing or waited for has a standing: one that is healthy and unlimited
is never asked about.

The laws:
- a report may be told twice, and an answer may be lost: what a process did is told as a sum since it began, never as a
  difference;
- every time is in ms from the moment the report was made: no two clocks are ever compared;
- whatever a standing allows ends by itself: permits after `PERMIT_FOR_MS`, a lease after `LEASE_FOR_MS`.

Both are values. What decides between them is `exchange.py`; Redis keeps the states (`consumer/standings/`).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

LEASE_FOR_MS: Final = 10_000
"""A process that was not heard of for so long has no lease, no pace and no probe any more."""

PERMIT_FOR_MS: Final = 500
"""A permit not used so long after its time is void; at rates under one in ten seconds it is a twentieth of the gap."""

AHEAD_MS: Final = 1_000
"""Permits are given for starts at most so far ahead."""

FORWARD_AHEAD_MS: Final = 500
"""And for what is brought forward only so far: what is new finds the other half free."""

NOT_KNOWN_MS: Final = 250.0
"""How long a lane sleeps for what it has to ask for: it is woken by the answer."""


class Tell(StrEnum):
    """What the webhook's customer is to be told by whoever got this."""

    BEHIND = "behind"
    CAUGHT_UP = "caught_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A process's breaker is open: at this step of its times, for so long from now, for what is new `early_ms`."""

    level: int
    for_ms: float
    early_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one process tells of one webhook.

    Of two `revision`s of the webhook the newer one's limits count. `want` are the starts that it could make within the
    next second: of new events and of what is due; `want_forward` those of what it would bring forward. `permits` are
    the ones it still has; of `flying` requests and `places`, the most that it has under way until it is answered, its
    lease is the larger; `heard` is the `number` of the last standing that came, 0 for none.

    `pace_per_s` is what the endpoint would take from this process alone, by the time it takes to answer and the
    requests it may have at once; 0 where nothing is known. `slots` are those it gave, less those it took back, since it
    began, and `horizon_ms` is the end of the schedule as it knows it. `waits` are the deliveries that it wrote to wait
    for their turn, less those that it took up again, since it began; `until_ms` is the latest due time of those it
    wrote. `slots_heard` and `waits_heard` are the sums in the last report that was answered. `blocked`: so many keys of
    the webhook have stopped in its partitions.

    `answered_ms`: the last HTTP answer was so long ago; `failing_ms`: since then no request was answered, the first of
    them so long ago; `accepted_ms`: it recovered so long ago (`lane.py`). `early`: what it would send is new, and may
    be a probe while the breaker is open (`breaker.py`). `probing`: its probe is under way. `told` is the
    `Standing.telling` that it has carried out.
    """

    subscription_id: str
    tenant: str
    revision: int = 0
    rate_per_s: float | None = None
    max_concurrency: int | None = None
    heard: int = 0
    want: int = 0
    want_forward: int = 0
    permits: int = 0
    flying: int = 0
    places: int = 0
    pace_per_s: float = 0.0
    slots: int = 0
    slots_heard: int = 0
    horizon_ms: float = 0.0
    waits: int = 0
    waits_heard: int = 0
    until_ms: float = 0.0
    blocked: int = 0
    answered_ms: float | None = None
    accepted_ms: float | None = None
    failing_ms: float | None = None
    open: Open | None = None
    early: bool = False
    probing: bool = False
    told: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Permits:
    """Starts that the rate limit allows: the first in `first_ms`, each further one `gap_ms` after the one before.

    Each may be used from its time on, for `for_ms`. With a `number` of 0 it is worth asking again in `first_ms`.
    """

    number: int
    first_ms: float
    gap_ms: float
    for_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What one process may do with one webhook, and what all of them know.

    `number` counts what was answered to this process. `permits` is None where there is no rate limit, `places` where
    there is no limit of requests at once: else so many may be under way here, those that are included.

    `pace_per_s` is what the endpoint takes from all processes together, by its rate limit and what they measured; 0
    where nobody knows. The schedule's last slot is in `horizon_ms`; about `waiting` deliveries wait, the last of them
    until in `until_ms`.

    The breaker is open for `open_ms`, at `level` (-1: closed), and for what is new `early_ms`; when that is over and
    `probe` says so, this process may send the one probe. `answered_ms`: somebody was answered so long ago;
    `accepted_ms`: it recovered so long ago, as somebody says whose requests had failed; `recovered_ms`: the breaker was
    closed by an answer so long ago (None: not lately). `tell` is to be done, and then reported as `told=telling`.
    """

    number: int
    permits: Permits | None
    places: int | None
    pace_per_s: float
    horizon_ms: float
    waiting: int
    until_ms: float
    level: int = -1
    open_ms: float = 0.0
    early_ms: float = 0.0
    probe: bool = False
    answered_ms: float | None = None
    accepted_ms: float | None = None
    recovered_ms: float | None = None
    tell: Tell | None = None
    telling: int = 0

    @property
    def behind(self) -> bool:
        """Whether its customer was told last, or is to be told, that it is behind."""
        return self.telling % 2 == 1
