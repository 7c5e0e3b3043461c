"""Which webhooks have an account, when they are told of, and when they are forgotten."""

from collections.abc import Iterator
from dataclasses import replace

from msgspec import structs

from consumer.delivery.account import EVERY_MS, LINGERS_MS
from consumer.delivery.exchange import exchange
from consumer.delivery.lane import Job
from consumer.delivery.lanes import IDLE_MS
from consumer.delivery.outcome import read
from consumer.delivery.standing import Report, Standing
from consumer.delivery.state import State
from consumer.delivery.traffic import Traffic
from consumer.webhooks.subscription import Subscription
from tests.deliveries import NOW_MS, delivery, failure, job, limits, response, subscription

STANDING = Standing(number=1, permits=None, places=None, pace_per_s=0.0, horizon_ms=0.0, waiting=0, until_ms=0.0)


class Bench:
    def __init__(self) -> None:
        self.awaited: set[str] = set()
        self.traffic = Traffic(limits(), shared=True, awaited=self.awaited.__contains__)
        self.now_ms = NOW_MS
        self.states: dict[str, State] = {}

    def start(self, webhook: Subscription) -> list[Job]:
        assert self.traffic.offer(job(webhook), self.now_ms) is None
        return list(self.traffic.start(self.now_ms))

    def answer(self, started: list[Job], *, well: bool = True) -> None:
        for each in started:
            self.traffic.answered(each, read(response() if well else failure(), self.now_ms), self.now_ms)

    def reports(self, for_ms: int, *, answered: bool = True) -> Iterator[Report]:
        """What is told in so long, a look every 10 ms."""
        until_ms = self.now_ms + for_ms
        while self.now_ms < until_ms:
            for report in self.traffic.standings.reports(self.now_ms):
                yield report
                state = self.states.get(report.subscription_id, State())
                state, standing = exchange(state, "one", report, float(self.now_ms))
                self.states[report.subscription_id] = state
                self.traffic.heard(self.now_ms, report.subscription_id, standing if answered else None)
            self.traffic.overdue(self.now_ms)
            self.now_ms += 10


def test_a_healthy_webhook_without_limits_has_none() -> None:
    bench = Bench()
    bench.answer(bench.start(subscription()))
    assert list(bench.reports(5_000)) == []
    assert len(bench.traffic.standings) == 0


def test_what_is_wanted_is_told_at_once_and_then_four_times_a_second() -> None:
    bench = Bench()
    limited = subscription(rate_per_s=2.0)
    assert bench.start(limited) == []
    assert len(list(bench.reports(10))) == 1
    started = bench.start(limited)
    assert len(started) == 1
    for _ in range(20):
        bench.traffic.offer(job(limited), bench.now_ms)
    assert 4 <= len(list(bench.reports(1_000))) <= 6


def test_while_a_report_is_under_way_no_other_is_made() -> None:
    bench = Bench()
    assert bench.start(subscription(rate_per_s=2.0)) == []
    assert len(bench.traffic.standings.reports(NOW_MS)) == 1
    assert bench.traffic.standings.asking == 1
    assert [bench.traffic.standings.reports(NOW_MS + after_ms) for after_ms in (0, 250, 5_000)] == [[], [], []]
    bench.traffic.heard(NOW_MS + 5_000, "sub_1", None)
    assert bench.traffic.standings.asking == 0
    assert len(bench.traffic.standings.reports(NOW_MS + 5_250)) == 1


def test_a_failure_is_told_and_its_end_at_once() -> None:
    bench = Bench()
    bench.answer(bench.start(subscription()), well=False)
    assert [report.failing_ms for report in bench.reports(300)] != []
    bench.answer(bench.start(subscription()))
    [first, *_] = bench.reports(20)
    assert (first.failing_ms, first.answered_ms) == (None, 0)


def test_what_is_over_is_forgotten_with_its_lane() -> None:
    bench = Bench()
    bench.answer(bench.start(subscription()), well=False)
    bench.answer(bench.start(subscription()))
    limited = subscription("limited", rate_per_s=100.0)
    bench.start(limited)
    list(bench.reports(1_000))
    bench.answer(list(bench.traffic.start(bench.now_ms)))
    list(bench.reports(IDLE_MS + 3 * LINGERS_MS))
    assert len(bench.traffic.standings) == 0
    assert list(bench.reports(5_000)) == []


def test_a_webhook_of_which_something_waits_here_is_listened_for() -> None:
    bench = Bench()
    bench.awaited.add("sub_1")
    bench.traffic.standings.listen(bench.now_ms, {"sub_1": "acme"})
    heard = list(bench.reports(10_000))
    assert 9 <= len(heard) <= 11
    assert {(each.want, each.flying) for each in heard} == {(0, 0)}
    bench.awaited.clear()
    list(bench.reports(3 * LINGERS_MS))
    assert len(bench.traffic.standings) == 0


def test_what_is_new_is_told_apart_from_what_comes_before_its_time() -> None:
    bench = Bench()
    limited = subscription(rate_per_s=0.1)
    waited = delivery(to=limited.id, tier=2)
    slots = (None, bench.now_ms + 60_000, bench.now_ms)
    for of in (
        delivery(to=limited.id),
        delivery(to=limited.id, tier=2, attempts=1),
        *(structs.replace(waited, slot_ms=slot) for slot in slots),
    ):
        bench.traffic.standings.joined(bench.traffic._lane(limited), limited).lanes[0].queue.append(job(limited, of=of))
    account = bench.traffic.standings.account(limited.id)
    assert account is not None
    report = account.report(bench.now_ms)
    assert (report.want, report.want_forward) == (3, 2)


def test_very_many_are_told_of_in_several_turns() -> None:
    bench = Bench()
    traffic = Traffic(limits(queued=10_000), shared=True)
    for number in range(600):
        traffic.offer(job(subscription(f"sub_{number}", tenant=f"t{number % 2}", rate_per_s=1.0)), bench.now_ms)
    list(traffic.start(bench.now_ms))
    assert [len(traffic.standings.reports(bench.now_ms)) for _ in range(4)] == [256, 256, 88, 0]


def test_one_that_leaves_gives_its_places_back() -> None:
    bench = Bench()
    bench.start(subscription(max_concurrency=4))
    bench.start(subscription("rated", rate_per_s=1.0))
    list(bench.reports(100))
    bench.answer(list(bench.traffic.start(bench.now_ms)))
    list(bench.reports(10))
    assert sum(each.lease for each in bench.states["sub_1"].members.values()) == 1
    [report] = bench.traffic.standings.leaving(bench.now_ms)
    state, _ = exchange(bench.states["sub_1"], "one", report, float(bench.now_ms))
    assert sum(each.lease for each in state.members.values()) == 0


def test_an_idle_webhook_is_told_of_no_more() -> None:
    bench = Bench()
    bench.start(subscription(rate_per_s=100.0))
    list(bench.reports(500))
    bench.answer(list(bench.traffic.start(bench.now_ms)))
    list(bench.reports(4_000))
    assert list(bench.reports(20_000)) == []


def test_an_answer_to_a_report_without_limits_frees_nobody_of_a_limit_that_was_seen_meanwhile() -> None:
    bench = Bench()
    bench.start(replace(subscription(), id="other"))
    account = bench.traffic.standings.opened("sub", "tenant")
    bench.traffic.standings.want(account, bench.now_ms)
    (report,) = bench.traffic.standings.reports(bench.now_ms)
    limited = replace(subscription(rate_per_s=2.0), id="sub")
    assert bench.start(limited) == []
    _, standing = exchange(State(), "one", report, float(bench.now_ms))
    assert standing.permits is None
    bench.traffic.heard(bench.now_ms, "sub", standing)
    assert list(bench.traffic.start(bench.now_ms)) == []
    list(bench.reports(500))
    assert len(list(bench.traffic.start(bench.now_ms))) == 1


def test_what_was_heard_of_its_sums_is_told_with_them() -> None:
    bench = Bench()
    account = bench.traffic.standings.opened("sub_1", "acme")
    told = []
    for answer in (STANDING, None, STANDING, STANDING):
        account.slot(bench.now_ms, 2.0)
        account.put(bench.now_ms + 5_000)
        report = account.report(bench.now_ms)
        told.append((report.slots, report.slots_heard, report.waits, report.waits_heard))
        account.heard(bench.now_ms, answer, bench.now_ms)
    assert told == [(1, 0, 1, 0), (2, 1, 2, 1), (3, 1, 3, 1), (4, 3, 4, 3)]


def test_it_goes_by_no_more_places_than_it_wants_until_it_is_answered() -> None:
    bench = Bench()
    webhook = subscription(max_concurrency=4)
    bench.start(webhook)
    account = bench.traffic.standings.account(webhook.id)
    assert account is not None
    account.allowance.given(bench.now_ms, None, 4)
    report = account.report(bench.now_ms)
    assert (report.want, report.places) == (1, 1)
    assert account.allowance.places(bench.now_ms) == 1


def test_places_that_are_used_no_longer_are_given_back_within_a_moment() -> None:
    bench = Bench()
    limited = subscription(max_concurrency=1)
    assert bench.start(limited) == []
    list(bench.reports(100))
    begun = list(bench.traffic.start(bench.now_ms))
    assert len(begun) == 1
    list(bench.reports(5_000))
    list(bench.reports(EVERY_MS))  # whenever it told last
    bench.answer(begun)
    told = list(bench.reports(EVERY_MS + 10))
    assert [(report.flying, report.places) for report in told][-1:] == [(0, 0)]
    assert bench.states["sub_1"].members["one"].lease == 0
