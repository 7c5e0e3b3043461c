"""The laws of a standing about its endpoint: one probe, one answer that closes it, and its customer told once."""

import random

from hypothesis import given
from hypothesis import strategies as st

from consumer.delivery.standing import LEASE_FOR_MS, Open, Tell
from consumer.delivery.state import Member, State
from tests.standing_processes import BEGAN_MS, Process, ask, fleet

SEEDS = st.integers(0, 2**32)


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
