"""Where a list goes on, as a text for its customer to hand back.

The law: a cursor is taken unchanged only, from the owner it was given to, and for the list it was given for. It is
signed and not sealed: it holds positions, which are no secret.

    base64url, without padding:
    +---------------------+--------------------------------------------------------------+
    | first 16 bytes of   | the position, JSON                                           |
    | HMAC-SHA256         |                                                              |
    +---------------------+--------------------------------------------------------------+
"""

import base64
import binascii
import hashlib
import hmac
from typing import Final, TypeVar

import msgspec

from consumer.control.owner import Owner
from consumer.webhooks.keyring import Keyring

T = TypeVar("T")

MAX_LENGTH: Final = 4_096
_PURPOSE: Final = b"hookline cursor 1"
_MAC_BYTES: Final = 16


class CursorInvalid(ValueError):  # noqa: N818 # it names a state, as the glossary does
    """This text is no cursor of this list."""

    def __init__(self) -> None:
        super().__init__(
            "is no cursor of this list: take nextCursor of the page before, unchanged and with its filters"
        )


def list_name(name: str, filters: object) -> str:
    """What `Cursors` know a list by: its name, and its filters, which JSON must be able to hold."""
    return f"{name}:{hashlib.sha256(msgspec.json.encode(filters)).hexdigest()}"


class Cursors:
    """Writes and reads cursors. After the encryption keys were rotated the older ones still verify."""

    def __init__(self, keyring: Keyring) -> None:
        self._keys = keyring.derived(_PURPOSE)

    def write(self, position: object, *, owner: Owner, of: str) -> str:
        """The cursor of a position, which JSON must be able to hold. `of` names the list, filters included."""
        text = msgspec.json.encode(position)
        return base64.urlsafe_b64encode(_mac(self._keys[0], text, owner, of) + text).rstrip(b"=").decode()

    def read(self, cursor: str, kind: type[T], *, owner: Owner, of: str) -> T:
        """The position.

        Raises:
            CursorInvalid: it is another owner's or another list's, or was changed.
        """
        try:
            signed = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise CursorInvalid from None
        mac, text = signed[:_MAC_BYTES], signed[_MAC_BYTES:]
        # All of them, so that the time it takes does not tell which key was nearest.
        genuine = [hmac.compare_digest(mac, _mac(key, text, owner, of)) for key in self._keys]
        if not any(genuine):
            raise CursorInvalid
        try:
            return msgspec.json.decode(text, type=kind)
        except msgspec.DecodeError:  # of an earlier Hookline
            raise CursorInvalid from None


def _mac(key: bytes, text: bytes, owner: Owner, of: str) -> bytes:
    """Every part is framed by its length: no two lists' positions give the same bytes."""
    parts = (owner.tenant.encode(), owner.brand.encode(), of.encode(), text)
    framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.new(key, framed, hashlib.sha256).digest()[:_MAC_BYTES]
