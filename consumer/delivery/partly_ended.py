"""Of records that go on, as an event for several webhooks does, which of their deliveries have ended.

The law: whoever reads such a record again does not repeat what had ended of it when its position was last told.
"""

from collections.abc import Callable, Mapping
from typing import Final

from consumer.delivery import done_map

NOTHING_ENDED: Final[frozenset[bytes]] = frozenset()


class PartlyEnded:
    """Of one window. Deliveries are known by `short` of their ids; `earlier` is what an earlier owner told of."""

    __slots__ = ("_seen", "earlier", "ended", "is_new")

    def __init__(self, before: Mapping[int, frozenset[bytes]] | None = None) -> None:
        self.earlier = dict(before or {})
        self.ended: dict[int, set[bytes]] = {offset: set(ended) for offset, ended in self.earlier.items()}
        self._seen = set(self.ended)
        self.is_new = False  # some of it was not there at the look before the last one: the next one tells of it

    def part_ended(self, offset: int, delivery_id: str) -> None:
        """One delivery of this record has ended."""
        self.ended.setdefault(offset, set()).add(done_map.short(delivery_id))

    def over(self, offset: int) -> None:
        """The whole record has ended."""
        self.ended.pop(offset, None)

    def all(self) -> dict[int, frozenset[bytes]]:
        """What has ended, of every record."""
        return {offset: frozenset(ended) for offset, ended in self.ended.items()}

    def lasting(self, base: int, goes_on: Callable[[int], bool]) -> dict[int, set[bytes]]:
        """The same of records from `base` on that went on at the last look too; most are finished by the next."""
        self.is_new = not self.ended.keys() <= self._seen
        if not self.ended:
            return self.ended
        lasting = {
            offset: ended
            for offset, ended in self.ended.items()
            if offset in self._seen and offset >= base and goes_on(offset)
        }
        self._seen = set(self.ended)
        return lasting
