"""Whether a webhook may be written with this URL, by where its host is now.

The law: no URL is written whose host is, or resolves to, an address that the guard of every connection would refuse,
nor by a customer one whose host does not resolve. A customer is told what to do and nothing of a network: a name that
leads inside gets the same words as one that leads nowhere. An operator is told the address, the reason and the setting,
and may name a host that nobody knows here: the workers may know it, or it may be about to exist.

This is a courtesy: a name may resolve to something else a second later, and the guard checks each connection again.
"""

from collections.abc import Sequence
from functools import partial
from ipaddress import ip_address
from typing import Final, assert_never

from consumer.control.resolve import Resolve, resolve
from consumer.delivery.names import Addresses, NoAddress, Refuses, Resolution, Unanswered, address_in
from consumer.granted import unmapped
from consumer.http.guard import ProxysGuard, guard_of
from consumer.settings import Settings
from consumer.webhooks.url import origin_of, stored_url
from consumer.webhooks.wrong import Code, FieldInvalid, Wrong, invalid

# RFC 6761 section 6.3: these are this machine, whatever a resolver makes of them.
_LOCALHOST: Final = "localhost"
_LOOPBACK: Final = ("127.0.0.1", "::1")
_FOR_OPERATOR: Final = partial(resolve, "")  # whose shares are nobody else's: a command's process
_NOT_PUBLIC: Final = "must have a host that resolves to public addresses: this one does not, check how it is written"


def check_endpoint(url: str, settings: Settings, *, resolve: Resolve, tenant: str = "") -> None:
    """Check a customer's endpoint and where its host is; takes as long as the look-up of a name, 2 s at most.

    What is granted to the `tenant` passes.

    Raises:
        FieldInvalid: of the field `url`, saying what to do.
    """
    _, host, port = origin_of(stored_url(url, allow_http=settings.allow_http))
    if _is_the_proxys(settings):
        return
    match _addresses(host, resolve):
        case NoAddress():
            raise invalid("url", Code.NOT_PUBLIC, _NOT_PUBLIC)
        case Unanswered():
            raise invalid("url", Code.UNRESOLVED, "has a host that could not be looked up now: try again in a minute")
        case Addresses(addresses):
            if not _refused(host, addresses, _refuses(settings, tenant, port)):
                return
            if address_in(host) is None:
                raise invalid("url", Code.NOT_PUBLIC, _NOT_PUBLIC)
            raise invalid(
                "url",
                Code.NOT_PUBLIC,
                "is at an address that is never called, such as a private one: use a public address",
            )
        case never:
            assert_never(never)


def check_for_operator(
    url: str, settings: Settings, *, resolve: Resolve = _FOR_OPERATOR, tenant: str = ""
) -> str | None:
    """The same for an operator, who may name a host that is not known here. Returns what to tell about it.

    Raises:
        FieldInvalid: of the field `url`, with the address, the reason and the setting that lifts it.
    """
    try:
        stored = stored_url(url, allow_http=settings.allow_http)
    except FieldInvalid as error:
        if url[:7].lower() == "http://" and not settings.allow_http:
            message = f"{error.message} (HOOKLINE_ALLOW_HTTP=true allows http://)"
            raise FieldInvalid(Wrong(field="url", code=error.wrong[0].code, message=message)) from None
        raise
    _, host, port = origin_of(stored)
    if _is_the_proxys(settings):
        return None
    match _addresses(host, resolve):
        case NoAddress() | Unanswered():
            return f"{host} does not resolve here: deliveries fail until it does where they are sent from"
        case Addresses(addresses):
            refused = _refused(host, addresses, _refuses(settings, tenant, port))
        case never:
            assert_never(never)
    if not refused:
        return None
    network = _network(refused[0])
    raise invalid(
        "url",
        Code.NOT_PUBLIC,
        f"is at {refused[0]}, which is never called ({guard_of(settings).refuses(refused[0])}): use a public address, "
        f"or allow it, as in HOOKLINE_ALLOW_NETWORKS={network} for every tenant"
        + (f" or HOOKLINE_TENANT_NETWORKS={tenant}={network} for this one alone" if tenant else ""),
    )


def _is_the_proxys(settings: Settings) -> bool:
    """Whether the proxy alone knows where names lead, and what to refuse: then nothing is found out here."""
    return isinstance(guard_of(settings), ProxysGuard)


def _refuses(settings: Settings, tenant: str, port: int) -> Refuses:
    return guard_of(settings).refusing(settings.grants.at(tenant, port))


def _refused(host: str, addresses: Sequence[str], refuses: Refuses) -> list[str]:
    """Those of its addresses that the guard refuses, where one is enough not to call it."""
    refused = [address for address in addresses if refuses(address)]
    # A connection to localhost takes whichever of the two is allowed.
    return [] if _is_localhost(host) and refused != list(_LOOPBACK) else refused


def _addresses(host: str, resolve: Resolve) -> Resolution:
    if (address := address_in(host)) is not None:
        return Addresses((address,))
    return Addresses(_LOOPBACK) if _is_localhost(host) else resolve(host)


def _network(address: str) -> str:
    """The network of this address alone, as the guard sees it: a mapped IPv4 address is that address."""
    alone = unmapped(ip_address(address))
    return f"{alone}/{alone.max_prefixlen}"


def _is_localhost(host: str) -> bool:
    name = host.removesuffix(".")
    return name == _LOCALHOST or name.endswith("." + _LOCALHOST)
