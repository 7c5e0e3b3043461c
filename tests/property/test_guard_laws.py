"""The guard refuses at least what Python's own reading of the registries calls not global."""

from ipaddress import IPv4Address, IPv6Address

from hypothesis import given
from hypothesis import strategies as st

from consumer.http.guard import AddressGuard

GUARD = AddressGuard()


@given(st.ip_addresses(v=4))
def test_no_ipv4_address_that_is_not_global_passes(address: IPv4Address) -> None:
    if GUARD.refuses(str(address)) is None:
        assert address.is_global
        assert not address.is_multicast


@given(st.ip_addresses(v=6))
def test_no_ipv6_address_that_is_not_global_passes(address: IPv6Address) -> None:
    if GUARD.refuses(str(address)) is None and address.ipv4_mapped is None:
        assert address.is_global
        assert not address.is_multicast


@given(st.ip_addresses(v=4))
def test_an_address_hidden_in_another_is_judged_as_itself(address: IPv4Address) -> None:
    refused = GUARD.refuses(str(address)) is not None
    assert (GUARD.refuses(f"::ffff:{address}") is not None) is refused
    assert (GUARD.refuses(f"64:ff9b::{address}") is not None) is refused
    assert (GUARD.refuses(f"2001:470::5efe:{address}") is not None) is refused
    assert (GUARD.refuses(f"2001:470::200:5efe:{address}") is not None) is refused


@given(st.text(max_size=60))
def test_any_text_is_decided(text: str) -> None:
    GUARD.refuses(text)
