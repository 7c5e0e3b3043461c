"""How a proxy is asked for a connection to an endpoint, and what it says. Pure: bytes in, bytes out.

The laws:
- any bytes, however they are cut, have one reading and reading never raises; at most MAX_HEAD_BYTES of them are kept;
- what a proxy says before its tunnel stands is the proxy's own. What comes behind is the endpoint's, whoever sent it
  along, and is given on untouched;
- why it refuses is told in words of ours: nothing of its answer is repeated, nor of what we said to it.

    HTTP (RFC 9110 section 9.3.6)        SOCKS5 (RFC 1928, 1929)
    ──► CONNECT host:port                ──► which ways of logging in we know
    ◄── 2xx: it stands                   ◄── the one that it wants
        else: refused                    ──► user and password (where it wants them) ──► the address
                                         ◄── 0: it stands, else: refused
"""

from base64 import b64encode
from ipaddress import ip_address
from typing import Final, Protocol

from consumer.http.head import Head, HeadReader, Malformed
from consumer.http.transport import MAX_HEAD_BYTES

_ACCEPTED: Final = range(200, 300)

_SOCKS: Final = 5
_OPEN, _BY_PASSWORD = 0, 2
_LOGIN_VERSION: Final = 1
_CONNECT: Final = 1
_IPV4, _NAME, _IPV6 = 1, 3, 4
_SIZES: Final = {_IPV4: 4, _IPV6: 16}
_REPLY_BEGINS: Final = 5  # bytes: by then the size of the rest is known
_REPLIES: Final = {
    1: "the egress proxy failed",
    2: "the egress proxy does not allow this destination",
    3: "the egress proxy found no way to the endpoint's network",
    4: "the egress proxy could not reach the endpoint",
    5: "the endpoint refused the egress proxy's connection",
}


class Tunnel(Protocol):
    """To one endpoint, on one connection to the proxy."""

    stands: bool
    refusal: str
    """Why it will never stand; "" while that is not so."""
    behind: bytes
    """What came of the endpoint together with the proxy's last word."""

    def begins(self) -> bytes:
        """What is sent first."""

    def read(self, received: bytes) -> bytes:
        """Hear what the proxy said; what is to be sent next."""


class Connect:
    """HTTP's."""

    def __init__(self, host: str, port: int, *, user: str | None, password: str) -> None:
        """`host` is a name or an address."""
        at = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {at} HTTP/1.1", f"Host: {at}"]
        if user is not None:
            lines.append(f"Proxy-Authorization: Basic {b64encode(f'{user}:{password}'.encode()).decode()}")
        self._asks = "".join(f"{line}\r\n" for line in (*lines, "")).encode()
        self._head = HeadReader()
        self._line = bytearray()
        self.stands = False
        self.refusal = ""
        self.behind = b""

    def begins(self) -> bytes:
        return self._asks

    def read(self, received: bytes) -> bytes:
        start = 0
        while self._head.found is None and start < len(received):
            end = received.find(b"\n", start) + 1 or len(received)
            self._line += received[start:end]
            start = end
            if self._line.endswith(b"\n") or len(self._line) > MAX_HEAD_BYTES:
                self._head.line(bytes(self._line))
                self._line.clear()
        match self._head.found:
            case Head(status=status) if status in _ACCEPTED:
                self.stands, self.behind = True, received[start:]
            case Head(status=status):
                self.refusal = f"the egress proxy answered {status} when asked for the endpoint"
            case Malformed():
                self.refusal = "the egress proxy's answer is not HTTP/1.1"
            case None:
                pass
        return b""


class Socks5:
    """SOCKS5's, where the proxy wants no login or one by user and password."""

    def __init__(self, host: str, port: int, *, user: str | None, password: str) -> None:
        """`host` is a name or an address."""
        self._asks = bytes((_SOCKS, _CONNECT, 0)) + _written(host) + port.to_bytes(2, "big")
        self._user = user
        self._password = password
        self._heard = bytearray()
        self._next = self._method
        self.stands = False
        self.refusal = ""
        self.behind = b""

    def begins(self) -> bytes:
        return bytes((_SOCKS, 1, _OPEN)) if self._user is None else bytes((_SOCKS, 2, _OPEN, _BY_PASSWORD))

    def read(self, received: bytes) -> bytes:
        self._heard += received
        answer = b""
        before = -1
        while len(self._heard) != before and not (self.stands or self.refusal):
            before = len(self._heard)
            answer += self._next()
        return answer

    def _method(self) -> bytes:
        said = self._taken(2)
        if said is None:
            return b""
        if said == bytes((_SOCKS, _OPEN)):
            self._next = self._reply
            return self._asks
        if said == bytes((_SOCKS, _BY_PASSWORD)) and self._user is not None:
            user, password = self._user.encode(), self._password.encode()
            self._next = self._login
            return bytes((_LOGIN_VERSION, len(user))) + user + bytes((len(password),)) + password
        self.refusal = (
            "the egress proxy asks for another login than ours" if said[0] == _SOCKS else "the proxy speaks no SOCKS5"
        )
        return b""

    def _login(self) -> bytes:
        said = self._taken(2)
        if said is None:
            return b""
        if said[1] != 0:
            self.refusal = "the egress proxy refuses user and password"
            return b""
        self._next = self._reply
        return self._asks

    def _reply(self) -> bytes:
        heard = self._heard
        if len(heard) < _REPLY_BEGINS:
            return b""
        size = _SIZES.get(heard[3], heard[4] + 1 if heard[3] == _NAME else None)
        if heard[0] != _SOCKS or size is None:
            self.refusal = "the egress proxy's answer is not SOCKS5"
            return b""
        said = self._taken(4 + size + 2)
        if said is None:
            return b""
        if said[1] == 0:
            self.stands, self.behind = True, bytes(self._heard)
        else:
            self.refusal = _REPLIES.get(said[1], "the egress proxy refuses the endpoint")
        return b""

    def _taken(self, size: int) -> bytes | None:
        """The next so many bytes; None while they have not all come."""
        if len(self._heard) < size:
            return None
        taken = bytes(self._heard[:size])
        del self._heard[:size]
        return taken


def _written(host: str) -> bytes:
    try:
        address = ip_address(host)
    except ValueError:
        name = host.encode()
        return bytes((_NAME, len(name))) + name
    return bytes((_IPV4 if address.version == 4 else _IPV6,)) + address.packed  # noqa: PLR2004 - IP's versions
