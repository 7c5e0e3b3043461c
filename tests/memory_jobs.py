"""Jobs in memory: a desk whose jobs stand as `conduct` says, and a role that does at once what a test wants of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from consumer.control.owner import Owner
from consumer.jobs.conduct import AskedJob, begun, heard
from consumer.jobs.desk import JobUnknown, NobodyRuns
from consumer.jobs.job import Answered, Asked, Chosen, Counts, Job, Kind, State, Wish
from consumer.replay.plan import Place

NOW_MS: Final = 1_790_000_000_000


def at_once(known: AskedJob) -> Job:
    """A role that counts and sends everything before anybody looks: one of each job, or all that were named."""
    job, subject = known.job, known.asked.subject
    number = len(subject.spots) if isinstance(subject, Chosen) else 1
    match job.state:
        case State.COUNTING:
            counts = Counts(looked=number, matched=number)
            return replace(job, state=State.COUNTED, counted=counts)
        case State.RUNNING:
            counts = Counts(looked=number, matched=number, sent=number)
            made = ("0" * 32,) if number == 1 else ()
            return replace(job, state=State.DONE, counts=counts, made=made, finished_at_ms=NOW_MS)
        case _:
            return job


def idle(known: AskedJob) -> Job:
    """A role that has heard of it, and got no further."""
    return known.job


class MemoryDesk:
    """`role` does a job whenever it was heard of, and `later` whenever it is looked at. `away` is raised instead."""

    def __init__(self, role: Callable[[AskedJob], Job] = at_once) -> None:
        self.role = role
        self.later: Callable[[AskedJob], Job] = idle
        self.away: Exception | None = None
        self.known: dict[str, AskedJob] = {}
        self.wishes: list[tuple[str, Wish]] = []
        self.made_of: dict[str, Answered] = {}
        self.pages = 0

    def nobody(self) -> None:
        """No role runs."""
        self.away = NobodyRuns()

    def ask(self, asked: Asked) -> AskedJob:
        self._answer()
        self.wishes.append((asked.id, asked.wish))
        if asked.id in self.known:
            return self.known[asked.id]
        made = AskedJob(asked=asked, job=begun(asked, self._of_tenant(asked.owner), NOW_MS))
        if made.job.state is not State.REFUSED:
            made = self._kept(made, self.role)
        return made

    def wish(self, owner: Owner, job_id: str, wish: Wish) -> AskedJob:
        known = self.get(owner, job_id)
        self.wishes.append((job_id, wish))
        asked = replace(known.asked, wish=wish, number=known.asked.number + 1)
        job = heard(asked, known.job, self._of_tenant(owner), self.made_of.get(job_id), NOW_MS)
        return self._kept(AskedJob(asked=asked, job=job), self.role)

    def get(self, owner: Owner, job_id: str) -> AskedJob:
        self._answer()
        known = self.known.get(job_id)
        if known is None or known.asked.owner != owner:
            raise JobUnknown
        return self._kept(known, self.later)

    def page(self, owner: Owner, *, after: str | None, limit: int) -> tuple[list[AskedJob], str | None]:
        self._answer()
        self.pages += 1
        ids = [id_ for id_, each in self.known.items() if each.asked.owner == owner][::-1]
        ids = ids if after is None else ids[ids.index(after) + 1 :]
        return [self.known[id_] for id_ in ids[:limit]], ids[limit - 1] if len(ids) > limit else None

    def answered(self, job_ids: Sequence[str]) -> Mapping[str, Answered]:
        return {id_: self.made_of[id_] for id_ in job_ids if id_ in self.made_of}

    def put(self, owner: Owner, webhook: str = "wh_1", *, state: State = State.RUNNING, **changed: object) -> str:
        """A job in this state. Returns its id."""
        number = len(self.known)
        fields: dict[str, object] = {
            "id": f"job_{number:028x}",
            "owner": owner,
            "webhook": webhook,
            "kind": Kind.REPLAY,
            "subject": Chosen(spots=()),
            "most": 10,
            "place": Place.BEFORE,
            "created_by": "key",
            "created_at_ms": NOW_MS,
            "wish": Wish.RUN,
        }
        job = {name: changed.pop(name) for name in tuple(changed) if name in Job.__dataclass_fields__ and name != "id"}
        asked = Asked(**{**fields, **changed})  # type: ignore[arg-type] # a builder
        made = Job(**{"id": asked.id, "state": state, "heard": 1, **job})  # type: ignore[arg-type] # same
        self.known[asked.id] = AskedJob(asked=asked, job=made)
        return asked.id

    def _kept(self, known: AskedJob, role: Callable[[AskedJob], Job]) -> AskedJob:
        kept = AskedJob(asked=known.asked, job=role(known))
        self.known[known.asked.id] = kept
        return kept

    def _of_tenant(self, owner: Owner) -> list[AskedJob]:
        return [each for each in self.known.values() if each.asked.owner.tenant == owner.tenant]

    def _answer(self) -> None:
        if self.away is not None:
            raise self.away
