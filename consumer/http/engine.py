"""Which engine sends, and what the native step does beside where it sends.

The law: an engine that is asked for by name is the one that sends, or nothing does. Where none is named, the native one
sends where it is installed, and everything works without it. Through a proxy only the sockets engine sends, and so it
does for webhooks with TLS of their own and for networks that are granted to one tenant: beside another one, where
another one is chosen. All of them watch their
sockets by epoll, which only Linux has: elsewhere nothing can be sent, and that is said by name before anything is
begun.
"""

import select
import sys
from typing import Literal, TypeAlias, assert_never

import structlog

from consumer import native
from consumer.events.rules import Usual
from consumer.http.beside import BesideTransport
from consumer.http.guard import guard_of
from consumer.http.proxy import Proxy
from consumer.http.sockets import SocketsTransport
from consumer.http.transport import Hand, NoHand, Transport
from consumer.settings import ConfigurationError, Settings
from consumer.signing.written import Prepare

_IDLE_PER_REQUEST = 2

_log = structlog.get_logger("http")

Engine: TypeAlias = Literal["native", "sockets", "curl"]


def chosen(settings: Settings, *, installed: bool) -> Engine:
    """The engine that sends, where the native one is `installed` or not.

    Raises:
        ConfigurationError: it is the native one, by name, and is not installed.
    """
    if settings.egress_proxy is not None:
        return "sockets"  # the settings refuse any other by name
    if settings.transport == "auto":
        return "native" if installed else "sockets"
    if settings.transport == "native" and not installed:
        raise ConfigurationError(
            "HOOKLINE_TRANSPORT",
            "native needs the package hookline-native, which is not installed: install hookline[fast], or write auto, "
            "which does without it",
        )
    return settings.transport


def preparing(settings: Settings) -> Prepare | None:
    """How webhooks are prepared for requests that the engine of the settings writes; None: it writes none.

    Raises:
        ConfigurationError: see `chosen`.
    """
    if not _is_native(settings):
        return None
    from consumer.http.native import prepare  # noqa: PLC0415 - it may not be installed

    return prepare


def reading(settings: Settings) -> Usual | None:
    """Who reads usual envelopes where that engine sends; None: Python reads all.

    Raises:
        ConfigurationError: see `chosen`.
    """
    if not _is_native(settings):
        return None
    from hookline_native import read_envelope  # noqa: PLC0415 - it may not be installed

    return read_envelope


def open_transport(settings: Settings, hand: Hand | None = None) -> Transport:
    """The engine of the settings, behind the guard with the operator's networks. Close it in the end.

    `hand` hears for which request code runs, but of the native engine: what panics there ends one request.

    Raises:
        ConfigurationError: see `chosen`; or this system is not Linux.
    """
    if not hasattr(select, "epoll"):
        raise ConfigurationError(
            "HOOKLINE_TRANSPORT",
            f"every engine needs Linux's epoll, which {sys.platform} does not have: run what sends on Linux, or in a "
            "container (docker compose up); commands that only read and write Kafka work here",
        )
    guard, proxy = guard_of(settings), Proxy.of(settings)
    max_connections = settings.max_in_flight * _IDLE_PER_REQUEST
    installed = native.is_installed()
    engine = chosen(settings, installed=installed)
    _log.info(
        "http engine",
        engine=engine,
        native="installed" if installed else "not installed: pip install hookline[fast]",
        proxy="none" if proxy is None else f"{proxy.scheme}://{proxy.at}",
    )

    def sockets() -> SocketsTransport:
        return SocketsTransport(guard, max_connections=max_connections, hand=hand or NoHand(), proxy=proxy)

    # Of the other two only the chosen one is loaded: they may be missing, and cost memory.
    match engine:
        case "native":
            from consumer.http.native import BesideNative, NativeTransport  # noqa: PLC0415 - see above

            return BesideNative(NativeTransport(guard, max_connections=max_connections), sockets)
        case "sockets":
            return sockets()
        case "curl":
            from consumer.http.curl import CurlTransport  # noqa: PLC0415 - see above

            curl = CurlTransport(guard, max_connections=max_connections, hand=hand or NoHand())
            return BesideTransport(curl, sockets)
    assert_never(engine)


def _is_native(settings: Settings) -> bool:
    return chosen(settings, installed=native.is_installed()) == "native"
