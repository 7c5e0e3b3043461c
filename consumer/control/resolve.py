"""A host's addresses, asked of the system's resolver (its hosts file, then the DNS), for no longer than is bearable.

The law: an answer comes within the time limit, and says which of three it is: the host's addresses, that it has none,
or that this could not be found out. The system's resolver cannot be interrupted, so each question has a thread of its
own, and there are so many at once; one that is given up keeps its place until the resolver's own patience ends.
"""

import queue
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from consumer.shares import Shares

LIMIT_S: Final = 2.0
AT_ONCE: Final = 32
OF_A_TENANT: Final = 4
"""Each may hold its place for as long as a silent name server does."""

# EAI_NODATA is obsolete in POSIX and still what glibc says of a name that exists and has no address.
_NONE: Final = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})


@dataclass(frozen=True, slots=True)
class Addresses:
    """A host's addresses as text, each once, at least one."""

    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoAddress:
    """The host does not exist, or has no address."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Whether the host has addresses could not be found out."""


Resolution: TypeAlias = Addresses | NoAddress | Unanswered
Resolve: TypeAlias = Callable[[str], Resolution]

_places = Shares("look-ups of names", places=AT_ONCE, share=OF_A_TENANT, retry_after_s=5)


def resolve(tenant: str, host: str, *, limit_s: float = LIMIT_S) -> Resolution:
    """The addresses of a host name in ASCII, IPv4 and IPv6, which this tenant wants to know.

    Raises:
        Busy: the tenant, or all, wait for too many names.
    """
    until_s = time.monotonic() + limit_s
    leave = _places.enter(tenant, within_s=limit_s / 2)
    answered: queue.SimpleQueue[Resolution] = queue.SimpleQueue()
    threading.Thread(target=_ask, args=(host, answered, leave), name="resolver", daemon=True).start()
    try:
        return answered.get(timeout=max(0.0, until_s - time.monotonic()))
    except queue.Empty:
        return Unanswered()


def _ask(host: str, answered: "queue.SimpleQueue[Resolution]", leave: Callable[[], None]) -> None:
    try:
        answered.put(_asked(host))
    finally:
        leave()


def _asked(host: str) -> Resolution:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        return NoAddress() if error.errno in _NONE else Unanswered()
    return Addresses(tuple(dict.fromkeys(str(entry[4][0]) for entry in found)))
