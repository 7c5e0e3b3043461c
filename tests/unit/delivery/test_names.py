"""Names, one law at a time; tests/property/test_names_laws.py has them all together."""

import pytest

from consumer.delivery.answer import Failure, FailureKind
from consumer.delivery.names import (
    FAILED_MS,
    PATIENCE_MS,
    REMEMBERED,
    STALE_MS,
    TTL_LEAST_MS,
    TTL_MOST_MS,
    Addresses,
    Named,
    Names,
    NoAddress,
    Resolution,
    Unanswered,
    _Remembered,
)
from tests.deliveries import NOW_MS

GOOD = ("192.0.2.1", "192.0.2.2")
PRIVATE = Addresses(("10.0.0.1",), 86_400)
HOST = "a.example"


def refuses(address: str) -> str | None:
    return "private use" if address.startswith("10.") else None


def kind(named: Named | None) -> FailureKind:
    assert isinstance(named, Failure)
    return named.kind


@pytest.fixture
def names() -> Names:
    return Names(refuses, at_once=3, of_a_tenant=2)


def asked_and_answered(names: Names, resolution: Resolution, now_ms: int = NOW_MS) -> None:
    assert names.look("acme", HOST, now_ms) is None
    assert names.asked() == [HOST]
    names.answered(HOST, resolution, now_ms)


def test_whoever_waits_for_a_name_shares_one_question(names: Names) -> None:
    for tenant in ("acme", "acme", "other"):
        assert names.look(tenant, HOST, NOW_MS) is None
    assert names.asked() == [HOST]
    assert not names.asked()
    names.answered(HOST, Addresses(GOOD, 30), NOW_MS)
    assert names.look("other", HOST, NOW_MS + 29_999) == GOOD


@pytest.mark.parametrize(
    ("ttl_s", "kept_ms"), [(0, TTL_LEAST_MS), (1, TTL_LEAST_MS), (30, 30_000), (86_400, TTL_MOST_MS)]
)
def test_an_answer_is_kept_for_its_time_to_live_within_bounds(names: Names, ttl_s: float, kept_ms: int) -> None:
    asked_and_answered(names, Addresses(GOOD, ttl_s))
    assert names.look("acme", HOST, NOW_MS + kept_ms - 1) == GOOD
    assert not names.asked()
    names.look("acme", HOST, NOW_MS + kept_ms)
    assert names.asked() == [HOST]


def test_an_address_needs_no_name_server(names: Names) -> None:
    assert names.look("acme", "192.0.2.7", NOW_MS) == ("192.0.2.7",)
    assert names.look("acme", "2001:200::7", NOW_MS) == ("2001:200::7",)
    assert kind(names.look("acme", "10.0.0.1", NOW_MS)) is FailureKind.ADDRESS_REFUSED
    assert kind(names.look("acme", "10.0.0.1", NOW_MS + 10**9)) is FailureKind.ADDRESS_REFUSED
    assert not names.asked()


def test_of_several_addresses_those_that_may_not_be_called_are_left_out(names: Names) -> None:
    asked_and_answered(names, Addresses(("10.0.0.1", *GOOD)))
    assert names.look("acme", HOST, NOW_MS) == GOOD


def test_a_name_that_leads_inside_fails_like_one_that_does_not_exist(names: Names) -> None:
    """At once, without a time, asked for again as soon: only the operator's word for it is another."""
    seen: list[tuple[float, list[str]]] = []
    for host, resolution in (("inside.example", PRIVATE), ("nobody.example", NoAddress())):
        names.look("acme", host, NOW_MS)
        names.asked()
        names.answered(host, resolution, NOW_MS)
        failure = names.look("acme", host, NOW_MS + FAILED_MS - 1)
        assert isinstance(failure, Failure)
        assert names.look("acme", host, NOW_MS + FAILED_MS) is None
        seen.append((failure.elapsed_ms, [each.partition(".")[2] for each in names.asked()]))
    assert seen[0] == seen[1] == (0, ["example"])


def test_a_name_that_turns_inside_is_called_no_longer(names: Names) -> None:
    asked_and_answered(names, Addresses(GOOD, 10))
    later_ms = NOW_MS + TTL_LEAST_MS
    assert names.look("acme", HOST, later_ms) == GOOD  # until its servers have said so
    names.answered(HOST, PRIVATE, later_ms)
    assert kind(names.look("acme", HOST, later_ms)) is FailureKind.ADDRESS_REFUSED


@pytest.mark.parametrize("resolution", [NoAddress(), Unanswered(), PRIVATE])
def test_a_failure_is_remembered_for_a_moment(names: Names, resolution: Resolution) -> None:
    asked_and_answered(names, resolution)
    kind(names.look("acme", HOST, NOW_MS + FAILED_MS - 1))
    assert not names.asked()
    assert names.look("acme", HOST, NOW_MS + FAILED_MS) is None
    assert names.asked() == [HOST]


def test_silence_is_a_failure_after_its_time_and_while_it_lasts(names: Names) -> None:
    assert names.look("acme", HOST, NOW_MS) is None
    assert names.wake_ms() == NOW_MS + PATIENCE_MS
    assert not names.overdue(NOW_MS + PATIENCE_MS - 1)
    assert names.overdue(NOW_MS + PATIENCE_MS) == [HOST]
    assert not names.pending
    assert kind(names.look("acme", HOST, NOW_MS + 60_000)) is FailureKind.DNS
    assert names.asked() == [HOST]  # the one question, not a second
    names.answered(HOST, Addresses(GOOD, 30), NOW_MS + 60_000)
    assert names.look("acme", HOST, NOW_MS + 60_000) == GOOD


def test_what_was_known_is_used_while_its_servers_are_silent(names: Names) -> None:
    asked_and_answered(names, Addresses(GOOD, 30))
    stale_ms = NOW_MS + 30_000
    assert names.look("acme", HOST, stale_ms) == GOOD
    assert names.asked() == [HOST]
    names.answered(HOST, Unanswered(), stale_ms)
    assert names.look("acme", HOST, stale_ms + FAILED_MS - 1) == GOOD
    assert not names.asked()
    assert names.look("acme", HOST, stale_ms + STALE_MS - 1) == GOOD
    assert names.asked() == [HOST]
    names.answered(HOST, Unanswered(), stale_ms + STALE_MS)
    assert kind(names.look("acme", HOST, stale_ms + STALE_MS)) is FailureKind.DNS


def test_what_was_known_is_used_no_longer_when_its_servers_deny_it(names: Names) -> None:
    asked_and_answered(names, Addresses(GOOD, 30))
    names.look("acme", HOST, NOW_MS + 30_000)
    names.answered(HOST, NoAddress(), NOW_MS + 30_000)
    assert kind(names.look("acme", HOST, NOW_MS + 30_000)) is FailureKind.DNS


def test_a_tenant_with_many_silent_names_leaves_room_and_waits_for_his_own(names: Names) -> None:
    for number in range(4):
        assert names.look("slow", f"silent{number}.example", NOW_MS) is None
    assert names.look("other", HOST, NOW_MS) is None
    assert names.asked() == ["silent0.example", "silent1.example", HOST]
    names.answered(HOST, Addresses(GOOD), NOW_MS)
    assert not names.asked()
    later_ms = NOW_MS + 10 * PATIENCE_MS
    assert len(names.overdue(later_ms)) == 2
    assert names.look("slow", "silent2.example", later_ms) is None, "waiting for a place is nobody's failure"
    names.answered("silent0.example", Unanswered(), later_ms)
    assert names.asked() == ["silent2.example"]
    assert not names.overdue(later_ms + PATIENCE_MS - 1)


def test_places_are_given_in_turns(names: Names) -> None:
    for tenant in "abcde":
        for number in range(2):
            names.look(tenant, f"{tenant}{number}", NOW_MS)
    under_way, order = list(names.asked()), ""
    while under_way:
        order += under_way[0] + " "
        names.answered(under_way.pop(0), NoAddress(), NOW_MS)
        under_way += names.asked()
    assert order == "a0 a1 b0 b1 c0 d0 e0 c1 d1 e1 "
    assert not names.pending


def test_a_name_that_somebody_else_asked_for_is_not_asked_for_again(names: Names) -> None:
    for number in range(2):
        names.look("slow", f"silent{number}.example", NOW_MS)
    names.look("slow", HOST, NOW_MS)  # waits for a place
    names.look("other", HOST, NOW_MS)
    assert names.asked() == ["silent0.example", "silent1.example", HOST]
    names.answered("silent0.example", NoAddress(), NOW_MS)
    assert not names.asked()
    names.answered(HOST, Addresses(GOOD), NOW_MS)
    assert names.look("slow", HOST, NOW_MS) == GOOD


def test_so_many_names_are_remembered(names: Names) -> None:
    for number in range(REMEMBERED + 1):
        names._remember(str(number), _Remembered(GOOD, NOW_MS, 0))
    assert len(names._known) == REMEMBERED
    assert "0" not in names._known
