"""The estimate of a broker's clock never runs ahead of it: of each broker's own, whoever leads a partition."""

from collections.abc import Sequence

from hypothesis import example, given
from hypothesis import strategies as st

from consumer.delivery.hold import Leader
from consumer.kafka.clock import APART_MS, ASK_AGAIN_MS, PLAUSIBLE_MS, WINDOW_MS, BrokerClock, BrokerClocks

# Between two records our clock goes on; each took so long to come to us.
observations = st.lists(st.tuples(st.integers(0, WINDOW_MS), st.integers(0, 60_000)), min_size=1, max_size=40)
skews = st.integers(-3_600_000, 3_600_000)
START = 1_763_712_000_000
# Three brokers of one cluster.
offsets = st.integers(0, APART_MS)
apart = st.tuples(skews, offsets, offsets, offsets).map(lambda drawn: [drawn[0] + each for each in drawn[1:]])
PLACE = ("retry.5s", 0)


@given(skew=skews, steps=observations)
def test_it_is_never_ahead_of_the_broker_and_no_further_behind_than_the_fastest_record(
    skew: int, steps: list[tuple[int, int]]
) -> None:
    clock = BrokerClock()
    now = START
    seen: list[tuple[int, int]] = []
    for pause, delay in steps:
        now += pause
        clock.observe(now, now - delay + skew)
        seen.append((now, delay))
        fastest = min(delay for at, delay in seen if at > now - WINDOW_MS)
        assert clock.skew_ms == skew - fastest - 1


# What happens at a partition: a record is written by us or another, is read after so long, or another broker leads.
steps_of_a_log = st.lists(
    st.one_of(
        st.tuples(st.just("written"), st.integers(0, 5_000)),
        st.tuples(st.just("acknowledged late"), st.integers(0, 5_000)),
        st.tuples(st.just("read"), st.integers(0, 60_000)),
        st.tuples(st.just("led"), st.integers(0, 2)),
        st.tuples(st.just("wait"), st.integers(0, WINDOW_MS)),
    ),
    max_size=60,
)


@given(brokers=apart, steps=steps_of_a_log)
@example(brokers=[0, 20_000, 0], steps=[("written", 0), ("read", 0), ("led", 1), ("written", 0)])
def test_whoever_leads_no_record_is_judged_by_a_clock_ahead_of_the_one_that_dated_it(
    brokers: Sequence[int], steps: list[tuple[str, int]]
) -> None:
    """Records are read in order and however late, or not for as long as their partition is paused."""
    clocks = BrokerClocks()
    now, epoch, leader = START, 0, 0
    log: list[tuple[int, int]] = []  # each record's epoch and append time
    read: dict[Leader, int] = {}  # the true skew of each leader that was read of
    next_read = 0
    for what, number in steps:
        if what == "wait":
            now += number
        elif what == "led":
            epoch, leader = epoch + (number != leader), number
        elif what in {"written", "acknowledged late"}:
            log.append((epoch, now + brokers[leader]))
            now += number
            if what == "written":
                clocks.acknowledged(PLACE, len(log) - 1, log[-1][1], now)
        while next_read < len(log) and what in {"read", "acknowledged late"}:
            at_epoch, append_ms = log[next_read]
            of: Leader = (*PLACE, at_epoch)
            read.setdefault(of, brokers[_leader(steps, at_epoch)])
            clocks.read(of, next_read, append_ms, now)
            next_read += 1
        if what == "acknowledged late":
            clocks.acknowledged(PLACE, len(log) - 1, log[-1][1], now)
        for of, skew in read.items():
            known = clocks.skew_ms(of)
            assert known is not None
            assert known <= skew


def _leader(steps: list[tuple[str, int]], epoch: int) -> int:
    """Who led in that epoch."""
    at, leader = 0, 0
    for what, number in steps:
        if what == "led" and number != leader:
            at, leader = at + 1, number
        if at == epoch:
            break
    return leader


def test_a_broker_that_is_ahead_says_nothing_of_another() -> None:
    """Else one broker that is 30 s ahead makes a retry of 5 s on another one due at once."""
    clocks = BrokerClocks()
    clocks.read(("retry.5s", 0, 1), 0, START + 30_000, START)
    clocks.read(("retry.5s", 1, 1), 0, START, START)
    assert clocks.skew_ms(("retry.5s", 0, 1)) == 29_999
    assert clocks.skew_ms(("retry.5s", 1, 1)) == -1


def test_an_acknowledgement_counts_for_the_epoch_it_is_read_in() -> None:
    clocks = BrokerClocks()
    old: Leader = (*PLACE, 1)
    new: Leader = (*PLACE, 2)
    clocks.read(old, 0, START - 100_000, START)
    clocks.acknowledged(PLACE, 1, START + 30_000, START + 5)
    assert clocks.skew_ms(old) == -100_001
    clocks.read(new, 1, START + 30_000, START + 500)
    assert clocks.skew_ms(old) == -100_001
    assert clocks.skew_ms(new) == 30_000 - 5 - 1


def test_what_a_paused_partition_does_not_read_counts_less_what_clocks_differ() -> None:
    """Else a backlog that was read at a start would wait its whole delay once more."""
    clocks = BrokerClocks()
    clocks.read((*PLACE, 1), 0, START - 50_000_000, START)
    clocks.acknowledged(PLACE, 5_000, START, START + 3)
    clocks.waiting([(*PLACE, 1)])
    assert clocks.skew_ms((*PLACE, 1)) == -4 - APART_MS


@example(ahead_ms=20_000, delay_ms=5_000)
@given(ahead_ms=offsets, delay_ms=st.integers(1_000, 600_000))
def test_a_leader_that_changed_inside_an_unread_backlog_lets_nothing_of_a_paused_partition_leave_early(
    ahead_ms: int, delay_ms: int
) -> None:
    """A thousand records are held, others not read yet, and the next leader's clock is ahead: none leaves early."""
    clocks = BrokerClocks()
    old: Leader = (*PLACE, 1)
    for offset in range(1_000):
        clocks.read(old, offset, START + offset, START + offset + 1)
    due_ms = START + delay_ms  # of the first one, by its leader's clock, which is ours
    for now in range(START + 1_000, due_ms, max(1, delay_ms // 50)):
        clocks.waiting([old])
        if clocks.to_ask([old], now):
            clocks.acknowledged(PLACE, 9_000, now + ahead_ms, now)
        skew_ms = clocks.skew_ms(old)
        assert skew_ms is not None
        assert now + skew_ms < due_ms


def test_what_is_written_behind_a_backlog_says_nothing_until_it_is_read() -> None:
    """A partition is read from 0 on, slowly; its leader was another one until a moment ago, and 20 s behind."""
    clocks = BrokerClocks()
    old: Leader = (*PLACE, 1)
    clocks.read(old, 0, START - 30_000, START)
    clocks.acknowledged(PLACE, 80, START + 27_000, START + 3)
    for offset in range(1, 80):
        clocks.read(old, offset, START - 30_000, START + offset * 1_000)
        clocks.waiting([old])
        assert clocks.skew_ms(old) == -30_001
    clocks.read((*PLACE, 2), 80, START + 27_000, START + 80_000)
    assert clocks.skew_ms((*PLACE, 2)) == 27_000 - 3 - 1


def test_who_starts_after_a_change_of_leaders_does_not_wait_a_whole_delay_once_more() -> None:
    """Else what was written 14 h ago and is due in one hour is due in 15 when a process starts anew."""
    clocks = BrokerClocks()
    hour_ms = 3_600_000
    clocks.read((*PLACE, 1), 0, START - 14 * hour_ms, START)
    clocks.acknowledged(PLACE, 1, START, START + 5)
    clocks.read((*PLACE, 2), 1, START, START + 10)
    assert clocks.skew_ms((*PLACE, 1)) == -6 - APART_MS


def test_a_leader_is_known_for_as_long_as_its_records_are_held() -> None:
    """In the 15 hours that a record waits a partition may change its leader many times."""
    clocks = BrokerClocks()
    for epoch in range(100):
        clocks.read((*PLACE, epoch), epoch, START + epoch * 60_000, START + epoch * 60_000)
        clocks.waiting([(*PLACE, 3)])
    known = [epoch for epoch in range(100) if clocks.skew_ms((*PLACE, epoch)) is not None]
    assert known == [3, *range(85, 100)]


@given(skew_us=st.integers(-(10**9), 10**9), appended_us=st.integers(0, 10_000), took_us=st.integers(0, 3_000))
def test_clocks_cut_to_whole_milliseconds_do_not_set_it_ahead(skew_us: int, appended_us: int, took_us: int) -> None:
    clock = BrokerClock()
    ours_us = START * 1_000 + appended_us + took_us
    clock.observe(ours_us // 1_000, (START * 1_000 + appended_us + skew_us) // 1_000)
    assert clock.skew_ms is not None
    for later_us in range(0, 3_000, 250):
        assert ((ours_us + later_us) // 1_000 + clock.skew_ms) * 1_000 <= ours_us + later_us + skew_us


@given(steps=observations, skew=skews)
def test_a_clock_of_ours_that_was_set_back_is_measured_anew(steps: list[tuple[int, int]], skew: int) -> None:
    clock = BrokerClock()
    now = START + 86_400_000
    for pause, delay in steps:
        now += pause
        clock.observe(now, now - delay)
    clock.observe(START, START + skew)
    assert clock.skew_ms == skew - 1


def test_without_a_record_nothing_is_known() -> None:
    assert BrokerClock().skew_ms is None
    assert BrokerClocks().skew_ms((*PLACE, 1)) is None


def test_a_broker_that_tells_no_time_is_taken_to_have_ours() -> None:
    clock = BrokerClock()
    clock.observe(START, 1_234)
    assert clock.skew_ms == 0


def test_a_partition_is_asked_once_until_it_is_long_ago() -> None:
    clocks = BrokerClocks()
    held: list[Leader] = [(*PLACE, None), (*PLACE, 1)]
    assert clocks.to_ask(held, START) == []
    clocks.read((*PLACE, None), 0, START, START)
    assert clocks.to_ask(held, START) == [PLACE]
    assert clocks.to_ask(held, START + 9 * ASK_AGAIN_MS) == []
    clocks.acknowledged(PLACE, 1, START, START)
    assert clocks.to_ask(held, START + ASK_AGAIN_MS) == []
    assert clocks.to_ask(held, START + ASK_AGAIN_MS + 1) == [PLACE]
    clocks.forget([PLACE])
    assert clocks.skew_ms((*PLACE, None)) is None


@given(st.integers(1, 3_000_000_000_000))
def test_an_implausible_time_says_nothing(append_ms: int) -> None:
    clock = BrokerClock()
    clock.observe(START, append_ms)
    assert abs(clock.skew_ms or 0) <= PLAUSIBLE_MS


def test_a_slow_record_does_not_worsen_a_good_estimate() -> None:
    clock = BrokerClock()
    clock.observe(START, START + 500)
    clock.observe(START + 1_000, START - 3_000)
    assert clock.skew_ms == 499


def test_partitions_are_asked_in_one_order_whatever_set_they_come_from() -> None:
    clocks = BrokerClocks()
    places = [("retry.1m", 0), ("retry.5s", 1), ("retry.5s", 0)]
    for place in places:
        clocks.read((*place, None), 0, START, START)
    assert clocks.to_ask([(*place, None) for place in places], START) == sorted(places)
