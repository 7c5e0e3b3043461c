"""A page of a list, looked for in a tenant's lists: what is to be read next, and what came of it. Pure.

    Search ─► wanted ─► (Redis) ─► lists_read, read, in_front_read ─► wanted ─► … ─► page

The lists are merged by `Position`. A list is read when nothing newer can be anywhere else: until then it is known by
when its newest entry was logged, and lists that are older than where the search stands are not even known.

The laws:
- rows come in the order of their positions, each once, and none is left out in front of where the search ended;
- of a delivery there is one row: its latest attempt of the list's moment. An attempt that another one follows is known
  by what lies in front of it in the eventful lists of its webhook, where all attempts of such a delivery are. What
  lies in front of the page is asked for when a webhook needs it;
- a try that was made *now* and not accepted is none of these: its delivery stands as it did;
- it ends after so many entries, wherever it is, and goes on from there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush, heapreplace
from typing import Final, NamedTuple, TypeAlias

from consumer.log.entry import (
    LOGGED,
    changes_nothing,
    delivery_of,
    is_whole,
    logged_of,
    offset_of,
    unpack,
)
from consumer.log.index import Kind, Name
from consumer.log.query import Cursor, Filter, Position, Row, View

MOST_ENTRIES: Final = 200_000
"""That one search looks at."""
DELIVERY_BYTES: Final = 16
_TOGETHER: Final = 16  # lists that are read in one round trip
_FIRST: Final = 64  # entries of a list, four times as many with each further reading
_MOST: Final = 4_096


class Place(NamedTuple):
    """Of a list: which, and of which partition's attempts."""

    name: Name
    partition: int

    def position(self, packed: bytes) -> Position:
        """Of an entry of it."""
        return Position.of(logged_of(packed), self.name.webhook, self.partition, offset_of(packed))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """To be read: which lists of this kind have a newest entry of `until_ms` or before; so many, the newest first."""

    kind: Kind
    until_ms: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """To be read: a list's entries behind a position; so many, the newest first."""

    place: Place
    behind: Position
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InFront:
    """To be read: the deliveries of a list's entries in front of a position, as far as they were logged by `top_ms`."""

    place: Place
    before: Position
    top_ms: int


Reading: TypeAlias = Lists | Behind | InFront


@dataclass(slots=True)
class _Source:
    """A list. `ahead` is what was read and not looked at, the newest last; behind `behind` there may be more."""

    place: Place
    number: int
    behind: Position
    most: int = _FIRST
    ahead: list[bytes] = field(default_factory=list)
    at_end: bool = False


@dataclass(slots=True)
class Search:
    """`partitions` are those that may have attempts.

    `unknown` is by kind the time up to which there may be lists that are not known yet; a kind that is not in it has
    none. `rows` are one more than the page's where there is a next page.
    """

    view: View
    asked: Filter
    begin: Cursor
    limit: int
    partitions: Sequence[int]
    unknown: dict[Kind, int]
    rows: list[Row] = field(default_factory=list)
    looked_at: int = 0
    stopped: bool = False
    _sources: dict[Place, _Source] = field(default_factory=dict)
    _heap: list[tuple[Position, int, Place]] = field(default_factory=list)
    _attempted: dict[str, "_Attempted"] = field(default_factory=dict)
    _looked: tuple[Place, bytes] | None = None
    _more: int = _TOGETHER

    # ── what was read ────────────────────────────────────────────────────────────────────────────────────────────

    def know(self, place: Place, newest_ms: int) -> None:
        """There is this list."""
        if place not in self._sources:
            number = len(self._sources)
            self._sources[place] = _Source(place=place, number=number, behind=self.begin.behind)
            heappush(self._heap, (max(Position.from_(newest_ms), self.begin.behind), number, place))

    def lists_read(self, reading: Lists, found: Sequence[tuple[Place, int]]) -> None:
        """These lists there are, and when the newest entry of each was logged."""
        for place, newest_ms in found:
            self.know(place, newest_ms)
        if len(found) < reading.most:
            del self.unknown[reading.kind]
            return
        last_ms = found[-1][1]
        # More of the same millisecond than were asked for: ask for more of them.
        self._more = self._more * 2 if last_ms == reading.until_ms else max(_TOGETHER, self.limit)
        self.unknown[reading.kind] = last_ms

    def read(self, reading: Behind, found: list[bytes]) -> None:
        """These entries there are, the newest first."""
        source = self._sources[reading.place]
        source.ahead = found[::-1]
        source.most = min(4 * source.most, _MOST)
        source.at_end = len(found) < reading.most
        if found:
            source.behind = reading.place.position(found[-1])

    def in_front_read(self, reading: InFront, deliveries: bytes) -> None:
        """The ids of these deliveries, one after the other."""
        self.looked_at += len(deliveries) // DELIVERY_BYTES
        attempted = self._attempted_of(reading.place.name.webhook)
        attempted.sure = True
        ids = range(0, len(deliveries), DELIVERY_BYTES)
        attempted.deliveries.update(deliveries[at : at + DELIVERY_BYTES] for at in ids)

    # ── what is to be read ───────────────────────────────────────────────────────────────────────────────────────

    def wanted(self) -> Sequence[Reading]:
        """What is to be read next; nothing once the page is there."""
        while not self.stopped and len(self.rows) <= self.limit:
            at = self._heap[0][0] if self._heap else None
            if lists := self._lists_wanted(at):
                return lists
            if at is None or at.logged_ms < self.asked.bottom_ms:
                break
            source = self._sources[self._heap[0][2]]
            if not source.ahead and source.at_end:
                heappop(self._heap)
            elif not source.ahead:
                return self._entries_wanted()
            elif not self._look(source):
                return self._in_front_wanted(source.place.name.webhook)
        return ()

    def stop(self) -> None:
        """Enough: it ends here, if it looked at anything."""
        self.stopped = self._looked is not None

    @property
    def next(self) -> Cursor | None:
        """Where the page after this one begins, if there is one."""
        if len(self.rows) > self.limit:
            return Cursor(self.begin.top_ms, self.rows[self.limit - 1].position)
        if self.stopped:
            return Cursor(self.begin.top_ms, self.reached)
        return None

    @property
    def reached(self) -> Position:
        """How far it looked."""
        return self.begin.behind if self._looked is None else self._looked[0].position(self._looked[1])

    def _lists_wanted(self, at: Position | None) -> list[Lists]:
        """Where a list that is not known could have something newer."""
        return [
            Lists(kind=kind, until_ms=until_ms, most=max(self._more, self.limit))
            for kind, until_ms in self.unknown.items()
            if until_ms >= self.asked.bottom_ms and (at is None or until_ms >= at.logged_ms)
        ]

    def _entries_wanted(self) -> list[Behind]:
        """Of this list and of those that come soon."""
        first = [self._sources[place] for _, _, place in self._heap[:_TOGETHER]]
        return [
            Behind(place=each.place, behind=each.behind, most=each.most)
            for each in first
            if not each.ahead and not each.at_end
        ]

    def _in_front_wanted(self, webhook: str) -> list[InFront]:
        name = Name(webhook, Kind.EVENTFUL)
        return [
            InFront(place=Place(name, partition), before=self.begin.behind, top_ms=self.begin.top_ms)
            for partition in self.partitions
        ]

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _look(self, source: _Source) -> bool:
        """Look at a list's entries while they come before all others, and leave it where it is then.

        False where it has to be known first what lies in front of the page.
        """
        place, ahead = source.place, source.ahead
        attempted = self._attempted_of(place.name.webhook) if self._grouped(place) else None
        until = self._others()
        until_bytes = max(0, until.logged_ms).to_bytes(6, "big")
        packed, sure = ahead[-1], True
        while ahead and not self.stopped and len(self.rows) <= self.limit:
            packed = ahead[-1]
            if packed[LOGGED] <= until_bytes and place.position(packed) > until:
                break
            sure = attempted is None or attempted.sure or is_whole(packed)
            if not sure:
                break
            ahead.pop()
            self._looked = place, packed
            self.looked_at += 1
            self.stopped = self.looked_at >= MOST_ENTRIES
            if (attempted is None or attempted.is_latest(packed)) and self.asked.could_match(packed):
                self._match(place, packed)
        heapreplace(self._heap, (place.position(packed), source.number, place))
        return sure

    def _match(self, place: Place, packed: bytes) -> None:
        entry = unpack(packed)
        if self.asked.matches(entry):
            self.rows.append(Row(webhook=place.name.webhook, partition=place.partition, entry=entry))

    def _others(self) -> Position:
        """Where another list may have the next entry, or the search ends."""
        # The second smallest of a heap is one of these two.
        nearest = [at for at, _, _ in self._heap[1:3]]
        nearest += [Position.from_(until_ms) for until_ms in self.unknown.values()]
        return min([Position.from_(self.asked.bottom_ms - 1), *nearest])

    def _grouped(self, place: Place) -> bool:
        return self.view is View.DELIVERIES and place.name.kind is Kind.EVENTFUL

    def _attempted_of(self, webhook: str) -> "_Attempted":
        if webhook not in self._attempted:
            in_front = self.begin.behind > Position.from_(self.begin.top_ms)
            self._attempted[webhook] = _Attempted(sure=not in_front)
        return self._attempted[webhook]


@dataclass(slots=True)
class _Attempted:
    """The deliveries of a webhook that were attempted in front of where a search stands.

    `sure`: as far back as the list's moment.
    """

    sure: bool
    deliveries: set[bytes] = field(default_factory=set)

    def is_latest(self, packed: bytes) -> bool:
        """Whether no other attempt of its delivery followed; it is taken in."""
        if changes_nothing(packed):
            return False
        delivery = delivery_of(packed)
        followed = delivery in self.deliveries
        self.deliveries.add(delivery)
        return not followed
