"""Standings in Redis: reports go out together, in one round trip, and each is answered for itself.

The law: a report is exchanged whole or not at all, and may be exchanged again. What Redis answers is a Standing or an
error: nothing is guessed here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from consumer.delivery.standing import Permits, Report, Standing, Tell
from consumer.standings.script import EXCHANGE, STATE
from consumer.webhooks.cache import Answer, Cache, Call

PRESENT_FOR_MS: Final = 10_000
"""A process that was not heard of for so long counts no longer."""

# KEYS: the set of processes. ARGV: the process, how long one counts. Returns how many there are.
_PRESENT: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - ARGV[2]))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZCARD', KEYS[1])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """About how many deliveries of a webhook wait for their turn, and until when; 0 when none does.

    `blocked`: so many keys of it have stopped, with what waits behind each.
    """

    waiting: int = 0
    until_ms: int = 0
    blocked: int = 0


class StandingStore:
    """Belongs to one thread. `process` is this process's own name, which no other and no later one has."""

    def __init__(self, cache: Cache, *, topic_prefix: str, process: str = "") -> None:
        self._cache = cache
        self._prefix = topic_prefix
        self._process = process

    def exchange(self, reports: Sequence[Report]) -> Mapping[str, Standing]:
        """The answer to each report, by subscription.

        Raises:
            CacheUnavailable: some may have been taken in.
        """
        calls = [
            Call(script=EXCHANGE, keys=(self._key(report.subscription_id),), args=arguments(self._process, report))
            for report in reports
        ]
        answers = self._cache.run_known(calls)
        told = zip(reports, answers, strict=True)
        return {report.subscription_id: standing(answer) for report, answer in told}

    def present(self) -> int:
        """Say that this process is there. Returns how many are.

        Raises:
            CacheUnavailable: it may have been said.
        """
        call = Call(script=_PRESENT, keys=(f"{self._prefix}processes",), args=(self._process, str(PRESENT_FOR_MS)))
        return int(self._cache.run_known([call])[0])

    def backlogs(self, subscription_ids: Sequence[str]) -> Mapping[str, Backlog]:
        """What waits of these webhooks.

        Raises:
            CacheUnavailable: Redis is away.
        """
        found = self._cache.field([self._key(each) for each in subscription_ids], STATE)
        return {each: _backlog(state) for each, state in zip(subscription_ids, found, strict=True)}

    def _key(self, subscription_id: str) -> str:
        return f"{self._prefix}standing:{{{subscription_id}}}"


def _backlog(state: bytes | None) -> Backlog:
    if state is None:
        return Backlog()
    waiting, until_ms, blocked = (int(float(each)) for each in state.split(maxsplit=3)[:3])
    return Backlog(waiting=waiting, until_ms=until_ms, blocked=blocked)


def arguments(process: str, report: Report) -> list[str]:
    """The arguments of the script."""
    opened = report.open
    fields = (
        report.revision,
        report.rate_per_s,
        report.max_concurrency,
        report.heard,
        report.want,
        report.want_forward,
        report.permits,
        report.flying,
        report.places,
        report.pace_per_s,
        report.slots,
        report.slots_heard,
        report.horizon_ms,
        report.waits,
        report.waits_heard,
        report.until_ms,
        report.blocked,
        report.answered_ms,
        report.accepted_ms,
        report.failing_ms,
        None if opened is None else opened.level,
        None if opened is None else opened.for_ms,
        None if opened is None else opened.early_ms,
        int(report.early),
        int(report.probing),
        report.told,
    )
    return [process, *("" if each is None else repr(each) for each in fields)]


def standing(answer: Answer) -> Standing:
    """What the script answers."""
    texts = [each.decode() for each in cast("list[bytes]", answer)]
    number, permits, first, gap, for_, places, pace, horizon, waiting, until, level, open_ = texts[:12]
    early, probe, answered, accepted, recovered, tell, telling = texts[12:]
    return Standing(
        number=int(number),
        permits=None
        if permits == ""
        else Permits(number=int(permits), first_ms=float(first), gap_ms=float(gap), for_ms=float(for_)),
        places=None if places == "" else int(places),
        pace_per_s=float(pace),
        horizon_ms=float(horizon),
        waiting=int(waiting),
        until_ms=float(until),
        level=int(level),
        open_ms=float(open_),
        early_ms=float(early),
        probe=probe == "1",
        answered_ms=float(answered) if answered else None,
        accepted_ms=float(accepted) if accepted else None,
        recovered_ms=float(recovered) if recovered else None,
        tell=Tell(tell) if tell else None,
        telling=int(telling),
    )
