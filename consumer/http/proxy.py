"""The forward proxy that all requests leave through, as the operator names it."""

import queue
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, Self, cast
from urllib.parse import unquote

from consumer.delivery.names import Addresses, Resolution, address_in
from consumer.http.resolver import Resolver
from consumer.http.tls import trusting
from consumer.http.tunnel import Connect, Socks5, Tunnel
from consumer.setting_values import PROXY, SERVER
from consumer.settings import ConfigurationError, Settings

_LOOKED_UP_S: Final = 2.0
_AGAIN_S: Final = 30.0
_MOST_LOGIN_BYTES: Final = 255  # RFC 1929

Scheme = Literal["http", "https", "socks5"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A host, without the brackets of an IPv6 address, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """Where it is, how it is asked, and which servers it reaches whenever it works. The repr holds no password.

    `authorities` is a PEM file: one of them signed the certificate of a proxy of https. None: one of the system's did.
    """

    scheme: Scheme
    at: Place
    checks: tuple[Place, ...]
    user: str | None = field(default=None, repr=False)
    password: str = field(default="", repr=False)
    authorities: Path | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """The settings' proxy, if they name one.

        Raises:
            ConfigurationError: its login is longer than SOCKS5 takes, or the file of its authorities has none.
        """
        if settings.egress_proxy is None:
            return None
        parts = PROXY.fullmatch(settings.egress_proxy.get_secret_value())
        assert parts is not None, "the settings have checked it"
        user, password = parts["user"], unquote(parts["password"] or "")
        proxy = cls(
            scheme=cast("Scheme", parts["scheme"]),
            at=_place(f"{parts['host']}:{parts['port']}"),
            checks=tuple(map(_place, settings.egress_check)),
            user=None if user is None else unquote(user),
            password=password,
            authorities=settings.egress_authorities,
        )
        if proxy.scheme == "socks5" and max(len((proxy.user or "").encode()), len(password.encode())) > (
            _MOST_LOGIN_BYTES
        ):
            raise ConfigurationError("HOOKLINE_EGRESS_PROXY", "has a user or password of more than 255 bytes")
        if proxy.authorities is not None:
            try:
                trusting(proxy.authorities)
            except OSError as error:  # OpenSSL's errors are some
                raise ConfigurationError(
                    "HOOKLINE_EGRESS_AUTHORITIES", f"cannot be read as certificates in PEM: {error.strerror}"
                ) from None
        return proxy

    def tunnel(self, host: str, port: int) -> Tunnel:
        """A new way to this place, which is not asked for yet."""
        kind = Socks5 if self.scheme == "socks5" else Connect
        return kind(host, port, user=self.user, password=self.password)


class ProxyAddress:
    """Where a proxy's name leads. Its addresses are the operator's own: no guard looks at them.

    The name is looked up when this is made, which waits for it, and every half minute while it is asked for, which
    does not. While name servers are silent the addresses stay as they were.
    """

    def __init__(self, host: str, open_resolver: Callable[[], Resolver] = Resolver) -> None:
        address = address_in(host)
        self._host = host
        self._addresses: tuple[str, ...] = () if address is None else (address,)
        self._resolver = open_resolver() if address is None else None
        self._asked_s: float | None = None
        if self._resolver is not None:
            first: queue.SimpleQueue[Resolution] = queue.SimpleQueue()
            self._resolver.ask(host, first.put)
            try:
                self._told(first.get(timeout=_LOOKED_UP_S))
            except queue.Empty:
                return  # asked for again with the first connection

    def now(self, now_s: float) -> list[str]:
        """Its addresses as they are known; none where nothing is."""
        if self._resolver is not None and (self._asked_s is None or now_s - self._asked_s >= _AGAIN_S):
            self._asked_s = now_s
            self._resolver.ask(self._host, self._told)
        return list(self._addresses)

    def close(self) -> None:
        """Nothing is asked any more."""
        if self._resolver is not None:
            self._resolver.close()

    def _told(self, resolution: Resolution) -> None:
        """In a thread of c-ares': one assignment."""
        if isinstance(resolution, Addresses):
            self._addresses = resolution.addresses


def _place(text: str) -> Place:
    parts = SERVER.fullmatch(text)
    assert parts is not None, "the settings have checked it"
    return Place(host=parts[1].strip("[]"), port=int(parts[2]))
