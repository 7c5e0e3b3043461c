from msgspec.structs import replace

from consumer.delivery.core import Core
from consumer.delivery.delivery import Trigger
from consumer.delivery.intake import Content
from consumer.delivery.offsets import Position
from consumer.delivery.step import Step
from consumer.delivery.worth import IN_ORDER, KEPT_BACK, OPEN, SLOW
from consumer.events.event import Poison, Record
from consumer.events.reasons import PoisonReason
from consumer.webhooks.reader import Loaded
from tests.deliveries import NOW_MS, delivery, event, failure, response, rules, subscription, target_of

EVENTS, RETRY = ("orders", 0), ("hookline.retry.5s", 0)


class Bench:
    """A core with one event partition and one delay partition."""

    def __init__(self) -> None:
        self.contents: dict[tuple[str, int], Content] = {}
        self.core = Core(rules(), decode=lambda record: self.contents[record.topic, record.offset], target=target_of)
        self.core.assigned({EVENTS: Position(3), RETRY: Position(0)})
        self.now_ms = NOW_MS

    def consume(self, content: Content, offset: int, *, at_ms: int, partition: tuple[str, int] = EVENTS) -> None:
        self.contents[partition[0], offset] = content
        record = Record(
            topic=partition[0],
            partition=partition[1],
            offset=offset,
            key=None,
            value=b"",
            headers=(),
            timestamp_ms=at_ms,
        )
        self.core.records(self.now_ms, [record])

    def next(self) -> Step:
        step = self.core.next(self.now_ms, self.now_ms)
        for tenant in step.load:
            self.core.loaded(self.now_ms, tenant, Loaded(version="1", subscriptions=(subscription(),)))
        if step.load:
            further = self.core.next(self.now_ms, self.now_ms)
            step.send += further.send
            step.write += further.write
        return step


def test_a_partition_tells_what_it_has_not_ended_and_since_when() -> None:
    bench = Bench()
    before = {each.partition: each for each in bench.core.vitals(NOW_MS, NOW_MS).partitions}
    assert (before[EVENTS].next, before[EVENTS].unfinished, before[EVENTS].oldest_ms) == (3, 0, None)

    bench.consume(event("a"), 3, at_ms=NOW_MS - 9_000)
    bench.consume(event("b"), 4, at_ms=NOW_MS - 1_000)
    sent = bench.next().send
    now = {each.partition: each for each in bench.core.vitals(NOW_MS, NOW_MS).partitions}
    assert (now[EVENTS].next, now[EVENTS].unfinished, now[EVENTS].oldest_ms) == (5, 2, NOW_MS - 9_000)

    bench.core.answered(NOW_MS, sent[0][0], response(200))
    then = {each.partition: each for each in bench.core.vitals(NOW_MS, NOW_MS).partitions}
    assert (then[EVENTS].unfinished, then[EVENTS].oldest_ms) == (1, NOW_MS - 1_000)


def test_the_length_of_a_map_is_that_of_the_last_position() -> None:
    bench = Bench()
    for offset in (3, 4):
        bench.consume(event(str(offset)), offset, at_ms=NOW_MS)
    sent = bench.next().send
    bench.core.answered(NOW_MS, sent[1][0], response(200))
    position = bench.core.positions()[EVENTS]

    [events] = [each for each in bench.core.vitals(NOW_MS, NOW_MS).partitions if each.partition == EVENTS]
    assert position.metadata
    assert events.map_chars == len(position.metadata)


def test_positions_are_told_anew_when_the_broker_takes_less() -> None:
    bench = Bench()
    for offset in (3, 4):
        bench.consume(event(str(offset)), offset, at_ms=NOW_MS)
    bench.core.answered(NOW_MS, bench.next().send[1][0], response(200))
    assert bench.core.changed_positions()[EVENTS].metadata
    assert bench.core.changed_positions() == {}
    bench.core.bound_maps(20)
    assert bench.core.changed_positions()[EVENTS] == Position(3)
    bench.core.bound_maps(20)
    assert bench.core.changed_positions() == {}


def test_what_is_due_and_not_begun_is_overdue() -> None:
    bench = Bench()
    bench.consume(delivery(attempts=1, tier=1), 0, at_ms=NOW_MS, partition=RETRY)
    assert bench.core.vitals(NOW_MS, NOW_MS).overdue_ms == 0

    [held] = [each.held for each in bench.core.vitals(NOW_MS, NOW_MS).partitions if each.partition == RETRY]
    assert held == 1
    overdue_ms = bench.core.vitals(NOW_MS, NOW_MS + 60_000).overdue_ms
    assert 57_000 <= overdue_ms <= 59_000, "a second of delay, and its jitter"


def test_a_lane_is_told_by_how_its_endpoint_does() -> None:
    bench = Bench()
    bench.consume(event("a"), 3, at_ms=NOW_MS)
    [(token, _)] = bench.next().send
    states = bench.core.vitals(NOW_MS, NOW_MS).lanes
    assert (states[IN_ORDER], states[OPEN], states[SLOW], states[KEPT_BACK]) == (1, 0, 0, 0)

    bench.now_ms += 3_000
    bench.next()
    assert bench.core.vitals(bench.now_ms, bench.now_ms).lanes[SLOW] == 1

    bench.core.answered(bench.now_ms, token, response(200))


def test_a_lane_whose_endpoint_cannot_be_reached_is_open() -> None:
    bench = Bench()
    for offset in range(3, 8):
        bench.consume(event(str(offset)), offset, at_ms=NOW_MS)
        for token, _ in bench.next().send:
            bench.core.answered(NOW_MS, token, failure())

    assert bench.core.vitals(NOW_MS, NOW_MS).lanes[OPEN] == 1


def test_attempts_are_told_by_what_followed() -> None:
    bench = Bench()
    bench.consume(event("a"), 3, at_ms=NOW_MS - 400)
    bench.consume(event("b"), 4, at_ms=NOW_MS)
    bench.consume(event("c"), 5, at_ms=NOW_MS)
    first, second, third = bench.next().send
    bench.core.answered(NOW_MS, first[0], response(200))
    bench.core.answered(NOW_MS, second[0], response(503))
    bench.core.answered(NOW_MS, third[0], response(410))

    tally = bench.core.tally
    assert tally.attempts == {("delivered", "2xx"): 1, ("retry", "5xx"): 1, ("dead", "410"): 1}
    assert tally.dead_letters["gone"] == 1
    assert sum(tally.first.counts) == 1
    assert sum(tally.later.counts) == 0


def test_a_first_attempt_that_waited_and_a_retry_are_another_latency_than_a_first() -> None:
    for tried in (replace(delivery(), attempts=1, tier=1), replace(delivery(), spills=1, tier=1)):
        bench = Bench()
        bench.consume(tried, 0, at_ms=NOW_MS, partition=RETRY)
        bench.now_ms += 60_000
        for token, _ in bench.next().send:
            bench.core.answered(bench.now_ms, token, response(200))

        assert sum(bench.core.tally.later.counts) == 1
        assert sum(bench.core.tally.first.counts) == 0


def test_what_is_sent_again_on_purpose_says_nothing_of_latency() -> None:
    bench = Bench()
    bench.consume(replace(delivery(), trigger=Trigger.REPLAY, tier=0), 0, at_ms=NOW_MS, partition=RETRY)
    bench.now_ms += 60_000
    for token, _ in bench.next().send:
        bench.core.answered(bench.now_ms, token, response(200))

    tally = bench.core.tally
    assert tally.attempts == {("delivered", "2xx"): 1}
    assert sum(tally.later.counts) + sum(tally.first.counts) == 0


def test_poison_is_told_by_its_reason() -> None:
    bench = Bench()
    bench.consume(Poison(reason=PoisonReason.TOO_DEEP, detail=""), 3, at_ms=NOW_MS)

    assert bench.core.tally.poison["too_deep"] == 1
    assert bench.core.tally.poison["too_large"] == 0
