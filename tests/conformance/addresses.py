"""Which addresses are nobody's webhook, as the registries say it: written down here apart from the guard's own table.

The IANA IPv4 and IPv6 Special-Purpose Address Registries (2025), entry by entry, whole: the few that are globally
reachable are infrastructure. Beside them multicast (RFC 5771, RFC 4291), site-local (RFC 3879) and IPv4-compatible
(RFC 4291) addresses, and of IPv6 all that is not handed out: 2000::/3 alone is.
"""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

REGISTERED: Final[tuple[Network, ...]] = tuple(
    ip_network(text)
    for text in """
    0.0.0.0/8 0.0.0.0/32 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.0.0/29
    192.0.0.8/32 192.0.0.9/32 192.0.0.10/32 192.0.0.170/32 192.0.0.171/32 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24
    192.88.99.0/24 192.88.99.2/32 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24
    240.0.0.0/4 255.255.255.255/32 224.0.0.0/4
    ::1/128 ::/128 ::/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001::/32 2001:1::1/128 2001:1::2/128
    2001:1::3/128 2001:2::/48 2001:3::/32 2001:4:112::/48 2001:10::/28 2001:20::/28 2001:30::/28 2001:db8::/32
    2002::/16 2620:4f:8000::/48 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8
    """.split()  # noqa: SIM905 # a table reads better than a column
)
HANDED_OUT: Final = ip_network("2000::/3")

PUBLIC: Final = """
1.1.1.1 8.8.8.8 93.184.215.14 2001:4860:4860::8888 2606:4700:4700::1111 2a00:1450:4001:81b::200e
64:ff9b::8.8.8.8 2001:470::5efe:8.8.8.8 2001:470::200:5efe:8.8.8.8
""".split()  # noqa: SIM905 # same

INSIDE_ANOTHER: Final = """
::ffff:0.0.0.0 ::ffff:10.0.0.1 ::ffff:100.64.0.1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 ::ffff:172.16.0.1
::ffff:192.168.0.1 ::ffff:224.0.0.1 ::ffff:255.255.255.255 ::ffff:0:127.0.0.1 ::ffff:0:8.8.8.8 ::127.0.0.1 ::8.8.8.8
64:ff9b::0.0.0.0 64:ff9b::10.0.0.1 64:ff9b::127.0.0.1 64:ff9b::169.254.169.254 64:ff9b::192.168.255.255
64:ff9b:1::8.8.8.8 64:ff9b:1:a00:0:100:: 64:ff9b:1:ffff:7f:0:100:: 2002:7f00:1:: 2002:a00:1::1 2002:a9fe:a9fe::1
2002:808:808::1 2001:0:7f00:1:0:f227:f5ff:fffe 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:470::5efe:10.0.0.1
2001:470::5efe:127.0.0.1 2001:470::200:5efe:192.168.0.1 2a00:1450:4001:81b:0:5efe:a9fe:a9fe fd00:ec2::254
""".split()  # noqa: SIM905 # same


def is_public(address: Address) -> bool:
    """By the registries alone; for an IPv6 address in which another one hides they do not tell."""
    if isinstance(address, IPv6Address) and address not in HANDED_OUT:
        return False
    return not any(address in network for network in REGISTERED)


def rows() -> Iterator[tuple[str, bool]]:
    """Every address of the table, as text, and whether it is public; each once."""
    seen: dict[str, bool] = {}
    for network in REGISTERED:
        first, last = int(network[0]), int(network[-1])
        within = (first, (first + last) // 2, last)
        beside = (first - 1, last + 1)
        for number in (*within, *(each for each in beside if 0 <= each <= _greatest(network))):
            address = IPv4Address(number) if network.version == 4 else IPv6Address(number)
            assert number in beside or not is_public(address)
            seen[str(address)] = is_public(address)
    seen |= dict.fromkeys((str(ip_address(text)) for text in PUBLIC), True)
    seen |= dict.fromkeys((str(ip_address(text)) for text in INSIDE_ANOTHER), False)
    yield from seen.items()


def _greatest(network: Network) -> int:
    return int(2**network.max_prefixlen - 1)


def in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address
