"""Heads of answers that were read before, known again by their bytes.

The law: what is found here is what `head.py` reads of the same bytes. It knows heads that came whole and alone, the
first of their answer; nothing is left out of what is compared. So a head is known again for as long as its server
sends the same one: for a second, where it has a Date, and never where each has a number of its own.

It holds at most HEADS heads of at most LARGEST bytes each, and begins anew when it is full.
"""

from typing import Final

from consumer.http.head import Head

HEADS: Final = 1_024
LARGEST: Final = 1_024


class HeadCache:
    """Of one engine. Belongs to its thread."""

    __slots__ = ("_heads", "get")

    def __init__(self) -> None:
        self._heads: dict[bytes, Head] = {}
        self.get = self._heads.get
        """The head that these bytes are, if they were one before."""

    def put(self, received: bytes, head: Head) -> None:
        """These bytes, whole, were read as this head."""
        if len(received) > LARGEST:
            return
        if len(self._heads) >= HEADS:
            self._heads.clear()
        self._heads[received] = head
