"""Jobs run in memory: a jobs topic, a writer that can be killed, sources, and a clock that nobody waits for."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from consumer.control.owner import Owner
from consumer.delivery.delivery import Delivery
from consumer.events.event import Event
from consumer.jobs.books import Books
from consumer.jobs.candidate import Candidate, Taken
from consumer.jobs.conduct import ENDED_OF_A_TENANT, AskedJob
from consumer.jobs.directory import Jobs
from consumer.jobs.forgetting import Forgetting, Lifetimes
from consumer.jobs.job import Answered, Asked, Job, State
from consumer.jobs.ports import Records
from consumer.jobs.record import asked_record, forgotten, job_record
from consumer.jobs.runner import Runner
from consumer.kafka.replayed import forgotten_replay, replay_record
from consumer.kafka.republished import forgotten_poison
from consumer.kafka.writing import NewRecord
from consumer.replay.generations import Generations
from consumer.replay.ledger import BatchRefused
from consumer.replay.plan import Planned
from consumer.replay.republished_marks import RepublishedMarks
from consumer.settings import Settings
from consumer.webhooks.subscription import Subscription
from tests.deliveries import event, subscription
from tests.jobs import NOW_MS, taken

TOPIC: Final = "jobs"
_SETTINGS: Final = Settings(topic_prefix="")
_PLACE: Final = ("events", 0)
_LIVES: Final = 200
_TURNS: Final = 100_000


class Killed(BaseException):
    """The process died here. Nobody contains it."""


def candidate(number: int, **changed: object) -> Candidate:
    """An event that was never tried."""
    fields: dict[str, object] = {"event": event(f"e{number}", offset=number), "at_ms": NOW_MS + number}
    return Candidate(**fields | changed)  # type: ignore[arg-type] # as the test gives them


class MemorySource:
    """`found` by offset, None where a record does not match. At most `step` are looked at in one take."""

    def __init__(
        self, found: Sequence[Candidate | None], *, ends: Mapping[tuple[str, int], int], at: int, step: int
    ) -> None:
        self.begins: Mapping[tuple[str, int], int] = {_PLACE: at}
        self.ends = ends or {_PLACE: len(found)}
        self.at = at
        self.open = True
        self._found = found
        self._step = step

    def take(self, most: int, wait_s: float) -> Taken:
        assert self.open
        assert most > 0
        end = self.ends[_PLACE]
        candidates: list[Candidate] = []
        positions: list[Mapping[tuple[str, int], int]] = []
        began = self.at
        while self.at < end and self.at - began < self._step and len(candidates) < most:
            found = self._found[self.at]
            self.at += 1
            if found is not None:
                candidates.append(found)
                positions.append({_PLACE: self.at})
        return Taken(
            candidates=candidates,
            positions=positions,
            position={_PLACE: self.at},
            looked=self.at - began,
            reached_ms=NOW_MS + self.at if self.at > began else None,
            finished=self.at == end,
        )

    def close(self) -> None:
        self.open = False


class Stage:
    """What outlives a process: the topics, the webhooks, what endpoints answered. `sources` by the job's id.

    `before_write` and `after_write` are the moments at which a process may be killed. `lags`: of what is written
    wishes alone are read back, until `read_back`.
    """

    def __init__(self) -> None:
        self.records: list[NewRecord] = []
        self.sent: list[Delivery] = []
        self.told: list[tuple[Owner, Event]] = []
        self.writes: list[tuple[int, tuple[str, ...]]] = []
        self.webhooks: dict[str, Subscription] = {}
        self.sources: dict[str, Sequence[Candidate | None]] = {}
        self.answers: dict[str, Answered] = {}
        self.broken: dict[str, Exception] = {}
        self.opened: list[MemorySource] = []
        self.too_large: set[str] = set()
        self.before_write: Callable[[], None] = lambda: None
        self.after_write: Callable[[], None] = lambda: None
        self.step = 1_000
        self.lags = False
        self.ended_most = ENDED_OF_A_TENANT
        self.now_s = 0.0
        self.caught_up = 0
        self.lifetimes = Lifetimes(chain_ms=None, poison_ms=None)
        self.republished = RepublishedMarks()
        self._folds: tuple[Jobs, Generations, RepublishedMarks] | None = None
        self._read = 0
        self._all = Jobs()
        self._looked = 0
        self.add(subscription("wh_1"))

    # ── the outside ──────────────────────────────────────────────────────────────────────────────────────────────

    def add(self, webhook: Subscription) -> None:
        self.webhooks[webhook.id] = webhook

    def wish(self, asked: Asked) -> None:
        self.records.append(asked_record(TOPIC, asked))
        if not self.lags:
            self.read_back()
        elif self._folds is not None:
            self._folds[0].apply(taken(self.records[-1], offset=len(self.records) - 1))

    def read_back(self) -> None:
        if self._folds is not None:
            for offset in range(self._read, len(self.records)):
                for fold in self._folds:
                    fold.apply(taken(self.records[offset], offset=offset))
            self._read = len(self.records)

    def now_ms(self) -> int:
        return NOW_MS + int(self.now_s * 1_000)

    def job(self, job_id: str = "job_1") -> Job:
        """As it is written."""
        known = self._written(job_id)
        assert known is not None
        return known.job

    def ended(self, *job_ids: str) -> bool:
        """Whether all of these have ended."""
        found = [self._written(each) for each in job_ids or ("job_1",)]
        return all(known is not None and known.job.ended for known in found)

    def is_in(self, state: State, job_id: str = "job_1") -> bool:
        known = self._written(job_id)
        return known is not None and known.job.state is state

    def _written(self, job_id: str) -> AskedJob | None:
        for offset in range(self._looked, len(self.records)):
            self._all.apply(taken(self.records[offset], offset=offset))
        self._looked = len(self.records)
        return self._all.known(job_id)

    # ── what a runner asks ───────────────────────────────────────────────────────────────────────────────────────

    def catch_up(self) -> None:
        self.caught_up += 1

    def get(self, owner: Owner, webhook: str) -> Subscription | None:
        found = self.webhooks.get(webhook)
        return found if found is not None and (found.tenant, found.brand) == (owner.tenant, owner.brand) else None

    def read(self, job_ids: Sequence[str]) -> Mapping[str, Answered]:
        return {each: self.answers[each] for each in job_ids if each in self.answers}

    def open_source(
        self,
        asked: Asked,
        subscription: Subscription,
        *,
        ends: Mapping[tuple[str, int], int],
        position: Mapping[tuple[str, int], int],
    ) -> MemorySource:
        if asked.id in self.broken:
            raise self.broken[asked.id]
        at = position.get(_PLACE, 0)
        source = MemorySource(self.sources.get(asked.id, ()), ends=ends, at=at, step=self.step)
        self.opened = [each for each in self.opened if each.open] + [source]
        return source

    def write(self, batch: Sequence[Planned], beside: Sequence[NewRecord] = ()) -> None:
        self.before_write()
        if any(planned.delivery.event.id in self.too_large for planned in batch):
            raise BatchRefused("retry.0s: too large")
        self.commit(batch, beside)
        self.after_write()

    def commit(self, batch: Sequence[Planned], beside: Sequence[NewRecord]) -> None:
        self.records += [replay_record(_SETTINGS, planned.replay) for planned in batch]
        self.records += [record for record in beside if record.topic == TOPIC or not record.topic]
        self.sent += [planned.delivery for planned in batch]
        self.writes.append((len(batch), tuple(planned.delivery.job_id or "" for planned in batch)))
        if not self.lags:
            self.read_back()

    # ── a process ────────────────────────────────────────────────────────────────────────────────────────────────

    def life(self, only: str | None = None) -> Runner:
        """A process that has become the writer, and has read all that there is."""
        self.republished = RepublishedMarks()
        self._folds = (Jobs(ended_most=self.ended_most), Generations(), self.republished)
        self._read = 0
        self.read_back()
        jobs, generations, _ = self._folds
        records = Records(
            of_job=lambda job: job_record(TOPIC, job),
            forgotten=lambda job_id: forgotten(TOPIC, job_id),
            of_notice=self._notice,
        )
        forgetting = Forgetting(
            generations,
            self.republished,
            lambda: self.lifetimes,
            of_chain=lambda chain: forgotten_replay(TOPIC, chain),
            of_poison=lambda poison_id: forgotten_poison(TOPIC, poison_id),
        )
        books = Books(jobs, generations, self, self, records, forgetting=forgetting)
        runner = Runner(
            books, self, self.open_source, self, now_ms=self.now_ms, monotonic_s=lambda: self.now_s, only=only
        )
        runner.begin()
        return runner

    def turn(self, runner: Runner) -> float:
        """One turn, and the time that it says there is nothing to do."""
        wait_s = runner.turn(0.1)
        self.now_s += wait_s
        return wait_s

    def until(self, runner: Runner, done: Callable[[], bool]) -> None:
        for _ in range(_TURNS):
            if done():
                return
            self.turn(runner)
        raise AssertionError("it comes to no end")

    def for_s(self, runner: Runner, seconds: float) -> None:
        until_s = self.now_s + seconds
        while self.now_s < until_s:
            self.turn(runner)

    def lives(self, done: Callable[[], bool]) -> int:
        """Processes, each killed where `before_write` or `after_write` say so, until it is done. Returns how many."""
        for number in range(1, _LIVES):
            try:
                self.until(self.life(), done)
            except Killed:
                continue
            return number
        raise AssertionError("it comes to no end")

    def _notice(self, event: Event, owner: Owner) -> Sequence[NewRecord]:
        self.told.append((owner, event))
        return [NewRecord(topic="retry.0s", key=b"", value=b"")]


def check(stage: Stage, found: Iterable[Candidate | None], job_id: str = "job_1") -> None:
    """Every candidate was sent once, or skipped; and the job says so."""
    all_ = [each for each in found if each is not None]
    wanted = Counter(each.event.id for each in all_ if each.skip is None and each.event.id not in stage.too_large)
    sent = Counter(delivery.event.id for delivery in stage.sent if delivery.job_id == job_id)
    assert sent == Counter(wanted.keys()), "each once"
    counts = stage.job(job_id).counts
    assert counts.sent == sum(sent.values())
    assert counts.matched == len(all_) == counts.sent + sum(counts.skipped.values())
    assert counts.looked >= counts.matched
