"""What whoever runs jobs asks of the other parts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from consumer.control.owner import Owner
from consumer.events.event import Event
from consumer.jobs.candidate import Source
from consumer.jobs.conduct import AskedJob
from consumer.jobs.job import Answered, Asked, Job
from consumer.kafka.writing import NewRecord
from consumer.replay.plan import Planned
from consumer.webhooks.subscription import Subscription


class SeenJobs(Protocol):
    """The jobs as they were read back from the jobs topic: what was written a moment ago may be missing."""

    def known(self, job_id: str) -> AskedJob | None:
        """A job that was heard of."""

    def unheard(self) -> Sequence[tuple[Asked, Job | None]]:
        """Those of which the latest wish was not heard, the oldest first."""

    def unfinished(self, tenant: str | None = None) -> Sequence[AskedJob]:
        """A tenant's jobs that have not ended, the oldest first; None: everybody's."""

    def all(self) -> Iterable[AskedJob]:
        """Everybody's jobs."""

    def outnumbered(self, most: int) -> Sequence[str]:
        """The ids of those that ended first, of tenants with too many jobs that have ended; so many at most."""


class Webhooks(Protocol):
    """The webhooks as they are now."""

    def catch_up(self) -> None:
        """Wait until everything is known here that was acknowledged before this call.

        Raises:
            KafkaBroken: it did not come in time.
        """

    def get(self, owner: Owner, webhook: str) -> Subscription | None:
        """One of this owner's webhooks."""


class Writer(Protocol):
    """The one writer of what is sent again (`replay.ledger.Ledger`)."""

    def write(self, batch: Sequence[Planned], beside: Sequence[NewRecord] = ()) -> None:
        """Write all of it, or nothing. Raises as the ledger does."""


class OpenSource(Protocol):
    """Opens what a job reads."""

    def __call__(
        self,
        asked: Asked,
        subscription: Subscription,
        *,
        ends: Mapping[tuple[str, int], int],
        position: Mapping[tuple[str, int], int],
    ) -> Source:
        """From `position` up to `ends`; both are empty of a job that begins now.

        Raises:
            TooEarly: it is to be opened again a moment later.
            TooMany, KafkaBroken: see `candidate.Source.take`.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """A job as records of the jobs topic, and a notice as those of the spill topic.

    `forgotten` are the records that delete a job.
    """

    of_job: Callable[[Job], NewRecord]
    forgotten: Callable[[str], Sequence[NewRecord]]
    of_notice: Callable[[Event, Owner], Sequence[NewRecord]]


class AnsweredReader(Protocol):
    """Who knows what endpoints made of jobs' deliveries."""

    def read(self, job_ids: Sequence[str]) -> Mapping[str, Answered]:
        """Of these; of those of which nothing is known, or while Redis is away, nothing."""
