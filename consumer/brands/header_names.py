"""The header names that neither a brand nor a customer may choose: HTTP and Hookline own them."""

from typing import Final

_OWNED: Final = frozenset(
    {
        # the connection's (RFC 9110 section 7.6.1, RFC 9112) and who answers for it
        "connection", "host", "http2-settings", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
        # the proxies' on the way
        "forwarded", "via", "x-real-ip",
        # the request's as we make it
        "accept-encoding", "cookie", "expect", "traceparent", "tracestate", "user-agent",
    }
)  # fmt: skip
_PREFIXES: Final = ("content-", "hookline-", "proxy-", "webhook-", "x-forwarded-")


def is_owned(lowered: str) -> bool:
    """Whether a name in lower case is owned."""
    return lowered in _OWNED or lowered.startswith(_PREFIXES)
