"""The deliveries of ordered webhooks, each in the line of its key. Pure.

    record ─► passes_by? ─► put ─► [line: head, follower, follower …] ─► heads ─► (offered to its lane) ─► ended
                 │                      ▲           └ failed, or no room at its lane: back, until it is due ┘
                 └ left in the log ─► again ─┘

The laws:
- of a line the head alone is given out; the next one only when the head's record has ended, wherever it ended;
- a line has its key's records in the order of their offsets; what was left is read again from the first one left, and
  never before all that an earlier owner had taken is here again;
- what is left is told by `told` until it was read again, and a position never passes it (`floor`);
- no line waits for another: a webhook that takes more than its share is left in the log from there on, a blocked key
  first. A partition is kept waiting for a second at most, unless it has left as many as a commit can tell.

A line is named by 24 hex digits, 12 for the webhook, 12 for the key. Both, the name and its first half, are *scopes*:
what can be left. A repeat is known by its delivery's id.
"""

import heapq
from collections import OrderedDict, deque
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import count
from typing import Final, NamedTuple

from consumer.delivery import done_map
from consumer.delivery.delivery import Delivery
from consumer.delivery.offsets import Entry, Partition, Position, Taken, Window
from consumer.delivery.order_map import Told, Tried
from consumer.events.event import Record

WEBHOOK: Final = 12
"""So many digits of a line's name are its webhook's."""
_PATIENCE_MS: Final = 1_000
_LOOK_EVERY_MS: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Records of a webhook in one partition (few where the partition has many), behind a blocked head, and ids.

    `left`: how many scopes a partition may leave, `left_keys` how many of them may be keys of one webhook.
    """

    webhook: int = 256
    few: int = 16
    crowded: int = 512
    line: int = 4
    webhook_bytes: int = 1_048_576
    process_bytes: int = 64 * 1_048_576
    left: int = 64
    left_keys: int = 16
    remembered: int = 100_000


class Again(NamedTuple):
    """Records to read once more: of this scope, from this offset to before `until`, at most so many."""

    window: Window
    scope: str
    offset: int
    until: int
    most: int


class Admission(Enum):
    """What becomes of a record that was read again."""

    TAKEN = auto()
    LEFT = auto()  # its key is left from an earlier offset on, and is read by itself
    FULL = auto()  # it and all that follow are read again later


class _Held(NamedTuple):
    entry: Entry
    delivery: Delivery
    size: int


@dataclass(slots=True, eq=False)
class _Share:
    """What a partition holds of one webhook. `moved_ms`: when something of it ended, or it was empty."""

    moved_ms: int
    held: int = 0
    size: int = 0
    full_ms: int | None = None


@dataclass(slots=True, eq=False)
class _Line:
    """A key's deliveries. `out`: its head was given out; else it is due at `due_ms`."""

    name: str
    partition: "_Partition"
    share: _Share
    queue: deque[_Held]
    out: bool = False
    due_ms: int = 0

    @property
    def blocked(self) -> bool:
        """Whether its head failed."""
        return bool(self.queue) and self.queue[0].delivery.attempts > 0


class _Partition:
    """One assignment of a partition. What is below `until` an earlier owner has met."""

    __slots__ = ("full", "held", "left", "lines", "over", "shares", "tried", "until", "window")

    def __init__(self, window: Window, told: Told) -> None:
        self.window = window
        self.until = told.met
        self.over = False
        self.lines: dict[str, _Line] = {}
        self.shares: dict[str, _Share] = {}
        self.left = dict(told.left)
        self.tried = dict(told.heads)
        self.full: set[_Share] = set()
        self.held = 0

    def told(self) -> Told:
        """What a commit has to tell."""
        return Told(met=max(self.until, self.window.next), left=dict(self.left), heads=dict(self.tried))

    def floor(self) -> int | None:
        """The lowest offset left."""
        return min(self.left.values(), default=None)

    def is_left(self, name: str, offset: int) -> bool:
        """Whether this record of the line is left in the log."""
        for scope in (name, name[:WEBHOOK]):
            left_from = self.left.get(scope)
            if left_from is not None and offset >= left_from:
                return True
        return False

    def end_of(self, scope: str) -> int:
        """Up to where the records of a scope are left: the webhook's own is read after those of its keys."""
        if len(scope) > WEBHOOK:
            return self.left.get(scope[:WEBHOOK], self.window.next)
        return self.window.next


def line_of(record: Record) -> str:
    """The line that the record's key names, or what stands there instead."""
    return (record.key or b"").decode("ascii", "replace")


class Order:
    """The lines of one process; `topic` is the ordered one."""

    def __init__(self, topic: str = "", bounds: Bounds | None = None) -> None:
        self._topic = topic
        self._bounds = bounds or Bounds()
        self._partitions: dict[Window, _Partition] = {}
        self._ready: deque[_Line] = deque()
        self._waiting: list[tuple[int, int, _Line]] = []
        self._order = count()
        self._out: dict[Entry, _Line] = {}
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._size = 0
        self._asked: Again | None = None
        self._look_ms = 0
        self._put_off = False  # a look for what may be read again

    def window(self, partition: Partition, position: Position, taken: Taken) -> Window | None:
        """The window of a partition of the ordered topic; None for any other's."""
        if partition[0] != self._topic:
            return None
        done = done_map.decode(position.metadata, position.offset)
        window = Window(partition, done, taken)
        window.beside = self._partitions[window] = _Partition(window, Told() if done is None else done.order)
        return window

    @property
    def bytes(self) -> int:
        """What stands in line, in bytes."""
        return self._size

    def rewound(self, window: Window) -> None:
        """Its topic was made anew: what is held of the old one goes on, what was left of it is gone."""
        partition = self._partitions.get(window)
        if partition is None:
            return
        partition.over = True
        if self._asked is not None and self._asked.window is window:
            self._asked = None
        partition.left.clear()
        partition.full.clear()
        if not partition.lines:
            del self._partitions[window]

    def lost(self) -> None:
        """Partitions were lost: what was held of them will be read again, here or elsewhere."""
        for window in [window for window in self._partitions if window.closed]:
            partition = self._partitions.pop(window)
            for line in partition.lines.values():
                for held in line.queue:
                    self._ids.pop(held.delivery.id, None)
                    self._size -= held.size
                line.queue.clear()
        self._out = {entry: line for entry, line in self._out.items() if not entry.window.closed}
        if self._asked is not None and self._asked.window.closed:
            self._asked = None

    # ── in ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def passes_by(self, now_ms: int, window: Window, name: str, offset: int) -> bool:
        """Whether this record, just read, is left in the log: its key or its webhook has too much here already."""
        partition = self._partitions[window]
        if partition.left and partition.is_left(name, offset):
            return True
        if offset < partition.until:
            return False
        line = partition.lines.get(name)
        blocked = line is not None and line.blocked and len(line.queue) >= self._bounds.line
        if blocked and any(self._leave(partition, scope, offset) for scope in (name, name[:WEBHOOK])):
            return True
        share = partition.shares.get(name[:WEBHOOK])
        if share is None or not self._is_full(partition, share):
            return False
        if now_ms - share.moved_ms > _PATIENCE_MS and self._leave(partition, name[:WEBHOOK], offset):
            return True
        if share.full_ms is None:
            share.full_ms = now_ms
            partition.full.add(share)
        return False

    def put(self, now_ms: int, entry: Entry, delivery: Delivery, name: str, size: int) -> bool:
        """Line a delivery up. False for a repeat of one that was."""
        if delivery.id in self._ids:
            return False
        self._ids[delivery.id] = None
        if len(self._ids) > self._bounds.remembered:
            self._ids.popitem(last=False)
        partition = self._partitions[entry.window]
        line = self._line(partition, name, now_ms)
        tried = partition.tried.get(entry.offset)
        if tried is not None:
            first_ms = tried.first_attempt_ms
            delivery = replace(delivery, attempts=tried.attempts, first_attempt_ms=first_ms)
        line.queue.append(_Held(entry, delivery, size))
        line.share.held += 1
        line.share.size += size
        partition.held += 1
        self._size += size
        if len(line.queue) == 1:
            self._advance(line, tried.due_ms if tried is not None else 0)
        return True

    # ── out ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def heads(self, now_ms: int, most: int) -> list[tuple[Entry, Delivery]]:
        """The heads that may go now, at most so many; each is out until its record ends or it comes `back`."""
        self._settle(now_ms)
        while self._waiting and self._waiting[0][0] <= now_ms:
            at_ms, _, line = heapq.heappop(self._waiting)
            if line.queue and not line.out and line.due_ms == at_ms:
                self._ready.append(line)
        heads: list[tuple[Entry, Delivery]] = []
        while self._ready and len(heads) < most:
            line = self._ready.popleft()
            if line.queue and not line.out:
                line.out = True
                entry, delivery, _ = line.queue[0]
                self._out[entry] = line
                heads.append((entry, delivery))
        return heads

    def back(self, entry: Entry, delivery: Delivery, due_ms: int) -> None:
        """A head that was out waits in its place until it is due: it failed, or its lane has no room."""
        if entry.window.closed:
            return
        line = self._out.pop(entry)
        line.queue[0] = line.queue[0]._replace(delivery=delivery)
        line.out = False
        if delivery.attempts:
            first_ms = delivery.first_attempt_ms or due_ms
            line.partition.tried[entry.offset] = Tried(delivery.attempts, due_ms, first_ms)
            entry.window.touch()
            self._shorten(line)
        self._advance(line, due_ms)

    @property
    def has_ended(self) -> bool:
        """Whether a head has ended, so that the next one may go."""
        return any(not entry.open for entry in self._out)

    def wake_ms(self, now_ms: int) -> int | None:
        """When the next head that waits is due, or what was left may be read again."""
        due_ms = self._waiting[0][0] if self._waiting else None
        if self._put_off or any(partition.full for partition in self._partitions.values()):
            look_ms = max(self._look_ms, now_ms + _LOOK_EVERY_MS)
            return look_ms if due_ms is None else min(due_ms, look_ms)
        return due_ms

    # ── what is left in the log ──────────────────────────────────────────────────────────────────────────────────

    def full(self, now_ms: int) -> list[Window]:
        """The partitions that are to take nothing more in for now."""
        return [window for window in self._partitions if self.is_full(now_ms, window)]

    def is_full(self, now_ms: int, window: Window) -> bool:
        """Whether the partition is to take nothing more in for now; after a second what fills it is left."""
        partition = self._partitions.get(window)
        if partition is None or not partition.full:
            return False
        for scope, share in list(partition.shares.items()):
            if share.full_ms is None:
                continue
            late = now_ms - share.full_ms > _PATIENCE_MS and window.next >= partition.until
            if self._is_half_empty(partition, share) or (late and self._leave(partition, scope, window.next)):
                share.full_ms = None
                partition.full.discard(share)
        return bool(partition.full)

    def again(self, now_ms: int) -> Again | None:
        """What to read again, if anything; one at a time."""
        self._put_off = self._asked is None and now_ms < self._look_ms
        if self._asked is not None or self._put_off:
            return None
        self._look_ms = now_ms + _LOOK_EVERY_MS
        for partition in self._partitions.values():
            if partition.left and partition.window.next >= partition.until and not partition.window.draining:
                self._asked = self._wanted(partition)
                if self._asked is not None:
                    return self._asked
        return None

    def expects(self, again: Again) -> bool:
        """Whether this is what is asked for now."""
        return again is self._asked

    def admits(self, again: Again, name: str, offset: int) -> Admission:
        """What becomes of this record, of those read again in their order."""
        partition = self._partitions[again.window]
        if len(again.scope) == WEBHOOK and name in partition.left and offset >= partition.left[name]:
            return Admission.LEFT
        line = partition.lines.get(name)
        if line is None or not line.blocked or len(line.queue) < self._bounds.line:
            return Admission.TAKEN
        if len(again.scope) == WEBHOOK and self._leave(partition, name, offset):
            return Admission.LEFT
        return Admission.FULL

    def read(self, now_ms: int, again: Again, offset: int, *, in_vain: bool = False) -> None:
        """All records of the scope before this offset were read again. `in_vain`: nothing could be read."""
        self._asked = None
        if in_vain:
            self._look_ms = now_ms + _PATIENCE_MS
        partition = self._partitions.get(again.window)
        if partition is not None and again.scope in partition.left:
            del partition.left[again.scope]  # the others take their turn
            partition.left[again.scope] = max(again.offset, offset)
            again.window.touch()

    def _wanted(self, partition: _Partition) -> Again | None:
        for scope, offset in list(partition.left.items()):
            until = partition.end_of(scope)
            if offset >= until:
                del partition.left[scope]
                partition.window.touch()
                continue
            most = self._room(partition, scope)
            if most > 0:
                return Again(partition.window, scope, offset, until, most)
        return None

    def _room(self, partition: _Partition, scope: str) -> int:
        """How many of this scope may be read again now."""
        share, line = partition.shares.get(scope[:WEBHOOK]), partition.lines.get(scope)
        if share is None:
            return self._most(partition)
        if line is not None and (line.blocked or len(line.queue) > self._bounds.line // 2):
            return 0
        if len(scope) == WEBHOOK and not self._is_half_empty(partition, share):
            return 0
        return self._most(partition) - share.held

    def _leave(self, partition: _Partition, scope: str, offset: int) -> bool:
        """Leave this scope in the log from here on. False where a commit cannot tell of more."""
        bounds, left = self._bounds, partition.left
        if scope in left:
            left[scope] = min(left[scope], offset)
            return True
        if len(left) >= bounds.left:
            return False
        if len(scope) > WEBHOOK and sum(each.startswith(scope[:WEBHOOK]) for each in left) >= bounds.left_keys:
            return False
        left[scope] = offset
        partition.window.touch()
        return True

    def _most(self, partition: _Partition) -> int:
        return self._bounds.webhook if partition.held < self._bounds.crowded else self._bounds.few

    def _is_full(self, partition: _Partition, share: _Share) -> bool:
        return share.held >= self._most(partition) or share.size >= self._bytes_most

    def _is_half_empty(self, partition: _Partition, share: _Share) -> bool:
        return share.held <= self._most(partition) // 2 and share.size <= self._bytes_most // 2

    @property
    def _bytes_most(self) -> int:
        bounds = self._bounds
        return bounds.webhook_bytes if self._size < bounds.process_bytes else bounds.webhook_bytes // 16

    # ── lines ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _line(self, partition: _Partition, name: str, now_ms: int) -> _Line:
        line = partition.lines.get(name)
        if line is None:
            share = partition.shares.get(name[:WEBHOOK])
            if share is None:
                share = partition.shares[name[:WEBHOOK]] = _Share(moved_ms=now_ms)
            line = partition.lines[name] = _Line(name, partition, share, deque())
        return line

    def _advance(self, line: _Line, due_ms: int) -> None:
        """Its head waits for its time."""
        line.due_ms = due_ms
        if due_ms:
            heapq.heappush(self._waiting, (due_ms, next(self._order), line))
        else:
            self._ready.append(line)

    def _shorten(self, line: _Line) -> None:
        """What follows a blocked head is left in the log again, but for a few."""
        kept = self._bounds.line
        if len(line.queue) <= kept or line.partition.window.closed or line.partition.over:
            return
        if not self._leave(line.partition, line.name, line.queue[kept].entry.offset):
            return
        while len(line.queue) > kept:
            entry, delivery, size = line.queue.pop()
            self._ids.pop(delivery.id, None)
            self._less(line, size)
            entry.close_one()

    def _less(self, line: _Line, size: int) -> None:
        line.share.held -= 1
        line.share.size -= size
        line.partition.held -= 1
        self._size -= size

    def _settle(self, now_ms: int) -> None:
        """Heads whose records have ended make room for the next."""
        for entry in [entry for entry in self._out if not entry.open]:
            line = self._out.pop(entry)
            line.out = False
            _, _, size = line.queue.popleft()
            partition, share = line.partition, line.share
            partition.tried.pop(entry.offset, None)
            share.moved_ms = now_ms
            self._less(line, size)
            if line.queue:
                self._advance(line, 0)
                continue
            del partition.lines[line.name]
            if not share.held:
                del partition.shares[line.name[:WEBHOOK]]
                partition.full.discard(share)
            if partition.over and not partition.lines:
                del self._partitions[partition.window]
