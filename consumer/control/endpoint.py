"""Whether a webhook may be written with this URL, by where its host is now.

The law: no URL is written whose host is, or resolves to, an address that the guard of every connection would refuse,
nor one whose host does not resolve. A customer is told what to do and nothing of a network: a name that leads inside
gets the same words as one that leads nowhere. An operator is told the address, the reason and the setting.

This is a courtesy: a name may resolve to something else a second later, and the guard judges each connection again.
"""

from ipaddress import IPv6Address, ip_address
from typing import Final, assert_never

from consumer.control.resolve import Addresses, NoAddress, Resolve, Unanswered, resolve
from consumer.http.guard import AddressGuard
from consumer.settings import Settings
from consumer.webhooks.fields import FieldInvalid
from consumer.webhooks.url import origin_of, stored_url

# RFC 6761 section 6.3: these are this machine, whatever a resolver makes of them.
_LOCALHOST: Final = "localhost"
_LOOPBACK: Final = ("127.0.0.1", "::1")
_NOT_PUBLIC: Final = "must have a host that resolves to public addresses: this one does not, check how it is written"


def check_endpoint(url: str, settings: Settings, *, for_operator: bool = False, resolve: Resolve = resolve) -> None:
    """Check an endpoint's URL and where its host is; takes as long as the look-up of a name, 2 s at most.

    Raises:
        FieldInvalid: of the field `url`, saying what to do; for an operator with the address and the setting.
    """
    try:
        stored = stored_url(url, allow_http=settings.allow_http)
    except FieldInvalid as error:
        if for_operator and url[:7].lower() == "http://" and not settings.allow_http:
            raise FieldInvalid("url", f"{error.message} (HOOKLINE_ALLOW_HTTP=true allows http://)") from None
        raise
    host = origin_of(stored)[1]
    guard = AddressGuard(settings.networks)
    refused = [address for address in _addresses(host, resolve, for_operator=for_operator) if guard.refuses(address)]
    # A connection to localhost takes whichever of the two is allowed.
    if not refused or (_is_localhost(host) and refused != list(_LOOPBACK)):
        return
    if for_operator:
        address = refused[0]
        raise FieldInvalid(
            "url",
            f"is at {address}, which is never called ({guard.refuses(address)}): use a public address, "
            f"or allow it, as in HOOKLINE_ALLOW_NETWORKS={_network(address)}",
        )
    if _literal(host) is None:
        raise FieldInvalid("url", _NOT_PUBLIC)
    raise FieldInvalid("url", "is at an address that is never called, such as a private one: use a public address")


def _addresses(host: str, resolve: Resolve, *, for_operator: bool) -> tuple[str, ...]:
    """The addresses of a host, at least one. Raises FieldInvalid where none is known."""
    if (literal := _literal(host)) is not None:
        return (literal,)
    if _is_localhost(host):
        return _LOOPBACK
    match resolve(host):
        case Addresses(addresses):
            return addresses
        case NoAddress():
            said = "has a host that does not resolve: check how it is written" if for_operator else _NOT_PUBLIC
            raise FieldInvalid("url", said)
        case Unanswered():
            raise FieldInvalid("url", "has a host that could not be looked up now: try again in a minute")
        case never:
            assert_never(never)


def _literal(host: str) -> str | None:
    """The address that a host is; None for a name. A stored URL writes addresses in one way only."""
    try:
        return str(ip_address(host))
    except ValueError:
        return None


def _network(address: str) -> str:
    """The network of this address alone, as the guard judges it: a mapped IPv4 address is that address."""
    alone = ip_address(address)
    if isinstance(alone, IPv6Address) and alone.ipv4_mapped is not None:
        alone = alone.ipv4_mapped
    return f"{alone}/{alone.max_prefixlen}"


def _is_localhost(host: str) -> bool:
    name = host.removesuffix(".")
    return name == _LOCALHOST or name.endswith("." + _LOCALHOST)
