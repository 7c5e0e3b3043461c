"""Which engine sends."""

from typing import assert_never

from consumer.http.guard import AddressGuard
from consumer.http.transport import Hand, NoHand, Transport
from consumer.settings import Settings

_IDLE_PER_REQUEST = 2


def open_transport(settings: Settings, hand: Hand | None = None) -> Transport:
    """The engine of the settings, behind the guard with the operator's networks. Close it in the end.

    `hand` hears for which request code runs.
    """
    guard = AddressGuard(settings.networks)
    max_connections = settings.max_in_flight * _IDLE_PER_REQUEST
    # Only the chosen engine is loaded: libcurl may be missing, and costs memory.
    match settings.transport:
        case "sockets":
            from consumer.http.sockets import SocketsTransport  # noqa: PLC0415 - see above

            return SocketsTransport(guard, max_connections=max_connections, hand=hand or NoHand())
        case "curl":
            from consumer.http.curl import CurlTransport  # noqa: PLC0415 - see above

            return CurlTransport(guard, max_connections=max_connections, hand=hand or NoHand())
    assert_never(settings.transport)
