"""Names where one tenant may reach what others may not."""

import pytest

from consumer.delivery.answer import Failure, FailureKind
from consumer.delivery.granted_names import GrantedNames
from consumer.delivery.names import FAILED_MS, PATIENCE_MS, Addresses, Named, Unanswered
from tests.deliveries import NOW_MS

HOST = "inside.example"
INSIDE = Addresses(("10.20.0.1",), 30)
BOTH = Addresses(("10.20.0.1", "192.0.2.1"), 30)


def refuses(address: str) -> str | None:
    return "private use" if address.startswith("10.") else None


def refuses_less(address: str) -> str | None:
    return refuses(address) if not address.startswith("10.20.") else None


@pytest.fixture
def names() -> GrantedNames:
    return GrantedNames(refuses, {"acme": refuses_less})


def is_refused(named: Named | None) -> bool:
    return isinstance(named, Failure) and named.kind is FailureKind.ADDRESS_REFUSED


@pytest.mark.parametrize("first", ["acme", "other"])
def test_what_one_tenant_may_reach_no_other_is_given(names: GrantedNames, first: str) -> None:
    assert names.look(first, HOST, NOW_MS) is None
    assert names.asked() == [HOST]
    for tenant in ("acme", "other", "Acme"):
        assert names.look(tenant, HOST, NOW_MS) is None
    assert not names.asked(), "the question is under way"
    names.answered(HOST, INSIDE, NOW_MS)
    assert names.look("acme", HOST, NOW_MS) == ("10.20.0.1",)
    assert is_refused(names.look("other", HOST, NOW_MS))
    assert is_refused(names.look("Acme", HOST, NOW_MS))
    assert not names.pending


def test_of_several_addresses_each_tenant_is_given_his(names: GrantedNames) -> None:
    for tenant in ("acme", "other"):
        names.look(tenant, HOST, NOW_MS)
    names.answered(HOST, BOTH, NOW_MS)
    assert names.look("acme", HOST, NOW_MS) == ("10.20.0.1", "192.0.2.1")
    assert names.look("other", HOST, NOW_MS) == ("192.0.2.1",)


def test_an_address_in_a_url_is_judged_for_its_tenant(names: GrantedNames) -> None:
    assert names.look("acme", "10.20.0.1", NOW_MS) == ("10.20.0.1",)
    assert is_refused(names.look("other", "10.20.0.1", NOW_MS))
    assert is_refused(names.look("acme", "10.21.0.1", NOW_MS))


def test_a_name_that_turns_to_another_network_is_refused_to_who_has_a_grant(names: GrantedNames) -> None:
    names.look("acme", HOST, NOW_MS)
    names.answered(HOST, INSIDE, NOW_MS)
    later_ms = NOW_MS + 30_000
    assert names.look("acme", HOST, later_ms) == ("10.20.0.1",)
    assert names.asked() == [HOST, HOST]
    names.answered(HOST, Addresses(("10.99.0.1",), 30), later_ms)
    assert is_refused(names.look("acme", HOST, later_ms))


def test_a_name_inside_lives_as_long_as_any_for_who_may_reach_it(names: GrantedNames) -> None:
    for tenant in ("acme", "other"):
        names.look(tenant, HOST, NOW_MS)
    names.asked()
    names.answered(HOST, INSIDE, NOW_MS)
    later_ms = NOW_MS + FAILED_MS
    assert names.look("acme", HOST, later_ms) == ("10.20.0.1",)
    assert not names.asked()
    assert names.look("other", HOST, later_ms) is None, "a failure is remembered for a moment"
    assert names.asked() == [HOST]
    names.answered(HOST, Unanswered(), later_ms)
    assert names.look("acme", HOST, NOW_MS + 29_000) == ("10.20.0.1",)


def test_silence_is_waited_for_as_long_as_elsewhere(names: GrantedNames) -> None:
    for tenant in ("acme", "other"):
        names.look(tenant, HOST, NOW_MS)
    assert names.pending
    assert names.wake_ms() == NOW_MS + PATIENCE_MS
    assert not names.overdue(NOW_MS + PATIENCE_MS - 1)
    assert set(names.overdue(NOW_MS + PATIENCE_MS)) == {HOST}
    for tenant in ("acme", "other"):
        failed = names.look(tenant, HOST, NOW_MS + PATIENCE_MS)
        assert isinstance(failed, Failure)
        assert failed.kind is FailureKind.DNS
    assert names.wake_ms() is None
