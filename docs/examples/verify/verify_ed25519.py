"""Verify a webhook request signed with Ed25519, as Standard Webhooks says. Needs `pip install cryptography`."""

import base64
import binascii
import re
import time
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TOLERANCE_S = 5 * 60


class NotVerifiedError(Exception):
    """Answer 401, and do nothing else with the request."""


def verify(public_key: str, headers: Mapping[str, str], body: bytes) -> None:
    """Raise NotVerifiedError unless the holder of `public_key` (`whpk_…`) signed the request, unchanged, just now."""
    webhook_id = headers.get("webhook-id") or ""
    timestamp = headers.get("webhook-timestamp") or ""
    signatures = headers.get("webhook-signature") or ""
    if not (webhook_id + timestamp + signatures).isascii():
        raise NotVerifiedError("a header is not ASCII")
    if not re.fullmatch("[0-9]{1,12}", timestamp) or abs(time.time() - int(timestamp)) > TOLERANCE_S:
        raise NotVerifiedError("too old, or from the future")
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key.removeprefix("whpk_")))
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    # There are several while a key is being changed: one that fits is enough.
    if not any(_fits(key, each, signed) for each in signatures.split(" ")):
        raise NotVerifiedError("no signature fits")


def _fits(key: Ed25519PublicKey, given: str, signed: bytes) -> bool:
    version, _, signature = given.partition(",")
    try:
        key.verify(base64.b64decode(signature, validate=True), signed)
    except (InvalidSignature, binascii.Error):
        return False
    return version == "v1a"
