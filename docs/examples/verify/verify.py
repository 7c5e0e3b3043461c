"""Verify a webhook request signed as Standard Webhooks says. Needs nothing but Python."""

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Mapping

TOLERANCE_S = 5 * 60


class NotVerifiedError(Exception):
    """Answer 401, and do nothing else with the request."""


def verify(secret: str, headers: Mapping[str, str], body: bytes) -> None:
    """Raise NotVerifiedError unless the request was signed with `secret`, is unchanged and was sent just now.

    `headers` ignores case, as those of most frameworks do, or has lower-case names. `body` is the bytes as they came.
    """
    webhook_id = headers.get("webhook-id") or ""
    timestamp = headers.get("webhook-timestamp") or ""
    signatures = headers.get("webhook-signature") or ""
    if not (webhook_id + timestamp + signatures).isascii():
        raise NotVerifiedError("a header is not ASCII")
    if not re.fullmatch("[0-9]{1,12}", timestamp) or abs(time.time() - int(timestamp)) > TOLERANCE_S:
        raise NotVerifiedError("too old, or from the future")
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode()
    # There are several while a secret is being changed: one that fits is enough.
    if not any(hmac.compare_digest(each, expected) for each in signatures.split(" ")):
        raise NotVerifiedError("no signature fits")


def _key(secret: str) -> bytes:
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True) if secret.startswith("whsec_") else b""
    if len(key) < 24:
        raise ValueError("the secret is not whsec_ and base64")  # a missing setting must not become an empty key
    return key
