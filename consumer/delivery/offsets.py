"""Which records are unfinished, and so how far a partition may be committed.

The law: a position never passes the lowest unfinished offset, and a window that was lost yields no position.

Records finish in any order. A window belongs to one assignment of one partition: when the partition goes, its window
is closed, and whatever still comes back for it has no effect. What finished above the lowest unfinished offset is
told in the commit's metadata, and skipped when the partition is read from there again; so is what has ended of an
event for several webhooks that waits for a slow one.
"""

from collections import OrderedDict
from itertools import chain, takewhile
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from consumer.delivery import done_map
from consumer.delivery.done_map import DoneMap
from consumer.delivery.horizons import Horizons, Met
from consumer.delivery.order_map import Told
from consumer.delivery.partly_ended import NOTHING_ENDED, PartlyEnded

if TYPE_CHECKING:
    from consumer.delivery.entry import Entry

Partition: TypeAlias = tuple[str, int]


class Position(NamedTuple):
    """What is committed of a partition: the offset to read next, and in `metadata` what is finished above it."""

    offset: int
    metadata: str = ""


class Beside(Protocol):
    """What a partition's commit tells beside its map: the order of its keys. A position never passes its `floor`."""

    def has_ended(self, entry: "Entry") -> None:
        """A record of the partition has."""

    def told(self) -> Told:
        """Of heads and of what is left."""

    def floor(self) -> int | None:
        """The lowest offset left in the log, of those the window takes for finished."""


class Taken:
    """What a process has taken in, of all its partitions: what its unfinished records weigh, and whose positions moved.

    `changes` are the windows whose position may be another than they said last. `map_most`: the characters of a map.
    """

    __slots__ = ("bytes", "changes", "map_most")

    def __init__(self, map_most: int = done_map.MOST) -> None:
        self.bytes = 0
        self.changes: dict[Window, None] = {}
        self.map_most = map_most


class Window:
    """The unfinished records of one assigned partition. `done` is what an earlier owner had finished.

    What its entries weigh counts in `taken`, until they end or the partition goes.
    """

    __slots__ = (
        "_again",
        "_ahead",
        "_changed",
        "_done",
        "_last_done",
        "_next",
        "_partly",
        "_position",
        "_unfinished",
        "began",
        "beside",
        "bytes",
        "closed",
        "crowded",
        "draining",
        "held",
        "held_bytes",
        "partition",
        "taken",
    )

    def __init__(self, partition: Partition, done: DoneMap | None = None, taken: Taken | None = None) -> None:
        self.partition = partition
        self.taken = Taken() if taken is None else taken
        self.bytes = 0
        self.began = 0  # the offset it was assigned with
        self.closed = False
        self.draining = False
        self.crowded = False  # its map is nearly as long as a commit may hold, and grows with what is taken in
        self.held = 0
        self.held_bytes = 0
        self.beside: Beside | None = None
        self._again: set[int] = set()  # finished for now, and taken in once more
        self._unfinished: OrderedDict[int, int] = OrderedDict()  # to the time of each record
        self._next = -1
        self._done = done
        self._ahead = Horizons({} if done is None else done.ahead)
        self._last_done = done.last if done is not None else -1
        self._partly = PartlyEnded({} if done is None else done.partly)
        self._position: Position | None = None
        self._changed = False

    def begin(self, offset: int, key: bytes | None = None, at_ms: int = 0) -> bool:
        """Take a record of this time in.

        False when it was taken in before, under this assignment, or was finished under an earlier one.
        """
        if offset < self._next:
            return False
        self._next = offset + 1
        if not self._changed:
            self._change()
        if self._done is not None:
            if self._done.is_done(offset):
                return False
            if offset > self._done.last:
                self._done = None
            elif offset < self._done.base:
                # The log begins anew below what was committed: it is another log, and the map is not of it.
                self._done = None
                self._last_done = -1
                self._partly = PartlyEnded()
                self._ahead.clear()
        if not self._ahead.keys:
            self._unfinished[offset] = at_ms
            return True
        met = self._ahead.met(key, offset)
        if met is not Met.DONE:
            self._unfinished[offset] = at_ms
        return met is Met.NEW

    # ── before its turn ──────────────────────────────────────────────────────────────────────────────────────────

    def read_on_at(self, key: bytes) -> int:
        """Where the next record of this key may be that is not taken in yet."""
        return max(self.next, self._ahead.end(key) or 0)

    def has_room_ahead(self, key: bytes) -> bool:
        """Whether one more record of this key may be taken in ahead of its turn."""
        return self._ahead.has_room(key)

    def begin_ahead(self, key: bytes, begins: int, offset: int, *, goes: bool) -> bool:
        """Take in a record before its turn: there is no other of its key from `begins` on and before it.

        False when it is taken in already, or finished, or when it does not go: then it is taken in when its turn comes.
        """
        if offset < self.read_on_at(key) or not self._reaches(key, begins):
            return False
        if self._done is not None and self._done.is_done(offset):
            self._ahead.passed(key, offset + 1)
            return False
        self._ahead.take(key, offset, goes=goes)
        return goes

    def passed_ahead(self, key: bytes, begins: int, end: int) -> None:
        """From `begins` on and before `end` there is no record of this key that is not taken in."""
        if end > self.read_on_at(key) and self._reaches(key, begins):
            self._ahead.passed(key, end)

    def _reaches(self, key: bytes, begins: int) -> bool:
        """Whether all records of the key before `begins` are known; from here on they are told of as ahead."""
        end = self._ahead.end(key)
        if end is None or end < self._next:
            if begins > self.next:
                return False
            if end is not None:
                self._last_done = max(self._last_done, end - 1)  # its turn came: the map tells it from now on
            self._ahead.begin(key, self.next)
            return True
        return begins <= end

    # ── told beside ──────────────────────────────────────────────────────────────────────────────────────────────

    def reopen(self, offset: int) -> None:
        """Take a record in once more, of those that were finished only because they were left in the log."""
        self._again.add(offset)
        self.touch()

    def touch(self) -> None:
        """What is told beside the map has changed."""
        if not self._changed:
            self._change()

    @property
    def next(self) -> int:
        """The offset of the next record to come."""
        return max(0, self._next)

    def close(self) -> None:
        """The partition goes: whatever comes back for it has no effect."""
        self.closed = True
        self.taken.bytes -= self.bytes
        self.bytes = 0

    def passed(self, offset: int) -> None:
        """Every record before this offset was taken in: the log may hold others, that are no records to anybody."""
        if offset > self._next:
            self._next = offset
            self._change()

    def finish(self, offset: int) -> None:
        """The record has ended in its one place."""
        if not self._changed:
            self._change()
        if self._ahead.under_way and self._ahead.finish(offset):
            if offset not in self._unfinished:  # its turn has not come, or the log no longer held it then
                return
            del self._unfinished[offset]
        elif offset in self._again:
            self._again.remove(offset)
        else:
            del self._unfinished[offset]
        if offset > self._last_done:  # noqa: PLR1730 # a call takes longer
            self._last_done = offset
        if self._partly.ended:
            self._partly.over(offset)

    def part_ended(self, offset: int, delivery_id: str) -> None:
        """One delivery of a record that goes on has ended."""
        self._partly.part_ended(offset, delivery_id)
        self._change()

    def ended_before(self, offset: int) -> frozenset[bytes]:
        """Which deliveries of this record had ended when it was read by an earlier owner, by `short` of their ids."""
        return self._partly.earlier.get(offset, NOTHING_ENDED)

    def has_ended(self, offset: int) -> bool:
        """Whether this record was taken in, or passed over, and is finished."""
        return offset < self._next and offset not in self._unfinished and offset not in self._again

    @property
    def unfinished(self) -> int:
        """How many records are under way."""
        return len(self._unfinished) + len(self._again)

    @property
    def oldest_ms(self) -> int | None:
        """The time of the first unfinished record."""
        return next(iter(self._unfinished.values()), None)

    @property
    def map_chars(self) -> int:
        """How long the map of the last position was."""
        return 0 if self._position is None else len(self._position.metadata)

    def look(self) -> Position | None:
        """What to commit now: the lowest unfinished offset, else the next to come; None before the first record.

        A look is remembered: what has ended in part is told from the second one on.
        """
        if self._changed:
            self._changed = False
            self._position = self._position_now()
            if self._partly.is_new:
                self._change()
        return self._position

    def done(self) -> DoneMap | None:
        """All that is finished from the lowest unfinished offset on, without the limits of a commit's metadata."""
        if self._next < 0:
            return None
        base, told = self._unfinished_from()
        return DoneMap(
            base=base,
            last=max(self._last_done, base - 1),
            unfinished=frozenset(told),
            partly=self._partly.all(),
            ahead=self._ahead.told(base),
        )

    def _change(self) -> None:
        self._changed = True
        self.taken.changes[self] = None

    def _position_now(self) -> Position:
        base, told = self._unfinished_from()
        order = None if self.beside is None else self.beside.told()
        ahead = self._ahead.told(base) if self._ahead.keys else None
        most = self.taken.map_most
        metadata = done_map.encode(
            base, self._last_done, told, self._partly.lasting(base, self._goes_on), order=order, ahead=ahead, most=most
        )
        untold = not metadata and self._last_done >= base
        full = untold or done_map.is_nearly_full(metadata, most)
        # Who waits until a full map is shorter must have read all that it tells of: what it calls unfinished ends only
        # once it was taken in.
        self.crowded = full and self.unfinished > 0 and not self._unread()
        return Position(base, metadata)

    def _unfinished_from(self) -> tuple[int, list[int]]:
        """The lowest unfinished offset, or the next to come, and the unfinished ones up to the last finished one.

        Of the thousands that a delay topic's window may hold, nearly all are above that.
        """
        unread = self._unread()
        base = next(chain(self._unfinished, unread), max(self._next, self._last_done + 1))
        told = list(takewhile(self._last_done.__ge__, chain(self._unfinished, unread)))
        if self.beside is None:
            return base, told
        floor = self.beside.floor()
        lowest = (base, *self._again) if floor is None else (base, floor, *self._again)
        return min(lowest), sorted((*told, *self._again))

    def _goes_on(self, offset: int) -> bool:
        """Whether this record has not ended yet; what an earlier owner left may be gone from the log meanwhile."""
        return offset >= self._next or offset in self._unfinished

    def _unread(self) -> list[int]:
        """Of what an earlier owner left unfinished, some may not have been read again yet."""
        return [] if self._done is None else sorted(o for o in self._done.unfinished if o >= self._next)
