"""All jobs of a process: what is heard, whose turn it is, what stops one, and what its failure costs the others."""

from dataclasses import replace

import pytest

from consumer.control.owner import Owner
from consumer.jobs.candidate import Candidate, TooEarly, TooMany
from consumer.jobs.conduct import FORGOTTEN_AFTER_MS, HELD_BACK
from consumer.jobs.forgetting import Lifetimes
from consumer.jobs.job import Answered, Asked, Job, Kind, Matching, Reason, Skip, State, Wish
from consumer.jobs.places import LONG, SLICE_S
from consumer.kafka.client import KafkaBroken
from consumer.kafka.reading import TopicMissing
from consumer.kafka.republished import Republished, republished_record
from consumer.settings import ConfigurationError, Settings
from consumer.webhooks.subscription import Status
from tests.deliveries import subscription
from tests.job_stage import Stage, candidate, check
from tests.jobs import NOW_MS, asked

DAY_MS = 86_400_000


def found(number: int) -> list[Candidate | None]:
    return [candidate(each) for each in range(number)]


@pytest.fixture
def stage() -> Stage:
    made = Stage()
    made.sources["job_1"] = found(20)
    return made


def state(stage: Stage, job_id: str = "job_1") -> tuple[State, Reason | None]:
    job = stage.job(job_id)
    return job.state, job.reason


def other(number: int, tenant: str = "acme", kind: Kind = Kind.REPLAY, rate: int = 1_000) -> Asked:
    """A job of another webhook."""
    owner = Owner(tenant=tenant, brand="hookline")
    wanted = asked(id=f"job_{number}", webhook=f"wh_{number}", owner=owner, kind=kind, created_at_ms=NOW_MS + number)
    return replace(wanted, rate_per_s=rate)


def add(stage: Stage, wanted: Asked, number: int) -> None:
    stage.add(subscription(wanted.webhook, tenant=wanted.owner.tenant))
    stage.sources[wanted.id] = found(number)
    stage.wish(wanted)


# ── wishes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_wish_is_heard_in_one_turn_and_a_resend_is_sent_in_the_same_one(stage: Stage) -> None:
    runner = stage.life()
    assert stage.turn(runner) == 0.1
    stage.sources["job_1"] = found(1)
    stage.wish(asked(kind=Kind.RESEND))
    stage.turn(runner)
    assert [delivery.event.id for delivery in stage.sent] == ["e0"]
    assert state(stage) == (State.DONE, None)
    assert stage.caught_up == 1, "whoever has just made the webhook is not told that he did not"


def test_what_was_written_a_moment_ago_counts_before_it_is_read_back(stage: Stage) -> None:
    stage.lags = True
    stage.wish(replace(asked(), rate_per_s=1))
    runner = stage.life()
    for _ in range(5):
        stage.turn(runner)
    assert len([record for record in stage.records if record.key == b"job:job_1"]) == 1 + len(stage.sent)
    stage.records.append(stage.records[0])
    add(stage, replace(asked(id="job_2", subject=Matching(types=("a",))), created_at_ms=NOW_MS + 1), 1)
    stage.turn(runner)
    assert stage.job("job_2").other == "job_1"


def test_counting_counts_and_sends_nothing_and_writes_its_progress_once_a_second(stage: Stage) -> None:
    stage.sources["job_1"] = [*found(300), *[candidate(number, skip=Skip.DELIVERED) for number in range(300, 400)]]
    stage.step = 1
    stage.wish(asked(wish=Wish.COUNT))
    runner = stage.life()
    for _ in range(400):
        stage.now_s += 0.01
        stage.turn(runner)
    job = stage.job()
    assert (job.state, job.counted and job.counted.matched) == (State.COUNTED, 400)
    assert job.counted is not None
    assert (job.counted.sent, dict(job.counted.skipped)) == (0, {Skip.DELIVERED: 100})
    assert [each.event_id for each in job.sample] == ["e0", "e1", "e2", "e3", "e4"]
    assert stage.sent == []
    assert len(stage.writes) in range(5, 8)


def test_a_pause_stops_it_and_a_resumption_goes_on_where_it_was(stage: Stage) -> None:
    stage.wish(replace(asked(), rate_per_s=10))
    runner = stage.life()
    stage.for_s(runner, 0.55)
    assert 4 <= len(stage.sent) <= 7
    stage.wish(replace(asked(2, Wish.PAUSE), rate_per_s=10))
    stage.turn(runner)
    before = len(stage.sent)
    stage.for_s(runner, 5)
    assert (state(stage), len(stage.sent)) == ((State.PAUSED, Reason.BY_HAND), before)
    stage.wish(replace(asked(3), rate_per_s=10))
    stage.until(runner, stage.ended)
    check(stage, stage.sources["job_1"])


def test_who_goes_on_with_a_job_still_knows_where_it_began(stage: Stage) -> None:
    stage.wish(replace(asked(), rate_per_s=10))
    stage.for_s(stage.life(), 0.55)
    before = stage.job()
    assert (set(before.begins.values()), before.ends.keys()) == ({0}, before.begins.keys())
    stage.for_s(stage.life(), 0.55)
    [at], [was] = stage.job().position.values(), before.position.values()
    assert (stage.job().begins, at > was > 0) == (before.begins, True)


def test_canceled_it_sends_nothing_more(stage: Stage) -> None:
    stage.wish(replace(asked(), rate_per_s=10))
    runner = stage.life()
    stage.for_s(runner, 0.5)
    stage.wish(replace(asked(2, Wish.CANCEL), rate_per_s=10))
    stage.turn(runner)
    before = len(stage.sent)
    stage.for_s(runner, 5)
    assert (state(stage), len(stage.sent)) == ((State.CANCELED, None), before)
    assert stage.job().counts.sent == before
    assert not any(source.open for source in stage.opened)


def test_a_wish_that_leaves_a_job_as_it_is_is_heard_too(stage: Stage) -> None:
    stage.wish(replace(asked(), rate_per_s=10))
    runner = stage.life()
    stage.for_s(runner, 0.5)
    stage.wish(replace(asked(2, Wish.COUNT), rate_per_s=10))
    stage.until(runner, stage.ended)
    assert stage.job().heard == 2
    check(stage, stage.sources["job_1"])


def test_one_that_is_started_while_it_counts_begins_from_the_beginning(stage: Stage) -> None:
    stage.step = 1
    stage.wish(asked(wish=Wish.COUNT))
    runner = stage.life()
    for _ in range(10):
        stage.turn(runner)
    stage.wish(asked(2))
    stage.until(runner, stage.ended)
    check(stage, stage.sources["job_1"])


def test_what_was_counted_and_is_not_written_yet_is_not_lost_by_a_wish(stage: Stage) -> None:
    stage.step = 1
    stage.wish(asked(wish=Wish.COUNT))
    runner = stage.life()
    for number in range(2, 12):
        stage.turn(runner)
        stage.wish(asked(number, Wish.COUNT))
    stage.until(runner, lambda: stage.is_in(State.COUNTED))
    counted = stage.job().counted
    assert counted is not None
    assert (counted.matched, counted.looked, stage.job().heard) == (20, 20, 11)


def test_what_is_counted_is_what_is_sent_also_of_a_chain_that_comes_twice(stage: Stage) -> None:
    stage.sources["job_1"] = [*found(5), candidate(1, replays=1)]
    stage.step = 1
    stage.wish(asked(wish=Wish.COUNT, again=True))
    runner = stage.life()
    for _ in range(10):
        stage.now_s += 1.1
        stage.turn(runner)
    stage.wish(asked(2, again=True))
    stage.until(runner, stage.ended)
    job = stage.job()
    assert job.counted is not None
    assert job.counted.skipped == job.counts.skipped == {Skip.ALREADY_REPLAYED: 1}


def test_a_wish_is_heard_of_the_job_as_it_was_written_last(stage: Stage) -> None:
    stage.wish(replace(asked(), rate_per_s=10))
    runner = stage.life()
    stage.turn(runner)
    stage.lags = True
    stage.for_s(runner, 0.5)
    stage.wish(replace(asked(2, Wish.PAUSE), rate_per_s=10))
    stage.turn(runner)
    stage.wish(replace(asked(3), rate_per_s=10))
    stage.until(runner, stage.ended)
    check(stage, stage.sources["job_1"])


def test_a_second_one_for_a_webhook_is_refused(stage: Stage) -> None:
    stage.wish(replace(asked(), rate_per_s=1))
    runner = stage.life()
    stage.turn(runner)
    stage.wish(asked(id="job_2", subject=Matching(types=("a",))))
    stage.turn(runner)
    assert state(stage, "job_2") == (State.REFUSED, Reason.ONE_RUNNING)
    assert stage.told == []


# ── pace, and holding back ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_rate_is_kept_and_several_jobs_keep_theirs(stage: Stage) -> None:
    for number, rate in ((1, 10), (2, 50), (3, 200)):
        add(stage, other(number, f"t{number}", rate=rate), 10_000)
        stage.answers[f"job_{number}"] = Answered(tried=10_000, attempts=10_000)
    stage.for_s(stage.life(), 10)
    for number, rate in ((1, 10), (2, 50), (3, 200)):
        sent = sum(1 for delivery in stage.sent if delivery.job_id == f"job_{number}")
        assert rate * 9.5 <= sent <= rate * 10.5, number


def test_it_holds_back_while_a_thousand_were_not_tried_and_pauses_after_a_minute(stage: Stage) -> None:
    stage.sources["job_1"] = found(5_000)
    stage.wish(replace(asked(), rate_per_s=1_000))
    stage.answers["job_1"] = Answered()
    runner = stage.life()
    stage.for_s(runner, 5)
    assert len(stage.sent) == HELD_BACK
    stage.answers["job_1"] = Answered(tried=300, attempts=300)
    stage.for_s(runner, 1)
    assert len(stage.sent) == HELD_BACK + 300
    stage.for_s(runner, 58)
    assert state(stage) == (State.RUNNING, None)
    stage.for_s(runner, 3)
    assert state(stage) == (State.PAUSED, Reason.BEHIND)


def test_it_is_not_behind_while_something_is_tried(stage: Stage) -> None:
    """As where Redis was emptied, and the log is read again."""
    stage.sources["job_1"] = found(5_000)
    stage.wish(replace(asked(), rate_per_s=1_000))
    stage.answers["job_1"] = Answered(tried=1_000, attempts=1_000)
    runner = stage.life()
    stage.for_s(runner, 5)
    assert len(stage.sent) == 2 * HELD_BACK
    for number in range(8):
        stage.answers["job_1"] = Answered(tried=number, attempts=number)
        stage.for_s(runner, 20)
    assert state(stage) == (State.RUNNING, None)
    stage.for_s(runner, 61)
    assert state(stage) == (State.PAUSED, Reason.BEHIND)


def test_while_nobody_knows_what_was_tried_it_only_holds_back(stage: Stage) -> None:
    stage.sources["job_1"] = found(5_000)
    stage.wish(replace(asked(), rate_per_s=1_000))
    stage.for_s(stage.life(), 200)
    assert (len(stage.sent), state(stage)) == (HELD_BACK, (State.RUNNING, None))


def test_it_pauses_when_its_endpoint_fails_and_goes_on_when_it_is_resumed(stage: Stage) -> None:
    stage.wish(replace(asked(), rate_per_s=10))
    runner = stage.life()
    stage.turn(runner)
    stage.answers["job_1"] = Answered(tried=20, attempts=20, streak=20)
    stage.for_s(runner, 1)
    assert state(stage) == (State.PAUSED, Reason.ENDPOINT_FAILS)
    stage.wish(replace(asked(2), rate_per_s=10))
    stage.until(runner, stage.ended)
    assert stage.job().state is State.DONE


@pytest.mark.parametrize(
    ("status", "reason"),
    [(Status.PAUSED, Reason.WEBHOOK_PAUSED), (Status.SUSPENDED, Reason.WEBHOOK_SUSPENDED)],
)
def test_it_pauses_with_its_webhook(stage: Stage, status: Status, reason: Reason) -> None:
    stage.wish(replace(asked(), rate_per_s=10))
    runner = stage.life()
    stage.turn(runner)
    stage.add(replace(stage.webhooks["wh_1"], status=status))
    stage.for_s(runner, 1)
    assert state(stage) == (State.PAUSED, reason)


@pytest.mark.parametrize("wish", [Wish.RUN, Wish.COUNT])
def test_without_its_webhook_it_fails_also_where_another_owner_has_one_of_that_id(stage: Stage, wish: Wish) -> None:
    stage.add(subscription("wh_1", tenant="other"))
    stage.wish(asked(wish=wish))
    stage.for_s(stage.life(), 1)
    assert (state(stage), stage.sent) == ((State.FAILED, Reason.WEBHOOK_DELETED), [])


# ── turns ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_resend_waits_for_no_long_job(stage: Stage) -> None:
    for number in range(2, 2 + LONG):
        add(stage, other(number, tenant=f"t{number}"), 500)
    runner = stage.life()
    stage.turn(runner)
    add(stage, other(50, kind=Kind.RESEND), 1)
    stage.turn(runner)
    assert stage.job("job_50").state is State.DONE


def test_resends_without_end_leave_every_second_turn_to_the_others(stage: Stage) -> None:
    add(stage, replace(other(1, tenant="t1"), wish=Wish.COUNT), 100)
    stage.step = 10
    runner = stage.life()
    for number in range(50, 62):
        for each in (number, number + 50):  # more than there are turns
            add(stage, other(each, kind=Kind.RESEND), 1)
        stage.turn(runner)
    [long] = [source for source in stage.opened if source.open]
    assert (long.at, len(stage.sent)) == (60, 6)


def test_jobs_take_turns(stage: Stage) -> None:
    stage.step = 10
    for number in (1, 2, 3):
        add(stage, replace(other(number, tenant=f"t{number}"), wish=Wish.COUNT), 100)
    runner = stage.life()
    for _ in range(6):
        stage.turn(runner)
    assert [source.at for source in stage.opened] == [20, 20, 20]


def test_who_waits_for_a_place_gets_it_and_nothing_is_lost(stage: Stage) -> None:
    numbers = range(1, 5)
    for number in numbers:
        add(stage, other(number, rate=10), 350)
        stage.answers[f"job_{number}"] = Answered(tried=10_000, attempts=10_000)
    runner = stage.life()
    stage.for_s(runner, 1)
    assert len([each for each in stage.opened if each.open]) == 2
    assert {delivery.job_id for delivery in stage.sent} == {"job_1", "job_2"}
    stage.for_s(runner, SLICE_S + 1)
    assert {delivery.job_id for delivery in stage.sent} == {f"job_{number}" for number in numbers}
    stage.until(runner, lambda: stage.ended(*(f"job_{number}" for number in numbers)))
    for number in numbers:
        check(stage, stage.sources[f"job_{number}"], f"job_{number}")


def test_one_alone_is_looked_after_where_that_is_all_a_process_is_for(stage: Stage) -> None:
    add(stage, other(2), 3)
    runner = stage.life(only="job_1")
    stage.wish(asked())
    stage.until(runner, stage.ended)
    stage.for_s(runner, 1)
    assert {delivery.job_id for delivery in stage.sent} == {"job_1"}


# ── what goes wrong ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TooMany("a lot"), Reason.TOO_MANY),
        (TopicMissing("events does not exist"), Reason.KAFKA),
        (ConfigurationError("HOOKLINE_EVENT_TOPICS", "name some"), Reason.KAFKA),
        (ValueError("a bug"), Reason.BUG),
    ],
)
def test_what_goes_wrong_in_one_job_fails_that_job_alone(stage: Stage, error: Exception, reason: Reason) -> None:
    stage.broken["job_1"] = error
    stage.wish(asked())
    add(stage, other(2), 5)
    runner = stage.life()
    stage.until(runner, lambda: stage.ended("job_1", "job_2"))
    assert state(stage) == (State.FAILED, reason)
    assert state(stage, "job_2") == (State.DONE, None)
    assert "a bug" not in stage.job().detail, "an exception's own words may quote a payload"
    assert not runner.busy


def test_a_source_that_is_broken_is_opened_again_and_later_each_time(stage: Stage) -> None:
    stage.broken["job_1"] = KafkaBroken("away")
    stage.wish(asked())
    runner, opened = stage.life(), list[float]()
    original = stage.open_source

    def open_source(*args: object, **kwargs: object) -> object:
        opened.append(stage.now_s)
        return original(*args, **kwargs)  # type: ignore[arg-type] # as they came

    runner._open_source = open_source  # type: ignore[assignment] # same
    stage.for_s(runner, 10)
    assert opened == pytest.approx([0, 0.5, 1.5, 3.5, 7.5], abs=0.02)
    assert state(stage) == (State.RUNNING, None)
    stage.broken.clear()
    stage.until(runner, stage.ended)
    check(stage, stage.sources["job_1"])


def test_a_source_for_which_it_is_too_early_is_opened_a_moment_later_and_holds_up_nobody(stage: Stage) -> None:
    stage.broken["job_1"] = TooEarly()
    stage.wish(asked())
    add(stage, other(2), 5)
    runner = stage.life()
    stage.for_s(runner, 1)
    assert state(stage) == (State.RUNNING, None)
    assert state(stage, "job_2") == (State.DONE, None)
    stage.broken.clear()
    stage.for_s(runner, 0.3)
    stage.until(runner, stage.ended)
    check(stage, stage.sources["job_1"])


def test_what_the_writer_says_ends_the_runner(stage: Stage) -> None:
    stage.wish(asked())
    runner = stage.life()

    def broken() -> None:
        raise KafkaBroken("nobody knows")

    stage.before_write = broken
    with pytest.raises(KafkaBroken, match="nobody knows"):
        stage.turn(runner)


def test_a_bug_in_hearing_fails_that_job_alone(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.wish(asked())
    runner = stage.life()
    read = stage.read
    stage.turn(runner)

    def bug(job_ids: list[str]) -> object:
        if job_ids == ["job_1"]:
            raise ValueError("a bug")
        return read(job_ids)

    runner._reader = type("Reader", (), {"read": staticmethod(bug)})()
    stage.wish(asked(2, Wish.PAUSE))
    stage.turn(runner)
    assert state(stage) == (State.FAILED, Reason.BUG)
    assert stage.job().heard == 2


def test_one_that_its_topic_does_not_take_is_skipped_and_the_others_are_sent(stage: Stage) -> None:
    stage.too_large = {"e3", "e7"}
    stage.wish(asked())
    stage.until(stage.life(), stage.ended)
    check(stage, stage.sources["job_1"])
    assert (stage.job().counts.skipped, stage.job().counts.looked) == ({Skip.PAYLOAD_LEFT_OUT: 2}, 20)


# ── ends ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("kind", "told"), [(Kind.REPLAY, 1), (Kind.RECOVER, 1), (Kind.RESEND, 0)])
def test_word_of_its_end_is_written_with_it(stage: Stage, kind: Kind, told: int) -> None:
    stage.wish(asked(kind=kind))
    stage.until(stage.life(), stage.ended)
    assert len(stage.told) == told
    for owner, event in stage.told:
        assert owner == asked().owner
        assert (event.type, event.id) == ("job.finished", "finished-job_1")
        assert b'"state":"done"' in event.data
        assert b'"sent":20' in event.data


def test_of_a_count_nobody_is_told(stage: Stage) -> None:
    stage.wish(asked(wish=Wish.COUNT))
    runner = stage.life()
    stage.for_s(runner, 1)
    stage.wish(asked(2, Wish.CANCEL))
    stage.for_s(runner, 1)
    assert (state(stage), stage.told) == ((State.CANCELED, None), [])


def test_what_ended_a_week_ago_is_forgotten_and_what_waits_for_so_long_is_canceled(stage: Stage) -> None:
    stage.wish(asked())
    add(stage, replace(other(2), wish=Wish.COUNT), 5)
    runner = stage.life()
    stage.for_s(runner, 1)
    assert state(stage, "job_2") == (State.COUNTED, None)
    stage.now_s += FORGOTTEN_AFTER_MS / 1_000
    stage.for_s(runner, 70)
    deleted = [record.key or b"" for record in stage.records if record.value is None]
    assert deleted == [b"job-asked:job_1", b"job:job_1"]
    assert state(stage, "job_2") == (State.CANCELED, None)


def test_of_a_tenant_s_ended_jobs_the_latest_are_kept_and_another_s_are_left_alone(stage: Stage) -> None:
    stage.ended_most = 3
    for number in range(2, 5):
        add(stage, other(number, tenant="quiet"), 1)
    runner = stage.life()
    stage.for_s(runner, 1)
    for number in range(10, 30):
        add(stage, other(number, kind=Kind.RESEND), 1)
        stage.for_s(runner, 0.3)
    deleted = [record.key or b"" for record in stage.records if record.value is None]
    assert sorted(deleted) == sorted(each for number in range(10, 27) for each in keys(f"job_{number}"))
    runner = stage.life()
    stage.for_s(runner, 1)
    assert len([record for record in stage.records if record.value is None]) == len(deleted)


def test_what_is_to_be_forgotten_is_written_once_though_it_is_read_back_late(stage: Stage) -> None:
    stage.ended_most = 1
    runner = stage.life()
    for number in range(10, 13):
        add(stage, other(number, kind=Kind.RESEND), 1)
    stage.for_s(runner, 1)
    stage.lags = True
    add(stage, other(13, kind=Kind.RESEND), 1)
    stage.read_back()
    stage.for_s(runner, 1)
    stage.read_back()
    stage.for_s(runner, 1)
    deleted = [record.key or b"" for record in stage.records if record.value is None]
    assert sorted(deleted) == sorted(each for number in (10, 11, 12) for each in keys(f"job_{number}"))


def keys(job_id: str) -> list[bytes]:
    return [b"job-asked:" + job_id.encode(), b"job:" + job_id.encode()]


def test_marks_of_what_is_kept_no_longer_are_deleted_and_no_others(stage: Stage) -> None:
    def marks() -> set[bytes]:
        latest = {record.key: record.value for record in stage.records}
        return {key for key, value in latest.items() if value is not None and key is not None and b"job" not in key}

    stage.wish(asked())
    runner = stage.life()
    stage.until(runner, stage.ended)
    settings = Settings()
    old = Republished(poison_id="p1", times=1, at_ms=NOW_MS)
    young = replace(old, poison_id="p2", at_ms=NOW_MS + 5 * DAY_MS)
    stage.records += [republished_record(settings, each) for each in (old, young)]
    stage.read_back()
    assert len(marks()) == 20 + 2
    stage.now_s += 3 * 86_400
    stage.turn(runner)
    assert len(marks()) == 20 + 2  # nobody knows how long what they are about is kept
    stage.lifetimes = Lifetimes(chain_ms=4 * DAY_MS, poison_ms=3 * DAY_MS)
    stage.now_s += 3_601
    stage.for_s(runner, 1)
    assert len(marks()) == 20 + 1
    assert runner._books.generations.of.keys() == {
        key.removeprefix(b"replay:").decode() for key in marks() if b"poison" not in key
    }
    stage.now_s += 86_400
    stage.for_s(runner, 1)
    assert marks() == {b"poison:p2"}
    assert not runner._books.generations.of


def test_a_job_that_is_done_leaves_its_source(stage: Stage) -> None:
    stage.wish(asked())
    runner = stage.life()
    stage.until(runner, stage.ended)
    assert not any(source.open for source in stage.opened)
    assert not runner.busy
    assert isinstance(stage.job(), Job)
