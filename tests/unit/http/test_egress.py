from itertools import pairwise

from consumer.http.egress import AGAIN_S, APART_S, Egress, State


def working() -> Egress[str]:
    egress: Egress[str] = Egress()
    egress.begin(0)
    egress.passed(0)
    return egress


def due_s(egress: Egress[str]) -> float | None:
    return egress.check_s


def test_nobody_begins_before_the_first_check_has_passed() -> None:
    egress: Egress[str] = Egress()
    assert egress.check_s == 0
    egress.suspect("before", 0)
    egress.begin(0)
    egress.suspect("meanwhile", 1)
    assert egress.passed(2) == ["before", "meanwhile"]
    assert egress.state is State.WORKS
    assert egress.check_s is None


def test_a_round_that_passes_decides_only_the_cases_of_those_who_came_before_it() -> None:
    egress = working()
    egress.suspect("before", 1)
    assert due_s(egress) == 1
    egress.begin(1)
    egress.suspect("meanwhile", 2)
    assert due_s(egress) is None, "one round at a time"
    assert egress.passed(3) == ["before"]
    assert due_s(egress) == 3
    egress.begin(3)
    assert egress.passed(4) == ["meanwhile"]


def test_a_round_that_fails_clears_everybody_and_is_made_again_after_longer_and_longer_times() -> None:
    egress = working()
    egress.suspect("before", 1)
    egress.begin(1)
    egress.suspect("meanwhile", 2)
    assert egress.failed(3) == ["before", "meanwhile"]
    assert egress.state is State.BROKEN
    times = [egress.check_s]
    for _ in range(len(AGAIN_S) + 2):
        egress.begin(1)
        assert egress.failed(0) == []
        times.append(egress.check_s)
    assert times[0] == 3 + AGAIN_S[0]
    later = [each for each in times[1:] if each is not None]
    assert all(one <= other for one, other in pairwise(later))
    assert later[-1] == AGAIN_S[-1]
    egress.begin(1)
    egress.passed(9)
    egress.suspect("again", 10)
    egress.begin(1)
    egress.failed(10)
    assert egress.check_s == 10 + AGAIN_S[0], "it begins from the beginning"


def test_what_cannot_be_connected_to_is_broken_without_a_round() -> None:
    egress = working()
    egress.suspect("one", 1)
    egress.begin(1)
    egress.suspect("other", 1)
    assert sorted(egress.broke(2)) == ["one", "other"]
    assert egress.state is State.BROKEN
    assert egress.failed(3) == []
    idle = working()
    assert idle.broke(5) == []
    assert idle.check_s == 5 + AGAIN_S[0]
    assert idle.broke(6) == []
    assert idle.check_s == 5 + AGAIN_S[0], "another one who meets it puts the check off no further"


def test_rounds_are_apart_however_many_are_refused() -> None:
    egress = working()
    rounds, now_s = 0, 10.0
    while now_s < 11.0:
        egress.suspect("another", now_s)
        if egress.check_s is not None and egress.check_s <= now_s:
            egress.begin(now_s)
            egress.passed(now_s)
            rounds += 1
        now_s += 0.001
    assert 5 <= rounds <= 1 / APART_S + 1
