"""All jobs of the process that runs them: what is wished is heard, and those under way take turns.

    unheard wishes ─► conduct.begun, heard ─┐                            ┌─► counted, done, paused, failed
                                            ├─► written ─► active ─► turn┤
    unfinished jobs, at the beginning ──────┘      ▲                     └─► a batch ──┐
                                                   └───────────────────────────────────┘

The laws:
- what a job sends, how far it then is, and word of its end are one transaction (`replay.ledger`): so nothing is lost
  and nothing repeated, wherever this process is killed;
- what was written is known here before it is read back;
- a turn is short: a tenth of a second of reading, or one batch. Wishes are heard between any two (`turns.py`);
- what goes wrong in one job ends that job, or lets it wait, and no other. What goes wrong with the writer ends this
  runner: another one begins from what is written.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import structlog

from consumer.jobs import conduct
from consumer.jobs.active import Active
from consumer.jobs.books import Books
from consumer.jobs.candidate import Source, TooEarly, TooMany
from consumer.jobs.conduct import Send, Stop
from consumer.jobs.job import Answered, Asked, Job, Reason, State, Wish
from consumer.jobs.ports import AnsweredReader, OpenSource, Webhooks
from consumer.jobs.run import MOST_TAKEN
from consumer.jobs.turns import Turns
from consumer.kafka.client import KafkaBroken
from consumer.kafka.reading import TopicMissing
from consumer.replay.ledger import BatchRefused
from consumer.settings import ConfigurationError
from consumer.telemetry.bugs import contain, reported
from consumer.webhooks.subscription import Subscription

_log = structlog.get_logger("jobs")

_BOUNDARY: Final = "jobs"
_LOOK_S: Final = 0.1
_ASK_EVERY_S: Final = 0.1
_PLACE_S: Final = 0.05
_EARLY_S: Final = 0.25
_UNDER_WAY: Final = frozenset({State.COUNTING, State.RUNNING})


class Runner:
    """Belongs to one thread. `only`: the one job that is looked after, where that is all this process is for."""

    def __init__(
        self,
        books: Books,
        webhooks: Webhooks,
        open_source: OpenSource,
        answered: AnsweredReader,
        *,
        now_ms: Callable[[], int],
        monotonic_s: Callable[[], float],
        only: str | None = None,
    ) -> None:
        self._books = books
        self._webhooks = webhooks
        self._open_source = open_source
        self._reader = answered
        self._now_ms = now_ms
        self._now_s = monotonic_s
        self._only = only
        self._turns = Turns()
        self._answered: Mapping[str, Answered] = {}
        self._asked_at_s = 0.0

    @property
    def busy(self) -> bool:
        """Whether any job counts or runs."""
        return bool(self._turns.all)

    def begin(self) -> None:
        """Go on with what is under way."""
        for known in self._books.unfinished():
            self._follow(known.asked, known.job)

    def turn(self, idle_s: float) -> float:
        """Do what comes next. Returns for how many seconds there is nothing to do, `idle_s` at most.

        Raises:
            KafkaBroken: another runner has to begin from what is written.
        """
        self._hear()
        self._books.tidy(self._now_ms(), self._now_s(), self._only)
        now_s = self._now_s()
        active = self._turns.next(now_s)
        if active is None:
            return self._turns.idle_s(now_s, idle_s)
        self._work(active)
        return 0.0

    def close(self) -> None:
        """Leave all sources. What was not written is read again."""
        self._turns.close()

    # ── wishes ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _hear(self) -> None:
        unheard = [each for each in self._books.unheard() if self._only in (None, each.id)]
        if any(asked.wish in (Wish.RUN, Wish.COUNT) for asked in unheard):
            # Whoever made a webhook, or resumed it, and then asked for a job, must not be told that he did not.
            self._webhooks.catch_up()
        for asked in unheard:
            job = self._heard(asked)
            _log.info("job heard", job=asked.id, wish=asked.wish, state=job.state, reason=job.reason)
            self._end_or_go_on(asked, job)

    def _heard(self, asked: Asked) -> Job:
        """What becomes of it."""
        active, now_ms = self._turns.of(asked.id), self._now_ms()
        job = self._books.job(asked.id) if active is None else active.now
        try:
            others = self._books.of_tenant(asked.owner.tenant)
            if job is None:
                return conduct.begun(asked, others, now_ms)
            return conduct.heard(asked, job, others, self._reader.read([asked.id]).get(asked.id), now_ms)
        except Exception as error:  # noqa: BLE001 # contained: one job
            contain(_BOUNDARY, error, job=asked.id)
            return replace(
                job or Job(id=asked.id, state=State.FAILED, heard=asked.number),
                heard=asked.number,
                state=State.FAILED,
                reason=Reason.BUG,
                detail=reported(_BOUNDARY, error),
                finished_at_ms=now_ms,
            )

    # ── turns ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _work(self, active: Active) -> None:
        """One job's turn, and what goes wrong in it."""
        try:
            self._turn_of(active)
        except BatchRefused as error:
            _log.warning("job's batch refused", job=active.asked.id, error=str(error))
            assert active.run is not None
            active.run.refused()
        except KafkaBroken:
            raise  # the writer's
        except Exception as error:  # noqa: BLE001 # contained: one job
            contain(_BOUNDARY, error, job=active.asked.id, webhook=active.asked.webhook)
            self._fail(active, Reason.BUG, reported(_BOUNDARY, error))

    def _turn_of(self, active: Active) -> None:
        subscription = self._webhooks.get(active.asked.owner, active.asked.webhook)
        most = MOST_TAKEN if active.counts else self._may_send(active, subscription)
        if subscription is None:
            if active.counts:
                self._fail(active, Reason.WEBHOOK_DELETED)
            return
        if most == 0 or not self._has_place(active):
            return
        try:
            run = active.open(lambda: self._source(active, subscription), self._books.generations)
            batch = run.turn(most, _LOOK_S, self._now_ms())
        except TooMany:
            self._fail(active, Reason.TOO_MANY)
            return
        except TooEarly:
            active.holds(self._now_s(), _EARLY_S, back=False)
            self._turns.leave_place(active)
            return
        except (ConfigurationError, KafkaBroken) as error:
            self._broken(active, error)
            return
        active.worked()
        now_s = self._now_s()
        if batch.planned or active.is_to_be_written(now_s):
            self._books.write(active.asked, batch.job, batch.planned)
            active.written(now_s)
            active.pace.sent(len(batch.planned))
        if batch.job.state not in _UNDER_WAY:
            _log.info("job ended", job=batch.job.id, state=batch.job.state, sent=batch.job.counts.sent)
            self._turns.drop(active)

    def _may_send(self, active: Active, subscription: Subscription | None) -> int:
        """So many now. At 0 it waits, or has stopped."""
        now_s = self._now_s()
        self._ask(now_s)
        answered = self._answered.get(active.asked.id)
        status = None if subscription is None else subscription.status
        job = active.now
        match conduct.allowed(job, status=status, answered=answered, held_ms=active.held_ms(answered, now_s)):
            case Stop(state=state, reason=reason):
                finished_ms = self._now_ms() if state is State.FAILED else None
                _log.info("job stopped", job=job.id, state=state, reason=reason)
                stopped = replace(job, state=state, reason=reason, finished_at_ms=finished_ms)
                self._end_or_go_on(active.asked, stopped)
                return 0
            case Send(most=0):
                active.holds(now_s, _ASK_EVERY_S, back=True)
                return 0
            case Send(most=most):
                due = active.pace.due(now_s)
                active.holds(now_s, 0.0 if due else active.pace.wait_s(), back=False)
                return min(most, due)

    def _ask(self, now_s: float) -> None:
        """What endpoints made of all that run, a few times a second."""
        if now_s - self._asked_at_s >= _ASK_EVERY_S:
            self._asked_at_s = now_s
            self._answered = self._reader.read([each.asked.id for each in self._turns.all if not each.counts])

    def _has_place(self, active: Active) -> bool:
        now_s = self._now_s()
        if self._turns.has_place(active, now_s):
            return True
        if (longest := self._turns.gives_way(active, now_s)) is not None:
            if longest.now != longest.job:
                self._books.write(longest.asked, longest.now, ())
                longest.written(now_s)
            self._turns.set_aside(longest)
            if self._turns.has_place(active, now_s):
                return True
        active.due_s = now_s + _PLACE_S
        return False

    def _source(self, active: Active, subscription: Subscription) -> Source:
        job = active.job
        return self._open_source(active.asked, subscription, ends=job.ends, position=job.position)

    def _broken(self, active: Active, error: Exception) -> None:
        """Its source cannot be read: it is tried again, unless what it needs is not there."""
        # One that Kafka's ACLs keep out is both of the latter: an administrator can let it in.
        if isinstance(error, TopicMissing) or not isinstance(error, KafkaBroken):
            _log.error("job failed: what it reads is not there", job=active.asked.id, error=str(error))
            self._fail(active, Reason.KAFKA, str(error))
            return
        again_in_s = active.broke(self._now_s())
        self._turns.leave_place(active)
        _log.warning("job waits: what it reads is broken", job=active.asked.id, error=str(error), again_in_s=again_in_s)

    # ── ends ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _fail(self, active: Active, reason: Reason, detail: str = "") -> None:
        # What is not written of it is not told either: it may be what went wrong.
        failed = replace(active.job, state=State.FAILED, reason=reason, detail=detail, finished_at_ms=self._now_ms())
        self._end_or_go_on(active.asked, failed)

    def _end_or_go_on(self, asked: Asked, job: Job) -> None:
        """Write what became of a job, and follow it where it is under way."""
        self._books.write(asked, job, ())
        was = self._turns.of(asked.id)
        if was is not None and was.now.state is job.state:
            was.heard(job)
            return
        if was is not None:
            self._turns.drop(was)
        self._follow(asked, job)

    def _follow(self, asked: Asked, job: Job) -> None:
        if job.state in _UNDER_WAY and self._only in (None, asked.id):
            self._turns.follow(asked, job, self._now_s())
