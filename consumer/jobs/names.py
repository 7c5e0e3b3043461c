"""Names of events, a million of them: each kept as 16 bytes of a hash.

The law: two names of a job are taken for one with a chance of 1 in 10^26.
"""

from collections.abc import Container
from collections.abc import Set as AbstractSet
from hashlib import blake2b
from typing import Final

from consumer.jobs.candidate import TooMany
from consumer.jobs.missed import MOST, Name

_BYTES: Final = 16


def hashed(name: Name) -> bytes:
    """What is kept of a name. No topic's name and no number holds what stands between them."""
    text = f"{name.topic}\0{name.partition}\0{name.offset}\0{name.event_id}"
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_BYTES).digest()


class Names(Container[Name]):
    """A set of names, by their hashes."""

    __slots__ = ("_hashes",)

    def __init__(self, hashes: AbstractSet[bytes]) -> None:
        self._hashes = hashes

    def __contains__(self, name: object) -> bool:
        return isinstance(name, Name) and hashed(name) in self._hashes


def check(kept: int, most: int = MOST) -> None:
    """Refuse to keep more.

    Raises:
        TooMany: it is more than can be kept in mind.
    """
    if kept > most:
        raise TooMany(f"more than {most:,} of this webhook's events and deliveries lie there: ask for a shorter span")
