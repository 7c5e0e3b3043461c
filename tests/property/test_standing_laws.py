"""The laws of a webhook's standing, whatever its processes report, lose and ask again, and whenever they die."""

import random
from dataclasses import dataclass, field, replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from consumer.delivery.exchange import TURN_MS, exchange
from consumer.delivery.standing import LEASE_FOR_MS, Open, Report, Standing, Tell
from consumer.delivery.state import Member, State

SEEDS = st.integers(0, 2**32)
BEGAN_MS = 1_700_000_000_000.0


@dataclass(slots=True)
class Process:
    """One that does what it may: it uses permits at their time and never has more under way than it has places."""

    name: str
    heard: int = 0
    flying: int = 0
    places: int | None = 0
    slots: int = 0
    slots_heard: int = 0
    waits: int = 0
    waits_heard: int = 0
    times_ms: list[float] = field(default_factory=list)

    def report(self, now_ms: float, **facts: object) -> Report:
        """What it tells now."""
        report = Report(
            subscription_id="sub_1",
            tenant="tenant_1",
            heard=self.heard,
            permits=sum(1 for each in self.times_ms if each >= now_ms),
            flying=self.flying,
            places=self.places or 0,
            slots=self.slots,
            slots_heard=self.slots_heard,
            waits=self.waits,
            waits_heard=self.waits_heard,
        )
        return replace(report, **facts)  # type: ignore[arg-type] # any of its fields

    def hear(self, report: Report, standing: Standing, now_ms: float) -> None:
        """Its answer."""
        self.heard = standing.number
        self.places = standing.places
        self.slots_heard = report.slots
        self.waits_heard = report.waits
        if standing.permits is not None:
            gap_ms = standing.permits.gap_ms
            first_ms = now_ms + standing.permits.first_ms
            self.times_ms += [first_ms + index * gap_ms for index in range(standing.permits.number)]


def fleet(number: int) -> list[Process]:
    return [Process(f"process-{index}") for index in range(number)]


def ask(state: State, process: Process, now_ms: float, **facts: object) -> tuple[State, Standing]:
    report = process.report(now_ms, **facts)
    state, standing = exchange(state, process.name, report, now_ms)
    process.hear(report, standing, now_ms)
    return state, standing


def ask_in_vain(state: State, process: Process, now_ms: float, **facts: object) -> tuple[State, Standing]:
    """The answer is lost."""
    return exchange(state, process.name, process.report(now_ms, **facts), now_ms)


ASKED = (ask, ask, ask, ask, ask_in_vain)


# ── the rate limit ───────────────────────────────────────────────────────────────────────────────────────────────────


@given(seed=SEEDS, rate=st.sampled_from([1 / 3_600, 0.1, 1.0, 3.0, 70.0, 1_000.0]), processes=st.integers(1, 5))
def test_permits_are_a_gap_apart_whoever_gets_them(seed: int, rate: float, processes: int) -> None:
    chance = random.Random(seed)
    state, now_ms = State(), BEGAN_MS
    members = fleet(processes)
    for _ in range(60):
        now_ms += chance.choice((0, 1, 100, 250, 900, 4_000, 12_000))
        wants = {"want": chance.choice((0, 1, 5, 2_000)), "want_forward": chance.choice((0, 0, 3, 2_000))}
        asked = chance.choice(members)
        state, standing = chance.choice(ASKED)(state, asked, now_ms, revision=1, rate_per_s=rate, **wants)
        permits = standing.permits
        assert permits is not None
        assert now_ms + permits.first_ms + (permits.number - 1) * permits.gap_ms <= now_ms + 1_000.001 or (
            permits.number == 0
        )
    times_ms = sorted(at_ms for each in members for at_ms in each.times_ms)
    gaps = [later - earlier for earlier, later in pairwise(times_ms)]
    assert all(gap >= 1_000 / rate - 0.001 for gap in gaps)


@given(seed=SEEDS, rate=st.sampled_from([0.1, 1.0, 3.0, 70.0, 1_000.0]), processes=st.integers(1, 5))
def test_nothing_of_a_rate_is_left_while_somebody_wants_it(seed: int, rate: float, processes: int) -> None:
    """Answers that are lost cost only what was granted to somebody else meanwhile; here none are."""
    chance = random.Random(seed)
    state, now_ms = State(), BEGAN_MS
    members = fleet(processes)
    for_ms = max(20_000.0, 10_000 / rate)
    while now_ms < BEGAN_MS + for_ms:
        for each in members:
            now_ms += chance.uniform(0, 400 / processes)
            state, _ = ask(state, each, now_ms, revision=1, rate_per_s=rate, want=2_000)
    given_before = sum(1 for each in members for at_ms in each.times_ms if at_ms < now_ms)
    assert given_before >= (now_ms - BEGAN_MS) * rate / 1_000 * 0.98 - 1


def test_a_permit_of_a_lost_answer_is_given_again() -> None:
    process = Process("one")
    limits = {"revision": 1, "rate_per_s": 1 / 3_600, "want": 1}
    state, _ = ask_in_vain(State(), process, BEGAN_MS, **limits)
    _, standing = ask(state, process, BEGAN_MS + 300, **limits)
    assert standing.permits is not None
    assert standing.permits.number == 1


def test_what_is_new_goes_before_what_is_brought_forward() -> None:
    old, new = fleet(2)
    limits = {"revision": 1, "rate_per_s": 100.0}
    state, now_ms = State(), BEGAN_MS
    for _ in range(200):
        now_ms += 50
        state, _ = ask(state, old, now_ms, want_forward=2_000, **limits)
        state, _ = ask(state, new, now_ms + 25, want=2_000, **limits)
    assert len(new.times_ms) > 900
    assert len(old.times_ms) < 100


@given(processes=st.integers(2, 5))
def test_who_asks_first_gets_no_more_than_the_others(processes: int) -> None:
    state, now_ms = State(), BEGAN_MS
    members = fleet(processes)
    for _ in range(80):
        now_ms += 250
        for each in members:
            now_ms += 1
            state, _ = ask(state, each, now_ms, revision=1, rate_per_s=60.0, want=2_000)
    had = [len(each.times_ms) for each in members]
    assert min(had) >= 0.8 * sum(had) / processes


def test_another_rate_forgets_the_waits_of_the_old_one() -> None:
    process = Process("one")
    state, _ = ask(State(), process, BEGAN_MS, revision=1, rate_per_s=1 / 3_600, want=1)
    state, standing = ask(state, process, BEGAN_MS + 2_000, revision=1, rate_per_s=1 / 3_600, want=1)
    assert standing.permits is not None
    assert (standing.permits.number, standing.permits.first_ms > 3_000_000) == (0, True)
    _, standing = ask(state, process, BEGAN_MS + 3_000, revision=2, rate_per_s=10.0, want=1)
    assert standing.permits is not None
    assert (standing.permits.number, standing.permits.first_ms) == (1, 0.0)


def test_a_limit_that_is_gone_holds_nobody() -> None:
    process = Process("one")
    state, _ = ask(State(), process, BEGAN_MS, revision=1, rate_per_s=1.0, max_concurrency=1, want=1)
    _, standing = ask(state, process, BEGAN_MS + 10, revision=2, want=1)
    assert (standing.permits, standing.places) == (None, None)


# ── requests at once ─────────────────────────────────────────────────────────────────────────────────────────────────


@given(seed=SEEDS, most=st.integers(1, 9), processes=st.integers(1, 6))
def test_no_more_places_than_there_are(seed: int, most: int, processes: int) -> None:
    chance = random.Random(seed)
    state, now_ms = State(), BEGAN_MS
    alive = fleet(processes)
    born = processes
    for _ in range(80):
        now_ms += chance.choice((0, 1, 40, 250, 900))
        for each in alive:
            each.flying = chance.randint(0, max(each.flying, each.places or 0))
        if chance.random() < 0.05:
            alive[chance.randrange(len(alive))] = Process(f"process-{born}")
            born += 1
        asked = chance.choice(alive)
        want = chance.choice((0, 1, 20))
        asked.places = min(asked.places or 0, asked.flying + want)
        state, _ = chance.choice(ASKED)(state, asked, now_ms, revision=1, max_concurrency=most, want=want)
        assert sum(each.lease for each in state.members.values()) <= most
        known = [each for each in alive if each.name in state.members]
        assert sum(each.flying for each in known) <= most


def test_the_places_of_one_that_died_are_free_when_its_lease_is_over() -> None:
    dead, living = fleet(2)
    limits = {"revision": 1, "max_concurrency": 4, "want": 9}
    state, _ = ask(State(), dead, BEGAN_MS, **limits)
    state, standing = ask(state, living, BEGAN_MS + 100, **limits)
    assert standing.places == 0
    _, standing = ask(state, living, BEGAN_MS + LEASE_FOR_MS + 1, **limits)
    assert standing.places == 4


@given(most=st.integers(1, 4), processes=st.integers(2, 9))
def test_everybody_who_wants_a_place_gets_one(most: int, processes: int) -> None:
    state, now_ms = State(), BEGAN_MS
    members = fleet(processes)
    got: set[str] = set()
    busy = asked = 0
    rounds = (processes * (TURN_MS // 250 + 4)) // most + 16
    for _ in range(rounds):
        for each in members:
            now_ms += 250 / processes
            each.flying = 0
            state, standing = ask(state, each, now_ms, revision=1, max_concurrency=most, want=3)
            each.flying = standing.places or 0
            got |= {each.name} if each.flying else set()
            busy += sum(one.flying for one in members)
            asked += 1
    assert len(got) == processes
    assert busy >= 0.8 * most * asked or processes <= most


# ── the schedule ─────────────────────────────────────────────────────────────────────────────────────────────────────


@given(seed=SEEDS, rate=st.sampled_from([0.01, 3.0, 500.0]))
def test_the_schedule_never_goes_back_at_one_rate(seed: int, rate: float) -> None:
    chance = random.Random(seed)
    state, now_ms, end_ms, slots = State(), BEGAN_MS, 0.0, 0
    members = fleet(3)
    for _ in range(60):
        now_ms += chance.choice((0, 1, 250, 3_000))
        asked = chance.choice(members)
        more = chance.choice((0, 1, 40))
        asked.slots += more
        slots += more
        state, standing = chance.choice(ASKED)(state, asked, now_ms, revision=1, rate_per_s=rate)
        assert now_ms + standing.horizon_ms >= end_ms - 0.001
        end_ms = now_ms + standing.horizon_ms
    assert end_ms >= BEGAN_MS + slots * 1_000 / rate - 0.001


def test_the_schedule_ends_when_it_was_said_to() -> None:
    process = Process("one", slots=100)
    state, _ = ask(State(), process, BEGAN_MS, revision=1, rate_per_s=10.0)
    for after_ms, left_ms in ((1_000, 9_000), (4_000, 6_000), (9_990, 10), (11_000, 0)):
        state, standing = ask(state, process, BEGAN_MS + after_ms, revision=1, rate_per_s=10.0)
        assert abs(standing.horizon_ms - left_ms) < 0.001


@given(rate=st.sampled_from([1.0, 7.0]), faster=st.sampled_from([2.0, 50.0]))
def test_the_schedule_follows_the_rate(rate: float, faster: float) -> None:
    process = Process("one", slots=100)
    state, slow = ask(State(), process, BEGAN_MS, pace_per_s=rate)
    assert abs(slow.horizon_ms - 100_000 / rate) < 0.001
    state, quick = ask(state, process, BEGAN_MS, pace_per_s=rate * faster)
    assert abs(quick.horizon_ms - slow.horizon_ms / faster) < 0.001
    process.slots -= 40
    _, returned = ask(state, process, BEGAN_MS, pace_per_s=rate)
    assert abs(returned.horizon_ms - 60_000 / rate) < 0.001


def test_the_pace_of_one_that_died_is_over_with_its_lease() -> None:
    dead, living = fleet(2)
    state, _ = ask(State(), dead, BEGAN_MS, pace_per_s=10.0)
    state, both = ask(state, living, BEGAN_MS + 1_000, pace_per_s=5.0)
    _, one = ask(state, living, BEGAN_MS + LEASE_FOR_MS + 1, pace_per_s=5.0)
    assert (both.pace_per_s, one.pace_per_s) == (15.0, 5.0)


@given(seed=SEEDS)
def test_a_report_told_again_changes_nothing(seed: int) -> None:
    chance = random.Random(seed)
    process = Process("one", slots=chance.randrange(50), waits=chance.randrange(50))
    report = process.report(BEGAN_MS, revision=1, rate_per_s=5.0, until_ms=9_000.0, want=chance.randrange(9))
    state, first = exchange(State(), "one", report, BEGAN_MS)
    for _ in range(3):
        state, again = exchange(state, "one", report, BEGAN_MS)
        assert replace(again, number=first.number) == first


def test_a_state_that_was_lost_is_learned_again() -> None:
    process = Process("one", heard=7, slots=90, slots_heard=90, waits=30, waits_heard=20)
    limits = {"revision": 1, "rate_per_s": 2.0, "horizon_ms": 40_000.0}
    _, standing = ask(State(), process, BEGAN_MS, permits=1, want=9, **limits)
    assert standing.horizon_ms == 40_000
    assert standing.waiting == 10
    assert standing.permits is not None
    assert standing.permits.first_ms == 500


# ── the breaker ──────────────────────────────────────────────────────────────────────────────────────────────────────


@given(seed=SEEDS)
def test_one_probe_at_a_time(seed: int) -> None:
    chance = random.Random(seed)
    state, now_ms = State(), BEGAN_MS
    members = fleet(4)
    holder, until_ms = "", 0.0
    for _ in range(80):
        now_ms += chance.choice((1, 250, 2_000, 11_000))
        asked = chance.choice(members)
        opened = chance.random() < 0.2
        opening = Open(level=0, for_ms=chance.choice((500.0, 20_000.0)), early_ms=chance.choice((0.0, 3_000.0)))
        facts = {"open": opening, "failing_ms": 10.0} if opened else {}
        early = chance.random() < 0.5
        probing = asked.name == holder and not opened and chance.random() < 0.7
        state, standing = ask(state, asked, now_ms, want=chance.choice((0, 1)), early=early, probing=probing, **facts)
        if asked.name == holder and not standing.probe:
            holder = ""
        if standing.probe:
            assert holder in ("", asked.name) or now_ms > until_ms
            assert probing or standing.open_ms == 0 or (early and standing.early_ms == 0)
            holder, until_ms = asked.name, now_ms + LEASE_FOR_MS


def test_the_first_answer_closes_it_for_all_and_says_so() -> None:
    one, other = fleet(2)
    failing = {"open": Open(level=2, for_ms=60_000.0), "failing_ms": 8_000.0, "want": 1}
    state, opened = ask(State(), one, BEGAN_MS, **failing)
    assert (opened.level, opened.open_ms, opened.probe) == (2, 60_000.0, False)
    state, heard = ask(state, other, BEGAN_MS + 500, want=1)
    assert (heard.level, heard.open_ms) == (2, 59_500.0)
    state, closed = ask(state, other, BEGAN_MS + 1_000, answered_ms=20.0)
    assert (closed.level, closed.open_ms, closed.recovered_ms) == (-1, 0.0, 20.0)
    state, late = ask(state, one, BEGAN_MS + 1_100, **{**failing, "failing_ms": 9_100.0})
    assert (late.level, late.recovered_ms, late.answered_ms) == (-1, 120.0, 120.0)
    _, anew = ask(state, one, BEGAN_MS + 1_100, **{**failing, "failing_ms": 50.0})
    assert anew.level == 2


def test_a_webhook_that_was_changed_is_probed_at_once_and_recovers_by_an_answer() -> None:
    one, other = fleet(2)
    state, _ = ask(State(), one, BEGAN_MS, revision=1, open=Open(level=2, for_ms=60_000.0), failing_ms=8_000.0)
    state, changed = ask(state, other, BEGAN_MS + 500, revision=2, want=1)
    assert (changed.level, changed.open_ms, changed.probe) == (0, 0.0, True)
    _, answered = ask(state, other, BEGAN_MS + 600, revision=2, answered_ms=10.0)
    assert (answered.level, answered.recovered_ms) == (-1, 10.0)


# ── what its customer is told ────────────────────────────────────────────────────────────────────────────────────────


def test_a_customer_is_told_once_and_again_when_it_is_over() -> None:
    one, other = fleet(2)
    told: list[tuple[float, Tell]] = []
    state, at_s = State(), 0
    for at_s in range(2_000):
        for each in (one, other):
            one.waits = 500 if at_s < 1_000 else 0
            waits = one.waits > 0
            state, standing = ask(
                state,
                each,
                BEGAN_MS + at_s * 1_000,
                until_ms=90_000.0 if waits else 0.0,
                told=state.told if each is one else 0,
            )
            if standing.tell is not None:
                told.append((at_s, standing.tell))
                state, _ = ask(state, each, BEGAN_MS + at_s * 1_000, told=standing.telling)
    assert told == [(10, Tell.BEHIND), (1_300, Tell.CAUGHT_UP)]


def test_whoever_was_to_tell_and_died_is_followed_by_another() -> None:
    one, other = fleet(2)
    one.waits = 5
    state, _ = ask(State(), one, BEGAN_MS, until_ms=900_000.0)
    state, first = ask(state, one, BEGAN_MS + 10_000, until_ms=900_000.0)
    state, second = ask(state, other, BEGAN_MS + 11_000)
    state, third = ask(state, other, BEGAN_MS + 20_001)
    assert (first.tell, second.tell, third.tell) == (Tell.BEHIND, None, Tell.BEHIND)


def test_a_wait_under_a_minute_is_not_told() -> None:
    process = Process("one", waits=50)
    state = State()
    for at_s in range(100):
        state, standing = ask(state, process, BEGAN_MS + at_s * 1_000, until_ms=59_000.0)
        assert standing.tell is None
        assert (standing.waiting, standing.until_ms) == (50, 59_000.0)


def test_the_keys_that_have_stopped_are_those_of_all_processes_that_are_heard_of() -> None:
    one, other, state = Process("one"), Process("other"), State()
    state, _ = ask(state, one, BEGAN_MS, blocked=3)
    state, _ = ask(state, other, BEGAN_MS + 1_000, blocked=2)
    assert state.blocked == 5
    state, _ = ask(state, one, BEGAN_MS + 2_000, blocked=1)
    assert state.blocked == 3
    state, _ = ask(state, one, BEGAN_MS + 12_000, blocked=1)
    assert state.blocked == 1


# ── what is kept ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_process_that_is_silent_is_forgotten() -> None:
    state = State()
    for number in range(100):
        state, _ = ask(state, Process(f"process-{number}"), BEGAN_MS + number * 1_000, want=1)
        assert len(state.members) <= 11


def test_a_clock_that_is_set_back_begins_anew() -> None:
    process = Process("one")
    state = State(
        at_ms=BEGAN_MS, revision=1, rate_per_s=1.0, tat_ms=BEGAN_MS, members={"two": Member(seen_ms=BEGAN_MS)}
    )
    state, standing = ask(state, process, BEGAN_MS - 3_600_000, revision=1, rate_per_s=1.0, want=1)
    assert standing.permits is not None
    assert standing.permits.number == 1
    assert [*state.members] == ["one"]
