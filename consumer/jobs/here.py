"""One job run by this process, where no role does: for the command line of an operator.

The law: this is the one writer while it lasts, by the same ledger as the role's. A role that begins takes over, and the
job goes on there: nothing is lost or sent twice, and whoever waits here is told.
"""

import time
from collections.abc import Callable
from typing import Final

from consumer.jobs.conduct import AskedJob
from consumer.jobs.desk import JobUnknown
from consumer.jobs.job import State
from consumer.jobs.known import KnownTopics
from consumer.jobs.leading import Leading, Parts, parts_of
from consumer.settings import Settings

_IDLE_S: Final = 0.1
_GOES_ON: Final = frozenset({State.COUNTING, State.RUNNING})


def run_here(
    settings: Settings,
    job_id: str,
    *,
    progress: Callable[[AskedJob], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    parts: Parts | None = None,
) -> AskedJob | None:
    """Hear what is wished of one job, and run it until it rests: counted, paused or at its end.

    `progress` is told what became of it, whenever that is read back. `stop` ends this at the edge of a batch; the job
    goes on from there when anybody runs it. None: it said so before anything was known of the job.

    Raises:
        JobUnknown: nobody asked for such a job.
        TakenOver: a role runs jobs now.
        ConfigurationError, KafkaBroken: it could not be run, or not to its end.
    """
    if parts is None:
        with parts_of(settings) as those:
            return run_here(settings, job_id, progress=progress, stop=stop, parts=those)
    known = KnownTopics(settings)
    known.start()
    try:
        leading = Leading.begin(settings, known, parts, now_ms=_now_ms, stop=stop, only=job_id)
        try:
            return _until_it_rests(known, leading, job_id, progress, stop)
        finally:
            leading.close()
    finally:
        known.close()


def _until_it_rests(
    known: KnownTopics, leading: Leading, job_id: str, progress: Callable[[AskedJob], None], stop: Callable[[], bool]
) -> AskedJob | None:
    told: AskedJob | None = None
    while not stop():
        if known.jobs.get(job_id) is None:
            raise JobUnknown(job_id)
        leading.turn(_IDLE_S)
        seen = known.jobs.known(job_id)
        if seen is not None and seen != told:
            told = seen
            progress(seen)
        if seen is not None and _rests(seen):
            return seen
    return known.jobs.known(job_id)


def _rests(seen: AskedJob) -> bool:
    return seen.job.heard >= seen.asked.number and seen.job.state not in _GOES_ON


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
