"""Texts that we give away and believe when they come back: signed, not sealed. Pure.

The law: a text is taken unchanged only, and for what it was signed for. After the encryption keys were rotated the
older ones still verify.

    base64url, without padding:
    +---------------------+--------------------------------------------------------------+
    | first 16 bytes of   | the text                                                     |
    | HMAC-SHA256         |                                                              |
    +---------------------+--------------------------------------------------------------+
"""

import base64
import binascii
import hashlib
import hmac
from typing import Final

from consumer.webhooks.keyring import Keyring

_MAC_BYTES: Final = 16


class SignedTexts:
    """Of one purpose: what was signed for another one is no text here."""

    def __init__(self, keyring: Keyring, purpose: bytes) -> None:
        self._keys = keyring.derived(purpose)

    def write(self, text: bytes, *bound: str) -> str:
        """The text, signed. It is read only where it is `bound` to the same."""
        return base64.urlsafe_b64encode(_mac(self._keys[0], text, bound) + text).rstrip(b"=").decode()

    def read(self, signed: str, *bound: str) -> bytes | None:
        """The text; None: it was changed, or signed for something else."""
        try:
            found = base64.b64decode(signed.encode("ascii") + b"=" * (-len(signed) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        mac, text = found[:_MAC_BYTES], found[_MAC_BYTES:]
        # All of them, so that the time it takes does not tell which key was nearest.
        genuine = [hmac.compare_digest(mac, _mac(key, text, bound)) for key in self._keys]
        return text if any(genuine) else None


def _mac(key: bytes, text: bytes, bound: tuple[str, ...]) -> bytes:
    """Every part is framed by its length: no two texts give the same bytes."""
    parts = (*(each.encode() for each in bound), text)
    framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.new(key, framed, hashlib.sha256).digest()[:_MAC_BYTES]
