"""How much of its memory each part of a delivery process may take.

The laws: together the parts come to no more than the whole, what the program itself takes included; and each has room
for one record of the largest size that there may be, however small the whole is.
"""

from dataclasses import dataclass
from typing import Final, Self

MIB: Final = 1_048_576
PROGRAM_BYTES: Final = 80 * MIB
"""The interpreter, the libraries and their threads, measured in a process that has nothing to do."""
RECORD_BYTES: Final = 1_024
"""What a record takes beside its value while it is on its way: the objects that stand for it."""


class Brim:
    """Full when the amount comes to `most`, and then until it is down to half of that."""

    __slots__ = ("_is_full", "most")

    def __init__(self, most: int) -> None:
        self.most = most
        self._is_full = False

    def is_full(self, amount: int) -> bool:
        """Whether this amount is one too much: to be asked whenever it may have changed."""
        if amount >= self.most:
            self._is_full = True
        elif amount * 2 <= self.most:
            self._is_full = False
        return self._is_full


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """In bytes.

    `views`: tenants' webhooks. `taken`: records that were taken in and have not ended; from here on no more are asked
    for, and `surplus` more may come. `held`: records of delay topics until they are due, and those that wait for a
    schema. `under_way`: bodies of requests. `written`: the queue of librdkafka for records, which stand in ours too.
    `logged`: each of the two queues for attempts. `fetched`: what librdkafka fetches ahead.
    """

    views: int
    taken: int
    surplus: int
    held: int
    under_way: int
    written: int
    logged: int
    fetched: int

    @classmethod
    def of(cls, memory_bytes: int, largest_bytes: int) -> Self:
        """The parts of a process that may take `memory_bytes`, where no record is larger than `largest_bytes`."""
        part = max(0, memory_bytes - PROGRAM_BYTES) // 16
        return cls(
            views=4 * part,
            taken=3 * part,
            surplus=part,
            held=2 * part,
            under_way=2 * part,
            # What is larger than the queue would never come to stand in it.
            written=max(part // 2, 2 * largest_bytes),
            logged=max(part, 2 * largest_bytes),
            fetched=max(part, largest_bytes),
        )


DEFAULT: Final = Budget.of(150 * MIB, MIB)
