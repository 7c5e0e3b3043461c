"""What the API, the pages and the command line ask of jobs.

The law: who asks only writes a wish, and waits until the process that runs jobs has heard it. So there is one writer of
what is sent again, whoever asks, and however many.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from consumer.control.owner import Owner
from consumer.jobs.conduct import AskedJob
from consumer.jobs.job import Answered, Asked, State, Wish

_LOOK_EVERY_S: Final = 0.02


class JobUnknown(LookupError):  # noqa: N818 # it names a state, as the glossary does
    """The owner has no such job."""


class NobodyRuns(Exception):  # noqa: N818 # same
    """No role `jobs` has heard of it in time. What was asked for was taken back."""


class Desk(Protocol):
    """For many threads."""

    def ask(self, asked: Asked) -> AskedJob:
        """Ask for a job, and wait until it was heard of. It may be refused: its state says so.

        Raises:
            NobodyRuns: no role `jobs` is there.
            KafkaBroken: it was not written, or not read back; it may have been.
        """

    def wish(self, owner: Owner, job_id: str, wish: Wish) -> AskedJob:
        """Want something else of a job, and wait until it was heard.

        Raises:
            JobUnknown, NobodyRuns, KafkaBroken.
        """

    def get(self, owner: Owner, job_id: str) -> AskedJob:
        """One of the owner's jobs. Refused ones are none. Raises JobUnknown, KafkaBroken."""

    def page(self, owner: Owner, *, after: str | None, limit: int) -> tuple[list[AskedJob], str | None]:
        """The owner's jobs, the newest first, refused ones left out; and the id to go on after, None at the end.

        Raises:
            KafkaBroken: they cannot be read.
        """

    def answered(self, job_ids: Sequence[str]) -> Mapping[str, Answered]:
        """What endpoints made of these; of those of which nothing is known, or while Redis is away, nothing."""


def awaited(jobs: Desk, known: AskedJob, within_s: float) -> AskedJob:
    """The job, once it runs no more; or as it stands after so many seconds."""
    until_s = time.monotonic() + within_s
    while known.job.state is State.RUNNING and time.monotonic() < until_s:
        time.sleep(_LOOK_EVERY_S)
        known = jobs.get(known.asked.owner, known.asked.id)
    return known
