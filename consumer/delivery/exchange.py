"""The rule by which a webhook's state takes a report in and answers it. `standing.py` says what both are.

`consumer/standings/script.py` is the same rule for Redis, step by step and in the same order; a property test compares
them. The laws, whatever is reported, by whom and how often:
- over any time, starts that were permitted are no more than the rate allows in that time and `PERMIT_FOR_MS`, plus one;
- the leases of those that were heard of lately are no more than the limit of requests at once;
- the end of the schedule never goes back while the rate stays and no slot is taken back;
- at most one process may send the probe;
- an HTTP answer that somebody got closes the breaker of all whose failing streak began before it.
"""

from math import floor
from typing import Final

from consumer.delivery.standing import (
    AHEAD_MS,
    FORWARD_AHEAD_MS,
    LEASE_FOR_MS,
    PERMIT_FOR_MS,
    Permits,
    Report,
    Standing,
    Tell,
)
from consumer.delivery.state import Member, State

TURN_MS: Final = 2_000  # where fewer may be under way than there are processes, a place is kept for so long
IN_LINE_MS: Final = 1_000  # one that asks no more loses its turn
LONG_MS: Final = 60_000  # a wait that its customer is told of
SURE_AFTER_MS: Final = 10_000
CALM_FOR_MS: Final = 300_000
GONE_AFTER_MS: Final = 60_000  # what was due for so long and was not taken up is not there any more
ASK_AGAIN_MS: Final = 250
SET_BACK_MS: Final = 1_000


def exchange(state: State, process: str, report: Report, now_ms: float) -> tuple[State, Standing]:
    """Take the report of this process into the state, and answer it. The state given is used up."""
    if now_ms < state.at_ms - SET_BACK_MS:
        state = State()  # another clock: nothing that was dated by the former one can be compared
    if state.at_ms == 0:
        state.telling = state.told = 2 * floor(now_ms / 1_000)  # one that was lost has never been further
    now_ms = max(now_ms, state.at_ms)
    _pass_time(state, now_ms)
    _limit(state, report, now_ms)
    member = _member(state, process, report, now_ms)
    _await(state, member, report, now_ms)
    _break(state, report, now_ms)
    probe = _probe(state, process, report, now_ms)
    permits = _permit(state, member, report, now_ms)
    places = _place(state, member, report, now_ms)
    tell = _tell(state, process, report, now_ms)
    member.number += 1
    rate = state.rate
    return state, Standing(
        number=member.number,
        permits=permits,
        places=places,
        pace_per_s=rate,
        horizon_ms=state.ahead * 1_000 / rate if rate > 0 else 0.0,
        waiting=state.waiting,
        until_ms=max(0.0, state.until_ms - now_ms),
        level=state.level,
        open_ms=max(0.0, state.open_until_ms - now_ms),
        early_ms=max(0.0, state.early_from_ms - now_ms),
        probe=probe,
        answered_ms=_since(state.answered_ms, now_ms),
        accepted_ms=_since(state.accepted_ms, now_ms),
        recovered_ms=_since(state.recovered_ms, now_ms),
        tell=tell,
        telling=state.telling,
    )


def _since(at_ms: float, now_ms: float) -> float | None:
    return now_ms - at_ms if at_ms > 0 else None


def _pass_time(state: State, now_ms: float) -> None:
    """What ended meanwhile ends."""
    for name in [name for name, each in state.members.items() if now_ms - each.seen_ms > LEASE_FOR_MS]:
        del state.members[name]
    state.ahead = max(0.0, state.ahead - state.rate * (now_ms - state.at_ms) / 1_000)
    state.at_ms = now_ms


def _limit(state: State, report: Report, now_ms: float) -> None:
    """The newest limits. With another rate the waits of the old one are over; another URL is probed at once."""
    if report.revision <= state.revision:
        return
    state.revision = report.revision
    state.probe = ""
    if state.level >= 0:
        state.level = 0
        state.open_until_ms = state.early_from_ms = now_ms
    state.max_concurrency = report.max_concurrency or 0
    rate_per_s = report.rate_per_s or 0.0
    if rate_per_s != state.rate_per_s:
        state.rate_per_s = rate_per_s
        state.tat_ms = now_ms


def _member(state: State, process: str, report: Report, now_ms: float) -> Member:
    """Who reports, with the pace and the slots that it reports. One that is back reminds a state that was lost."""
    member = state.members.get(process)
    back = member is None and report.heard > 0
    if member is None:
        member = Member(number=report.heard, slots=report.slots_heard, waits=report.waits_heard)
        state.members[process] = member
    member.seen_ms = now_ms
    member.want = report.want
    member.wants = report.want + report.want_forward
    member.pace_per_s = report.pace_per_s
    paces = sum(each.pace_per_s for _, each in sorted(state.members.items()))
    if paces > 0:
        state.pace_per_s = paces
    state.ahead = max(0.0, state.ahead + report.slots - member.slots)
    member.slots = report.slots
    if back:
        state.ahead = max(state.ahead, report.horizon_ms * state.rate / 1_000)
        if state.rate_per_s > 0:
            state.tat_ms = max(state.tat_ms, now_ms) + report.permits * 1_000 / state.rate_per_s
    return member


def _await(state: State, member: Member, report: Report, now_ms: float) -> None:
    """How many wait, and until when; and how many keys have stopped."""
    if now_ms > state.until_ms + GONE_AFTER_MS:
        state.waiting = 0
    state.waiting = max(0, state.waiting + report.waits - member.waits)
    member.waits = report.waits
    if report.until_ms > 0:
        state.until_ms = max(state.until_ms, now_ms + report.until_ms)
    if state.waiting == 0:
        state.until_ms = 0.0
    member.blocked = report.blocked
    state.blocked = sum(each.blocked for each in state.members.values())


def _break(state: State, report: Report, now_ms: float) -> None:
    """What was seen of the endpoint: the newest answer against the oldest failure since."""
    if report.answered_ms is not None:
        state.answered_ms = max(state.answered_ms, now_ms - report.answered_ms)
    if report.accepted_ms is not None:
        state.accepted_ms = max(state.accepted_ms, now_ms - report.accepted_ms)
    if report.open is not None and report.failing_ms is not None and report.revision == state.revision:
        failing_ms = now_ms - report.failing_ms
        if failing_ms > state.answered_ms:
            state.failing_ms = failing_ms if state.level < 0 else min(state.failing_ms, failing_ms)
            state.level = max(state.level, report.open.level)
            state.open_until_ms = max(state.open_until_ms, now_ms + report.open.for_ms)
            state.early_from_ms = max(state.early_from_ms, now_ms + report.open.early_ms)
    if state.level >= 0 and state.answered_ms >= state.failing_ms:
        state.level = -1
        state.open_until_ms = state.early_from_ms = 0.0
        state.probe = ""
        state.recovered_ms = state.answered_ms


def _probe(state: State, process: str, report: Report, now_ms: float) -> bool:
    """Whether this process may send the probe, or has sent it."""
    if state.level < 0:
        state.probe = ""
        return False
    if state.probe not in ("", process) and now_ms <= state.probe_until_ms:
        return False
    from_ms = state.open_until_ms
    if report.early:
        from_ms = min(from_ms, state.early_from_ms)
    if report.probing or (now_ms >= from_ms and report.want + report.want_forward > 0):
        state.probe = process
        state.probe_until_ms = now_ms + LEASE_FOR_MS
        return True
    state.probe = ""
    return False


def _permit(state: State, member: Member, report: Report, now_ms: float) -> Permits | None:
    """The next permits. Those of an answer that was lost are given again, if they were the last."""
    if state.rate_per_s <= 0:
        return None
    gap_ms = 1_000 / state.rate_per_s
    if member.number != report.heard and member.tat_after_ms == state.tat_ms:
        state.tat_ms = member.tat_ms
    member.tat_after_ms = 0.0
    at_ms = max(state.tat_ms, now_ms)
    new = sum(1 for each in state.members.values() if each.want > 0)
    claimants = sum(1 for each in state.members.values() if each.wants > 0)
    wanted = min(report.want, _share(gap_ms, new)) - report.permits
    number = _within(at_ms, gap_ms, now_ms + AHEAD_MS, wanted)
    wanted = min(member.wants, _share(gap_ms, claimants)) - report.permits - number
    number += _within(at_ms + number * gap_ms, gap_ms, now_ms + FORWARD_AHEAD_MS, wanted)
    for_ms = max(PERMIT_FOR_MS, gap_ms / 20)
    if number <= 0:
        ahead_ms = AHEAD_MS if report.want > 0 else FORWARD_AHEAD_MS
        first_ms = max(ASK_AGAIN_MS, at_ms - now_ms - ahead_ms)
        return Permits(number=0, first_ms=first_ms, gap_ms=gap_ms, for_ms=for_ms)
    member.tat_ms = at_ms
    member.tat_after_ms = state.tat_ms = at_ms + number * gap_ms
    return Permits(number=number, first_ms=at_ms - now_ms, gap_ms=gap_ms, for_ms=for_ms)


def _share(gap_ms: float, claimants: int) -> int:
    """How many permits one of so many may have in hand."""
    return max(1, floor(AHEAD_MS / gap_ms / max(1, claimants)))


def _within(at_ms: float, gap_ms: float, until_ms: float, wanted: int) -> int:
    """How many of the wanted may start from `at_ms` on and not after `until_ms`."""
    if wanted <= 0 or at_ms > until_ms:
        return 0
    return min(wanted, floor((until_ms - at_ms) / gap_ms) + 1)


def _place(state: State, member: Member, report: Report, now_ms: float) -> int | None:
    """How many requests may be under way in this process.

    Each that wants places has an equal share, and more while nobody else wants it. Where there are fewer places than
    processes that want one they take turns, in the order in which they came.
    """
    if state.max_concurrency <= 0:
        return None
    wish = report.flying + member.wants
    others = [each for each in state.members.values() if each is not member]
    free = max(0, state.max_concurrency - sum(each.lease for each in others))
    claimants = 1 + sum(1 for each in others if each.lease > 0 or each.hungry_ms > 0)
    line = [each for each in others if each.hungry_ms > 0 and now_ms - each.seen_ms <= IN_LINE_MS]
    places = min(wish, free)
    if line or any(each.wants > 0 for each in others):
        places = min(places, max(1, state.max_concurrency // claimants))
    if member.lease > 0:
        if line and now_ms - member.turn_ms >= TURN_MS and claimants > state.max_concurrency:
            places = 0
    elif member.hungry_ms > 0:
        places = min(places, max(0, free - sum(1 for each in line if each.hungry_ms < member.hungry_ms)))
    else:
        places = min(places, max(0, free - len(line)))
    _lease(member, places, max(report.flying, report.places), now_ms)
    return places


def _lease(member: Member, places: int, taken: int, now_ms: float) -> None:
    """What it has counts until it says that it has less, whatever it may have from now on: the answer may be lost."""
    if member.lease == 0:
        member.turn_ms = now_ms
    member.lease = max(places, taken)
    if member.lease > 0 or member.wants == 0:
        member.hungry_ms = 0.0
    elif member.hungry_ms <= 0:
        member.hungry_ms = now_ms


def _tell(state: State, process: str, report: Report, now_ms: float) -> Tell | None:
    """Whether the customer is to be told that his webhook is behind, or has caught up: once, and when it is certain."""
    if report.told == state.telling:
        state.told = state.telling
    wait_ms = state.until_ms - now_ms
    behind = state.telling % 2 == 1
    if state.told == state.telling:
        changed = wait_ms <= 0 if behind else wait_ms > LONG_MS
        if not changed:
            state.otherwise_ms = 0.0
        elif state.otherwise_ms <= 0:
            state.otherwise_ms = now_ms
        elif now_ms - state.otherwise_ms >= (CALM_FOR_MS if behind else SURE_AFTER_MS):
            state.otherwise_ms = 0.0
            state.telling += 1
            state.teller = ""
    if state.told == state.telling:
        return None
    if state.teller not in ("", process) and now_ms <= state.teller_until_ms:
        return None
    state.teller = process
    state.teller_until_ms = now_ms + LEASE_FOR_MS
    return Tell.BEHIND if state.telling % 2 == 1 else Tell.CAUGHT_UP
