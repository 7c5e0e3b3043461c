"""The simulator's judge of order: what comes after a later event of its key broke the law, or had no sure place."""

from dataclasses import replace

import pytest

from consumer.webhooks.subscription import Status, Subscription
from tests.simulation.checker import Checker, Violation
from tests.simulation.customers import plain
from tests.simulation.ledger import Ledger, Place, Published, Run, Session
from tests.simulation.plan import plan
from tests.simulation.spells import IN_USE_MS, Spells
from tests.simulation.timeline import START_MS
from tests.simulation.webhooks import Webhooks

HOOK = "wh_1"
PARTITION = ("events", 0)
EVENT_MS = START_MS + 2 * IN_USE_MS  # before it nothing that happened at the start is in doubt any more
LINED_UP_MS = EVENT_MS + 5_000
CREATED = replace(plain(HOOK, "t"), url="https://a.example/wh_1", ordering="key")


def _place(number: int) -> Place:
    return PARTITION, number


class Bench:
    """Two events of one key, of which the second is accepted."""

    def __init__(self, created_ms: int = START_MS) -> None:
        self.ledger, self.webhooks = Ledger(), Webhooks(Spells())
        self.checker = Checker(self.ledger, self.webhooks, plan(10, 1))
        self.webhooks.applied(created_ms, CREATED)
        self.first, self.second = map(self._published, range(2))
        self.ledger.pair(self.first, HOOK).lined_up_ms = LINED_UP_MS
        self.accept(self.second)

    def _published(self, number: int) -> Published:
        event = Published(
            id=f"evt_{number}",
            type="order.created",
            tenant="t",
            product=None,
            kind="a",
            data=b"{}",
            at_ms=EVENT_MS + number,
            key=b"k",
            places={_place(number): EVENT_MS},
        )
        self.ledger.events[event.id] = self.ledger.at[_place(number)] = event
        return event

    def change(self, at_ms: int, **to: object) -> None:
        current = self.webhooks.current(HOOK)
        assert isinstance(current, Subscription)
        changed = replace(current, changes=current.revision, revision=current.revision + 1)
        assert self.webhooks.applied(at_ms, replace(changed, **to))  # type: ignore[arg-type]

    def is_read_again(self, event: Published, *, after_a_fault: bool = True) -> None:
        [place] = event.places
        self.ledger.runs[place] = Run(Session(PARTITION, "deliver-0", 0, None), times=2, again=int(after_a_fault))

    def accept(self, event: Published) -> None:
        self.checker.accepted(LINED_UP_MS + 60_000, event, HOOK, CREATED.url, b"{}")


def test_an_event_that_comes_after_a_later_one_of_its_key_is_found() -> None:
    bench = Bench()
    with pytest.raises(Violation, match="order: evt_0 to wh_1"):
        bench.accept(bench.first)


def test_it_is_found_also_when_it_read_again_and_the_webhook_was_changed_beside_it() -> None:
    bench = Bench()
    bench.change(EVENT_MS + 1, timeout_ms=5_000)
    bench.is_read_again(bench.first)
    with pytest.raises(Violation, match="order"):
        bench.accept(bench.first)


def test_one_of_the_moment_in_which_its_webhook_came_has_no_sure_place_when_it_is_read_again() -> None:
    bench = Bench(created_ms=EVENT_MS + 1)
    bench.is_read_again(bench.first)
    bench.accept(bench.first)


def test_and_has_one_when_it_does_not() -> None:
    bench = Bench(created_ms=EVENT_MS + 1)
    bench.is_read_again(bench.second)
    with pytest.raises(Violation, match="order"):
        bench.accept(bench.first)


@pytest.mark.parametrize(("at_ms", "is_found"), [(LINED_UP_MS, False), (LINED_UP_MS + 1, True)])
def test_a_change_of_what_is_wanted_matters_until_the_event_is_lined_up(at_ms: int, is_found: bool) -> None:
    bench = Bench()
    bench.change(at_ms, event_types=("user.created",))
    bench.is_read_again(bench.first)
    if is_found:
        with pytest.raises(Violation, match="order"):
            bench.accept(bench.first)
    else:
        bench.accept(bench.first)


def test_a_pause_drops_also_what_is_lined_up_and_a_fault_brings_it_back() -> None:
    bench = Bench()
    bench.change(LINED_UP_MS + 1, status=Status.PAUSED)
    bench.change(LINED_UP_MS + 2, status=Status.ACTIVE)
    bench.is_read_again(bench.first)
    bench.accept(bench.first)


def test_without_a_fault_nothing_comes_back() -> None:
    bench = Bench()
    bench.change(LINED_UP_MS + 1, status=Status.PAUSED)
    bench.change(LINED_UP_MS + 2, status=Status.ACTIVE)
    bench.is_read_again(bench.first, after_a_fault=False)
    with pytest.raises(Violation, match="order"):
        bench.accept(bench.first)


def test_what_comes_behind_one_without_a_sure_place_is_judged_by_the_others() -> None:
    bench = Bench(created_ms=EVENT_MS + 1)
    bench.is_read_again(bench.first)
    bench.accept(bench.first)
    [line] = bench.ledger.first_accepted
    assert bench.ledger.first_accepted[line] == 1
