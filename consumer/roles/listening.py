"""Where the API listens, and who is asked how the processes do: the addresses from the settings, bound.

The law: an address that can never be bound is a wrong setting, and said by its name; one that somebody else holds right
now is waited for, so that a process can stand by for the one it follows.
"""

import errno
import re
import socket
import threading
from typing import Final

import structlog

from consumer.settings import ConfigurationError, Settings
from consumer.telemetry.outage import Outage
from consumer.telemetry.pulse import pulse

_log = structlog.get_logger("api")

API: Final = "HOOKLINE_API_LISTEN"
ADMIN: Final = "HOOKLINE_ADMIN_LISTEN"
_PORT: Final = re.compile("[0-9]{1,5}")
_MAX_PORT: Final = 65_535
_AGAIN_S: Final = 0.5
_IN_USE: Final = "its address is in use: it stands by"


def listener(settings: Settings, stop: threading.Event) -> socket.socket | None:
    """A bound socket; None when a stop was asked for before the address was free.

    Raises:
        ConfigurationError: of HOOKLINE_API_LISTEN.
    """
    taken = Outage(_log, "the API's address is in use")
    while not stop.is_set():
        bound = bound_at(API, settings.api_listen)
        if bound is not None:
            taken.over()
            return bound
        taken.met(address=settings.api_listen)
        pulse.lacks = (_IN_USE,)
        pulse.beat()
        stop.wait(_AGAIN_S)
    return None


def bound_at(field: str, text: str) -> socket.socket | None:
    """A socket bound to the address that this setting names; None while somebody else holds it.

    Raises:
        ConfigurationError: it can never be bound.
    """
    host, port = address_of(field, text)
    try:
        return _bound(host, port)
    except UnicodeError:
        raise ConfigurationError(field, f"cannot listen on {text}: no such host") from None
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise ConfigurationError(field, f"cannot listen on {text}: {error.strerror}") from None
        return None


def check(field: str, text: str) -> None:
    """Whether the address can ever be bound, as far as no name server has to be asked. Somebody may hold it now.

    Raises:
        ConfigurationError: of this field.
    """
    host, port = address_of(field, text)
    try:
        _bound(host, port, socket.AI_NUMERICHOST).close()
    except socket.gaierror:
        return  # a name
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise ConfigurationError(field, f"cannot listen on {text}: {error.strerror}") from None


def address_of(field: str, text: str) -> tuple[str, int]:
    """The host and the port that this setting names.

    Raises:
        ConfigurationError: it is no address.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not host or not _PORT.fullmatch(port) or int(port) > _MAX_PORT:
        raise ConfigurationError(field, f"{text!r} is no address: write host:port, as in 127.0.0.1:8080 or [::1]:8080")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _bound(host: str, port: int, flags: int = 0) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | flags
    )[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen()
    except OSError:
        bound.close()
        raise
    return bound
