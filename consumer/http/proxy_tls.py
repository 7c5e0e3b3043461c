"""TLS to the egress proxy itself, as a socket: what goes through it may be TLS once more, which is the endpoint's.

The laws:
- nothing is sent before the proxy's certificate was checked: its chain, its time and its name. So nobody between us and
  the proxy reads its login, or where requests go;
- it behaves as a socket that does not block: it takes and gives as much as there is, and raises BlockingIOError where
  there is nothing;
- a connection that ends without TLS being ended has broken: nobody in between can pass off a part for the whole.
"""

import errno
import socket
import ssl
from pathlib import Path
from typing import Final

from consumer.http.certificates import system_bundle
from consumer.http.tls import trusting

_PART_BYTES: Final = 16 * 1024
_WAITS: Final = (ssl.SSLWantReadError, ssl.SSLWantWriteError)


def proxy_context(authorities: Path | None) -> ssl.SSLContext:
    """For all connections to a proxy whose certificate one of these signed; None: one of the system's."""
    return trusting(authorities or Path(system_bundle()))


class ProxyTls:
    """On one connection to a proxy. The handshake is made by the first bytes that are sent."""

    def __init__(self, context: ssl.SSLContext, connected: socket.socket, name: str) -> None:
        """`connected` is ours from now on; its descriptor stays. Raises OSError: it has ended."""
        self._inner = context.wrap_socket(
            connected, server_hostname=name, do_handshake_on_connect=False, suppress_ragged_eofs=False
        )
        self._broken: OSError | None = None

    def fileno(self) -> int:
        """The socket's."""
        return self._inner.fileno()

    def send(self, data: memoryview) -> int:
        """As much as it takes. Raises BlockingIOError: nothing; OSError: it is of no more use."""
        sent = 0
        try:
            while sent < len(data):
                sent += self._inner.send(data[sent : sent + _PART_BYTES])
        except _WAITS:
            if not sent:
                raise BlockingIOError from None
        except OSError as error:
            raise self._breaks(error) from error
        return sent

    def recv(self, most: int) -> bytes:
        """As much as has come, less than `most` only where nothing more has; b"" at the end. Raises as `send` does."""
        parts: list[bytes] = []
        read = 0
        while read < most and self._broken is None:
            try:
                part = self._inner.recv(most - read)
            except _WAITS:
                break
            except OSError as error:
                self._breaks(error)
                break
            if not part:
                return b"".join(parts)  # and once more, where something came before the end
            parts.append(part)
            read += len(part)
        if parts:
            return b"".join(parts)
        if self._broken is not None:
            raise self._broken
        raise BlockingIOError

    def close(self) -> None:
        """Give the socket back."""
        self._inner.close()

    def _breaks(self, error: OSError) -> OSError:
        """It is told the same for ever: what OpenSSL says of it later is something else."""
        if self._broken is None:
            self._broken = OSError(errno.EPROTO, f"TLS with the egress proxy failed: {_words(error)}")
        return self._broken


def _words(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLEOFError):
        return "it closed the connection without ending TLS"
    return (error.reason if isinstance(error, ssl.SSLError) else error.strerror) or "the connection failed"
