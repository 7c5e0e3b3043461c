"""The two clocks of a delivery, as the core lets them run: one for failing, one for waiting."""

import pytest
from msgspec.structs import replace

from consumer.delivery.answer import FailureKind
from consumer.delivery.breaker import THRESHOLD
from consumer.delivery.delivery import DeadLetter, Delivery
from consumer.delivery.outcome import DeathReason
from consumer.delivery.step import Bury, Delay, Write
from tests.deliveries import NOW_MS, SCHEDULE, delivery, event, failure, response, subscription
from tests.unit.delivery.test_core_steps import RETRY, Bench

LIMITED = subscription("limited", rate_per_s=0.001)


def test_the_wait_for_a_turn_is_told_in_the_record_and_ends_with_the_attempt() -> None:
    bench = Bench(LIMITED)
    bench.consume(event("1"), event("2", offset=1))
    [(_, write)] = bench.next().write
    waiting = waits(write)
    assert (waiting.waiting_since_ms, waiting.waited_ms, waiting.attempts) == (NOW_MS, 0, 0)
    tried = replace(
        waiting, tier=1, slot_ms=NOW_MS + 4, attempts=1, first_attempt_ms=NOW_MS + 1, waiting_since_ms=NOW_MS + 2
    )
    again = Bench(subscription("limited"))
    again.consume(tried, partition=RETRY)
    [(token, _)] = again.next(after_ms=5_000).send
    again.core.answered(again.now_ms, token, response(500))
    [(_, write)] = again.next().write
    failed = waits(write)
    assert (failed.waiting_since_ms, failed.slot_ms, failed.waited_ms) == (None, None, 4_998)


def test_what_waits_for_its_turn_for_too_long_is_waited_and_says_so_to_a_customer() -> None:
    dead = dead_letter(offered(delivery(to="limited"), at_ms=NOW_MS + SCHEDULE.wait_for_ms))
    assert dead.reason == DeathReason.WAITED
    assert dead.detail == (
        "its turn did not come in time: the endpoint was sent more than it takes, or could not be reached"
    )
    assert waits(offered(delivery(to="limited"), at_ms=NOW_MS + SCHEDULE.wait_for_ms - 1)).attempts == 0


def test_one_that_was_tried_may_wait_as_long_and_does_not_expire_of_it() -> None:
    late_ms = NOW_MS + SCHEDULE.retry_for_ms + 1_000
    tried = replace(delivery(to="limited", attempts=1), first_attempt_ms=NOW_MS)
    assert dead_letter(offered(tried, at_ms=late_ms)).reason == DeathReason.EXPIRED
    assert waits(offered(replace(tried, waiting_since_ms=NOW_MS + 1), at_ms=late_ms)).waiting_since_ms == NOW_MS + 1
    assert waits(offered(replace(tried, waited_ms=2_000), at_ms=late_ms)).waited_ms == 2_000


@pytest.mark.parametrize(("attempts", "reason"), [(0, DeathReason.WAITED), (1, DeathReason.EXPIRED)])
def test_an_open_breaker_is_a_failure_of_what_was_tried_and_a_wait_of_what_was_not(
    attempts: int, reason: DeathReason
) -> None:
    bench = Bench(subscription("sub_1"))
    bench.consume(*(event(str(number), offset=number) for number in range(THRESHOLD)))
    fail(bench)
    bench.consume(event("probe", offset=THRESHOLD), first=THRESHOLD)
    fail(bench, after_ms=1_000)
    end_ms = SCHEDULE.retry_for_ms if attempts else SCHEDULE.wait_for_ms
    first_ms = bench.now_ms - end_ms
    of = replace(
        delivery(attempts=attempts), climbed=1, first_due_ms=first_ms, first_attempt_ms=first_ms if attempts else None
    )
    younger = replace(of, first_due_ms=first_ms + 1, first_attempt_ms=first_ms + 1 if attempts else None, id="0" * 32)
    bench.consume(replace(of, tier=0), replace(younger, tier=0), partition=RETRY)
    [(_, over), (_, goes_on)] = bench.next().write
    assert dead_letter(over).reason == reason
    assert (waits(goes_on).climbed, waits(goes_on).waiting_since_ms) == (1, None)


def fail(bench: Bench, *, after_ms: int = 0) -> None:
    for token, _ in bench.next(after_ms=after_ms).send:
        bench.core.answered(bench.now_ms, token, failure(FailureKind.CONNECT))
    bench.next()


def offered(of: Delivery, *, at_ms: int) -> Write:
    """What becomes of it when it comes up while its lane is behind."""
    bench = Bench(LIMITED)
    bench.now_ms = at_ms
    bench.consume(event("first"))
    bench.next()
    bench.consume(replace(of, tier=0), partition=RETRY)
    [(_, write)] = bench.next(after_ms=0).write
    return write


def waits(write: Write) -> Delivery:
    assert isinstance(write, Delay)
    assert isinstance(write.delayed, Delivery)
    return write.delayed


def dead_letter(write: Write) -> DeadLetter:
    assert isinstance(write, Bury)
    return write.dead_letter
