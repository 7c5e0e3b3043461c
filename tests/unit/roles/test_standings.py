"""Reports go out in turns between tenants, one exchange at a time, and each of them is answered."""

import select
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import cast

from structlog.testing import capture_logs

from consumer.delivery.standing import Report, Standing
from consumer.roles.standings import AT_ONCE, Heard, StandingLookup
from consumer.standings.store import StandingStore
from consumer.webhooks.cache import CacheUnavailable

WITHIN_S = 10.0


class Store:
    """Redis, which takes until `released`; while `away` it cannot be reached."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.released.set()
        self.away = False
        self.asked: list[list[Report]] = []
        self.at_once = self.most_at_once = 0

    def exchange(self, reports: Sequence[Report]) -> Mapping[str, Standing]:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.asked.append(list(reports))
        assert self.released.wait(WITHIN_S)
        self.at_once -= 1
        self._reach()
        return {
            each.subscription_id: Standing(
                number=1, permits=None, places=None, pace_per_s=0.0, horizon_ms=0.0, waiting=0, until_ms=0.0
            )
            for each in reports
        }

    def present(self) -> int:
        self._reach()
        return 4

    def _reach(self) -> None:
        if self.away:
            raise CacheUnavailable("away")


@contextmanager
def opened(store: Store) -> Iterator[StandingLookup]:
    with closing(StandingLookup(cast("StandingStore", store))) as lookup:
        yield lookup


def reports(tenant: str, number: int) -> list[Report]:
    return [Report(subscription_id=f"{tenant}-{each}", tenant=tenant) for each in range(number)]


def taken(lookup: StandingLookup, enough: Callable[[list[Heard]], bool]) -> list[Heard]:
    found: list[Heard] = []
    until_s = time.monotonic() + WITHIN_S
    while not enough(found):
        assert select.select([lookup.fd], [], [], max(0.0, until_s - time.monotonic()))[0], f"only {found}"
        found += lookup.take()
    return found


def answered(found: list[Heard]) -> dict[str, Standing | None]:
    return {name: each for heard in found for name, each in heard.standings.items()}


def test_a_tenant_with_very_many_waits_for_himself_only() -> None:
    store = Store()
    with opened(store) as lookup:
        taken(lookup, bool)
        store.released.clear()
        lookup.ask(reports("first", 1))
        lookup.ask(reports("many", 10 * AT_ONCE))
        lookup.ask(reports("few", 2))
        store.released.set()
        found = taken(lookup, lambda found: len(answered(found)) == 10 * AT_ONCE + 3)
    assert all(answered(found).values())
    batches = [{each.tenant for each in batch} for batch in store.asked if batch]
    assert max(at for at, tenants in enumerate(batches) if "few" in tenants) <= 2
    assert max(map(len, store.asked)) == AT_ONCE
    assert store.most_at_once == 1


def test_without_redis_everything_that_waits_is_answered_and_it_is_said_once() -> None:
    store = Store()
    with capture_logs() as logs, opened(store) as lookup:
        assert taken(lookup, bool)[0].processes == 4
        store.away = True
        for _ in range(3):
            lookup.ask(reports("one", 2 * AT_ONCE))
            found = answered(taken(lookup, lambda found: len(answered(found)) == 2 * AT_ONCE))
            assert not any(found.values())
        store.away = False
        lookup.ask(reports("one", 1))
        assert all(answered(taken(lookup, lambda found: bool(answered(found)))).values())
    said = [each["event"] for each in logs]
    assert len(said) == 2
    assert said[1] == f"over: {said[0]}"


def test_what_was_reported_before_the_end_is_told() -> None:
    store = Store()
    with opened(store) as lookup:
        store.released.clear()
        lookup.ask(reports("one", 2 * AT_ONCE))
        store.released.set()
    assert sum(map(len, store.asked)) == 2 * AT_ONCE


def test_how_long_ago_it_was_asked_is_told_with_the_answer() -> None:
    store = Store()
    with opened(store) as lookup:
        store.released.clear()
        lookup.ask(reports("one", 1))
        time.sleep(0.05)
        store.released.set()
        found = taken(lookup, lambda found: bool(answered(found)))
    assert 40 <= next(each.ago_ms for each in found if each.standings) < 5_000
