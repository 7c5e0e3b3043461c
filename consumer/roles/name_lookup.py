"""Names asked of name servers for the delivery loop, which is told the answers when it looks for them."""

from collections.abc import Sequence
from functools import partial
from typing import TypeAlias

from consumer.delivery.names import Resolution
from consumer.http.resolver import Resolver
from consumer.replies import Replies

_Told: TypeAlias = tuple[str, Resolution]


class NameLookup:
    """Owned by the loop. `fd` becomes readable when there is something to take."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._replies: Replies[_Told] = Replies()
        self.fd = self._replies.fd

    def ask(self, hosts: Sequence[str]) -> None:
        """Ask; each name's answer comes from `take`, in any order."""
        for host in hosts:
            self._resolver.ask(host, partial(self._tell, host))

    def take(self) -> list[_Told]:
        """The answers that have come."""
        return self._replies.take()

    def close(self) -> None:
        """Nothing more is asked or answered. Waits for no name."""
        self._resolver.close()
        self._replies.close()

    def _tell(self, host: str, resolution: Resolution) -> None:
        self._replies.put((host, resolution))
