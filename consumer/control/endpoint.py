"""Whether a webhook may be written with this URL, by what can be known without resolving a name.

The law: an address written into a URL is judged by the same guard that judges each connection, whatever notation hides
it, so that a URL which can never be called is refused when it is written. Names are judged when they are connected to.
"""

import socket
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from consumer.http.guard import AddressGuard
from consumer.settings import Settings
from consumer.webhooks.fields import FieldInvalid
from consumer.webhooks.url import stored_url

# RFC 6761 section 6.3: these never leave the machine.
_LOCALHOST: Final = "localhost"
_LOOPBACK: Final = "127.0.0.1"


def check_endpoint(url: str, settings: Settings) -> None:
    """Check an endpoint's URL and the address it names, if it names one. For operators: the fix is a setting.

    Raises:
        FieldInvalid: of the field `url`, with the reason and, where a setting lifts it, that setting.
    """
    try:
        parts = urlsplit(stored_url(url, allow_http=settings.allow_http))
    except FieldInvalid as error:
        if url[:7].lower() == "http://" and not settings.allow_http:
            raise FieldInvalid("url", f"{error.message} (HOOKLINE_ALLOW_HTTP=true allows http://)") from None
        raise
    address = _address(parts.hostname or "")
    if address is None:
        return
    reason = AddressGuard(settings.networks).refuses(address)
    if reason is not None:
        raise FieldInvalid(
            "url",
            f"is on a network that is never called ({reason}): use a public address, "
            f"or allow it, as in HOOKLINE_ALLOW_NETWORKS={_network(address)}",
        )


def _address(host: str) -> str | None:
    """The address a host stands for without asking anybody; None for a name."""
    name = host.removesuffix(".").lower()
    if name == _LOCALHOST or name.endswith("." + _LOCALHOST):
        return _LOOPBACK
    try:
        return str(ip_address(name))
    except ValueError:
        pass
    try:
        # What a resolver takes for IPv4: 127.1, 0x7f000001, 017700000001, 2130706433.
        return socket.inet_ntoa(socket.inet_aton(name))
    except (OSError, ValueError):
        return None


def _network(address: str) -> str:
    return f"{address}/{ip_address(address).max_prefixlen}"
