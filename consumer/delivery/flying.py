"""The requests under way.

The laws: a request ends once, answered or given up; and what was sent for a record of a partition that is lost since is
not sent again when the same record is ours again, but ends for it.
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from consumer.delivery.entry import Entry
from consumer.delivery.lane import Job
from consumer.delivery.offsets import Partition

_Place: TypeAlias = tuple[Partition, int, str]  # a record and one of its deliveries


class Flying:
    """By token. Tokens begin at 1 and are never used again.

    `orphans` are what was sent for partitions that were lost.
    """

    def __init__(self) -> None:
        self._jobs: dict[int, Job] = {}
        self.orphans: dict[_Place, Job] = {}
        self._token = 0

    def __bool__(self) -> bool:
        return bool(self._jobs)

    def begin(self, job: Job) -> int:
        """The job's request is sent under this token."""
        self._token += 1
        self._jobs[self._token] = job
        job.entry.begun = True
        return self._token

    def end(self, token: int) -> Job | None:
        """The job whose request came to its end; None for one that was given up meanwhile."""
        return self._jobs.pop(token, None)

    def job(self, token: int) -> Job | None:
        """The job whose request is under way under this token."""
        return self._jobs.get(token)

    def unanswered(self, started_before_ms: int, of: Callable[[Entry], bool]) -> Iterator[Job]:
        """What these records wait for since then, and was not handed over yet."""
        for job in self._jobs.values():
            if job.started_ms <= started_before_ms and job.handed_over is None and of(job.entry):
                yield job

    # ── partitions that go ───────────────────────────────────────────────────────────────────────────────────────

    @property
    def going(self) -> bool:
        """Whether a partition that goes waits for an answer."""
        return any(map(_is_going, self._jobs.values()))

    def give_up(self) -> list[tuple[int, Job]]:
        """What partitions that go still wait for, by token; its answers have no effect any more."""
        going = [(token, job) for token, job in self._jobs.items() if _is_going(job)]
        for token, _ in going:
            del self._jobs[token]
        return going

    # ── partitions that were lost, and come back ─────────────────────────────────────────────────────────────────

    def orphan(self) -> None:
        """Remember what was sent for records of partitions that were lost, these only."""
        self.orphans = {_place(job): job for job in self._jobs.values() if _is_orphan(job)}

    def forget_orphan(self, job: Job) -> None:
        """Nothing came of its request: when its record is ours again, it is to be sent."""
        self.orphans.pop(_place(job), None)

    def forget_orphans(self) -> None:
        """The records that come under their offsets are others."""
        self.orphans.clear()

    def adopt(self, job: Job) -> Job | None:
        """What was sent for the same delivery of the same record, when its partition was lost meanwhile.

        It ends for the job's record from now on; its answer may have come already.
        """
        orphan = self.orphans.pop(_place(job), None)
        if orphan is not None:
            orphan.entry = job.entry
            orphan.entry.begun = True
        return orphan


def _is_orphan(job: Job) -> bool:
    """Whether it would end for a partition that was lost."""
    return job.entry.window.closed and job.handed_over is None


def _is_going(job: Job) -> bool:
    """Whether its partition waits for its answer before it goes."""
    window = job.entry.window
    return window.draining and not window.closed and job.handed_over is None


def _place(job: Job) -> _Place:
    return job.entry.window.partition, job.entry.offset, job.delivery.id
