"""What a request with an Idempotency-Key makes, whoever does it and however often it is begun.

The law: whatever is drawn for it is the same in every try. So a later try finds what an earlier one has made, though
that one never heard whether it had, and makes the same where nothing was made.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Final

SEED_BYTES: Final = 32
_NUMBER_BYTES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """`name` is drawn for the request and no secret; the secrets that are made by it come from its `seed`."""

    name: str
    seed: bytes = field(repr=False)

    def entropy(self) -> Callable[[int], bytes]:
        """What a try draws from, from its beginning on: so many bytes for each draw."""
        numbers = count()

        def draw(size: int) -> bytes:
            return hashlib.shake_256(self.seed + next(numbers).to_bytes(_NUMBER_BYTES, "big")).digest(size)

        return draw
