"""A connection of the sockets engine: its socket, what is still to be sent on it, and TLS where it is one of https.

The laws:
- nothing here blocks, and one call sends or reads no more than a few hundred KiB, however fast the endpoint is;
- what an endpoint said before its connection broke is read before it is told that it broke.

What is not obvious: epoll tells of a socket once, when it *becomes* readable or writable. So whoever sees that it is
`unfinished` has to come back without being told.
"""

import ssl
from typing import Final, Protocol

from consumer.delivery.answer import FailureKind
from consumer.http.addressee import Addressee
from consumer.http.socket_exchange import Exchange
from consumer.http.tls import Tls
from consumer.http.tunnel import Tunnel

_READ_BYTES: Final = 16 * 1024
_SENT_BYTES: Final = 256 * 1024
_ENCRYPTED_BYTES: Final = 64 * 1024
_NOTHING: Final = memoryview(b"")
_RAGGED: Final = "the connection was closed without TLS being ended"


class ClosedError(Exception):
    """The endpoint has closed the connection in good order."""


class BrokenError(Exception):
    """The connection is of no more use; the message says why."""

    def __init__(self, kind: FailureKind, detail: str, *, gone: bool = True) -> None:
        """`gone`: it ended; else it brought what is not understood."""
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.gone = gone


class Socket(Protocol):
    """What a connection is made over, which does not block: a socket, or what is laid over one (`proxy_tls.py`)."""

    def fileno(self) -> int: ...
    def send(self, data: memoryview, /) -> int: ...
    def recv(self, most: int, /) -> bytes: ...
    def close(self) -> None: ...


class Connection:
    """To one address. `exchange` is the request that it carries, None while it is idle."""

    __slots__ = (
        "_early",
        "_plain",
        "_raw",
        "_socket",
        "address",
        "exchange",
        "fd",
        "idle_since_s",
        "may_send",
        "more",
        "secured",
        "tls",
        "to",
        "tunnel",
    )

    def __init__(
        self, connected: Socket, address: str, to: Addressee, tls: Tls | None, tunnel: Tunnel | None = None
    ) -> None:
        """`address` is the endpoint's, also where the socket leads to a proxy and `tunnel` from there."""
        self._socket = connected
        self._early = b""  # of the endpoint, and came with the proxy's last word
        self._raw = _NOTHING  # for the socket to take
        self._plain: list[memoryview] = []  # of the request, and not yet among those
        self.fd = connected.fileno()
        self.address = address
        self.to = to
        self.tls = tls
        self.tunnel = tunnel  # until it stands
        self.secured = tls is None and tunnel is None
        self.more = False  # there may be more to read than was read
        self.may_send = False  # the socket may take more than it was given
        self.exchange: Exchange | None = None
        self.idle_since_s = 0.0

    @property
    def sending(self) -> bool:
        """Whether some of the request has not been sent yet."""
        return bool(self._raw or self._plain)

    @property
    def unfinished(self) -> bool:
        """Whether there may be something to do that nobody tells of."""
        return self.more or self.may_send

    def send(self, parts: list[memoryview]) -> None:
        """Begin to send a request, and send as much of it as the socket takes."""
        self._plain = parts.copy()
        self.go_on()

    def go_on(self) -> None:
        """Send as much as the socket takes of what is left."""
        self.may_send = False
        budget = _SENT_BYTES
        while budget > 0:
            try:
                if not self._raw and not self._refill():
                    return
                sent = self._socket.send(self._raw)
            except BlockingIOError:
                return
            except OSError:  # TLS's errors are some
                self._raw, self._plain = _NOTHING, []
                self.more = True  # why, and what was said before, is there to be read
                return
            budget -= sent
            if sent < len(self._raw):
                self._raw = self._raw[sent:]
                return
            self._raw = _NOTHING
            if self.tls is None and not self._plain:
                return
        self.may_send = True  # the others first

    def dig(self, received: bytes) -> bool:
        """Go on with the tunnel, by what was received of the proxy; whether it stands, and is the endpoint's way now.

        Raises BrokenError: the proxy refuses, and says why.
        """
        tunnel = self.tunnel
        assert tunnel is not None
        answer = tunnel.read(received) if received else tunnel.begins()
        if tunnel.refusal:
            raise BrokenError(FailureKind.CONNECT, tunnel.refusal, gone=False)
        if answer:
            self._raw = memoryview(bytes(self._raw) + answer)
            self.go_on()
        if not tunnel.stands:
            return False
        self.tunnel = None
        self.secured = self.tls is None
        self._early = tunnel.behind
        self.more = self.more or bool(self._early)
        return True

    def handshake(self, received: bytes) -> None:
        """Go on with TLS; `secured` when it is done. Raises BrokenError."""
        assert self.tls is not None
        try:
            self.secured = self.tls.handshake(received)
        except ssl.SSLError as error:
            raise BrokenError(FailureKind.TLS, _words(error)) from error
        finally:
            self.go_on()  # also what is wrong with a certificate is told

    def receive_raw(self) -> bytes:
        """What has come, encrypted where it is; nothing where nothing has. Raises ClosedError and BrokenError."""
        if self._early:
            early, self._early, self.more = self._early, b"", True
            return early
        try:
            received = self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            self.more = False
            return b""
        except OSError as error:
            raise BrokenError(FailureKind.RESET, error.strerror or "the connection failed") from error
        if not received:
            raise ClosedError
        self.more = len(received) == _READ_BYTES
        return received

    def receive(self) -> bytes:
        """What has come of an answer; nothing where nothing has. Raises ClosedError and BrokenError."""
        tls = self.tls
        if tls is None:
            return self.receive_raw()
        if tls.ended:
            raise ClosedError
        try:
            received = self.receive_raw()
        except ClosedError:
            raise BrokenError(FailureKind.RESET, _RAGGED) from None
        try:
            plain = tls.decrypted(received) if received else b""
        except ssl.SSLError as error:
            raise BrokenError(FailureKind.RESET, _words(error), gone=False) from error
        self.more = self.more or tls.ended
        self.go_on()
        return plain

    def close(self, *, politely: bool) -> None:
        """Give the socket back; politely: TLS is ended before."""
        if politely and self.tls is not None and self.secured and not self.sending:
            self._raw = memoryview(self.tls.farewell())
            self.go_on()
        self._socket.close()

    def _refill(self) -> bool:
        """Take the next part to be sent; whether there is any."""
        tls = self.tls
        if tls is None:
            self._raw = self._next(_SENT_BYTES)
            return bool(self._raw)
        if self._plain and self.secured:
            tls.encrypt(self._next(_ENCRYPTED_BYTES))
        self._raw = memoryview(tls.to_send())
        return bool(self._raw)

    def _next(self, most: int) -> memoryview:
        """So much of what is left of the request."""
        if not self._plain:
            return _NOTHING
        part = self._plain[0]
        if len(part) <= most:
            return self._plain.pop(0)
        self._plain[0] = part[most:]
        return part[:most]


def _words(error: ssl.SSLError) -> str:
    """OpenSSL's, without the place in its source."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message}"
    return error.reason or str(error)
