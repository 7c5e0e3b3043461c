"""Verify a webhook request under the profiles hex (`<hex>`) and sha256 (`sha256=<hex>`). Needs nothing but Python."""

import hashlib
import hmac


def verify(secret: str, signature: str | None, body: bytes) -> bool:
    """Whether `signature`, the header's value, was made with `secret` over `body`, the bytes as they came."""
    if not secret:
        raise ValueError("there is no secret")  # a missing setting must not become an empty key
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    given = (signature or "").removeprefix("sha256=")
    return given.isascii() and hmac.compare_digest(given, expected)
