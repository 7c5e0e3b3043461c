"""Names asked of name servers by c-ares: as /etc/hosts, resolv.conf and nsswitch.conf say, without a thread for each.

The laws: nothing here blocks, closing neither, however silent the name servers are; every name asked for is answered
once, unless the resolver was closed. A name asked for takes no more than a few packets and some hundred bytes, so names
that nobody answers for take no room from others.

Why it is not libc's resolver, and what differs: docs/decisions/0023-a-resolver-of-our-own.md.
"""

import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import pycares

from consumer.delivery.names import Addresses, NoAddress, Resolution, Unanswered

_FIRST_TRY_S: Final = 0.5
_TRIES: Final = 5  # each takes twice as long: with one server they are over after 8 to 16 s
_TTL_MOST_S: Final = 86_400
_NONE: Final = frozenset(
    {
        pycares.errno.ARES_ENODATA,
        pycares.errno.ARES_ENOTFOUND,
        pycares.errno.ARES_EBADNAME,
        pycares.errno.ARES_EBADSTR,
        pycares.errno.ARES_EBADQUERY,
    }
)
_CLOSED: Final = frozenset({pycares.errno.ARES_ECANCELLED, pycares.errno.ARES_EDESTRUCTION})


class Resolver:
    """Asks the system's name servers, or `servers` ("address:port"). May be used from any thread."""

    def __init__(self, servers: Sequence[str] = ()) -> None:
        self._channel = pycares.Channel(timeout=_FIRST_TRY_S, tries=_TRIES, servers=servers or None)

    def ask(self, host: str, told: Callable[[Resolution], None]) -> None:
        """Ask for a name; `told` hears the answer, in a thread of c-ares', or at once. It must not block or raise."""
        if not host.isascii():
            told(NoAddress())  # stored URLs are ASCII, and c-ares would read it in a way of its own
            return
        self._channel.getaddrinfo(host, None, type=socket.SOCK_STREAM, callback=partial(_tell, told))

    def close(self) -> None:
        """Ask nothing more; names that are waited for are answered no longer."""
        self._channel.close()


def _tell(told: Callable[[Resolution], None], found: pycares.AddrInfoResult | None, error: int | None) -> None:
    if error in _CLOSED:
        return
    if found is not None and found.nodes:
        told(_addresses(found))
    else:
        told(NoAddress() if error is None or error in _NONE else Unanswered())


def _addresses(found: pycares.AddrInfoResult) -> Addresses:
    """Each address as the system writes it, once, in c-ares' order (RFC 6724)."""
    addresses = dict.fromkeys(node.addr[0].decode("ascii") for node in found.nodes)
    ttl_s = min(*(node.ttl for node in found.nodes), *(cname.ttl for cname in found.cnames), _TTL_MOST_S)
    return Addresses(tuple(map(_written, addresses)), ttl_s)


def _written(address: str) -> str:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.inet_ntop(family, socket.inet_pton(family, address))
