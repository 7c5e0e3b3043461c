"""The records that wait for their schema.

The law: what waits here holds up nobody else: a partition that holds its share is paused, and resumed at half, and when
many wait in all, one is enough. So what a process holds is bounded, and the other partitions are read on.
"""

from typing import Final, TypeAlias

from consumer.delivery.budget import DEFAULT
from consumer.delivery.entry import Entry
from consumer.delivery.offsets import Window
from consumer.events.event import Record

_Waiting: TypeAlias = tuple[Entry, Record]

RECORDS_MOST: Final = 500
_PROCESS_RECORDS_MOST: Final = 20_000
_SHARE: Final = 4  # a partition has one part in so many of the bytes


class SchemasWanted:
    """The waiting records, by schema, and how much of each partition waits. `most_bytes`: of all of them."""

    def __init__(self, most_bytes: int = DEFAULT.held) -> None:
        self._most_bytes = most_bytes
        self._waiting: dict[int, list[_Waiting]] = {}
        self._asked: list[int] = []
        self._shares: dict[Window, tuple[int, int]] = {}  # records and bytes
        self._all = (0, 0)

    def __bool__(self) -> bool:
        return any(self._waiting.values())

    @property
    def bytes(self) -> int:
        """What waits, in bytes."""
        return self._all[1]

    def put(self, schema_id: int, entry: Entry, record: Record) -> None:
        """This record waits for this schema."""
        if schema_id not in self._waiting:
            self._asked.append(schema_id)
        self._waiting.setdefault(schema_id, []).append((entry, record))
        self._count(entry.window, 1, entry.size)

    def take(self, schema_id: int) -> list[_Waiting]:
        """The registry has answered: those that waited for it."""
        taken = self._waiting.pop(schema_id, [])
        for entry, _ in taken:
            self._count(entry.window, -1, -entry.size)
        return taken

    def asked(self) -> list[int]:
        """The schemas to ask the registry for that were not asked for yet."""
        asked, self._asked = self._asked, []
        return asked

    def is_full(self, window: Window) -> bool:
        """Whether the partition holds its share."""
        records, size = self._shares.get(window, (0, 0))
        return records >= RECORDS_MOST or size * _SHARE >= self._most_bytes or (records > 0 and self._many)

    def is_half_empty(self, window: Window) -> bool:
        """Whether a paused partition may be resumed."""
        records, size = self._shares.get(window, (0, 0))
        return records <= RECORDS_MOST // 2 and size * 2 * _SHARE <= self._most_bytes and not (records and self._many)

    def drop_closed(self) -> None:
        """Forget the records of closed windows. Their schemas stay asked for."""
        for schema_id, waiting in self._waiting.items():
            self._waiting[schema_id] = [each for each in waiting if not each[0].window.closed]
        self._shares = {window: share for window, share in self._shares.items() if not window.closed}
        self._all = sum(records for records, _ in self._shares.values()), sum(size for _, size in self._shares.values())

    @property
    def _many(self) -> bool:
        return self._all[0] >= _PROCESS_RECORDS_MOST or self._all[1] >= self._most_bytes

    def _count(self, window: Window, records: int, size: int) -> None:
        had = self._shares.get(window, (0, 0))
        self._shares[window] = had[0] + records, had[1] + size
        self._all = self._all[0] + records, self._all[1] + size
        if not self._shares[window][0]:
            del self._shares[window]
