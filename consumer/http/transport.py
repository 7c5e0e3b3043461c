"""The port between the delivery loop and an HTTP engine.

The law: every submitted token comes back from `poll` exactly once, with an Answer, no later than its request's
total timeout plus one turn of the loop; unless it was cancelled, then never. An engine connects to the addresses of
the request and to no others, judges each once more when it does and before every request, and looks no name up.

Where requests leave through a proxy, an engine connects to the proxy, and asks it for one of those addresses. A request
that fails because the proxy is broken has no Answer: it comes back from `unsent` instead. A request's timeout begins
when the proxy has connected it; before that it may take as long as the proxy may take for each of its addresses, twice,
and as long as a check of the proxy between the two (`proxied_course.py`).
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from consumer.delivery.answer import Answer
from consumer.signing.request import Request
from consumer.signing.written import Written

MAX_BODY_BYTES = 16 * 1024
"""What is kept of a body."""

MAX_HEAD_BYTES = 64 * 1024
"""A larger head, interim answers included, is a protocol failure."""

DRAIN_BYTES = 64 * 1024
"""A longer body is cut by closing the connection; a shorter one is read to its end, so that the connection is kept."""

MAX_FRAMING_BYTES = 64 * 1024
"""More bytes that frame a chunked body, sizes, extensions and trailers, are a protocol failure."""


class Hand(Protocol):
    """Who is told for which request an engine's code runs, so that a death there can be blamed on its record."""

    def take(self, token: int) -> None:
        """From here on for this one."""

    def let_go(self) -> None:
        """And for none."""


class NoHand:
    """For where nobody asks."""

    def take(self, token: int) -> None:
        """Not noted."""

    def let_go(self) -> None:
        """Nothing was."""


def addressed(request: Request) -> Request:
    """The request, if it says where it goes. Raises ValueError as `submit` does."""
    if not request.addresses:
        raise ValueError("a request needs the addresses of its host: look its name up first")
    return request


@runtime_checkable
class Sender(Protocol):
    """An engine that sends what the native step has written, under the law of the port: the native one alone."""

    def send(self, token: int, written: Written) -> None:
        """Start the request. Where an HTTP answer comes, `poll` returns it as Kept."""


class Unproxied:
    """What an engine says that sends through no proxy: nothing that all requests go through can break."""

    def unsent(self) -> Sequence[int]:
        """None, ever."""
        return ()

    @property
    def open(self) -> bool:
        """Always."""
        return True


class Transport(Protocol):
    """One engine, owned by one thread. Nothing here blocks but `poll`, and that at most `wait_s`."""

    def submit(self, token: int, request: Request) -> None:
        """Start the request. Its answer comes from a later `poll` under this token, which must not be in flight.

        Raises:
            ValueError: it has no addresses: whoever sends it has not looked its host up.
        """

    def poll(self, wait_s: float) -> Sequence[tuple[int, Answer]]:
        """Drive I/O for at most `wait_s` seconds and return what finished."""

    def unsent(self) -> Sequence[int]:
        """The requests, since this was last called, that ended because what all of them go through is broken.

        Nothing is known of their endpoints by that. Nearly always nothing was sent.
        """

    @property
    def open(self) -> bool:
        """Whether requests may leave: False while what all of them go through is broken. `poll` finds out."""

    def cancel(self, token: int) -> None:
        """Forget a request in flight: its connection is destroyed, its answer never comes."""

    def watch(self, fd: int) -> None:
        """Let `poll` return early when `fd` becomes readable (the wake-up of the loop's other sources)."""

    @property
    def in_flight(self) -> int:
        """Requests submitted and not yet returned."""

    def close(self) -> None:
        """Destroy every connection; nothing is in flight afterwards. Closing again does nothing."""
