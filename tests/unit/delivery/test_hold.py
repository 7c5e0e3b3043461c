"""What leaves the hold when: by its due time, by its slot, or forward."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from consumer.delivery.delivery import Delivery
from consumer.delivery.entry import Entry
from consumer.delivery.hold import RECORDS_MOST, Hold, Leader
from consumer.delivery.offsets import Window
from tests.deliveries import event

PLACE = ("retry.1m", 0)
LEADER: Leader = (*PLACE, 1)


class Apart:
    """One leader is 500 ms ahead, of another nothing is known."""

    def skew_ms(self, leader: Leader) -> int | None:

        return {1: 0, 2: 500}.get(leader[2] or 0)


def waiting(name: str, *, first_due_ms: int = 0, slot_ms: int | None = None, webhook: str = "wh_1") -> Delivery:
    return Delivery(id=name, event=event(), subscription_id=webhook, first_due_ms=first_due_ms, slot_ms=slot_ms)


def failed(name: str, *, first_due_ms: int = 0, at_ms: int, webhook: str = "wh_1") -> Delivery:
    delivery = waiting(name, first_due_ms=first_due_ms, webhook=webhook)
    return replace(delivery, attempts=1, last_attempt_ms=at_ms)


def put(hold: Hold, window: Window, delivery: Delivery, due_ms: int, leader: Leader = LEADER) -> None:
    hold.put(Entry(window, window.held), delivery, leader=leader, due_ms=due_ms, size=10)


def before(at_ms: int) -> Callable[[Delivery], bool]:
    return lambda delivery: (delivery.last_attempt_ms or 0) < at_ms


NOTHING = before(0)


def names(taken: list[tuple[Entry, Delivery]]) -> list[str]:
    return [delivery.id for _, delivery in taken]


def due(hold: Hold, steady_ms: int, now_ms: int | None = None) -> list[str]:
    now_ms = steady_ms if now_ms is None else now_ms
    return [each.id for _, each in hold.take(steady_ms, now_ms, 100) if isinstance(each, Delivery)]


def test_a_slot_that_is_near_is_waited_for_and_the_clocks_are_not_mixed() -> None:
    hold, window = Hold(Apart()), Window(PLACE)
    put(hold, window, waiting("a", slot_ms=1_000_000 + 61_000), due_ms=1_000)
    assert hold.next_due_ms(0, 1_000_000) == 1_001_000
    assert due(hold, 1_000, 1_001_000) == []
    assert hold.leaders == frozenset()  # its broker's clock is no longer asked for
    assert hold.next_due_ms(1_000, 1_001_000) == 1_061_000
    assert due(hold, 60_999, 1_060_999) == []
    assert due(hold, 61_000, 1_061_000) == ["a"]
    assert (window.held, window.held_bytes) == (0, 0)


def test_a_slot_that_is_far_is_not_waited_for_nor_one_in_a_partition_that_is_half_full() -> None:
    hold, window = Hold(), Window(PLACE)
    put(hold, window, waiting("far", slot_ms=61_001), due_ms=1_000)
    assert due(hold, 1_000) == ["far"]
    for number in range(RECORDS_MOST // 2):
        put(hold, window, waiting(f"other {number}"), due_ms=10_000)
    put(hold, window, waiting("near", slot_ms=5_000), due_ms=2_000)
    assert due(hold, 2_000) == ["near"]


def test_the_oldest_event_goes_forward_first_whatever_it_waits_for() -> None:
    hold, window, other = Hold(), Window(PLACE), Window(("retry.5s", 0))
    put(hold, window, waiting("newest", first_due_ms=30), due_ms=1)
    put(hold, window, failed("oldest", first_due_ms=10, at_ms=500), due_ms=9_000)
    put(hold, other, waiting("middle", first_due_ms=20), due_ms=5_000)
    put(hold, other, waiting("another's", webhook="wh_2"), due_ms=5_000)
    assert names(hold.forward("wh_1", 2, before(1_000))) == ["oldest", "middle"]
    assert names(hold.forward("wh_1", 9, NOTHING)) == ["newest"]
    assert not hold.holds("wh_1")
    assert due(hold, 10_000) == ["another's"]


def test_what_failed_goes_forward_only_after_a_recovery_and_once_for_each() -> None:
    hold, window = Hold(), Window(PLACE)
    put(hold, window, failed("before", at_ms=500), due_ms=9_000)
    put(hold, window, failed("since", at_ms=1_000), due_ms=8_000)
    assert names(hold.forward("wh_1", 9, NOTHING)) == []
    assert not hold.holds("wh_1")
    hold.recovered("wh_1")
    assert names(hold.forward("wh_1", 9, before(1_000))) == ["before"]
    assert not hold.holds("wh_1")
    hold.recovered("wh_1")
    assert names(hold.forward("wh_1", 9, before(2_000))) == ["since"]


def test_what_waits_for_a_clock_goes_forward_all_the_same() -> None:
    hold, window = Hold(Apart()), Window(PLACE)
    put(hold, window, waiting("unknown"), due_ms=0, leader=(*PLACE, 3))
    put(hold, window, waiting("ahead of us"), due_ms=1_500, leader=(*PLACE, 2))
    assert hold.next_due_ms(0, 0) == 1_000
    assert due(hold, 5_000) == ["ahead of us"]
    assert names(hold.forward("wh_1", 9, NOTHING)) == ["unknown"]


class Reference(RuleBasedStateMachine):
    """Against a list: whatever leaves in whatever order, each record leaves once, and counts are right."""

    def __init__(self) -> None:
        super().__init__()
        self.hold = Hold(Apart())
        self.windows = [Window(("retry.1m", number)) for number in range(3)]
        self.held: dict[str, tuple[Window, Delivery, int]] = {}
        self.now_ms = 0
        self.number = 0

    @rule(
        window=st.integers(0, 2),
        age_ms=st.integers(0, 20),
        wait_ms=st.integers(0, 50),
        slot_ms=st.none() | st.integers(0, 120_000),
        at_ms=st.none() | st.integers(0, 100),
        webhook=st.sampled_from(["wh_1", "wh_2"]),
    )
    def put(  # noqa: PLR0917 - one argument a field
        self, window: int, age_ms: int, wait_ms: int, slot_ms: int | None, at_ms: int | None, webhook: str
    ) -> None:
        self.number += 1
        name = f"{self.number}"
        delivery = waiting(name, first_due_ms=age_ms, slot_ms=slot_ms, webhook=webhook)
        if at_ms is not None:
            delivery = replace(delivery, attempts=1, last_attempt_ms=at_ms)
        due_ms = self.now_ms + wait_ms
        place = self.windows[window]
        self.hold.put(Entry(place, self.number), delivery, leader=(*place.partition, 1), due_ms=due_ms, size=7)
        self.held[name] = place, delivery, due_ms

    @rule(passed_ms=st.integers(0, 40), most=st.integers(1, 4))
    def take(self, passed_ms: int, most: int) -> None:
        self.now_ms += passed_ms
        for _, delivery in self.hold.take(self.now_ms, self.now_ms, most):
            assert isinstance(delivery, Delivery)
            _, _, due_ms = self.held.pop(delivery.id)
            assert due_ms <= self.now_ms
            beyond_ms = (delivery.slot_ms or 0) - self.now_ms
            assert beyond_ms <= 0 or beyond_ms > 60_000 - 40

    @rule(most=st.integers(1, 4), before_ms=st.none() | st.integers(1, 100), webhook=st.sampled_from(["wh_1", "wh_2"]))
    def forward(self, most: int, before_ms: int | None, webhook: str) -> None:
        self.hold.recovered(webhook)
        may = [
            each.first_due_ms
            for _, each, _ in self.held.values()
            if each.subscription_id == webhook
            and (each.waits or (before_ms is not None and (each.last_attempt_ms or 0) < before_ms))
        ]
        taken = self.hold.forward(webhook, most, before(before_ms or 0))
        assert [each.first_due_ms for _, each in taken] == sorted(may)[:most]
        for _, delivery in taken:
            del self.held[delivery.id]

    @rule(window=st.integers(0, 2))
    def close(self, window: int) -> None:
        gone = self.windows[window]
        gone.closed = True
        self.hold.drop_closed()
        self.windows[window] = Window(gone.partition)
        self.held = {name: each for name, each in self.held.items() if each[0] is not gone}
        assert (gone.held, gone.held_bytes) == (0, 0)

    @invariant()
    def counted(self) -> None:
        for window in self.windows:
            mine = [each for each in self.held.values() if each[0] is window]
            assert (window.held, window.held_bytes) == (len(mine), 7 * len(mine))


TestReference = Reference.TestCase


@given(st.lists(st.integers(0, 50), min_size=1, max_size=300), st.randoms(use_true_random=False))
def test_lines_forget_what_has_left(ages_ms: list[int], chance: object) -> None:
    hold, window = Hold(), Window(PLACE)
    for number, age_ms in enumerate(ages_ms):
        put(hold, window, waiting(f"{number}", first_due_ms=age_ms), due_ms=1_000 + number)
        if chance.random() < 0.8:  # type: ignore[attr-defined]
            hold.forward("wh_1", 1, NOTHING)
        line = hold._due[LEADER]
        assert len(line._heap) <= 2 * window.held + 17
