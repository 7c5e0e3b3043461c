"""A start as it is told: who waits for what, and that all are ready."""

from consumer.roles.readiness import AFTER_S, APART_S, Readiness, Ready, Waiting

STARTING = {"it is starting": ["deliver/0", "retry/0"]}
AWAY = {"Kafka does not answer": ["deliver/0"]}


def test_a_quick_start_is_one_line() -> None:
    readiness = Readiness(100.0)
    assert readiness.told(100.5, STARTING) is None
    assert readiness.told(101.2, {}) == Ready(after_s=1.2)
    assert readiness.told(101.3, {}) is None
    assert readiness.told(150.0, AWAY) is None, "told after it was ready once"


def test_a_slow_one_says_who_waits_for_what_within_two_seconds() -> None:
    readiness = Readiness(0.0)
    assert readiness.told(AFTER_S - 0.01, STARTING) is None
    assert AFTER_S < 2
    assert readiness.told(AFTER_S, STARTING) == Waiting(reasons=("deliver/0, retry/0: it is starting",))


def test_the_same_is_not_said_twice_and_nothing_too_often() -> None:
    readiness = Readiness(0.0)
    readiness.told(AFTER_S, STARTING)
    assert readiness.told(60.0, STARTING) is None
    assert readiness.told(60.0, AWAY) == Waiting(reasons=("deliver/0: Kafka does not answer",))
    assert readiness.told(60.0 + APART_S - 0.1, STARTING) is None
    assert readiness.told(60.0 + APART_S, STARTING) is not None
