"""Which engine sends."""

from typing import assert_never

from consumer.http.guard import AddressGuard
from consumer.http.transport import Hand, NoHand, Transport
from consumer.settings import Settings

_IDLE_PER_REQUEST = 2


def open_transport(settings: Settings, hand: Hand | None = None) -> Transport:
    """The engine of the settings, behind the guard with the operator's networks. Close it in the end.

    `hand` hears of what runs in the caller's thread: all of the curl engine, nothing of the other.
    """
    guard = AddressGuard(settings.networks)
    max_connections = settings.max_in_flight * _IDLE_PER_REQUEST
    # Only the chosen engine's libraries are loaded: the other may be missing, and costs memory.
    match settings.transport:
        case "curl":
            from consumer.http.curl import CurlTransport  # noqa: PLC0415 - see above

            return CurlTransport(guard, max_connections=max_connections, hand=hand or NoHand())
        case "httpx":
            from consumer.http.portable import PortableTransport  # noqa: PLC0415 - see above

            return PortableTransport(guard, max_connections=max_connections)
    assert_never(settings.transport)
