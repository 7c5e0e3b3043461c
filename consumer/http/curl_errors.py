"""libcurl's error codes (libcurl-errors(3)) as the kinds of failure that the rest of Hookline knows."""

from typing import Final

import pycurl

from consumer.delivery.answer import Failure, FailureKind, Timing
from consumer.telemetry.printable import printable

_TOO_LARGE: Final = 100  # CURLE_TOO_LARGE, newer than pycurl's names

_KINDS: Final[dict[int, FailureKind]] = {
    pycurl.E_OPERATION_TIMEDOUT: FailureKind.TIMEOUT,
    pycurl.E_COULDNT_RESOLVE_HOST: FailureKind.DNS,
    pycurl.E_COULDNT_RESOLVE_PROXY: FailureKind.DNS,
    pycurl.E_COULDNT_CONNECT: FailureKind.CONNECT,
    pycurl.E_INTERFACE_FAILED: FailureKind.CONNECT,
    pycurl.E_SSL_CONNECT_ERROR: FailureKind.TLS,
    pycurl.E_PEER_FAILED_VERIFICATION: FailureKind.TLS,
    pycurl.E_SSL_CERTPROBLEM: FailureKind.TLS,
    pycurl.E_SSL_CIPHER: FailureKind.TLS,
    pycurl.E_SSL_CACERT_BADFILE: FailureKind.TLS,
    pycurl.E_SSL_ISSUER_ERROR: FailureKind.TLS,
    pycurl.E_SSL_INVALIDCERTSTATUS: FailureKind.TLS,
    pycurl.E_GOT_NOTHING: FailureKind.RESET,
    pycurl.E_SEND_ERROR: FailureKind.RESET,
    # Everything else is the server not speaking HTTP as it should.
}

# E_RECV_ERROR stands both for a socket that failed and for framing that libcurl could not read. Only the former's
# message begins with the operation that failed.
_SOCKET_FAILED: Final = ("Recv failure", "OpenSSL SSL_read", "SSL_read", "Send failure", "TLS connect error")


def failure(code: int, message: str, elapsed_ms: float, timing: Timing) -> Failure:
    """The failure that libcurl's code and message tell of. A message may quote what the endpoint sent, of any bytes."""
    if code == pycurl.E_RECV_ERROR:
        kind = FailureKind.RESET if message.startswith(_SOCKET_FAILED) else FailureKind.PROTOCOL
    else:
        kind = _KINDS.get(code, FailureKind.PROTOCOL)
    if code == _TOO_LARGE and not message:
        message = "response headers too large"
    detail = printable(message) or f"libcurl error {code}"
    return Failure(kind=kind, detail=detail, elapsed_ms=elapsed_ms, timing=timing)
