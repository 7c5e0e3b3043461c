"""Networks that an operator lets the webhooks of one tenant reach, and nobody else's. Pure.

The laws:
- a grant is its tenant's by the exact name: `Acme` has nothing of `acme`'s;
- it is met by an address of the network itself. An IPv4 address written as a mapped IPv6 one is that IPv4 address, for
  a socket connects there; an address that hides one in another way, or has a scope, meets none;
- an address where a cloud tells a machine's secrets is met by the grant of that one address alone.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network
Networks: TypeAlias = tuple[Network, ...]

MAPPED: Final = IPv6Network("::ffff:0:0/96")
"""IPv4 addresses as IPv6 ones, RFC 4291."""

_METADATA: Final = frozenset(
    map(
        ip_address,
        (
            "169.254.169.254",  # nearly all clouds
            "169.254.170.2",  # AWS ECS, credentials
            "169.254.170.23",  # AWS EKS, credentials
            "100.100.100.200",  # Alibaba
            "192.0.0.192",  # Oracle
            "fd00:ec2::254",  # AWS
            "fd00:ec2::23",  # AWS EKS, credentials
            "fd20:ce::254",  # Google
        ),
    )
)
_GRANT: Final = re.compile(
    r"(?P<tenant>.+)=(?:\[(?P<network6>[^\[\]=]+)\]|(?P<network4>[0-9./]+)|(?P<alone>[^\[\]=]+))"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?",
    re.DOTALL,
)
_LARGEST_PORT: Final = 65_535
_WIDEST: Final = {4: 8, 6: 7}
"""Bits of the widest private networks, 10.0.0.0/8 and fc00::/7."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One network of one tenant; `port` is the only one, or None: all."""

    tenant: str
    network: Network
    port: int | None = None


def grant(text: str) -> Grant:
    """Read `TENANT=NETWORK` or `TENANT=NETWORK:PORT`; the network of IPv6 stands in brackets before a port.

    Raises:
        ValueError: it is written otherwise, saying how to.
    """
    parts = _GRANT.fullmatch(text)
    port = None if parts is None or parts["port"] is None else int(parts["port"])
    if parts is None or parts["tenant"] != parts["tenant"].strip() or (port or 1) > _LARGEST_PORT:
        raise ValueError(
            f"{text!r} is no tenant's network: write TENANT=NETWORK or TENANT=NETWORK:PORT, "
            "as in acme=10.20.0.0/16, acme=10.30.0.5/32:8443 or acme=[fd12::/64]:443"
        )
    written = parts["network4"] or parts["network6"] or parts["alone"]
    try:
        network = ip_network(written)
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}: write a network in CIDR notation, as in 10.20.0.0/16") from None
    if network.prefixlen < _WIDEST[network.version]:
        raise ValueError(
            f"{text!r}: is wider than any private network: name those that the tenant's endpoints are in, "
            "as in 10.20.0.0/16"
        )
    return Grant(tenant=parts["tenant"], network=network, port=port)


class Grants:
    """All of an installation."""

    def __init__(self, grants: Iterable[Grant] = ()) -> None:
        self._by_tenant: dict[str, list[Grant]] = {}
        for each in grants:
            self._by_tenant.setdefault(each.tenant, []).append(each)

    @property
    def tenants(self) -> Collection[str]:
        """Those that have any."""
        return self._by_tenant.keys()

    def at_any_port(self, tenant: str) -> Networks:
        """The networks of this tenant, each at one port at least."""
        return tuple(each.network for each in self._by_tenant.get(tenant, ()))

    def at(self, tenant: str, port: int) -> Networks:
        """The networks that webhooks of this tenant at this port may reach."""
        return tuple(each.network for each in self._by_tenant.get(tenant, ()) if each.port in {None, port})


def lets(networks: Collection[Network], text: str) -> bool:
    """Whether one of the networks has this address, which is written as text."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return has(networks, unmapped(address))


def unmapped(address: Address) -> Address:
    """The address that a socket connects to."""
    if isinstance(address, IPv6Address) and address.scope_id is None and address in MAPPED:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def has(networks: Collection[Network], address: Address) -> bool:
    """Whether one of the networks has this address, which is not a mapped one."""
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return False
    exactly = address in _METADATA
    return any(address in each and not (exactly and each.num_addresses > 1) for each in networks)
