"""The address guard: which addresses a request may be sent to.

The law: only globally reachable unicast addresses, whatever notation or tunnel they hide in, unless an operator's
network allows them, for everybody or for the tenant whose request it is (`granted.py`). What is not understood is
refused.

Sources: the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and updates), IPv4 and IPv6 multicast,
and the IPv6 allocation (RFC 4291: only 2000::/3 is handed out). An IPv6 address that embeds an IPv4 address is judged
by both: a translator or relay would deliver to the embedded one.
"""

from collections.abc import Collection
from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    NetmaskValueError,
    ip_address,
)
from typing import Final

from consumer.delivery.names import Refuses
from consumer.granted import MAPPED, Address, Network, Networks, has, lets, unmapped
from consumer.settings import Settings

_REMEMBERED = 8_192

_SPECIAL: Final[tuple[tuple[Network, str], ...]] = (
    (IPv4Network("0.0.0.0/8"), "this network"),
    (IPv4Network("10.0.0.0/8"), "private use"),
    (IPv4Network("100.64.0.0/10"), "shared address space (carrier-grade NAT)"),
    (IPv4Network("127.0.0.0/8"), "loopback"),
    (IPv4Network("169.254.0.0/16"), "link-local, cloud metadata"),
    (IPv4Network("172.16.0.0/12"), "private use"),
    (IPv4Network("192.0.0.0/24"), "IETF protocol assignments"),
    (IPv4Network("192.0.2.0/24"), "documentation"),
    (IPv4Network("192.31.196.0/24"), "AS112"),
    (IPv4Network("192.52.193.0/24"), "automatic multicast tunnelling"),
    (IPv4Network("192.88.99.0/24"), "6to4 relay"),
    (IPv4Network("192.168.0.0/16"), "private use"),
    (IPv4Network("192.175.48.0/24"), "AS112"),
    (IPv4Network("198.18.0.0/15"), "benchmarking"),
    (IPv4Network("198.51.100.0/24"), "documentation"),
    (IPv4Network("203.0.113.0/24"), "documentation"),
    (IPv4Network("224.0.0.0/4"), "multicast"),
    (IPv4Network("240.0.0.0/4"), "reserved, broadcast"),
    (IPv6Network("::/8"), "unspecified, loopback, IPv4 in IPv6"),
    (IPv6Network("64:ff9b:1::/48"), "local translation"),
    (IPv6Network("100::/64"), "discard"),
    (IPv6Network("100:0:0:1::/64"), "dummy prefix"),
    (IPv6Network("2001::/23"), "IETF protocol assignments: Teredo, ORCHID, benchmarking"),
    (IPv6Network("2001:db8::/32"), "documentation"),
    (IPv6Network("2002::/16"), "6to4"),
    (IPv6Network("2620:4f:8000::/48"), "AS112"),
    (IPv6Network("3fff::/20"), "documentation"),
    (IPv6Network("5f00::/16"), "segment routing"),
    (IPv6Network("fc00::/7"), "unique local"),
    (IPv6Network("fe80::/10"), "link-local"),
    (IPv6Network("fec0::/10"), "site-local"),
    (IPv6Network("ff00::/8"), "multicast"),
)
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_IPV4_EMBEDDED_LAST: Final = (
    MAPPED,
    IPv6Network("::ffff:0:0:0/96"),  # translated, RFC 2765
    IPv6Network("::/96"),  # compatible, RFC 4291
    IPv6Network("64:ff9b::/96"),  # NAT64, RFC 6052
    IPv6Network("64:ff9b:1::/96"),  # local NAT64, RFC 8215
)
# The upper half of an interface identifier that ends in an IPv4 address: ISATAP, RFC 5214 section 6.1.
_ISATAP: Final = frozenset({0x0000_5EFE, 0x0200_5EFE})
_TRANSLATED: Final = IPv6Network("64:ff9b::/96")


class AddressGuard:
    """Decides on addresses; remembers its latest decisions, since an engine asks for each attempt."""

    def __init__(self, allowed: Collection[Network] = ()) -> None:
        self._allowed = tuple(allowed)
        self._reasons: dict[str, str | None] = {}

    def refuses(self, address: str) -> str | None:
        """Why no request may go to this address (for operators, never for a customer), or None: it may.

        `address` is an IPv4 or IPv6 address as text; a scope (`%eth0`) or anything else is refused.
        """
        try:
            return self._reasons[address]
        except KeyError:
            reason = self._reason(address)
            if len(self._reasons) >= _REMEMBERED:
                self._reasons.clear()
            self._reasons[address] = reason
            return reason

    def refusing(self, granted: Networks) -> Refuses:
        """What it refuses to a request to which these networks are granted."""
        if not granted:
            return self.refuses
        return lambda address: None if lets(granted, address) else self.refuses(address)

    def _reason(self, text: str) -> str | None:
        try:
            address = ip_address(text)
        except (ValueError, AddressValueError, NetmaskValueError):
            return "not an address"
        if isinstance(address, IPv6Address) and address.scope_id is not None:
            return "scoped address"
        address = unmapped(address)
        if self._is_allowed(address):
            return None
        if isinstance(address, IPv4Address):
            return _special(address)
        return self._reason_v6(address)

    def _reason_v6(self, address: IPv6Address) -> str | None:
        embedded = _embedded(address)
        for inner in embedded:
            reason = _special(inner)
            if reason is not None and not self._is_allowed(inner):
                return f"embeds {reason}"
        if address in _TRANSLATED:
            return None
        return _special(address) or (None if address in _GLOBAL_UNICAST else "not global unicast")

    def _is_allowed(self, address: Address) -> bool:
        return has(self._allowed, address)


class ProxysGuard(AddressGuard):
    """For where the proxy that all requests leave through looks names up, and refuses what it should: we refuse none.

    What is asked about here are names, since no address is known.
    """

    def refuses(self, address: str) -> str | None:
        del address
        return None


def guard_of(settings: Settings) -> AddressGuard:
    """The guard that the settings ask for."""
    if settings.egress_proxy is not None and settings.egress_guard == "proxy":
        return ProxysGuard()
    return AddressGuard(settings.networks)


def _special(address: Address) -> str | None:
    return next((reason for network, reason in _SPECIAL if address in network), None)


def _embedded(address: IPv6Address) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses a tunnel or translator would take out of this one."""
    is_isatap = int(address) >> 32 & 0xFFFF_FFFF in _ISATAP
    if is_isatap or any(address in network for network in _IPV4_EMBEDDED_LAST):
        return (IPv4Address(int(address) & 0xFFFF_FFFF),)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    return address.teredo or ()
