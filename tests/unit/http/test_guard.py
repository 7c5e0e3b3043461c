"""The address guard, row by row: the IANA special-purpose registries and every notation that could hide one."""

from ipaddress import ip_network

import pytest

from consumer.http.guard import AddressGuard

REFUSED = """
0.0.0.0 0.1.2.3 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.1 127.255.255.254
169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.8 192.0.0.170 192.0.2.1
192.31.196.1 192.52.193.1 192.88.99.1 192.168.0.1 192.168.255.255 192.175.48.1 198.18.0.1 198.19.255.255
198.51.100.7 203.0.113.255 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.254 255.255.255.255
:: ::1 ::2 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:a9fe:a9fe ::ffff:0:127.0.0.1
0:0:0:0:0:ffff:7f00:1 64:ff9b::10.0.0.1 64:ff9b::169.254.169.254 64:ff9b::7f00:1 64:ff9b:1::1 64:ff9b:1::8.8.8.8
100::1 100:0:0:1::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:10::1 2001:20::1 2001:30::1
2001:1ff:ffff::1 2001:db8::1 2002:7f00:1:: 2002:0a00:0001::1 2002:0808:0808::1 2620:4f:8000::1 3fff::1 3fff:fff::1
5f00::1 fc00::1 fd00:ec2::254 fdff::1 fe80::1 fe80::1%eth0 febf::1 fec0::1 ff02::1 ff0e::1 4000::1 8000::1 e000::1
2606:4700::1111%eth0
""".split()  # noqa: SIM905 - a table reads better than a column

ALLOWED = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1 169.253.255.255
169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0
223.255.255.255 ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2000::1 2001:200::1 2001:db7::1 2001:db9::1 2003::1
2606:4700:4700::1111 2a00:1450:4001::1 3ffe::1
""".split()  # noqa: SIM905 - a table reads better than a column

NONSENSE = ["", "localhost", "127.1", "0x7f.1", "2130706433", "1.2.3.4.5", "1.2.3.4 ", "[::1]", "::1/128", "010.0.0.1"]


@pytest.mark.parametrize("address", REFUSED)
def test_special_addresses_are_refused(address: str) -> None:
    assert AddressGuard().refuses(address) is not None


@pytest.mark.parametrize("address", ALLOWED)
def test_public_addresses_pass(address: str) -> None:
    assert AddressGuard().refuses(address) is None


@pytest.mark.parametrize("text", NONSENSE)
def test_what_is_not_an_address_is_refused_even_where_all_is_allowed(text: str) -> None:
    assert AddressGuard([ip_network("0.0.0.0/0"), ip_network("::/0")]).refuses(text) is not None


@pytest.mark.parametrize(
    ("network", "address", "passes"),
    [
        ("127.0.0.1/32", "127.0.0.1", True),
        ("127.0.0.1/32", "127.0.0.2", False),
        ("127.0.0.1/32", "::ffff:127.0.0.1", True),
        ("127.0.0.1/32", "::1", False),
        ("10.0.0.0/8", "10.9.8.7", True),
        ("10.0.0.0/8", "64:ff9b::10.9.8.7", True),
        ("10.0.0.0/8", "64:ff9b::192.168.0.1", False),
        ("10.0.0.0/8", "2002:0a09:0807::1", False),
        ("fd00::/8", "fd12::1", True),
        ("fd00::/8", "10.0.0.1", False),
        ("::1/128", "::1", True),
        ("fe80::/10", "fe80::1%eth0", False),
        ("169.254.169.254/32", "169.254.169.254", True),
        ("169.254.0.0/16", "169.254.169.254", False),
        ("169.254.0.0/16", "64:ff9b::169.254.169.254", False),
        ("fd00::/8", "fd00:ec2::254", False),
    ],
)
def test_an_operator_s_network_passes_and_nothing_beside_it(network: str, address: str, passes: bool) -> None:
    assert (AddressGuard([ip_network(network)]).refuses(address) is None) is passes


def test_what_is_granted_to_a_request_passes_beside_what_all_may_reach() -> None:
    guard = AddressGuard([ip_network("10.1.0.0/16")])
    refuses = guard.refusing((ip_network("10.2.0.0/16"),))
    assert [refuses(f"10.{number}.0.1") is None for number in (1, 2, 3)] == [True, True, False]
    assert refuses("8.8.8.8") is None
    assert refuses("10.2.0.0/16") is not None
    assert guard.refuses("10.2.0.1") is not None, "nothing of it is remembered for others"
    assert guard.refusing(()) == guard.refuses


def test_memory_of_decisions_is_bounded_and_right() -> None:
    guard = AddressGuard()
    for _ in range(2):
        for number in range(10_000):
            host = f"10.{number >> 8}.{number & 255}.1"
            assert guard.refuses(host) is not None
    assert guard.refuses("8.8.8.8") is None
    assert len(guard._reasons) <= 8_192
