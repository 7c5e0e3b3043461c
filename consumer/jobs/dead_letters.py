"""Dead letters sent again as a job, for whoever waits for its end.

The law: what was begun goes on, also when nobody waits for it any more: the summary says whether all of it was done.
"""

import secrets
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from consumer.control.owner import Owner
from consumer.jobs.conduct import AskedJob
from consumer.jobs.dead_letter_desk import Way
from consumer.jobs.desk import Desk, awaited
from consumer.jobs.job import MOST_PER_S, Asked, Chosen, Kind, Matching, Spot, State, Subject, Wish
from consumer.jobs.record import asked_id
from consumer.replay.dead_letters import Lying
from consumer.replay.filters import Filters
from consumer.replay.run import Summary

PATIENCE_S: Final = 8.0


class JobRefused(Exception):  # noqa: N818 # it names a state, as the glossary does
    """The job was refused: it says why."""

    def __init__(self, known: AskedJob) -> None:
        super().__init__(known.job.reason)
        self.known = known


class JobReplays:
    """For many threads. See `jobs.dead_letter_desk.Replays`."""

    def __init__(
        self,
        jobs: Desk,
        *,
        most: int,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """At most `most` replays of a chain are made; a job is waited for `patience_s` seconds at most."""
        self._jobs = jobs
        self._most = most
        self._now_ms = now_ms
        self._patience_s = patience_s

    def replay(self, owner: Owner, webhook: str, chosen: Sequence[Lying] | Filters, way: Way) -> Summary:
        """Replay what lies there, or all that match, of this webhook.

        Raises:
            JobRefused: another job runs for it, or its tenant has too many.
            NobodyRuns: no role `jobs` is there.
            KafkaBroken: it was not written, or not read back; it may have been.
        """
        asked = Asked(
            id=asked_id(None, secrets.token_bytes),
            owner=owner,
            webhook=webhook,
            kind=Kind.REPLAY if isinstance(chosen, Filters) else Kind.RESEND,
            subject=_subject(chosen),
            again=way.again,
            rate_per_s=MOST_PER_S,
            most=self._most,
            place=way.place,
            created_by=way.by,
            created_at_ms=self._now_ms(),
            wish=Wish.RUN,
        )
        known = self._jobs.ask(asked)
        if known.job.state is State.REFUSED:
            raise JobRefused(known)
        return _summary(awaited(self._jobs, known, self._patience_s))


def _subject(chosen: Sequence[Lying] | Filters) -> Subject:
    if not isinstance(chosen, Filters):
        return Chosen(spots=tuple(Spot(each.topic, each.partition, each.offset) for each in chosen))
    return Matching(
        statuses=frozenset({"failed"}),
        reasons=chosen.reasons,
        types=chosen.types,
        since_ms=chosen.since_ms,
        until_ms=chosen.until_ms,
    )


def _summary(known: AskedJob) -> Summary:
    counts = known.job.counts
    return Summary(
        matched=counts.matched, replayed=counts.sent, skipped=Counter(counts.skipped), stopped=not known.job.ended
    )
