"""A host's addresses, asked of the system's resolver (its hosts file, then the DNS), for no longer than is bearable.

The law: an answer comes within the time limit, and says which of three it is: the host's addresses, that it has none,
or that this could not be found out. The system's resolver cannot be interrupted, so each question has a thread of its
own, at most 32 at once; one that is given up ends when the resolver's own patience does.
"""

import queue
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

LIMIT_S: Final = 2.0
_AT_ONCE: Final = 32

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

_free = threading.BoundedSemaphore(_AT_ONCE)


def resolve(host: str, *, limit_s: float = LIMIT_S) -> Resolution:
    """The addresses of a host name in ASCII, IPv4 and IPv6."""
    until_s = time.monotonic() + limit_s
    if not _free.acquire(timeout=limit_s):
        return Unanswered()
    answered: queue.SimpleQueue[Resolution] = queue.SimpleQueue()
    threading.Thread(target=_ask, args=(host, answered), name="resolver", daemon=True).start()
    try:
        return answered.get(timeout=max(0.0, until_s - time.monotonic()))
    except queue.Empty:
        return Unanswered()


def _ask(host: str, answered: "queue.SimpleQueue[Resolution]") -> None:
    try:
        answered.put(_asked(host))
    finally:
        _free.release()


def _asked(host: str) -> Resolution:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        return NoAddress() if error.errno in _NONE else Unanswered()
    return Addresses(tuple(dict.fromkeys(str(entry[4][0]) for entry in found)))
