"""The latest attempt of each delivery of a webhook. Pure.

The laws:
- of two attempts in one partition the later one is the latest; of two in different ones, as they are after the topic
  was given partitions, the one that began later;
- one that was made at once for somebody is an attempt only when it was accepted.
"""

from collections.abc import Collection, Iterator
from typing import Final

from consumer.delivery.delivery import is_delivery_id, is_now
from consumer.jobs.names import check
from consumer.kafka.attempt_decoding import Head

# A delivery is kept as one number: when its attempt began, its partition, its offset, and whether it is asked for.
_WANTED_BITS: Final = 1
_OFFSET_BITS: Final = 63
_PARTITION_BITS: Final = 32
_OFFSET: Final = (1 << _OFFSET_BITS) - 1
_PARTITION: Final = (1 << _PARTITION_BITS) - 1
_DELIVERED: Final = "delivered"


class Latest:
    """`most` deliveries are kept in mind: some 200 bytes each."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._found: dict[bytes, int] = {}

    def take(self, head: Head, *, partition: int, offset: int, wanted: bool) -> None:
        """The next attempt of its partition; `wanted`: it is asked for, if it is the latest.

        Raises:
            TooMany: see `names.check`.
        """
        if not is_delivery_id(head.delivery_id) or (
            head.outcome != _DELIVERED and is_now(head.trigger, head.job_id)  # it changes nothing
        ):
            return
        name = bytes.fromhex(head.delivery_id)
        packed = max(0, head.at_ms) << _PARTITION_BITS | partition
        packed = (packed << _OFFSET_BITS | offset) << _WANTED_BITS | wanted
        before = self._found.get(name)
        if before is None or packed > before or _place(before)[0] == partition:
            self._found[name] = packed
            check(len(self._found), self._most)

    def wanted(self, but: Collection[bytes]) -> Iterator[tuple[int, int]]:
        """The places of those that are asked for, without these deliveries, in their order."""
        return iter(sorted(_place(packed) for name, packed in self._found.items() if packed & 1 and name not in but))


def _place(packed: int) -> tuple[int, int]:
    packed >>= _WANTED_BITS
    return packed >> _OFFSET_BITS & _PARTITION, packed & _OFFSET
