"""One job that counts or runs, as the process that runs jobs has it in mind.

The law: `job` is what is written. What its source gave since then is written together, or forgotten and read again.
"""

from collections.abc import Callable
from typing import Final

from consumer.jobs.candidate import Source
from consumer.jobs.job import Answered, Asked, Job, State
from consumer.jobs.pace import Pace
from consumer.jobs.plan import Planner
from consumer.jobs.run import Run
from consumer.replay.generations import Generations

_WRITE_EVERY_S: Final = 1.0
_AGAIN_S: Final = 0.5
_AGAIN_MOST_S: Final = 30.0


class Active:
    """Belongs to one thread. Times are monotonic seconds; `due_s`: when there is something to do for it."""

    def __init__(self, asked: Asked, job: Job, now_s: float) -> None:
        self.asked = asked
        self.job = job
        self.run: Run | None = None
        self.due_s = now_s
        self.pace = Pace(asked.rate_per_s, now_s)
        self._written_s = now_s
        self._held_s: float | None = None
        self._tried = 0
        self._again_s = _AGAIN_S

    @property
    def counts(self) -> bool:
        """Whether it only counts."""
        return self.job.state is State.COUNTING

    @property
    def now(self) -> Job:
        """The job as it is, of which the last part may not be written."""
        return self.job if self.run is None else self.run.job

    def open(self, source: Callable[[], Source], generations: Generations) -> Run:
        """Its way through its source, opened where it is not."""
        if self.run is None:
            self.run = Run(self.job, source(), Planner(self.asked, generations))
        return self.run

    def worked(self) -> None:
        """Its source gave something: what broke it before is over."""
        self._again_s = _AGAIN_S

    def broke(self, now_s: float) -> float:
        """Its source is broken: it is opened again from what is written, after so many seconds."""
        self.close()
        wait_s, self._again_s = self._again_s, min(_AGAIN_MOST_S, self._again_s * 2)
        self.due_s = now_s + wait_s
        return wait_s

    def is_to_be_written(self, now_s: float) -> bool:
        """Whether what changed without a delivery is to be written now."""
        return self.now.state is not self.job.state or (
            self.now != self.job and now_s - self._written_s >= _WRITE_EVERY_S
        )

    def written(self, now_s: float) -> None:
        """It is written as it is now."""
        if self.run is not None:
            self.job = self.run.job
            self.run.written()
        self._written_s = now_s

    def held_ms(self, answered: Answered | None, now_s: float) -> int:
        """For how long it has held back without anything having been tried, as far as that is known."""
        tried = 0 if answered is None else answered.tried
        if answered is None or tried != self._tried:
            self._tried, self._held_s = tried, None
        return 0 if self._held_s is None else int((now_s - self._held_s) * 1_000)

    def heard(self, job: Job) -> None:
        """A wish was heard and written that leaves it as it was."""
        self.job = job
        if self.run is not None:
            self.run.heard(job)

    def holds(self, now_s: float, wait_s: float, *, back: bool) -> None:
        """Nothing is to be sent for so long: it holds `back`, or keeps its pace."""
        if not back:
            self._held_s = None
        elif self._held_s is None:
            self._held_s = now_s
        self.due_s = now_s + wait_s

    def close(self) -> None:
        """Leave its source; it goes on from what is written."""
        run, self.run = self.run, None
        if run is not None:
            run.close()
