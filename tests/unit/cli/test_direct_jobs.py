"""What a command says of jobs becomes a wish; where no role runs, the job runs in the command."""

import os
import signal
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import pytest

from consumer.cli.direct_jobs import DirectJobs
from consumer.cli.exits import CommandFailed
from consumer.cli.job_port import Change, Pace, RecoveryWanted, ReplayWanted, hindrance
from consumer.cli.job_subjects import matching_of, missed_of
from consumer.cli.webhook_port import Shown
from consumer.control.owner import Owner
from consumer.control.refusal import WebhookUnknown
from consumer.control.resend_now import AlreadyDelivered
from consumer.jobs.at_once import BodyNotKept, KeptNoLonger, NeverMade, NotThere
from consumer.jobs.conduct import AskedJob, begun, heard
from consumer.jobs.desk import JobUnknown, NobodyRuns
from consumer.jobs.found import Found
from consumer.jobs.job import Answered, Asked, Chosen, Kind, Matching, Missed, Spot, State, Wish
from consumer.log.entry import Ended
from consumer.replay.ledger import TakenOver
from consumer.replay.plan import Place
from consumer.webhooks.subscription import Subscription
from consumer.webhooks.wrong import FieldInvalid
from tests.webhook_samples import subscription

ACME = Owner(tenant="acme", brand="hookline")
NOW_MS = 1_790_000_000_000
LYING = {
    "d1": Found(webhook="wh_1", spot=Spot("attempts", 0, 7), ended=Ended.DEAD),
    "d2": Found(webhook="wh_1", spot=Spot("dead", 1, 8), ended=None),
}


class Installation:
    """A desk whose jobs stand as `conduct` says, or of which nobody hears. `here` are the wishes that ran here."""

    def __init__(self, *, role: bool = True) -> None:
        self.role = role
        self.known: dict[str, AskedJob] = {}
        self.here: list[Asked] = []
        self.deeds: list[tuple[str, str, str]] = []
        self.kept_ms = 0
        self.hinders: Exception = NotThere()
        self.on_run: Callable[[threading.Event], None] = lambda _: None

    desk = property(lambda self: self)
    most_replays = 3

    def webhook(self, webhook: str) -> Subscription:
        if webhook != "wh_1":
            raise WebhookUnknown(webhook)
        return subscription("wh_1")

    def lying(self, owner: Owner, ids: Collection[str], webhook: str | None) -> Mapping[str, Found]:
        assert owner == ACME
        return {each: LYING[each] for each in ids if each in LYING and webhook in {None, LYING[each].webhook}}

    def kept_since(self, since_ms: int) -> int | None:
        return self.kept_ms if self.kept_ms > since_ms else None

    def resend_now(self, owner: Owner, delivery: str, webhook: str | None, *, again: bool) -> Shown:
        assert (owner, webhook) == (ACME, None)
        if delivery != "d1":
            raise self.hinders
        return {"outcome": "delivered", "again": again}

    def tell(self, action: str, owner: Owner, *, target: str, made: str = "") -> None:
        assert owner.tenant == "acme"
        self.deeds.append((action, target, made))

    def shown(self, known: AskedJob, answered: Answered | None, now_ms: int) -> Shown:
        del now_ms
        tried = None if answered is None else answered.tried
        job = known.job
        shown = {"id": job.id, "state": job.state.value, "reason": job.reason, "detail": "in words", "tried": tried}
        return {**shown, "progress": 0.5}

    def run_here(self, asked: Asked, *, stop: threading.Event, progress: Callable[[AskedJob], None]) -> AskedJob | None:
        self.here.append(asked)
        known = self.known[asked.id] = self._made(asked)
        progress(known)
        self.on_run(stop)
        if known.job.state is State.RUNNING and not stop.is_set():
            known = self.known[asked.id] = replace(known, job=replace(known.job, state=State.DONE))
        return known

    def ask(self, asked: Asked) -> AskedJob:
        if not self.role:
            raise NobodyRuns
        self.known[asked.id] = self._made(asked)
        return self.known[asked.id]

    def wish(self, owner: Owner, job_id: str, wish: Wish) -> AskedJob:
        was = self.get(owner, job_id)
        if not self.role:
            self.known[job_id] = replace(was, asked=replace(was.asked, number=was.asked.number + 2))
            raise NobodyRuns
        self.known[job_id] = self._made(replace(was.asked, wish=wish, number=was.asked.number + 1))
        return self.known[job_id]

    def get(self, owner: Owner, job_id: str) -> AskedJob:
        if job_id not in self.known or self.known[job_id].asked.owner != owner:
            raise JobUnknown(job_id)
        return self.known[job_id]

    def page(self, owner: Owner, *, after: str | None, limit: int) -> tuple[list[AskedJob], str | None]:
        assert limit
        there = [*self.known]
        ids = there if after is None else there[there.index(after) + 1 :]
        return [self.known[each] for each in ids[:1] if self.known[each].asked.owner == owner], (
            ids[0] if len(ids) > 1 else None
        )

    def answered(self, job_ids: Sequence[str]) -> Mapping[str, Answered]:
        return {each: Answered(tried=4) for each in job_ids}

    def _made(self, asked: Asked) -> AskedJob:
        others = [each for each in self.known.values() if each.asked.id != asked.id]
        was = self.known.get(asked.id)
        if was is None:
            return AskedJob(asked=asked, job=begun(asked, others, NOW_MS))
        return AskedJob(asked=asked, job=heard(asked, was.job, others, None, NOW_MS))


@pytest.fixture
def installation() -> Installation:
    return Installation()


def port(installation: Installation, tenant: str | None = "acme") -> DirectJobs:
    return DirectJobs(installation, tenant=tenant, brand=None)


def test_a_replay_is_a_wish_of_the_webhooks_owner(installation: Installation) -> None:
    jobs = port(installation, None)
    told = jobs.replay("wh_1", ReplayWanted(position=Place.AFTER, pace=Pace(again=True, rate_per_s=9)))
    [known] = installation.known.values()
    asked = known.asked
    assert (asked.owner, asked.webhook, asked.kind, asked.wish) == (ACME, "wh_1", Kind.REPLAY, Wish.RUN)
    assert (asked.again, asked.rate_per_s, asked.most, asked.place) == (True, 9, 3, Place.AFTER)
    assert (asked.created_by, asked.subject) == ("operator", Matching())
    assert told.job == {
        "id": asked.id,
        "state": "running",
        "reason": None,
        "detail": "in words",
        "tried": 4,
        "progress": 0.5,
    }
    assert jobs.way == " --tenant acme"
    with pytest.raises(WebhookUnknown):
        jobs.replay("wh_2", ReplayWanted())


def test_chosen_deliveries_are_their_places_and_each_has_to_be_there(installation: Installation) -> None:
    port(installation).replay("wh_1", ReplayWanted(deliveries=("d2", "d1", "d2"), pace=Pace(dry_run=True)))
    [known] = installation.known.values()
    assert known.asked.subject == Chosen(spots=(LYING["d2"].spot, LYING["d1"].spot))
    assert (known.asked.wish, known.job.state) == (Wish.COUNT, State.COUNTING)
    for ids in (("d1", "d9"), tuple(f"d{number}" for number in range(1_001))):
        with pytest.raises(FieldInvalid) as refused:
            port(installation).replay("wh_1", ReplayWanted(deliveries=ids))
        assert refused.value.field == "delivery"


def test_what_is_kept_no_longer_cannot_be_recovered(installation: Installation) -> None:
    installation.kept_ms = 1_700_000_000_000
    with pytest.raises(FieldInvalid, match=r"events are kept since 2023-11-14T22:13:20.000Z") as refused:
        port(installation).recover("wh_1", RecoveryWanted(since="2023-11-14"))
    assert [each.field for each in refused.value.wrong] == ["since"]
    port(installation).recover("wh_1", RecoveryWanted(since="2023-11-15"))


def test_one_at_once_is_the_attempt_or_says_what_is_in_the_way(installation: Installation) -> None:
    assert port(installation).resend_now("d1", webhook=None, again=True) == {"outcome": "delivered", "again": True}
    for hinders, code, said in (
        (NotThere(), os.EX_DATAERR, "there is no delivery"),
        (AlreadyDelivered(), os.EX_TEMPFAIL, "--again"),
        (KeptNoLonger(), os.EX_DATAERR, "not kept"),
        (BodyNotKept(), os.EX_DATAERR, "without now"),
        (NeverMade(), os.EX_DATAERR, "without now"),
    ):
        installation.hinders = hinders
        with pytest.raises(CommandFailed, match=said) as failed:
            port(installation).resend_now("d2", webhook=None, again=False)
        assert failed.value.code == code


def test_a_recovery_and_a_resend(installation: Installation) -> None:
    port(installation).recover("wh_1", RecoveryWanted(since="2026-01-31", until="2026-02-01", types=("a.*",)))
    port(installation).resend("d2", webhook=None, again=True)
    missed, one = (each.asked for each in installation.known.values())
    assert (missed.kind, missed.again) == (Kind.RECOVER, False)
    assert isinstance(missed.subject, Missed)
    assert (one.kind, one.webhook, one.again) == (Kind.RESEND, "wh_1", True)
    assert one.subject == Chosen(spots=(LYING["d2"].spot,))
    for name, webhook in (("d9", None), ("d1", "wh_2")):
        with pytest.raises(CommandFailed, match=f"no delivery {name}"):
            port(installation).resend(name, webhook=webhook, again=False)


def test_a_job_that_is_refused_is_no_job(installation: Installation) -> None:
    port(installation).replay("wh_1", ReplayWanted())
    [first] = installation.known
    with pytest.raises(CommandFailed, match=rf"in words \({first}\)") as refused:
        port(installation).replay("wh_1", ReplayWanted())
    assert refused.value.code == os.EX_TEMPFAIL


def test_where_nobody_runs_jobs_it_runs_here(capsys: pytest.CaptureFixture[str]) -> None:
    installation = Installation(role=False)
    told = port(installation).recover("wh_1", RecoveryWanted(since="2h"))
    assert (told.job["state"], told.stopped) == ("done", False)
    assert "no role `jobs` is running: running it here" in capsys.readouterr().err
    assert [each.wish for each in installation.here] == [Wish.RUN]


def test_ctrl_c_stops_what_runs_here_and_it_goes_on_when_it_is_resumed() -> None:
    installation = Installation(role=False)
    installation.on_run = _interrupted
    jobs = port(installation)
    told = jobs.replay("wh_1", ReplayWanted())
    assert (told.job["state"], told.stopped) == ("running", True)
    installation.on_run = lambda _: None
    told = jobs.change(str(told.job["id"]), Change.RESUME)
    assert (told.job["state"], told.stopped) == ("done", False)
    # The desk took each of its own wishes back: the one that runs here is a later one.
    assert [each.number for each in installation.here] == [3, 6]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_where_a_role_begins_meanwhile_the_job_is_followed_there(capsys: pytest.CaptureFixture[str]) -> None:
    installation = Installation(role=False)
    installation.on_run = _taken_over
    told = port(installation).replay("wh_1", ReplayWanted())
    assert (told.job["state"], told.stopped) == ("running", False)
    assert "a role `jobs` has begun" in capsys.readouterr().err


def _taken_over(_stop: threading.Event) -> None:
    raise TakenOver("another replay began")


def _interrupted(stop: threading.Event) -> None:
    os.kill(os.getpid(), signal.SIGINT)
    assert stop.wait(5)


def test_jobs_are_listed_shown_and_changed(installation: Installation) -> None:
    jobs = port(installation)
    jobs.replay("wh_1", ReplayWanted(pace=Pace(dry_run=True)))
    jobs.recover("wh_1", RecoveryWanted(since="2h"))
    counting, running = installation.known
    assert [each["id"] for each in _listed(jobs)] == [counting, running]
    assert [each["id"] for each in _listed(jobs, state=State.RUNNING)] == [running]
    assert [*_listed(jobs, webhook="wh_2")] == []
    assert jobs.change(running, Change.PAUSE).job["state"] == "paused"
    assert jobs.change(running, Change.RESUME).job["state"] == "running"
    assert jobs.change(running, Change.CANCEL).job["state"] == "canceled"
    assert jobs.change(running, Change.CANCEL).job["state"] == "canceled"
    with pytest.raises(CommandFailed, match="has ended"):
        jobs.change(running, Change.RESUME)
    for ask in (jobs.show, lambda name: jobs.change(name, Change.PAUSE)):
        with pytest.raises(CommandFailed, match="there is no job nothing"):
            ask("nothing")


def _listed(jobs: DirectJobs, *, webhook: str | None = None, state: State | None = None) -> Iterator[Shown]:
    return jobs.listed(webhook=webhook, state=state)


@pytest.mark.parametrize(
    ("change", "states"),
    [
        (Change.START, {State.COUNTED, State.RUNNING}),
        (Change.PAUSE, {State.RUNNING, State.PAUSED}),
        (Change.RESUME, {State.RUNNING, State.PAUSED}),
        (Change.CANCEL, {State.COUNTING, State.COUNTED, State.RUNNING, State.PAUSED, State.CANCELED}),
    ],
)
def test_what_can_be_made_of_a_job(change: Change, states: set[State]) -> None:
    able = {state for state in State if state is not State.REFUSED and hindrance(change, state) is None}
    assert able == states


def test_what_a_filter_says_is_what_a_job_looks_for() -> None:
    wanted = ReplayWanted(
        status=("delivered",), code=("503", "none"), reason=("timeout",), type=("a.*",), since="2h", until="1h"
    )
    found = matching_of(wanted, NOW_MS)
    assert (found.statuses, found.codes) == (frozenset({"delivered"}), frozenset({"503", "none"}))
    assert found.types == ("a.*",)
    assert (found.since_ms, found.until_ms) == (NOW_MS - 7_200_000, NOW_MS - 3_600_000)
    assert "timeout" in found.reasons
    assert missed_of(RecoveryWanted(since="2h"), NOW_MS) == Missed(since_ms=NOW_MS - 7_200_000, until_ms=NOW_MS)


@pytest.mark.parametrize(
    ("wanted", "fields"),
    [
        (ReplayWanted(code=("nope",), reason=("nope",), type=("a*b",)), ["code", "reason", "type"]),
        (ReplayWanted(since="nope", until="nope"), ["since", "until"]),
        (ReplayWanted(since="1h", until="2h"), ["until"]),
        (ReplayWanted(since="2999-01-01"), ["since"]),
        (ReplayWanted(code=("503",) * 51), ["code"]),
        (RecoveryWanted(since="nope", until="nope", types=("a*b",)), ["since", "until", "type"]),
        (RecoveryWanted(since="1h", until="2h"), ["until"]),
        (RecoveryWanted(since="2h", until="2999-01-01"), ["until"]),
    ],
)
def test_what_cannot_be_is_refused_by_its_flag(wanted: ReplayWanted | RecoveryWanted, fields: list[str]) -> None:
    with pytest.raises(FieldInvalid) as refused:
        matching_of(wanted, NOW_MS) if isinstance(wanted, ReplayWanted) else missed_of(wanted, NOW_MS)
    assert [each.field for each in refused.value.wrong] == fields
