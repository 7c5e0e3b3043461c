"""Dead letters as the API looks at them and has them sent again: shares of a tenant, and the jobs that it asks for."""

import threading
from collections.abc import Iterator, Sequence

import pytest

from consumer.control.owner import Owner
from consumer.data_keys.opening import Opening
from consumer.delivery.delivery import DeadLetter
from consumer.events.event import Record
from consumer.jobs.dead_letter_desk import READERS_OF_A_TENANT, DeadLetterDesk, Way
from consumer.jobs.dead_letters import JobRefused, JobReplays
from consumer.jobs.job import Chosen, Kind, Matching, Reason, Spot, Wish
from consumer.replay.dead_letters import Lying
from consumer.replay.filters import Filters
from consumer.replay.plan import Place
from consumer.replay.run import Summary
from consumer.settings import Settings
from consumer.shares import Busy
from consumer.webhooks.subscription import Status
from tests.memory_jobs import MemoryDesk, idle

WAY = Way(again=False, dry_run=False)
SENT = Summary(matched=1, replayed=1)


class Slow:
    """Sends again for as long as the test says for one tenant, and at once for another."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Semaphore(0), threading.Event()
        self.asked: list[tuple[str, str]] = []

    def replay(self, owner: Owner, webhook: str, chosen: Sequence[Lying] | Filters, way: Way) -> Summary:
        del chosen, way
        self.asked.append((owner.tenant, webhook))
        self.begun.release()
        if owner.tenant == "slow":
            assert self.go_on.wait(20)
        return SENT


class Desk(DeadLetterDesk):
    """Its topic and its replays take as long as the test says for one tenant, and no time for another."""

    def __init__(self) -> None:
        self.replays = Slow()
        super().__init__(Settings(), self.replays, Opening.of(Settings()), generations=lambda _: {})
        self.begun, self.go_on = threading.Semaphore(0), threading.Event()

    def _matching(self, filters: Filters) -> Iterator[DeadLetter]:
        self._take_time(filters)
        return iter(())

    def _records(self) -> Iterator[Record]:
        return iter(())

    def _take_time(self, filters: Filters) -> None:
        self.begun.release()
        if filters.tenants == {"slow"}:
            assert self.go_on.wait(20)


def owner(tenant: str) -> Owner:
    return Owner(tenant=tenant, brand="hookline")


def of(tenant: str) -> Filters:
    return Filters(tenants=frozenset({tenant}))


def test_readers() -> None:
    desk = Desk()
    threads = [threading.Thread(target=desk.found, args=("slow", of("slow"))) for _ in range(READERS_OF_A_TENANT)]
    for thread in threads:
        thread.start()
        assert desk.begun.acquire(timeout=20)
    with pytest.raises(Busy) as refused:
        desk.found("slow", of("slow"))
    assert refused.value.own
    with pytest.raises(Busy):
        desk.lying("slow", of("slow"))
    assert desk.found("other", of("other")) == []
    assert desk.lying("other", of("other")) == []
    desk.go_on.set()
    for thread in threads:
        thread.join(20)


def test_replays() -> None:
    """The slow one's replay is waited for, and keeps nobody else from his."""
    desk = Desk()
    slow = threading.Thread(target=desk.replay, args=(owner("slow"), "wh_1", of("slow"), Status.ACTIVE, WAY))
    slow.start()
    assert desk.replays.begun.acquire(timeout=20)
    with pytest.raises(Busy) as refused:
        desk.replay(owner("slow"), "wh_1", of("slow"), Status.ACTIVE, WAY)
    assert refused.value.own
    assert desk.replay(owner("other"), "wh_2", of("other"), Status.ACTIVE, WAY) == SENT
    desk.replays.go_on.set()
    slow.join(20)
    assert desk.replays.asked == [("slow", "wh_1"), ("other", "wh_2")]


@pytest.mark.parametrize(
    ("status", "way"),
    [
        (Status.PAUSED, WAY),
        (Status.SUSPENDED, WAY),
        (None, WAY),
        (Status.ACTIVE, Way(again=False, dry_run=True)),
    ],
)
def test_nothing_is_asked_for_where_nothing_would_be_sent(status: Status | None, way: Way) -> None:
    desk = Desk()
    assert desk.replay(owner("other"), "wh_1", of("other"), status, way) == Summary()
    assert desk.replays.asked == []


JOBS_NOW_MS = 5
FOUND = Lying(id="d1", webhook="wh_1", topic="dead-letter", partition=1, offset=7, left_out=False)


def replays(desk: MemoryDesk) -> JobReplays:
    return JobReplays(desk, most=3, now_ms=lambda: JOBS_NOW_MS, patience_s=0.05)


def test_a_replay_is_a_job_of_its_webhook_and_its_caller() -> None:
    desk = MemoryDesk()
    way = Way(again=True, dry_run=False, place=Place.AFTER, by="key_1")
    assert replays(desk).replay(owner("acme"), "wh_1", [FOUND], way) == Summary(matched=1, replayed=1)
    [known] = desk.known.values()
    assert known.asked.subject == Chosen(spots=(Spot("dead-letter", 1, 7),))
    asked = known.asked
    assert (asked.owner, asked.webhook, asked.kind, asked.again) == (owner("acme"), "wh_1", Kind.RESEND, True)
    assert (asked.place, asked.created_by, asked.most, asked.wish) == (Place.AFTER, "key_1", 3, Wish.RUN)


def test_a_replay_of_all_that_match_sends_those_that_failed() -> None:
    desk = MemoryDesk()
    filters = Filters(tenants=frozenset({"acme"}), types=("a.*",), reasons=frozenset({"gone"}), since_ms=1, until_ms=9)
    replays(desk).replay(owner("acme"), "wh_1", filters, WAY)
    [known] = desk.known.values()
    wanted = Matching(types=("a.*",), reasons=frozenset({"gone"}), since_ms=1, until_ms=9)
    assert (known.asked.kind, known.asked.subject) == (Kind.REPLAY, wanted)


def test_a_job_that_has_not_ended_is_told_as_not_complete() -> None:
    assert replays(MemoryDesk(idle)).replay(owner("acme"), "wh_1", [FOUND], WAY).stopped


def test_a_job_that_is_refused_says_so() -> None:
    desk = MemoryDesk(idle)
    running = desk.put(owner("acme"), "wh_1")
    with pytest.raises(JobRefused) as refused:
        replays(desk).replay(owner("acme"), "wh_1", Filters(), WAY)
    assert (refused.value.known.job.reason, refused.value.known.job.other) == (Reason.ONE_RUNNING, running)
