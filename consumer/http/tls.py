"""TLS between a connection's bytes and its socket's. No sockets here: bytes in, bytes out.

The laws:
- nothing of a request is encrypted before the endpoint's certificate was checked: its chain, its time and its name;
- a session is resumed only with the name that its certificate was checked for, and for an hour at most: what was
  checked once is not looked at again when it is resumed;
- a session of a webhook with TLS of its own is not resumed: its context is another one each time;
- whoever sends bytes that come to nothing is heard to MOST_BARREN_BYTES.

What is not obvious: behind the handshake a server sends tickets, which resume sessions later. They come with its first
answer, or on a connection that nobody uses.
"""

import ssl
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Final

from consumer.http.certificates import system_bundle
from consumer.signing.request import ClientTls
from consumer.webhooks.tls import show

MOST_BARREN_BYTES: Final = 256 * 1024
SESSIONS: Final = 4_096
_RESUMED_S: Final = 3_600.0
_ASKED_AGAIN_S: Final = 60.0
_RECORD_BYTES: Final = 16 * 1024
_TOO_MUCH: Final = "more than a handshake takes, and no answer in it"


class Tls:
    """Of one connection, in which we are the client. Raises ssl.SSLError where the endpoint's bytes are no TLS."""

    __slots__ = ("_barren_bytes", "_incoming", "_object", "_outgoing", "ended")

    def __init__(self, context: ssl.SSLContext, name: str, session: ssl.SSLSession | None) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name, session=session)
        self._barren_bytes = 0
        self.ended = False
        """Whether the endpoint has said that nothing more comes."""

    def handshake(self, received: bytes) -> bool:
        """Go on with it, by what was received; whether the certificate was checked and the connection is ready."""
        self._incoming.write(received)
        self._has_come_to_nothing(len(received))
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def decrypted(self, received: bytes) -> bytes:
        """What is in these bytes, and in those before them."""
        self._incoming.write(received)
        parts: list[bytes] = []
        with suppress(ssl.SSLWantReadError):
            while self._incoming.pending or self._object.pending():
                part = self._object.read(_RECORD_BYTES)
                if not part:
                    self.ended = True
                    break
                parts.append(part)
        if parts:
            self._barren_bytes = 0
        else:
            self._has_come_to_nothing(len(received))
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def encrypt(self, plain: bytes | memoryview) -> None:
        """Whatever it becomes is among what is to be sent."""
        self._object.write(plain)

    def to_send(self) -> bytes:
        """What is to go to the endpoint now; of handshakes and tickets too."""
        return self._outgoing.read() if self._outgoing.pending else b""

    def farewell(self) -> bytes:
        """That nothing more comes, to be sent last."""
        with suppress(ssl.SSLError, ValueError):  # it has not begun, or the endpoint has gone: nothing to say
            self._object.unwrap()
        return self._outgoing.read()

    @property
    def resumed(self) -> bool:
        """Whether the handshake went on with the session it was given; the certificate was checked then."""
        return self._object.session_reused is True

    @property
    def session(self) -> ssl.SSLSession | None:
        """What the endpoint gave for resuming this one; a copy, which is made for each who asks."""
        session = self._object.session
        return session if session is not None and session.has_ticket else None

    def _has_come_to_nothing(self, size: int) -> None:
        self._barren_bytes += size
        if self._barren_bytes > MOST_BARREN_BYTES:
            raise ssl.SSLError(_TOO_MUCH)


class Sessions:
    """What the latest origins gave for resuming their sessions, and when; the certificate was checked then."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[float, ssl.SSLSession | None]] = OrderedDict()

    def of(self, origin: str, now_s: float) -> ssl.SSLSession | None:
        """The one to resume."""
        kept = self._kept.get(origin)
        return kept[1] if kept is not None and now_s - kept[0] < _RESUMED_S else None

    def keep(self, origin: str, tls: Tls, now_s: float) -> None:
        """That of a connection made now, unless it was resumed itself, or the origin's last one is young.

        Asking for one costs a fifth of a handshake, and some never resume what they gave.
        """
        kept = self._kept.get(origin)
        if tls.resumed or (kept is not None and now_s - kept[0] < _ASKED_AGAIN_S):
            return
        self._kept[origin] = (now_s, tls.session)
        self._kept.move_to_end(origin)
        if len(self._kept) > SESSIONS:
            self._kept.popitem(last=False)

    def forget(self, origin: str) -> None:
        """A handshake failed: the next one begins from the beginning."""
        self._kept.pop(origin, None)


class Trust:
    """The contexts of one engine: whom connections trust, and by what they show who we are.

    Each is made when it is needed first: to read a bundle takes 20 ms.
    """

    def __init__(self, ca_file: Path | None) -> None:
        """`ca_file` is trusted instead of the system's bundle."""
        self._ca_file = ca_file
        self._usual: ssl.SSLContext | None = None
        self._showing: ssl.SSLContext | None = None

    def context(self, own: ClientTls | None) -> ssl.SSLContext:
        """For one connection that is made now, with what its webhook has of its own.

        Without authorities of its own the context with the system's is shared: a connection keeps the certificate that
        its context showed when it was made, so the next one may be shown before its handshake is over.
        """
        if own is None:
            self._usual = self._usual or trusting(self._bundle)
            return self._usual
        if own.authorities:
            context = trusting(own.authorities)
        else:
            context = self._showing = self._showing or trusting(self._bundle)
        if own.certificate:
            show(context, own.certificate, own.key)
        return context

    @property
    def _bundle(self) -> Path:
        return Path(self._ca_file or system_bundle())


def trusting(authorities: Path | str) -> ssl.SSLContext:
    """Trusts those in this file, or in this PEM. At least TLS 1.2, and nothing but HTTP/1.1 within it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks chain and name
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    # As libcurl has it: an authority that an operator trusts need not be a root.
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    context.set_alpn_protocols(["http/1.1"])
    if isinstance(authorities, Path):
        context.load_verify_locations(cafile=str(authorities))
    else:
        context.load_verify_locations(cadata=authorities)
    return context
