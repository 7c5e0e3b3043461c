from dataclasses import replace

import pytest
from msgspec import structs

from consumer.delivery.answer import FailureKind
from consumer.delivery.breaker import EARLY_MS, THRESHOLD
from consumer.delivery.lane import Job, Patience
from consumer.delivery.limits import LARGE_BYTES
from consumer.delivery.outcome import read
from consumer.delivery.schedule import Wait
from consumer.delivery.traffic import Traffic
from consumer.webhooks.fields import MAX_RATE_PER_S, MIN_RATE_PER_S
from consumer.webhooks.subscription import Subscription
from tests.deliveries import NOW_MS, delivery, failure, job, limits, response, subscription


def started(traffic: Traffic, now_ms: int = NOW_MS) -> list[Job]:
    return list(traffic.start(now_ms))


def test_a_lane_has_no_more_under_way_than_it_may() -> None:
    traffic = Traffic(limits(lane_concurrency=3))
    for _ in range(10):
        assert traffic.offer(job(), NOW_MS) is None
    first = started(traffic)
    assert len(first) == 3
    assert started(traffic) == []
    traffic.answered(first[0], read(response(), NOW_MS), NOW_MS + 1)
    assert len(started(traffic, NOW_MS + 1)) == 1


def test_a_lane_never_heard_of_begins_with_a_few() -> None:
    traffic = Traffic(limits(lane_concurrency=32))
    for _ in range(32):
        traffic.offer(job(), NOW_MS)
    first = started(traffic)
    assert len(first) == 8
    for each in first:
        traffic.answered(each, read(response(), NOW_MS), NOW_MS + 1)
    assert len(started(traffic, NOW_MS + 1)) == 16


def test_busy_lanes_take_turns_under_the_limit_of_the_process() -> None:
    traffic = Traffic(limits(in_flight=6))
    for name in ("a", "b", "c"):
        for _ in range(5):
            traffic.offer(job(subscription(name, url=f"https://{name}.example/")), NOW_MS)
    assert [each.delivery.subscription_id for each in started(traffic)] == ["a", "b", "c", "a", "b", "c"]


def test_a_turn_starts_a_few_and_the_next_one_goes_on() -> None:
    traffic = Traffic(limits(in_flight=1_000, lane_concurrency=8))
    for number in range(80):
        for _ in range(8):
            traffic.offer(job(subscription(f"sub_{number}", url=f"https://{number}.example/")), NOW_MS)
    assert [len(started(traffic)) for _ in range(4)] == [256, 256, 128, 0]


def test_who_waits_only_for_the_next_turn_is_not_overdue() -> None:
    traffic = Traffic(limits(in_flight=1_000, lane_concurrency=8))
    for number in range(80):
        for _ in range(10):
            traffic.offer(job(subscription(f"sub_{number}", url=f"https://{number}.example/")), NOW_MS)
    late_ms = NOW_MS + 2_001
    first = started(traffic, late_ms)
    assert traffic.overdue(late_ms) == []
    rest = started(traffic, late_ms) + started(traffic, late_ms)
    assert len(first) + len(rest) == 640
    assert len(traffic.overdue(late_ms + 250)) == 160


def test_one_origin_holds_at_most_half_of_the_process() -> None:
    traffic = Traffic(limits(in_flight=8))
    for name in ("a", "b", "c"):
        for _ in range(4):
            traffic.offer(job(subscription(name, url="https://one.example/")), NOW_MS)
    first = started(traffic)
    assert len(first) == 4
    traffic.offer(job(subscription("d", url="https://other.example/")), NOW_MS)
    assert [each.delivery.subscription_id for each in started(traffic)] == ["d"]
    traffic.answered(first[0], read(response(), NOW_MS), NOW_MS + 1)
    assert len(started(traffic, NOW_MS + 1)) == 1


def test_a_rate_limit_spaces_requests_and_spills_what_would_wait_too_long() -> None:
    traffic = Traffic(limits())
    slow = subscription(rate_per_s=2)
    outcomes = [traffic.offer(job(slow), NOW_MS) for _ in range(10)]
    assert outcomes[:5] == [None] * 5
    assert all(wait is not None and wait.ms > 2_000 for wait in outcomes[5:])
    assert len(started(traffic)) == 1
    assert started(traffic, NOW_MS + 400) == []
    assert len(started(traffic, NOW_MS + 502)) == 1


@pytest.mark.parametrize(("old", "new"), [(MIN_RATE_PER_S, None), (MIN_RATE_PER_S, 100.0), (0.001, 0.002)])
def test_a_lane_that_gets_another_rate_forgets_the_waits_of_the_old_one(old: float, new: float | None) -> None:
    traffic = Traffic(limits())
    traffic.offer(job(subscription(rate_per_s=old)), NOW_MS)
    assert len(started(traffic)) == 1
    assert traffic.offer(job(subscription(rate_per_s=old)), NOW_MS + 1) is not None
    assert traffic.offer(job(subscription(rate_per_s=new)), NOW_MS + 2) is None
    assert len(started(traffic, NOW_MS + 2)) == 1


def test_what_waits_for_a_rate_that_is_no_more_waits_no_longer() -> None:
    traffic = Traffic(limits())
    for _ in range(2):
        traffic.offer(job(subscription(rate_per_s=1)), NOW_MS)
    assert len(started(traffic)) == 1
    assert started(traffic, NOW_MS + 1) == []
    traffic.offer(job(subscription()), NOW_MS + 2)
    assert len(started(traffic, NOW_MS + 2)) == 2


def test_a_lane_that_gets_another_rate_remembers_what_its_endpoint_asked_for() -> None:
    traffic = Traffic(limits(patience=Patience(wait_ms=10_000, slow_ms=None)))
    traffic.offer(job(subscription(rate_per_s=1)), NOW_MS)
    [asked] = started(traffic)
    traffic.answered(asked, read(response(429, ("retry-after", "5")), NOW_MS + 10), NOW_MS + 10)
    assert traffic.offer(job(subscription()), NOW_MS + 20) is None
    assert started(traffic, NOW_MS + 5_000) == []
    assert len(started(traffic, NOW_MS + 5_011)) == 1


@pytest.mark.parametrize("rate_per_s", [MIN_RATE_PER_S, 0.001, 0.5, 3, 1_000, 7_000, MAX_RATE_PER_S])
def test_no_rate_is_ever_exceeded_and_a_high_one_is_reached(rate_per_s: float) -> None:
    traffic = Traffic(limits(in_flight=100_000, queued=100_000, lane_concurrency=100_000))
    begun = 0
    for passed_ms in range(200):
        while traffic.queued < 200 and traffic.offer(job(subscription(rate_per_s=rate_per_s)), NOW_MS) is None:
            pass
        for _ in range(5):
            answered = started(traffic, NOW_MS + passed_ms)
            begun += len(answered)
            for each in answered:
                traffic.answered(each, read(response(), NOW_MS), NOW_MS + passed_ms)
    assert begun <= 1 + rate_per_s * 0.2
    assert begun >= min(0.9 * rate_per_s * 0.2, 5_000)


def test_an_endpoint_that_answers_nothing_is_slow_after_two_seconds_and_spills_at_once() -> None:
    traffic = Traffic(limits())
    traffic.offer(job(), NOW_MS)
    started(traffic)
    assert traffic.offer(job(), NOW_MS + 1_000) is None
    started(traffic, NOW_MS + 2_001)
    assert traffic.offer(job(), NOW_MS + 2_001) is not None


def test_an_endpoint_is_not_slow_because_nobody_looked_for_its_answer() -> None:
    traffic = Traffic(limits())
    for _ in range(7):
        traffic.offer(job(), NOW_MS)
    started(traffic)
    for _ in range(3):
        assert traffic.offer(job(), NOW_MS + 9_000) is None


def test_one_hanging_request_among_answered_ones_does_not_make_a_lane_slow() -> None:
    traffic = Traffic(limits())
    traffic.offer(job(), NOW_MS)
    started(traffic)
    for seconds in range(1, 6):
        now_ms = NOW_MS + seconds * 1_000
        assert traffic.offer(job(), now_ms) is None
        [other] = started(traffic, now_ms)
        traffic.answered(other, read(response(), NOW_MS), now_ms + 5)


def test_the_retry_pool_is_patient_with_slow_endpoints() -> None:
    traffic = Traffic(limits(patience=Patience(wait_ms=10_000, slow_ms=None)))
    traffic.offer(job(), NOW_MS)
    started(traffic)
    assert traffic.offer(job(), NOW_MS + 5_000) is None


def test_what_has_waited_out_the_patience_is_given_back() -> None:
    traffic = Traffic(limits(lane_concurrency=1))
    traffic.offer(job(), NOW_MS)
    waiting = job()
    traffic.offer(waiting, NOW_MS)
    started(traffic)
    assert traffic.overdue(NOW_MS + 1_900) == []
    assert [each for each, _ in traffic.overdue(NOW_MS + 2_200)] == [waiting]
    assert traffic.queued == 0


def test_an_open_breaker_spills_and_its_probe_brings_the_lane_back_at_once() -> None:
    traffic = Traffic(limits())
    for _ in range(THRESHOLD):
        traffic.offer(job(), NOW_MS)
    for each in started(traffic):
        traffic.answered(each, read(failure(FailureKind.CONNECT), NOW_MS), NOW_MS)
    waiting = [job(), job()]
    for each in waiting:
        assert traffic.offer(each, NOW_MS) is None  # a second is worth waiting for
    assert started(traffic) == []
    [probe] = started(traffic, NOW_MS + 1_001)
    assert probe.probe
    assert started(traffic, NOW_MS + 1_002) == []
    traffic.answered(probe, read(response(), NOW_MS), NOW_MS + 1_010)
    assert started(traffic, NOW_MS + 1_010) == [waiting[1]]


def away(waiting: Job | None = None) -> Traffic:
    """A process that could not reach the endpoint, so its breaker is open for a minute; `waiting` is queued there."""
    traffic = Traffic(replace(limits(lane_concurrency=THRESHOLD), breaker_times_ms=(60_000,)))
    for _ in range(THRESHOLD):
        traffic.offer(job(), NOW_MS)
    flying = started(traffic)
    if waiting is not None:
        traffic.offer(waiting, NOW_MS)
    for each in flying:
        traffic.answered(each, read(failure(FailureKind.CONNECT), NOW_MS), NOW_MS)
    return traffic


def test_one_of_what_is_new_waits_to_be_a_probe_and_nothing_else() -> None:
    traffic = away()
    tried = job(of=delivery(attempts=1))
    assert traffic.offer(tried, NOW_MS) == Wait(ms=60_000, unreachable=True)
    assert traffic.offer(job(of=structs.replace(delivery(), climbed=1)), NOW_MS) == Wait(ms=60_000, unreachable=True)
    new = job()
    assert traffic.offer(new, NOW_MS) is None
    assert traffic.offer(job(), NOW_MS) == Wait(ms=60_000, unreachable=True)
    assert started(traffic, NOW_MS + EARLY_MS - 1) == []
    assert started(traffic, NOW_MS + EARLY_MS) == [new]
    traffic.answered(new, read(response(), NOW_MS), NOW_MS + EARLY_MS + 40)
    assert traffic.offer(tried, NOW_MS + EARLY_MS + 40) is None
    assert started(traffic, NOW_MS + EARLY_MS + 40) == [tried]


def test_what_is_new_does_not_sleep_as_long_as_what_was_given_back_before_it() -> None:
    tried = job(of=delivery(attempts=1))
    traffic = away(tried)
    assert started(traffic, NOW_MS + 1) == []
    [(given_back, wait)] = traffic.overdue(NOW_MS + 2_001)
    assert (given_back, wait.unreachable) == (tried, True)
    new = job()
    assert traffic.offer(new, NOW_MS + 2_001) is None
    assert started(traffic, NOW_MS + 2_001) == [new]


def test_429_pauses_the_lane_as_long_as_it_asks() -> None:
    traffic = Traffic(limits())
    traffic.offer(job(), NOW_MS)
    [each] = started(traffic)
    traffic.answered(each, read(response(429, ("retry-after", "1")), NOW_MS), NOW_MS)
    traffic.offer(job(), NOW_MS)
    assert started(traffic, NOW_MS + 900) == []
    assert len(started(traffic, NOW_MS + 1_002)) == 1
    traffic = Traffic(limits())
    traffic.offer(job(), NOW_MS)
    [each] = started(traffic)
    traffic.answered(each, read(response(429, ("retry-after", "30")), NOW_MS), NOW_MS)
    assert traffic.offer(job(), NOW_MS) == Wait(ms=30_000)


def test_503_without_a_time_slows_the_lane_down_to_one_at_once_and_never_stops_it() -> None:
    traffic = Traffic(limits())
    now_ms = NOW_MS
    for _ in range(200):
        traffic.offer(job(), now_ms)
    for _ in range(60):
        now_ms += 100
        for each in started(traffic, now_ms):
            traffic.answered(each, read(response(503), NOW_MS), now_ms)
    traffic.offer(job(), now_ms + 1)
    assert len(started(traffic, now_ms + 1)) == 1


def test_a_backlog_for_one_fast_webhook_waits_and_is_not_spilled() -> None:
    traffic = Traffic(limits(queued=1_000, lane_concurrency=8))
    now_ms = NOW_MS
    traffic.offer(job(), now_ms)
    [first] = started(traffic)
    traffic.answered(first, read(response(), NOW_MS), now_ms + 2)
    for _ in range(1_000):
        assert traffic.offer(job(), now_ms + 2) is None
    assert traffic.room == 0


def test_a_changed_url_gets_a_lane_of_its_own() -> None:
    traffic = Traffic(limits(lane_concurrency=1))
    traffic.offer(job(subscription(url="https://old.example/")), NOW_MS)
    traffic.offer(job(subscription(url="https://new.example/")), NOW_MS)
    assert len(started(traffic)) == 2


def test_unqueue_takes_the_chosen_jobs_and_only_those() -> None:
    traffic = Traffic(limits(lane_concurrency=1))
    jobs = [job() for _ in range(4)]
    for each in jobs:
        traffic.offer(each, NOW_MS)
    started(traffic)
    taken = traffic.unqueue(lambda each: each in jobs[2:])
    assert taken == jobs[2:]
    assert traffic.queued == 1


def test_little_is_queued_for_this_process_and_slow_endpoints_take_no_room_from_the_others() -> None:
    traffic = Traffic(limits(queued=10_000, lane_concurrency=8))
    hanging = subscription("hanging", url="https://hanging.example/")
    for _ in range(200):
        assert traffic.offer(job(hanging), NOW_MS) is None
    started(traffic)
    traffic.overdue(NOW_MS)
    assert traffic.room == 256 - 192
    started(traffic, NOW_MS + 400)
    traffic.overdue(NOW_MS + 400)
    assert traffic.room == 256 - 192
    started(traffic, NOW_MS + 501)
    traffic.overdue(NOW_MS + 750)
    assert traffic.room == 256


def test_blocked_lanes_take_no_room_where_slow_ones_hold_most_of_the_origin() -> None:
    traffic = Traffic(limits(in_flight=16, queued=10_000, lane_concurrency=8))
    for _ in range(8):
        traffic.offer(job(subscription("hanging", url="https://one.example/")), NOW_MS)
    started(traffic)
    for _ in range(100):
        traffic.offer(job(subscription("behind", url="https://one.example/")), NOW_MS)
    started(traffic, NOW_MS + 501)
    assert traffic.room == 256 - 100
    traffic.overdue(NOW_MS + 750)
    assert traffic.room == 256


def test_what_waits_for_slow_endpoints_has_a_limit_too() -> None:
    traffic = Traffic(limits(queued=300, lane_concurrency=8))
    for _ in range(250):
        traffic.offer(job(subscription("hanging", url="https://hanging.example/")), NOW_MS)
    started(traffic)
    started(traffic, NOW_MS + 501)
    traffic.overdue(NOW_MS + 750)
    assert traffic.room == 300 - 242


def test_one_tenant_never_has_all_of_the_process_however_many_hosts_it_names() -> None:
    traffic = Traffic(limits(in_flight=16, tenant_in_flight=12))
    for number in range(100):
        hanging = subscription(f"sub_{number}", tenant="hanging", url=f"https://{number}.example/")
        for _ in range(3):
            traffic.offer(job(hanging), NOW_MS)
    assert len(started(traffic)) == 12
    traffic.offer(job(subscription("other", tenant="other", url="https://other.example/")), NOW_MS)
    [other] = started(traffic)
    traffic.answered(other, read(response(), NOW_MS), NOW_MS + 1)
    assert started(traffic, NOW_MS + 1) == []


def test_what_waits_for_a_full_share_takes_no_room_from_others() -> None:
    traffic = Traffic(limits(in_flight=16, tenant_in_flight=12))
    for number in range(100):
        hanging = subscription(f"sub_{number}", tenant="hanging", url=f"https://{number}.example/")
        for _ in range(2):
            traffic.offer(job(hanging), NOW_MS)
    started(traffic)
    before = traffic.room
    traffic.start(NOW_MS + 1_000)
    started(traffic, NOW_MS + 1_000)
    traffic.overdue(NOW_MS + 1_000)
    assert traffic.room > before


@pytest.mark.parametrize("again", ["https://x.example:443/", "https://x.example./", "https://X.example.:443/a"])
def test_a_host_is_one_origin_however_it_is_written(again: str) -> None:
    traffic = Traffic(limits(in_flight=8, lane_concurrency=8))
    for number, url in enumerate(("https://x.example/", again)):
        for _ in range(8):
            traffic.offer(job(subscription(f"sub_{number}", url=url)), NOW_MS)
    assert len(started(traffic)) == 4


def large(to: Subscription) -> Job:
    return job(to, of=structs.replace(delivery(to=to.id), body=b"x" * LARGE_BYTES * 2))


def test_large_bodies_under_way_are_bounded_in_bytes_and_small_ones_pass_them_by() -> None:
    traffic = Traffic(replace(limits(in_flight=100), bulk_bytes=LARGE_BYTES * 8))
    for name in ("a", "b", "c"):
        for _ in range(8):
            traffic.offer(large(subscription(name, tenant=name, url=f"https://{name}.example/")), NOW_MS)
    first = started(traffic)
    assert [each.delivery.subscription_id for each in first] == ["a", "b", "c", "a"]
    traffic.offer(job(subscription("small", tenant="a", url="https://a.example/small")), NOW_MS)
    assert [each.delivery.subscription_id for each in started(traffic)] == ["small"]
    traffic.answered(first[0], read(response(), NOW_MS), NOW_MS + 1)
    assert len(started(traffic, NOW_MS + 1)) == 1


def test_one_tenant_has_half_of_the_large_bodies() -> None:
    traffic = Traffic(replace(limits(in_flight=100), bulk_bytes=LARGE_BYTES * 8))
    for number in range(8):
        traffic.offer(large(subscription(f"a{number}", tenant="a", url=f"https://{number}.example/")), NOW_MS)
    assert len(started(traffic)) == 2
    traffic.offer(large(subscription("b", tenant="b", url="https://b.example/")), NOW_MS)
    assert [each.delivery.subscription_id for each in started(traffic)] == ["b"]


def test_what_comes_after_a_large_one_that_was_spilled_goes_on() -> None:
    traffic = Traffic(replace(limits(in_flight=100), bulk_bytes=LARGE_BYTES))
    other = subscription("b", tenant="b", url="https://b.example/")
    traffic.offer(large(subscription("a")), NOW_MS)
    assert len(started(traffic)) == 1
    traffic.offer(large(other), NOW_MS)
    assert started(traffic) == []
    traffic.offer(job(other), NOW_MS + 2_000)
    assert [spilled.size for spilled, _ in traffic.overdue(NOW_MS + 2_001)] == [2 * LARGE_BYTES]
    assert len(started(traffic, NOW_MS + 2_001)) == 1


def test_nothing_is_brought_forward_to_a_lane_whose_limit_lets_nothing_start_soon() -> None:
    """It would be written to a delay topic again, and brought forward again, for as long as it waits."""
    seldom = subscription("seldom", rate_per_s=MIN_RATE_PER_S)
    traffic = Traffic(limits())
    assert traffic.appetite(seldom, NOW_MS) == 1
    traffic.offer(job(seldom), NOW_MS)
    [first] = started(traffic)
    traffic.answered(first, read(response(), NOW_MS), NOW_MS + 1)
    assert traffic.appetite(seldom, NOW_MS + 1) == 0
    assert traffic.appetite(seldom, NOW_MS + 3_599_500) == 1
