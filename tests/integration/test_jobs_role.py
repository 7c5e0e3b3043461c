"""The role `jobs` on a real broker: killed in the middle, taken over, asked to end; and one job run without it."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from consumer.configuration import load
from consumer.delivery.delivery import Delivery, delivery_id
from consumer.jobs.conduct import AskedJob
from consumer.jobs.desk import JobUnknown
from consumer.jobs.here import run_here
from consumer.jobs.job import Asked, Chosen, Job, Kind, Spot, State
from consumer.jobs.record import asked_record, decode_job, job_record
from consumer.kafka import subscriptions
from consumer.kafka.reading import read_to_end
from consumer.kafka.records import decode_delayed, encode_dead_letter
from consumer.kafka.topics import Topics, admin_client, create
from consumer.kafka.writing import write_now
from consumer.replay.ledger import Ledger, TakenOver, generations
from consumer.replay.plan import Planned, Planner
from consumer.roles import jobs as role
from consumer.settings import Settings
from consumer.webhooks.subscription import Status, Subscription
from tests import role_thread
from tests.dead_letters import dead_letter
from tests.deliveries import subscription
from tests.job_topics import Stage
from tests.jobs import asked
from tests.log_role import eventually

ROOT = Path(__file__).parents[2]
NUMBER = 200


@pytest.fixture(autouse=True)
def settings(
    kafka_bootstrap: str, redis_url: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    for name, value in {
        "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
        "REDIS_URL": redis_url,
        "TOPIC_PREFIX": topic_prefix,
        "STATE_DIR": str(tmp_path),
        "EVENT_TOPICS": "events",
        "PARTITIONS": "2",
        "RETRY_DELAYS": "5s",
    }.items():
        monkeypatch.setenv(f"HOOKLINE_{name}", value)
    made = load()
    create(admin_client(made), made)
    return made


def webhook(settings: Settings, *, product: str | None = None, types: tuple[str, ...] = ()) -> Subscription:
    made = replace(subscription("wh_1"), product=product, event_types=types)
    subscriptions.write(settings, made)
    return made


def dead(settings: Settings, number: int) -> Chosen:
    """So many dead letters of the webhook, named by their places."""
    stage, topic = Stage(settings, "events"), Topics.of(settings).dead_letter
    return Chosen(
        spots=tuple(Spot(topic, 0, stage.write(topic, encode_dead_letter(dead_letter(each)))) for each in range(number))
    )


def wish(settings: Settings, wanted: Asked) -> None:
    write_now(settings, [asked_record(Topics.of(settings).jobs, wanted)])


def job(settings: Settings, job_id: str = "job_1") -> Job | None:
    last = None
    for record in read_to_end(settings, Topics.of(settings).jobs):
        if record.key == f"job:{job_id}".encode() and record.value is not None:
            last = decode_job(record.value, job_id)
    return last


def state(settings: Settings, job_id: str = "job_1") -> State | None:
    found = job(settings, job_id)
    return None if found is None else found.state


def sent(settings: Settings) -> list[Delivery]:
    read = read_to_end(settings, Topics.of(settings).retry(0))
    found = [decode_delayed(record.value or b"", 0) for record in read]
    return [each for each in found if isinstance(each, Delivery)]


def each_once(settings: Settings, number: int) -> None:
    found = sent(settings)
    assert Counter(each.event.id for each in found) == Counter(f"e{each}" for each in range(number))
    assert {each.job_id for each in found} == {"job_1"}
    done = job(settings)
    assert done is not None
    assert (done.state, done.counts.matched, done.counts.sent) == (State.DONE, number, number)
    assert len(generations(settings)) == number


@contextmanager
def running(settings: Settings) -> Iterator[None]:
    """The role at work; it ends at once, and raised nothing."""
    with role_thread.running(role.main, settings, ends_within_s=2.0):
        yield


@contextmanager
def process() -> Iterator["subprocess.Popen[bytes]"]:
    """The role as a process of its own; killed at the end, if it still lives."""
    command = [sys.executable, "-m", "consumer.roles.process", "jobs", "0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, env=environment) as child:
        try:
            yield child
        finally:
            child.kill()


def test_killed_in_the_middle_each_is_sent_once_and_the_counts_say_so(settings: Settings) -> None:
    webhook(settings)
    wish(settings, replace(asked(subject=dead(settings, NUMBER)), rate_per_s=40))
    before = 0
    for _ in range(2):
        with process():
            eventually(lambda least=before: len(sent(settings)) > least, True, 60)  # type: ignore[misc] # bound
        before = len(sent(settings))
    assert 0 < before < NUMBER
    with process() as child:
        eventually(lambda: state(settings), State.DONE, 60)
        began_s = time.monotonic()
        child.send_signal(signal.SIGTERM)
        assert child.wait(10) == os.EX_OK
        assert time.monotonic() - began_s < 5, "leaving, and the interpreter's own end"
    each_once(settings, NUMBER)


def test_another_writer_takes_over_and_nothing_is_lost_or_repeated(settings: Settings) -> None:
    webhook(settings)
    wish(settings, replace(asked(subject=dead(settings, NUMBER)), rate_per_s=60))
    with running(settings):
        eventually(lambda: len(sent(settings)) > 20, True)
        rival = Ledger.open(settings, sealing=None)
        planner = Planner(generations=rival.generations(), statuses={"wh_1": Status.ACTIVE}, max_replays=3)
        plan = planner.plan(dead_letter(NUMBER - 1), time.time_ns() // 1_000_000)
        assert isinstance(plan, Planned)
        rival.write([plan])
        eventually(lambda: state(settings), State.DONE, 30)
        with pytest.raises(TakenOver):
            rival.write([plan])
    found = job(settings)
    assert found is not None
    assert (found.counts.sent, found.counts.skipped) == (NUMBER - 1, {"already_replayed": 1})
    assert Counter(each.event.id for each in sent(settings)) == Counter(f"e{each}" for each in range(NUMBER))


def test_a_single_resend_is_on_its_way_at_once(settings: Settings) -> None:
    webhook(settings)
    took: list[float] = []
    spots = dead(settings, 6).spots
    with running(settings):
        for number, spot in enumerate(spots):
            job_id = f"job_{number}"
            wish(settings, asked(id=job_id, kind=Kind.RESEND, subject=Chosen(spots=(spot,))))
            took.append(eventually(lambda of=job_id: state(settings, of), State.DONE))  # type: ignore[misc] # bound
    # Without the first, which waits for the role; half of it is what this test's own look at the topic takes.
    assert sorted(took[1:])[2] < 3, took
    assert len(sent(settings)) == len(spots)


def test_the_end_of_a_job_is_told_to_who_asked_for_it(settings: Settings) -> None:
    webhook(settings, types=("job.finished",))
    wish(settings, replace(asked(subject=dead(settings, 3)), rate_per_s=1_000))
    with running(settings):
        eventually(lambda: state(settings), State.DONE)
    read = read_to_end(settings, Topics.of(settings).retry(0))
    [chunk] = [each for record in read if not isinstance(each := decode_delayed(record.value or b"", 0), Delivery)]
    assert (chunk.event.type, chunk.event.id, chunk.subscription_ids) == ("job.finished", "finished-job_1", ("wh_1",))


def test_a_batch_and_its_job_are_one_transaction(settings: Settings) -> None:
    topics = Topics.of(settings)
    planner = Planner(generations={}, statuses={"wh_1": Status.ACTIVE}, max_replays=3)
    plan = planner.plan(dead_letter(1), 1)
    assert isinstance(plan, Planned)
    done = Job(id="job_1", state=State.DONE, heard=1)
    former, ledger = Ledger.open(settings, sealing=None), Ledger.open(settings, sealing=None)
    with pytest.raises(TakenOver):
        former.write([plan], [job_record(topics.jobs, done)])
    assert (job(settings), sent(settings), generations(settings)) == (None, [], {})
    ledger.write([plan], [job_record(topics.jobs, done)])
    eventually(lambda: job(settings), done)  # the transaction's marker may come after its acknowledgement
    assert [each.event.id for each in sent(settings)] == ["e1"]
    assert generations(settings) == {delivery_id(dead_letter(1).delivery.event, "wh_1"): 1}


def test_without_a_role_one_job_is_run_here(settings: Settings) -> None:
    webhook(settings)
    with pytest.raises(JobUnknown):
        run_here(settings, "job_1")
    wish(settings, replace(asked(subject=dead(settings, 60)), rate_per_s=10))
    stop, told = threading.Event(), list[AskedJob]()

    def progress(known: AskedJob) -> None:
        told.append(known)
        if known.job.counts.sent:
            stop.set()

    stopped = run_here(settings, "job_1", progress=progress, stop=stop.is_set)
    assert stopped is not None
    assert stopped.job.state is State.RUNNING
    assert 0 < len(sent(settings)) < 60
    ended = run_here(settings, "job_1")
    assert ended is not None
    assert ended.job.state is State.DONE
    each_once(settings, 60)
    assert [known.job.counts.sent for known in told] == sorted({known.job.counts.sent for known in told})
