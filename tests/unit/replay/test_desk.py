"""A tenant that reads and replays as long as it can leaves room for another."""

import threading
from collections.abc import Iterable, Iterator, Mapping

import pytest

from consumer.delivery.delivery import DeadLetter
from consumer.events.event import Record
from consumer.replay.desk import READERS_OF_A_TENANT, DeadLetterDesk, Way
from consumer.replay.filters import Filters
from consumer.replay.run import Summary
from consumer.settings import Settings
from consumer.shares import Busy
from consumer.webhooks.subscription import Status

WAY = Way(again=False, dry_run=False)


class Desk(DeadLetterDesk):
    """Its topic and its replays take as long as the test says for one tenant, and no time for another."""

    def __init__(self) -> None:
        super().__init__(Settings())
        self.begun, self.go_on = threading.Semaphore(0), threading.Event()

    def _matching(self, filters: Filters) -> Iterator[DeadLetter]:
        self._take_time(filters)
        return iter(())

    def _records(self) -> Iterator[Record]:
        return iter(())

    def _replay(self, chosen: Iterable[DeadLetter] | Filters, statuses: Mapping[str, Status], way: Way) -> Summary:
        del statuses, way
        assert isinstance(chosen, Filters)
        self._take_time(chosen)
        return Summary()

    def _take_time(self, filters: Filters) -> None:
        self.begun.release()
        if filters.tenants == {"slow"}:
            assert self.go_on.wait(20)


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
    """They take turns: the other's comes when the slow one's is over, and the slow one cannot queue up for more."""
    desk, done = Desk(), list[str]()
    slow = threading.Thread(target=desk.replay, args=("slow", of("slow"), {}, WAY))
    slow.start()
    assert desk.begun.acquire(timeout=20)
    with pytest.raises(Busy) as refused:
        desk.replay("slow", of("slow"), {}, WAY)
    assert refused.value.own

    def other() -> None:
        desk.replay("other", of("other"), {}, WAY)
        done.append("other")

    waiting = threading.Thread(target=other)
    waiting.start()
    desk.go_on.set()
    waiting.join(20)
    slow.join(20)
    assert done == ["other"]
