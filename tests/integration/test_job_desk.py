"""Jobs asked for on real Kafka, by several processes, of a process that runs them, or of none."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
from pydantic import SecretStr

from consumer.control.control import Control
from consumer.jobs import conduct
from consumer.jobs.desk import JobUnknown, NobodyRuns
from consumer.jobs.directory import Jobs
from consumer.jobs.job import Answered, Asked, Job, State, Wish
from consumer.jobs.record import asked_id, forgotten, job_record
from consumer.jobs.topic_desk import TopicDesk, opened
from consumer.kafka.client import KafkaBroken
from consumer.kafka.topic_writer import TopicWriter
from consumer.kafka.topics import Topics
from consumer.kafka.transactions import Transactions
from consumer.kafka.view import TopicView
from consumer.settings import Settings
from tests.jobs import ACME, asked
from tests.services.topics import MakeTopics
from tests.webhook_samples import key_entry

COMPACTED = {"cleanup.policy": "compact"}
PARTITIONS = 4


class Unanswered:
    """Nothing is known."""

    def read(self, ids: Sequence[str]) -> Mapping[str, Answered]:
        return {}


class Role:
    """Hears every wish, and does nothing about it."""

    def __init__(self, settings: Settings) -> None:
        self.jobs = Jobs()
        self.states: list[tuple[str, State]] = []
        self._topic = Topics.of(settings).jobs
        self._view = TopicView(settings, self._topic, self.jobs)
        self._writer = TopicWriter(settings)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._view.start()
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._writer.close()
        self._view.close()

    def forget(self, job_id: str) -> None:
        # In the order that a view of several partitions may have it in, too.
        for each in reversed(forgotten(self._topic, job_id)):
            place = self._writer.write(each).result(10)
            assert self._view.reached({place.partition: place.offset + 1}, 10)

    def _run(self) -> None:
        while not self._stop.wait(0.005):
            if self._view.ready:
                for wanted, job in self.jobs.unheard():
                    self._hear(wanted, job)

    def _hear(self, wanted: Asked, was: Job | None) -> None:
        others = self.jobs.unfinished(wanted.owner.tenant)
        now_ms = time.time_ns() // 1_000_000
        job = conduct.begun(wanted, others, now_ms) if was is None else conduct.heard(wanted, was, others, None, now_ms)
        self.states.append((job.id, job.state))
        place = self._writer.write(job_record(self._topic, job)).result(10)
        assert self._view.reached({place.partition: place.offset + 1}, 10)


@pytest.fixture
def settings(kafka_bootstrap: str, topic_prefix: str, make_topics: MakeTopics) -> Settings:
    made = Settings(
        kafka={"bootstrap.servers": kafka_bootstrap},
        topic_prefix=topic_prefix,
        redis_url=SecretStr("redis://127.0.0.1:1/0"),
        encryption_keys=(SecretStr(key_entry()),),
    )
    make_topics(
        {Topics.of(made).jobs: PARTITIONS, Topics.of(made).state: 2, Topics.of(made).subscriptions: 1}, COMPACTED
    )
    return made


@contextmanager
def running(settings: Settings) -> Iterator[Role]:
    role = Role(settings)
    role.start()
    try:
        yield role
    finally:
        role.close()


@contextmanager
def desks(settings: Settings, number: int) -> Iterator[list[TopicDesk]]:
    with ExitStack() as stack:
        yield [stack.enter_context(opened(settings, Unanswered())) for _ in range(number)]


def test_a_job_is_heard_of_at_once_and_known_to_every_process(settings: Settings) -> None:
    with running(settings), desks(settings, 1) as [desk]:
        took_s = []
        for number in range(10):
            id_ = asked_id(f"{number:028x}", bytes)
            began_s = time.monotonic()
            known = desk.ask(asked(id=id_, webhook=f"wh_{number % 5}"))
            took_s.append(time.monotonic() - began_s)
            assert (known.asked.id, known.job.heard) == (id_, 1)
            assert desk.wish(ACME, id_, Wish.CANCEL).job.state is State.CANCELED
        assert min(took_s) < 0.5
        with desks(settings, 1) as [other]:
            page, more = other.page(ACME, after=None, limit=100)
            assert (len(page), more) == (10, None)
            assert page == desk.page(ACME, after=None, limit=100)[0]


def test_of_wishes_at_once_all_are_heard_and_the_last_one_holds(settings: Settings) -> None:
    with running(settings) as role, desks(settings, 2) as pair, ThreadPoolExecutor(4) as pool:
        pair[0].ask(asked())
        with desks(settings, 2) as later:
            wished = [Wish.PAUSE, Wish.RUN, Wish.PAUSE, Wish.RUN]
            several = [
                pool.submit(desk.wish, ACME, "job_1", wish) for desk, wish in zip(later * 2, wished, strict=True)
            ]
            for each in several:
                assert each.result(30).job.heard >= 2
            known = later[0].wish(ACME, "job_1", Wish.CANCEL)
        # One number for each of those that were wished: none was taken for another.
        assert (known.asked.number, known.job.heard, known.job.state) == (6, 6, State.CANCELED)
        assert role.states[-1] == ("job_1", State.CANCELED)


def test_two_tries_of_one_request_ask_for_one_job(settings: Settings) -> None:
    with running(settings) as role, desks(settings, 2) as pair, ThreadPoolExecutor(2) as pool:
        first, second = [each.result(30) for each in [pool.submit(desk.ask, asked()) for desk in pair]]
        assert first == second
        assert role.states == [("job_1", State.RUNNING)]


def test_what_nobody_heard_of_never_begins(settings: Settings) -> None:
    with desks(settings, 1) as [desk]:
        began_s = time.monotonic()
        with pytest.raises(NobodyRuns):
            desk.ask(asked())
        assert 3 <= time.monotonic() - began_s < 8
        with running(settings) as role:
            known = desk.ask(asked())  # tried again
            assert known.job.heard == known.asked.number
            assert role.states in ([("job_1", State.CANCELED)], [("job_1", State.RUNNING)])


def test_a_job_that_is_forgotten_is_gone_and_does_not_begin_anew(settings: Settings) -> None:
    with running(settings) as role, desks(settings, 1) as [desk]:
        desk.ask(asked())
        desk.wish(ACME, "job_1", Wish.CANCEL)
        role.forget("job_1")
        time.sleep(0.1)
        assert role.states == [("job_1", State.RUNNING), ("job_1", State.CANCELED)]
    with desks(settings, 1) as [desk], running(settings) as role:
        with pytest.raises(JobUnknown):
            desk.get(ACME, "job_1")
        assert desk.ask(asked(id="job_2")).job.state is State.RUNNING
        assert role.states == [("job_2", State.RUNNING)]


def test_every_process_knows_every_job_that_was_heard_of(settings: Settings) -> None:
    with running(settings), desks(settings, 2) as [asking, looking]:
        for number in range(5):
            known = asking.ask(asked(id=f"job_{number}", webhook=f"wh_{number}"))
            assert looking.get(ACME, known.asked.id) == known
            assert known in looking.page(ACME, after=None, limit=10)[0]


@pytest.mark.timeout(60)
def test_a_batch_left_open_holds_nothing_back_but_jobs_that_are_not_known_yet(settings: Settings) -> None:
    """What a killed writer of replays leaves: readers of its topic wait until somebody ends it."""
    with running(settings), desks(settings, 1) as [desk], Control(settings) as control:
        known = desk.ask(asked())
        torn = Transactions.open(settings, "replay")._producer
        torn.begin_transaction()
        for partition in range(PARTITIONS):
            torn.produce(Topics.of(settings).jobs, b"half", b"replay:x", partition=partition)
        assert torn.flush(10) == 0

        control.fresh(10)
        assert desk.get(ACME, "job_1") == known
        with pytest.raises(KafkaBroken, match="to its end"):
            desk.get(ACME, "job_2")
        with pytest.raises(KafkaBroken, match="to its end"):
            desk.page(ACME, after=None, limit=5)

        torn.abort_transaction(10)
        with pytest.raises(JobUnknown):
            desk.get(ACME, "job_2")
        assert desk.page(ACME, after=None, limit=5) == ([known], None)
