"""What goes forward when, in a whole core: from the hold, after a recovery or because there is room."""

from dataclasses import replace

from msgspec import structs

from consumer.delivery.answer import Answer
from consumer.delivery.breaker import THRESHOLD
from consumer.delivery.core import Core
from consumer.delivery.delivery import Delivery, delivery_id
from consumer.delivery.intake import Content
from consumer.delivery.lane import Patience
from consumer.delivery.offsets import Partition, Position
from consumer.delivery.standing import Standing
from consumer.delivery.step import Bury, Delay, Step
from consumer.events.event import Record
from consumer.webhooks.reader import Loaded
from consumer.webhooks.subscription import Subscription
from tests.deliveries import NOW_MS, event, failure, limits, response, rules, subscription, target_of

MINUTE_MS = 60_000
TOPICS = ("retry.0s", "retry.1s", "retry.5s", "retry.20s")
LAST = 3  # the tier


class Bench:
    """A core of the role retry with two partitions of each delay topic, driven by hand. Times are since its start."""

    def __init__(self, *subscriptions: Subscription, in_flight: int = 64) -> None:
        self.subscriptions = subscriptions or (subscription(),)
        self.contents: dict[tuple[Partition, int], Content] = {}
        self.ends = dict.fromkeys(((topic, number) for topic in TOPICS for number in range(2)), 0)
        self.core = self._core(in_flight)
        self.core.assigned(dict.fromkeys(self.ends, Position(0)))
        self.at_ms = 0
        self.sent: dict[str, int] = {}
        self.written: list[Delay | Bury] = []

    def _core(self, in_flight: int) -> Core:
        of_limits = limits(in_flight=in_flight, patience=Patience(wait_ms=10_000, slow_ms=None))
        return Core(rules(of_limits=of_limits), decode=self._decode, target=target_of)

    def _decode(self, record: Record) -> Content:
        return self.contents[(record.topic, record.partition), record.offset]

    def hold(self, *deliveries: Delivery, tier: int = LAST, partition: int = 0) -> None:
        """These come from a delay topic now, to be due when its delay is over, or a tenth of it later."""
        place = TOPICS[tier], partition
        records: list[Record] = []
        for each in deliveries:
            offset = self.ends[place]
            self.ends[place] += 1
            self.contents[place, offset] = structs.replace(each, tier=tier)
            records.append(
                Record(
                    topic=TOPICS[tier],
                    partition=partition,
                    offset=offset,
                    key=each.subscription_id.encode(),
                    value=b"x" * 100,
                    headers=(),
                    timestamp_ms=NOW_MS + self.at_ms,
                )
            )
        self.core.records(NOW_MS + self.at_ms, records)

    def turn(self, *, after_ms: int = 0) -> list[str]:
        """One turn so much later; what it sends, by the events' ids."""
        self.at_ms += after_ms
        step = self._next()
        if step.load:
            for tenant in step.load:
                mine = tuple(each for each in self.subscriptions if each.tenant == tenant)
                self.core.loaded(NOW_MS + self.at_ms, tenant, Loaded(version="1", subscriptions=mine))
            further = self._next()
            step.send += further.send
            step.write += further.write
        sent: list[str] = []
        for token, _ in step.send:
            job = self.core.sent_for(token)
            assert job is not None
            self.sent[job.delivery.event.id] = token
            sent.append(job.delivery.event.id)
        for token, write in step.write:
            assert isinstance(write, Delay | Bury)
            self.written.append(write)
            self.core.acknowledged(token)
        return sent

    def _next(self) -> Step:
        return self.core.next(NOW_MS + self.at_ms, NOW_MS + self.at_ms)

    def answer(self, *events: str, with_: Answer | None = None) -> None:
        for each in events:
            self.core.answered(NOW_MS + self.at_ms, self.sent.pop(each), with_ or response())

    def rest(self, answer: Answer | None = None) -> list[str]:
        """Turn a second at a time, answering all at once, until nothing more goes; what went, in order."""
        went: list[str] = []
        for _ in range(400):
            sent = self.turn(after_ms=10)
            self.answer(*sent, with_=answer)
            went += sent
        return went


def of(name: str, *, to: str = "sub_1", tenant: str = "acme", age_ms: int = 0) -> Delivery:
    """A spill."""
    happened = event(name, tenant=tenant)
    first_due_ms = NOW_MS - age_ms
    return Delivery(
        id=delivery_id(happened, to), event=happened, subscription_id=to, first_due_ms=first_due_ms, spills=1
    )


def failed(name: str, *, to: str = "sub_1", attempts: int = 1, at_ms: int = 0, status: int | None = None) -> Delivery:
    """One whose last attempt was at `at_ms`."""
    return structs.replace(
        of(name, to=to), attempts=attempts, last_attempt_ms=NOW_MS + at_ms, last_status=status, spills=0
    )


def broken(bench: Bench) -> None:
    """The breaker of sub_1 opens: for a second, then a probe may go."""
    bench.hold(*(of(f"early {number}") for number in range(THRESHOLD)), tier=0)
    sent = bench.turn()
    while sent:
        bench.answer(*sent, with_=failure())
        sent = bench.turn()


def back(bench: Bench) -> None:
    """It is due, and accepted."""
    bench.hold(of("probe"), tier=1)
    assert bench.turn(after_ms=1_100) == ["probe"]
    bench.answer("probe")


def told(bench: Bench, webhook: str, ago_ms: float = 0.0) -> None:
    """Another process has heard of its recovery."""
    bench.core.standing(NOW_MS + bench.at_ms, webhook, replace(standing(), recovered_ms=ago_ms))


def standing() -> Standing:
    """That tells nothing."""
    return Standing(
        number=1,
        permits=None,
        places=None,
        pace_per_s=0.0,
        horizon_ms=0.0,
        waiting=0,
        until_ms=0.0,
    )


def test_nothing_goes_forward_by_itself_nor_to_find_out_whether_an_endpoint_is_back() -> None:
    bench = Bench()
    bench.hold(of("a"), failed("b"))
    assert bench.turn(after_ms=10_000) == []
    broken(bench)
    bench.hold(of("c"), failed("d"))
    assert bench.turn(after_ms=5_000) == []  # the breaker would let a probe through


def test_after_the_first_success_all_that_waits_goes_forward_the_oldest_first_and_slowly_at_first() -> None:
    bench = Bench()
    broken(bench)
    bench.hold(*(of(f"{age}", age_ms=age) for age in (3, 1, 2)))
    bench.hold(structs.replace(failed("9"), first_due_ms=NOW_MS - 9), of("7", age_ms=7), partition=1)
    bench.hold(*(of(f"{age}", age_ms=age) for age in (6, 5, 4, 8)), tier=2)
    back(bench)
    assert bench.turn() == []  # a little later, as all that recover together
    first = bench.turn(after_ms=999)
    assert first == ["9", "8", "7", "6"]  # half of what a lane begins with: its limit fell with the failures
    bench.answer(*first)
    assert bench.rest() == ["5", "4", "3", "2", "1"]


def test_only_a_success_brings_forward_what_waits_for_its_turn_and_not_what_failed() -> None:
    bench = Bench()
    bench.hold(of("first"), tier=1)
    assert bench.turn(after_ms=1_100) == ["first"]
    bench.hold(of("waits"), failed("failed", at_ms=1), structs.replace(of("slot"), slot_ms=NOW_MS + 900_000))
    assert bench.turn(after_ms=10) == []
    bench.answer("first")
    assert sorted(bench.rest()) == ["slot", "waits"]
    assert bench.turn(after_ms=22_000) == ["failed"]


def test_two_failures_over_a_minute_and_a_success_are_a_recovery() -> None:
    bench = Bench()
    for name in ("a", "b"):
        bench.hold(of(name), tier=1)
        assert bench.turn(after_ms=1_100) == [name]
        bench.answer(name, with_=response(500))
        bench.turn(after_ms=30_000)
    bench.hold(
        failed("unreachable", at_ms=bench.at_ms),
        failed("its last", attempts=3, at_ms=bench.at_ms, status=500),
        failed("its last, unreachable", attempts=3, at_ms=bench.at_ms),
        failed("too many", at_ms=bench.at_ms, status=429),
        failed("since", at_ms=bench.at_ms + 1_100),
    )
    back(bench)
    assert sorted(bench.rest()) == ["its last, unreachable", "unreachable"]


def test_one_failure_among_successes_is_none() -> None:
    bench = Bench()
    bench.hold(of("a"), tier=1)
    bench.turn(after_ms=1_100)
    bench.answer("a", with_=response(500))
    bench.turn(after_ms=120_000)
    bench.hold(failed("b", at_ms=bench.at_ms))
    back(bench)
    assert bench.rest() == []


def test_what_failed_again_waits_for_its_time_and_three_failures_in_a_row_end_it() -> None:
    bench = Bench(subscription(max_concurrency=1))
    broken(bench)
    bench.hold(*(failed(f"{number}", at_ms=bench.at_ms) for number in range(10)))
    back(bench)
    went = bench.rest(response(500))
    assert len(went) == 3
    assert [each.delayed.event.id for each in bench.written[-3:] if isinstance(each, Delay)] == went


def test_another_process_s_word_of_a_recovery_brings_one_forward_then_as_many_as_its_lane_takes() -> None:
    bench = Bench()
    bench.hold(*(of(f"{number}") for number in range(30)))
    told(bench, "sub_1")
    assert bench.turn() == []  # webhooks that recover together begin apart
    first = bench.turn(after_ms=1_000)
    assert len(first) == 1
    assert bench.turn(after_ms=10) == []
    bench.answer(*first)
    assert 1 < len(bench.turn(after_ms=10)) <= 8


def test_what_another_process_delivered_after_failures_is_a_recovery_too() -> None:
    bench = Bench()
    bench.hold(failed("a", status=503), failed("since", at_ms=2_000, status=503))
    bench.core.standing(NOW_MS + 1_000, "sub_1", replace(standing(), accepted_ms=0.0))
    bench.at_ms = 2_500
    assert bench.rest() == ["a"]


def test_a_recovery_that_is_told_again_is_the_same() -> None:
    bench = Bench(subscription(max_concurrency=1))
    bench.hold(*(failed(f"{number}", at_ms=-5_000) for number in range(10)))
    told(bench, "sub_1")
    assert len(bench.rest(response(500))) == 3
    told(bench, "sub_1", ago_ms=bench.at_ms - 9.0)
    assert bench.rest() == []


def test_what_goes_forward_leaves_room_to_what_is_due_and_webhooks_take_turns() -> None:
    apart = (subscription(f"sub_{number}", url=f"https://host-{number}.test/") for number in range(8))
    bench = Bench(*apart, in_flight=16)
    for number in range(8):
        bench.hold(*(of(f"{number}/{each}", to=f"sub_{number}") for each in range(20)), partition=number % 2)
        told(bench, f"sub_{number}")
    firsts = bench.turn(after_ms=1_000)
    assert len(firsts) == 8
    bench.answer(*firsts)
    sent = bench.turn(after_ms=1)
    assert len(sent) == 12
    assert len({each.split("/")[0] for each in sent}) >= 2
    assert bench.turn(after_ms=1) == []


def test_a_partition_that_is_lost_takes_what_would_have_gone_forward_with_it() -> None:
    bench = Bench()
    bench.hold(of("a"))
    bench.hold(of("b"), partition=1)
    told(bench, "sub_1")
    bench.core.lost([(TOPICS[LAST], 0)])
    assert bench.rest() == ["b"]
