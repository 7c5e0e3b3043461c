"""Where a list goes on, as a text for its customer to hand back.

The law: a cursor is taken unchanged only, from the owner it was given to, and for the list it was given for. It is
signed and not sealed (`signed_texts.py`): it holds positions, which are no secret.
"""

import hashlib
from typing import Final, TypeVar

import msgspec

from consumer.control.owner import Owner
from consumer.control.signed_texts import SignedTexts
from consumer.webhooks.keyring import Keyring

T = TypeVar("T")

MAX_LENGTH: Final = 4_096
_PURPOSE: Final = b"hookline cursor 1"


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
        self._texts = SignedTexts(keyring, _PURPOSE)

    def write(self, position: object, *, owner: Owner, of: str) -> str:
        """The cursor of a position, which JSON must be able to hold. `of` names the list, filters included."""
        return self._texts.write(msgspec.json.encode(position), owner.tenant, owner.brand, of)

    def read(self, cursor: str, kind: type[T], *, owner: Owner, of: str) -> T:
        """The position.

        Raises:
            CursorInvalid: it is another owner's or another list's, or was changed.
        """
        text = self._texts.read(cursor, owner.tenant, owner.brand, of)
        if text is None:
            raise CursorInvalid
        try:
            return msgspec.json.decode(text, type=kind)
        except msgspec.DecodeError:  # of an earlier Hookline
            raise CursorInvalid from None
