"""A host's addresses, asked of name servers, for no longer than is bearable.

The law: an answer comes within the time limit, and says which of three it is: the host's addresses, that it has none,
or that this could not be found out. One tenant never has more than its share of the questions; one that is given up
keeps its place until the resolver is done with it.

Nothing is remembered here: who has just mended his name and asks again is told what is so now.
"""

import queue
import time
from collections.abc import Callable
from functools import cache
from typing import Final, TypeAlias

from consumer.delivery.names import Resolution, Unanswered
from consumer.http.resolver import Resolver
from consumer.shares import Shares

LIMIT_S: Final = 2.0
AT_ONCE: Final = 256
OF_A_TENANT: Final = 16

Resolve: TypeAlias = Callable[[str], Resolution]


class Lookups:
    """Look-ups of one process, for as many threads as there are."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._places = Shares("look-ups of names", places=AT_ONCE, share=OF_A_TENANT, retry_after_s=5)

    def resolve(self, tenant: str, host: str, *, limit_s: float = LIMIT_S) -> Resolution:
        """The addresses of a host name in ASCII, IPv4 and IPv6, which this tenant wants to know.

        Raises:
            Busy: the tenant, or all, wait for too many names.
        """
        until_s = time.monotonic() + limit_s
        leave = self._places.enter(tenant, within_s=limit_s / 2)
        answered: queue.SimpleQueue[Resolution] = queue.SimpleQueue()

        def told(resolution: Resolution) -> None:
            leave()
            answered.put(resolution)

        self._resolver.ask(host, told)
        try:
            return answered.get(timeout=max(0.0, until_s - time.monotonic()))
        except queue.Empty:
            return Unanswered()


@cache
def _lookups() -> Lookups:
    return Lookups(Resolver())


def resolve(tenant: str, host: str, *, limit_s: float = LIMIT_S) -> Resolution:
    """The same by this process's own look-ups, which are opened when they are first used."""
    return _lookups().resolve(tenant, host, limit_s=limit_s)
