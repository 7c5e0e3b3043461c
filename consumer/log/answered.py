"""What endpoints made of a job's deliveries: a fold of its attempts, in the order of the log. Pure.

The laws:
- each attempt of the log counts once, for the job whose id its record has, and for no other;
- a failure of ours ends no row of failures and adds nothing to one: it says nothing of the endpoint.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from consumer.delivery.answer import OURS
from consumer.delivery.delivery import Trigger
from consumer.log.health import Sent

KEPT_FOR_MS: Final = 7 * 86_400_000
"""After a job's last attempt: as long as a job is kept after its end."""
MOST: Final = 10_000
"""Jobs of one partition. What goes first are resends, which any customer can ask for one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What endpoints made of a job's deliveries, as far as the log has been read.

    `tried`: of so many an attempt was logged; `attempts`: so many there were in all. `streak`: so many of them in a
    row, up to the last one, failed.
    """

    tried: int = 0
    attempts: int = 0
    delivered: int = 0
    failed: int = 0
    streak: int = 0


class JobCounts(msgspec.Struct, frozen=True, kw_only=True):
    """The same of one partition. `last_ms`: when its last attempt began; `resend`: its deliveries are resends."""

    answered: Answered = Answered()
    last_ms: int = 0
    resend: bool = False


NO_COUNTS: Final = JobCounts()


def counted(counts: JobCounts, sent: Sent) -> JobCounts:
    """The counts after one more attempt of the job."""
    was = counts.answered
    failed = sent.outcome != "delivered"
    return JobCounts(
        answered=Answered(
            tried=was.tried + (sent.number == 1),
            attempts=was.attempts + 1,
            delivered=was.delivered + (not failed),
            failed=was.failed + (sent.outcome == "dead"),
            streak=was.streak + (sent.failure not in OURS) if failed else 0,
        ),
        last_ms=max(counts.last_ms, sent.at_ms),
        resend=sent.trigger == Trigger.RESEND,
    )


def summed(parts: Iterable[JobCounts]) -> Answered:
    """A job's counts of all partitions. Only where partitions were added are there several: the newest has its row."""
    ordered = sorted(parts, key=lambda each: each.last_ms)
    return Answered(
        tried=sum(each.answered.tried for each in ordered),
        attempts=sum(each.answered.attempts for each in ordered),
        delivered=sum(each.answered.delivered for each in ordered),
        failed=sum(each.answered.failed for each in ordered),
        streak=ordered[-1].answered.streak if ordered else 0,
    )
