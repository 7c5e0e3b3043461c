"""Secrets that sing: every one holds the same words, so one search finds any of them wherever it leaked to.

The law: `found` knows a canary in the clear, in base64 and in hex. (21 bytes in front make 28 whole characters of
base64, the same for every secret that begins with them.)
"""

import base64
import secrets
from collections.abc import Iterable
from typing import Final

SONG: Final = b"hookline-chaos-canary"
_FORMS: Final = (SONG, base64.b64encode(SONG), SONG.hex().encode())


def signing_secret() -> str:
    """For a webhook under the standard profile."""
    return "whsec_" + base64.b64encode(SONG + secrets.token_bytes(9)).decode()


def encryption_key() -> str:
    """32 bytes in base64."""
    return base64.b64encode(SONG + secrets.token_bytes(32 - len(SONG))).decode()


def word() -> str:
    """A password or a header's value."""
    return SONG.decode() + secrets.token_hex(8)


def found(texts: Iterable[bytes | None]) -> bool:
    """Whether any of these holds a canary."""
    return any(text is not None and any(form in text for form in _FORMS) for text in texts)
