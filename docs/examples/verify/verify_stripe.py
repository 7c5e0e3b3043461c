"""Verify a webhook request under the profile stripe (`t=<seconds>,v1=<hex>`). Needs nothing but Python."""

import hashlib
import hmac
import re
import time

TOLERANCE_S = 5 * 60


def verify(secret: str, signature: str | None, body: bytes) -> bool:
    """Whether `signature`, the header's value, was made with `secret` over `body`, and just now."""
    if not secret:
        raise ValueError("there is no secret")  # a missing setting must not become an empty key
    fields = [each.partition("=") for each in (signature or "").split(",")]
    timestamp = next((value for name, _, value in fields if name == "t"), "")
    if not re.fullmatch("[0-9]{1,12}", timestamp) or abs(time.time() - int(timestamp)) > TOLERANCE_S:
        return False
    expected = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    # There are several v1 while a secret is being changed: one that fits is enough.
    given = [value for name, _, value in fields if name == "v1"]
    return any(each.isascii() and hmac.compare_digest(each, expected) for each in given)
