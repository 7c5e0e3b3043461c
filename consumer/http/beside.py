"""Two engines behind one port: the sockets engine for requests that need more than others do, the chosen one beside it.

These are the requests of webhooks with TLS of their own, and those to networks that are granted to one tenant.

The laws: a request has one engine from its beginning to its end; where no request is of these kinds, the second engine
is never opened, and the first one is asked for nothing more than without it. The first one is never told what is
granted.
"""

from collections.abc import Callable, Sequence

from consumer.delivery.answer import Answer
from consumer.http.sockets import SocketsTransport
from consumer.http.transport import Transport, Unproxied
from consumer.signing.request import Request


class BesideTransport(Unproxied):
    """Owned by one thread. Neither engine sends through a proxy: so both are always open, and nothing is unsent."""

    def __init__(self, usual: Transport, open_own: Callable[[], SocketsTransport]) -> None:
        """`open_own` opens the second one, when it is needed first."""
        self._usual = usual
        self._open_own = open_own
        self._own: SocketsTransport | None = None
        self._its: set[int] = set()  # the tokens that the second one has

    @property
    def in_flight(self) -> int:
        return self._usual.in_flight + len(self._its)

    def submit(self, token: int, request: Request) -> None:
        if request.tls is None and not request.granted:
            self._usual.submit(token, request)
            return
        if self._own is None:
            self._own = self._open_own()
            self._usual.watch(self._own.fd)
        self._own.submit(token, request)
        self._its.add(token)

    def poll(self, wait_s: float) -> Sequence[tuple[int, Answer]]:
        own = self._own
        if own is None:
            return self._usual.poll(wait_s)
        usual = self._usual.poll(own.patience_s(wait_s))
        answers = own.poll(0)
        self._its.difference_update(token for token, _ in answers)
        return [*usual, *answers]

    def cancel(self, token: int) -> None:
        if self._own is not None and token in self._its:
            self._its.discard(token)
            self._own.cancel(token)
        else:
            self._usual.cancel(token)

    def watch(self, fd: int) -> None:
        self._usual.watch(fd)

    def close(self) -> None:
        self._usual.close()
        self._its.clear()
        if self._own is not None:
            self._own.close()
