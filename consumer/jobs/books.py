"""What is known of all jobs, and how it is written: the view of the jobs topic, and what was written since.

The law: of a job the last record that was written holds, also while it is not read back. One process writes jobs: so
what it wrote is never behind what it reads.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

import structlog

from consumer.jobs import conduct, finished
from consumer.jobs.conduct import AskedJob
from consumer.jobs.forgetting import Forgetting
from consumer.jobs.job import Asked, Job, State
from consumer.jobs.ports import Records, SeenJobs, Webhooks, Writer
from consumer.replay.generations import Generations
from consumer.replay.plan import Planned

_log = structlog.get_logger("jobs")

_TIDY_EVERY_S: Final = 60.0
_LOOKED_AT: Final = 20
"""Jobs at a turn: 0.1 ms each."""
_FORGOTTEN_AT_ONCE: Final = 100


class Books:
    """Belongs to one thread."""

    def __init__(
        self,
        seen: SeenJobs,
        generations: Generations,
        webhooks: Webhooks,
        writer: Writer,
        records: Records,
        *,
        forgetting: Forgetting,
    ) -> None:
        self.generations = generations
        self._seen = seen
        self._webhooks = webhooks
        self._writer = writer
        self._records = records
        self._forgetting = forgetting
        self._written: dict[str, AskedJob] = {}
        self._old: Iterator[AskedJob] = iter(())
        self._tidied_s: float | None = None
        self._gone: frozenset[str] = frozenset()

    def job(self, job_id: str) -> Job | None:
        """What became of a job until now."""
        known = self._written.get(job_id) or self._seen.known(job_id)
        return None if known is None else known.job

    def unheard(self) -> list[Asked]:
        """Those of which the latest wish was not heard."""
        found: list[Asked] = []
        for asked, job in self._seen.unheard():
            written = self._written.get(asked.id)
            latest = job if written is None else written.job
            if latest is None or latest.heard < asked.number:
                found.append(asked)
        return found

    def unfinished(self) -> list[AskedJob]:
        """Everybody's jobs that have not ended."""
        return [known for known in map(self._latest, self._seen.unfinished()) if not known.job.ended]

    def of_tenant(self, tenant: str) -> list[AskedJob]:
        """A tenant's jobs that have not ended, and some that have."""
        own = {known.asked.id: known for known in self._seen.unfinished(tenant)}
        own |= {job_id: known for job_id, known in self._written.items() if known.asked.owner.tenant == tenant}
        return [*own.values()]

    def write(self, asked: Asked, job: Job, planned: Sequence[Planned]) -> None:
        """Write what became of a job, with what it sends.

        Raises:
            BatchRefused: nothing was written.
            KafkaBroken: nobody knows.
        """
        beside = [self._records.of_job(job)]
        if job.ended:
            webhook = self._webhooks.get(asked.owner, asked.webhook)
            event = finished.told(asked, job, None if webhook is None else webhook.product)
            beside += () if event is None else self._records.of_notice(event, asked.owner)
        self._writer.write(planned, beside)
        self.generations.written(each.replay for each in planned)
        self._written[asked.id] = AskedJob(asked=asked, job=job)

    def tidy(self, now_ms: int, now_s: float, only: str | None = None) -> None:
        """Cancel and forget what has outlived its time, or is too much, a few at a call; once a minute look at all."""
        if only is not None:
            return
        if marks := self._forgetting.due(now_ms, now_s):
            _log.info("marks forgotten", marks=len(marks))
            self._writer.write((), marks)
            self._forgetting.written()
        self._forget_outnumbered()
        if self._tidied_s is None or now_s - self._tidied_s >= _TIDY_EVERY_S:
            self._tidied_s = now_s
            self._let_go()
            self._old = iter(self._seen.all())
        for known in map(self._latest, islice(self._old, _LOOKED_AT)):
            if not conduct.outlived(known.asked, known.job, now_ms):
                continue
            if known.job.ended:
                _log.info("job forgotten", job=known.asked.id)
                self._writer.write((), self._records.forgotten(known.asked.id))
                self._written.pop(known.asked.id, None)
            else:
                _log.info("job canceled: nobody started it, or let it go on, for a week", job=known.asked.id)
                canceled = replace(known.job, state=State.CANCELED, reason=None, finished_at_ms=now_ms)
                self.write(known.asked, canceled, ())

    def _forget_outnumbered(self) -> None:
        """So that whoever asks for very many jobs fills nobody's memory: his oldest that have ended go."""
        found = frozenset(self._seen.outnumbered(_FORGOTTEN_AT_ONCE))
        # Until it is read back that they went, they are found again.
        fresh = found - self._gone
        self._gone = found
        if fresh:
            _log.info("jobs forgotten: their tenants have many later ones", jobs=len(fresh))
            self._writer.write((), [each for job_id in fresh for each in self._records.forgotten(job_id)])
            for job_id in fresh:
                self._written.pop(job_id, None)

    def _latest(self, known: AskedJob) -> AskedJob:
        return self._written.get(known.asked.id, known)

    def _let_go(self) -> None:
        """What was read back need not be kept here."""
        for job_id, known in list(self._written.items()):
            seen = self._seen.known(job_id)
            if seen is not None and seen.job == known.job:
                del self._written[job_id]
