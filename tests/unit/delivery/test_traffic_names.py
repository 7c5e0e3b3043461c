"""Lanes whose host's name is not known yet: what they hold up, and what becomes of what waits in them."""

import pytest

from consumer.delivery.answer import Failure
from consumer.delivery.lane import Job, Patience
from consumer.delivery.names import PATIENCE_MS, Addresses, Names, NoAddress, Unanswered
from consumer.delivery.traffic import Traffic
from tests.deliveries import NOW_MS, job, limits, subscription

HERE = Addresses(("192.0.2.1",), 60)


def silent(number: int) -> Job:
    return job(subscription(f"silent_{number}", tenant=f"t{number}", url=f"https://silent{number}.example/"))


def good() -> Job:
    return job(subscription("good", url="https://good.example/"))


@pytest.fixture
def traffic() -> Traffic:
    return Traffic(limits(in_flight=8, queued=10_000), names=Names(lambda _: None))


def started(traffic: Traffic, now_ms: int = NOW_MS) -> list[Job]:
    return list(traffic.start(now_ms))


def test_what_waits_for_a_name_takes_nobodys_place(traffic: Traffic) -> None:
    for number in range(200):
        for _ in range(10):
            traffic.offer(silent(number), NOW_MS)
    assert started(traffic) == []
    assert traffic.flying == 0
    assert len(traffic.names.asked()) == 200
    traffic.offer(good(), NOW_MS)
    assert started(traffic) == []
    traffic.named(NOW_MS + 20, "good.example", HERE)
    [sent] = started(traffic, NOW_MS + 20)
    assert (sent.delivery.subscription_id, sent.named) == ("good", HERE.addresses)


def test_what_waits_for_a_name_takes_no_room_from_what_waits_for_this_process(traffic: Traffic) -> None:
    for _ in range(300):
        traffic.offer(silent(0), NOW_MS)
    assert started(traffic) == []
    assert traffic.room == 0
    traffic.overdue(NOW_MS + 250)
    assert traffic.room > 0


def test_all_that_waits_for_a_name_goes_on_with_its_answer(traffic: Traffic) -> None:
    for name in ("a", "b"):
        traffic.offer(job(subscription(name, tenant=name, url=f"https://good.example/{name}")), NOW_MS)
    assert started(traffic) == []
    assert list(traffic.names.asked()) == ["good.example"]
    traffic.named(NOW_MS, "good.example", HERE)
    assert len(started(traffic)) == 2


@pytest.mark.parametrize("resolution", [NoAddress(), Unanswered()])
def test_a_name_without_an_address_is_a_failed_attempt(traffic: Traffic, resolution: NoAddress | Unanswered) -> None:
    traffic.offer(good(), NOW_MS)
    started(traffic)
    traffic.names.asked()
    traffic.named(NOW_MS + 10, "good.example", resolution)
    [tried] = started(traffic, NOW_MS + 10)
    assert isinstance(tried.named, Failure)


def test_silence_is_a_failed_attempt_when_its_time_is_over() -> None:
    traffic = Traffic(limits(patience=Patience(wait_ms=60_000)), names=Names(lambda _: None))
    traffic.offer(good(), NOW_MS)
    assert started(traffic) == []
    assert started(traffic, NOW_MS + PATIENCE_MS - 1) == []
    [tried] = started(traffic, NOW_MS + PATIENCE_MS)
    assert isinstance(tried.named, Failure)


def test_who_waits_for_a_place_to_ask_never_fails_and_waits_elsewhere() -> None:
    traffic = Traffic(limits(), names=Names(lambda _: None, at_once=2, of_a_tenant=1))
    for number in range(3):
        traffic.offer(silent(number), NOW_MS)
    started(traffic)
    late_ms = NOW_MS + PATIENCE_MS
    tried = started(traffic, late_ms)
    assert {each.delivery.subscription_id for each in tried} == {"silent_0", "silent_1"}
    [(spilled, wait)] = traffic.overdue(late_ms)
    assert spilled.delivery.subscription_id == "silent_2"
    assert (wait.ms, wait.unreachable) == (PATIENCE_MS, False)


def test_nothing_is_brought_forward_to_a_lane_that_waits_for_its_name(traffic: Traffic) -> None:
    traffic.offer(good(), NOW_MS)
    assert traffic.appetite(subscription("good", url="https://good.example/"), NOW_MS) > 0
    started(traffic)
    assert traffic.appetite(subscription("good", url="https://good.example/"), NOW_MS) == 0


def test_a_lane_that_was_forgotten_while_it_waited_is_no_trouble(traffic: Traffic) -> None:
    traffic.offer(good(), NOW_MS)
    started(traffic)
    traffic.names.asked()
    later_ms = NOW_MS
    for _ in range(3):
        later_ms += 60_000
        traffic.overdue(later_ms)
    assert traffic.queued == 0
    traffic.named(later_ms, "good.example", HERE)
    traffic.offer(good(), later_ms)
    assert len(started(traffic, later_ms)) == 1
