"""The laws of what a standing shares: a rate, places and a schedule, whatever is reported, lost and asked again."""

import random
from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from consumer.delivery.exchange import TURN_MS, exchange
from consumer.delivery.standing import LEASE_FOR_MS
from consumer.delivery.state import State
from tests.standing_processes import BEGAN_MS, Process, ask, ask_in_vain, fleet

SEEDS = st.integers(0, 2**32)
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
