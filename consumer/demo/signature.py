"""A receiver's check of a signature, written from the public pages alone.

The law: nothing of consumer/signing is used here. If the sender and this file agree, a stranger's receiver will too.

    standard, ed25519   https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    stripe              https://docs.stripe.com/webhooks (signatures checked by hand)
    hex, sha256         HMAC-SHA256 of the raw body, in hex
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TOLERANCE_S = 300

Check: TypeAlias = Callable[[Mapping[str, str], bytes, float], bool]
"""Of a request's headers (names in lower case), raw body and time of arrival (epoch seconds): is it genuine?"""


def standard(secret: str) -> Check:
    """Standard Webhooks, symmetric: `whsec_` and the base64 of the key."""
    key = base64.b64decode(secret.removeprefix("whsec_"))

    def check(headers: Mapping[str, str], body: bytes, now_s: float) -> bool:
        wanted = base64.b64encode(hmac.digest(key, _signed(headers, body), hashlib.sha256)).decode()
        return _recent(headers.get("webhook-timestamp", ""), now_s) and any(
            hmac.compare_digest(signature, wanted) for signature in _of_version(headers, "v1")
        )

    return check


def ed25519(public_key: str) -> Check:
    """Standard Webhooks, asymmetric: `whpk_` and the base64 of the public key."""
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key.removeprefix("whpk_")))

    def check(headers: Mapping[str, str], body: bytes, now_s: float) -> bool:
        for signature in _of_version(headers, "v1a"):
            try:
                key.verify(base64.b64decode(signature), _signed(headers, body))
            except InvalidSignature:
                continue
            return _recent(headers.get("webhook-timestamp", ""), now_s)
        return False

    return check


def stripe(secret: str, header: str) -> Check:
    """`t=…,v1=…` over timestamp and body; the secret is used as it is."""

    def check(headers: Mapping[str, str], body: bytes, now_s: float) -> bool:
        parts = [part.partition("=")[::2] for part in headers.get(header.lower(), "").split(",")]
        timestamp = next((value for name, value in parts if name == "t"), "")
        wanted = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
        return _recent(timestamp, now_s) and any(
            name == "v1" and hmac.compare_digest(value, wanted) for name, value in parts
        )

    return check


def body_hex(secret: str, header: str, before: str = "") -> Check:
    """The body's HMAC in hex, after `before`, in a header of the brand."""

    def check(headers: Mapping[str, str], body: bytes, now_s: float) -> bool:
        del now_s  # these brands sign no time
        wanted = before + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(headers.get(header.lower(), ""), wanted)

    return check


def _signed(headers: Mapping[str, str], body: bytes) -> bytes:
    return f"{headers.get('webhook-id', '')}.{headers.get('webhook-timestamp', '')}.".encode() + body


def _of_version(headers: Mapping[str, str], version: str) -> list[str]:
    pairs = [each.partition(",") for each in headers.get("webhook-signature", "").split(" ")]
    return [signature for found, _, signature in pairs if found == version]


def _recent(timestamp: str, now_s: float) -> bool:
    return timestamp.isdecimal() and abs(now_s - int(timestamp)) <= TOLERANCE_S
