"""Where the API listens: the address from the settings, bound.

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

_log = structlog.get_logger("api")

_FIELD: Final = "HOOKLINE_API_LISTEN"
_PORT: Final = re.compile("[0-9]{1,5}")
_MAX_PORT: Final = 65_535
_AGAIN_S: Final = 0.5


def listener(settings: Settings, stop: threading.Event) -> socket.socket | None:
    """A bound socket; None when a stop was asked for before the address was free.

    Raises:
        ConfigurationError: of HOOKLINE_API_LISTEN.
    """
    host, port = address_of(settings.api_listen)
    taken = Outage(_log, "the API's address is in use")
    while not stop.is_set():
        try:
            bound = _bound(host, port)
        except UnicodeError:
            raise ConfigurationError(_FIELD, f"cannot listen on {settings.api_listen}: no such host") from None
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise ConfigurationError(_FIELD, f"cannot listen on {settings.api_listen}: {error.strerror}") from None
            taken.met(address=settings.api_listen)
            stop.wait(_AGAIN_S)
        else:
            taken.over()
            return bound
    return None


def check(settings: Settings) -> None:
    """Whether the address can ever be bound, as far as no name server has to be asked. Somebody may hold it now.

    Raises:
        ConfigurationError: of HOOKLINE_API_LISTEN.
    """
    host, port = address_of(settings.api_listen)
    try:
        _bound(host, port, socket.AI_NUMERICHOST).close()
    except socket.gaierror:
        return  # a name
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise ConfigurationError(_FIELD, f"cannot listen on {settings.api_listen}: {error.strerror}") from None


def address_of(text: str) -> tuple[str, int]:
    """The host and the port that `HOOKLINE_API_LISTEN` names.

    Raises:
        ConfigurationError: it is no address.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not host or not _PORT.fullmatch(port) or int(port) > _MAX_PORT:
        raise ConfigurationError(_FIELD, f"{text!r} is no address: write host:port, as in 127.0.0.1:8080 or [::1]:8080")
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
