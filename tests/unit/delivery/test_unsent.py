"""What becomes of a delivery whose request came to nothing because the way out is broken."""

from collections.abc import Sequence

from consumer.delivery.breaker import THRESHOLD
from consumer.delivery.core import Core
from consumer.delivery.offsets import Position
from consumer.delivery.step import Delay
from consumer.signing.request import Request
from consumer.webhooks.reader import Loaded
from tests.deliveries import NOW_MS, event, record_at, response, rules, subscription, target_of

PLACE = ("events", 0)


def core_with(records: int) -> Core:
    core = Core(rules(), decode=lambda record: event(offset=record.offset), target=target_of)
    core.assigned({PLACE: Position(0)})
    core.records(NOW_MS, [record_at(PLACE, offset) for offset in range(records)])
    core.next(NOW_MS, NOW_MS)
    core.loaded(NOW_MS, "acme", Loaded(version="1", subscriptions=(subscription(),)))
    return core


def offsets(core: Core, send: Sequence[tuple[int, Request]]) -> set[int]:
    """Which records are sent."""
    jobs = [core.sent_for(token) for token, _ in send]
    return {job.entry.offset for job in jobs if job is not None}


def test_it_is_no_attempt_and_teaches_nothing_about_its_endpoint() -> None:
    core, now_ms = core_with(1), NOW_MS
    for _ in range(3 * THRESHOLD):
        [(token, _)] = core.next(now_ms, now_ms).send
        now_ms += 10_000
        core.unsent(now_ms, token)
    step = core.next(now_ms, now_ms)
    assert (step.write, step.attempts, step.reports) == ([], [], [])
    [(token, _)] = step.send
    assert core.positions()[PLACE].offset == 0
    core.answered(now_ms, token, response())
    step = core.next(now_ms, now_ms)
    [(_, attempt)] = step.attempts
    assert attempt.number == 1
    assert core.positions()[PLACE].offset == 1
    assert core.counted()["unsent"] == 3 * THRESHOLD


def test_it_is_sent_again_before_what_came_behind_it() -> None:
    core = core_with(100)
    first = core.next(NOW_MS, NOW_MS).send
    sent = offsets(core, first)
    for token, _ in first:
        core.unsent(NOW_MS, token)
    assert offsets(core, core.next(NOW_MS, NOW_MS).send) == sent


def test_a_partition_that_goes_leaves_it_to_its_next_owner() -> None:
    core = core_with(1)
    [(token, _)] = core.next(NOW_MS, NOW_MS).send
    core.drain(NOW_MS, [PLACE])
    core.unsent(NOW_MS, token)
    [(written, write)] = core.next(NOW_MS, NOW_MS).write
    assert isinstance(write, Delay)
    assert write.delayed.tier == 0 or write.tier == 0
    core.acknowledged(written)
    assert core.drained


def test_of_a_partition_that_was_lost_and_came_back_it_is_sent() -> None:
    core = core_with(1)
    [(token, _)] = core.next(NOW_MS, NOW_MS).send
    core.lost([PLACE])
    core.unsent(NOW_MS, token)
    core.assigned({PLACE: Position(0)})
    core.records(NOW_MS, [record_at(PLACE, 0)])
    assert len(core.next(NOW_MS, NOW_MS).send) == 1


def test_one_that_was_handed_over_or_given_up_meanwhile_is_over() -> None:
    core = core_with(1)
    [(token, _)] = core.next(NOW_MS, NOW_MS).send
    core.drain(NOW_MS, [PLACE])
    core.hand_over(NOW_MS)
    core.unsent(NOW_MS, token)
    assert core.next(NOW_MS, NOW_MS).send == []
