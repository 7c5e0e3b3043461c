"""What the index holds of one partition of the attempts topic for one bucket of tenants, and how it changes. Pure.

The topic is the log; the index is what a person can search. For each bucket and partition it is an interval of the
topic, and one list for each webhook and kind (`entry.py: Entry.plain`). Redis does in one script what one function here
does (`index_script.py`); the simulator and a property test on a real Redis keep the two equal.

The laws:
- a list holds exactly the attempts of its webhook and kind with offsets in [max(first, floor), end), oldest first;
- lists, floors and interval change together, and only for a writer that knows the interval as it is: what is done
  twice, or by somebody who lost the partition, changes nothing;
- `end` only rises, `first` only falls, a floor only rises. An index without an interval is empty;
- the times at which a list's entries were logged never fall: one that would is moved to its neighbour's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, NamedTuple

from consumer.log.entry import logged_of, moved, offset_of


class Kind(Enum):
    """The two lists of a webhook: failures outlive the successes of a busy one."""

    PLAIN = "p"
    EVENTFUL = "e"


class Name(NamedTuple):
    """Of a list."""

    webhook: str
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """The attempts from offset `first` up to, and without, `end`."""

    first: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How many entries the lists keep. One is cut when it is an eighth over: cutting costs more than appending."""

    plain: int
    eventful: int

    def of(self, kind: Kind) -> int:
        """Of a list of this kind."""
        return self.plain if kind is Kind.PLAIN else self.eventful


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a list holds. Below its `floor` it was cut; 0 is never. `newest_ms` is when its last entry was logged."""

    entries: int
    packed_bytes: int
    floor: int
    newest_ms: int


Lists = Mapping[Name, Sequence[bytes]]

SLACK: Final = 8


@dataclass(slots=True)
class Index:
    """`interval` is None where there is none. `floors`: below its floor a list was cut."""

    interval: Interval | None = None
    lists: dict[Name, list[bytes]] = field(default_factory=dict)
    floors: dict[Name, int] = field(default_factory=dict)

    def begin(self, at: int) -> Interval | None:
        """Where there is no interval, an empty one at this offset, over nothing. Returns what was found."""
        found = self.interval
        if found is None:
            self.interval = Interval(first=at, end=at)
            self.lists, self.floors = {}, {}
        return found

    def append(self, known: Interval, end: int, entries: Lists, bounds: Bounds) -> Interval | None:
        """The attempts from `known.end` up to `end`. Returns what was found: unless it is `known`, nothing was done."""
        found = self.interval
        if found != known:
            return found
        for name, new in entries.items():
            kept = self.lists.setdefault(name, [])
            least_ms = logged_of(kept[-1]) if kept else 0
            kept += [each if logged_of(each) >= least_ms else moved(each, least_ms) for each in new]
            most = bounds.of(name.kind)
            if len(kept) > most + most // SLACK:
                self._cut(name, most)
        self.interval = Interval(first=known.first, end=end)
        return found

    def prepend(self, known: Interval, first: int, entries: Lists, bounds: Bounds) -> Interval | None:
        """The attempts from `first` up to `known.first`, of lists that were never cut. Returns as `append` does."""
        found = self.interval
        if found != known:
            return found
        for name, old in entries.items():
            if name in self.floors or not old:
                continue
            kept = self.lists.setdefault(name, [])
            room = max(0, bounds.of(name.kind) - len(kept))
            fits = old[max(0, len(old) - room) :]
            if len(fits) < len(old):
                self.floors[name] = offset_of(fits[0]) if fits else known.first
            most_ms = logged_of(kept[0]) if kept else None
            kept[:0] = [
                each if most_ms is None or logged_of(each) <= most_ms else moved(each, most_ms) for each in fits
            ]
        self.interval = Interval(first=first, end=known.end)
        return found

    def cut(self, known: Interval, most: Mapping[Name, int]) -> Interval | None:
        """Of these lists only so many entries stay, the newest. Returns as `append` does."""
        found = self.interval
        if found == known:
            for name, number in most.items():
                if len(self.lists.get(name, ())) > number:
                    self._cut(name, number)
        return found

    def kept(self, name: Name) -> Kept:
        """What a list holds."""
        entries = self.lists.get(name, [])
        return Kept(
            entries=len(entries),
            packed_bytes=sum(map(len, entries)),
            floor=self.floors.get(name, 0),
            newest_ms=logged_of(entries[-1]) if entries else 0,
        )

    def _cut(self, name: Name, most: int) -> None:
        kept = self.lists[name]
        gone = len(kept) - most
        self.floors[name] = offset_of(kept[gone - 1]) + 1
        del kept[:gone]


def rising(entries: list[bytes], packed: bytes) -> bytes:
    """This entry as it follows these of its list: not logged before the last of them."""
    if not entries or logged_of(packed) >= logged_of(entries[-1]):
        return packed
    return moved(packed, logged_of(entries[-1]))
