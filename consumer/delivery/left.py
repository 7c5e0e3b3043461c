"""What is left in the log of the ordered topic, for want of room, and read again when there is some. Pure.

The laws:
- what is left is told by a commit until it was read again, and a position never passes it;
- it is read again from the first one left, in its order, and never before all that an earlier owner had taken is here
  again;
- one look serves all scopes of a partition that have room. Where it did not come to some of them the next one begins
  there, and partitions take turns: nobody who has room waits for ever;
- what is asked for together has room together;
- a webhook that takes more than its share is left from there on, a blocked key first, and its tenant where he has left
  more than his (`leaving.py`). A partition waits for one second in ten at most, whoever fills it, unless it has left as
  many as a commit can tell;
- nobody is woken to look for room: it comes with an answer, or with a record.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import Final

from consumer.delivery.again import Again, Found, Stretch
from consumer.delivery.leaving import Leaving
from consumer.delivery.offsets import Window
from consumer.delivery.order_partition import TENANT, WEBHOOK, Bounds, KeyLine, OrderedPartition, Share, scopes

_PATIENCE_MS: Final = 1_000
_NOT_AGAIN_MS: Final = 10_000
_LOOK_EVERY_MS: Final = 50


class Admission(Enum):
    """What becomes of a record that was read again."""

    TAKEN = auto()
    LEFT = auto()  # its key, or its webhook, is left from there or an earlier offset on, and is read by itself
    FULL = auto()  # it and all that follow are read again later


class Left:
    """Of all partitions of a process. `size`: what stands in their lines, in bytes, kept by the `Order`."""

    def __init__(self, bounds: Bounds, partitions: Mapping[Window, OrderedPartition]) -> None:
        self._bounds = bounds
        self._partitions = partitions
        self._leaving = Leaving(bounds)
        self._asked: Again | None = None
        self._look_ms = 0
        self._stirred = False
        self._put_off = False
        self.size = 0

    # ── a record that was just read ──────────────────────────────────────────────────────────────────────────────

    def passes_by(self, now_ms: int, window: Window, name: str, offset: int) -> bool:
        """Whether this record, just read, is left in the log: there is too much of its key or its webhook already."""
        partition = self._partitions[window]
        if partition.left and partition.is_left(name, offset):
            self._stirred = True
            return True
        if offset < partition.until:
            return False
        line = partition.lines.get(name)
        if line is not None and self._is_long(line) and self._leave(partition, scopes(name), offset):
            return True
        share = partition.shares.get(name[:WEBHOOK])
        if share is None or not self._is_full(partition, share):
            return False
        late = now_ms - share.moved_ms > _PATIENCE_MS or self._has_waited_ms(partition, now_ms) >= _PATIENCE_MS
        if late and self._leave(partition, scopes(name)[1:], offset):
            return True
        if share.full_ms is None:
            share.full_ms = now_ms
            partition.full.add(share)
        return False

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
            waited_ms = self._has_waited_ms(partition, now_ms) + now_ms - share.full_ms
            late = waited_ms > _PATIENCE_MS and window.next >= partition.until
            half_empty = self._is_half_empty(partition, share)
            if half_empty or (late and self._leave(partition, (scope, scope[:TENANT]), window.next)):
                self._waited(partition, now_ms, share.full_ms)
                share.full_ms = None
                partition.full.discard(share)
        return bool(partition.full)

    def is_crowded(self, window: Window, name: str) -> bool:
        """Whether there is no room for a key of this webhook that has stopped, the one of this name included."""
        partition = self._partitions.get(window)
        if partition is None or name not in partition.lines:
            return False
        return self._leaving.is_crowded(partition, name)

    def has_room_before(self, line: KeyLine) -> bool:
        """Whether one more replay may stand before what waits in this line: they are not left in the log."""
        share, bounds = line.share, self._bounds
        few = line.place_before() - line.out < bounds.before and share.held < 2 * bounds.webhook
        return few and share.size < 2 * self._bytes_most

    def shorten(self, line: KeyLine) -> int:
        """How much of a line whose head has failed stays here: what follows is left in the log again."""
        kept = self._bounds.line + sum(lined.before for lined in line.queue)
        if len(line.queue) <= kept or line.partition.window.closed or line.partition.over:
            return len(line.queue)
        if not self._leave(line.partition, (line.name,), line.queue[kept].entry.offset):
            return len(line.queue)
        return kept

    # ── read again ───────────────────────────────────────────────────────────────────────────────────────────────

    def again(self, now_ms: int) -> Again | None:
        """What to read again, if anything; one look at a time, and of the partition whose last one was first."""
        self._put_off = self._asked is None and self._stirred and now_ms < self._look_ms
        if self._asked is not None or self._put_off or not self._stirred:
            return None
        self._look_ms = now_ms + _LOOK_EVERY_MS
        self._stirred = False
        for partition in sorted(self._partitions.values(), key=lambda partition: partition.looked_ms):
            if not partition.left or partition.window.draining:
                continue
            if partition.window.next < partition.until:
                self._stirred = True
                continue
            self._asked = self._look(partition)
            if self._asked is not None:
                partition.looked_ms = now_ms
                return self._asked
        return None

    def stir(self) -> None:
        """Something has ended or come: there may be room for what was left."""
        self._stirred = True

    def expects(self, again: Again) -> bool:
        """Whether this is what is asked for now."""
        return again is self._asked

    def admits(self, window: Window, stretch: Stretch, name: str, offset: int) -> Admission:
        """What becomes of this record of a stretch, of those read again in their order."""
        partition = self._partitions[window]
        own = [scope for scope in scopes(name) if len(scope) > len(stretch.scope)]
        if any(scope in partition.left and offset >= partition.left[scope] for scope in own):
            return Admission.LEFT
        if not self._has_place(partition, stretch.scope, name):
            partition.stands[stretch.scope] = name
            return Admission.FULL
        line, share = partition.lines.get(name), partition.shares.get(name[:WEBHOOK])
        if line is not None and self._is_long(line):
            return Admission.LEFT if self._leave(partition, own, offset) else Admission.FULL
        if len(stretch.scope) == TENANT and share is not None and self._is_full(partition, share):
            return Admission.LEFT if self._leave(partition, own[1:], offset) else Admission.FULL
        return Admission.TAKEN

    def read(self, now_ms: int, found: Found, ends: Mapping[str, int]) -> None:
        """What was found is taken in, of each scope up to its end."""
        self._asked = None
        self._stirred = True
        if found.in_vain:
            self._look_ms = now_ms + _PATIENCE_MS
        partition = self._partitions.get(found.again.window)
        if partition is None:
            return
        for scope, end in ends.items():
            if end == found.ends[scope]:
                partition.stands.pop(scope, None)
            if scope in partition.left:
                del partition.left[scope]  # the others take their turn
                partition.left[scope] = end
        # A place where nothing can be read keeps no other waiting.
        came_to = found.came_to + found.in_vain
        missed = any(stretch.offset >= came_to for stretch in found.again.stretches)
        partition.look_from = came_to if missed else 0
        partition.window.touch()

    def drop_closed(self) -> None:
        """What is asked for a partition that is over, or was lost, is not expected any more."""
        if self._asked is not None and self._asked.window not in self._partitions:
            self._asked = None
            self._stirred = True

    def forget(self, partition: OrderedPartition) -> None:
        """The log is gone, and all that was left in it."""
        if self._asked is not None and self._asked.window is partition.window:
            self._asked = None
            self._stirred = True
        partition.left.clear()
        partition.full.clear()

    def wake_ms(self, now_ms: int) -> int | None:
        """When to look again at what was put off, or at a partition that is kept waiting."""
        wishes = [self._look_ms] if self._put_off else []
        for partition in self._partitions.values():
            wishes += [share.full_ms + _PATIENCE_MS + 1 for share in partition.full if share.full_ms is not None]
        return min((wish for wish in wishes if wish > now_ms), default=None)

    def _look(self, partition: OrderedPartition) -> Again | None:
        """What one look is to read. Each key has its share of its webhook's room, the webhook what they do not take."""
        ends = self._wanted(partition)
        beyond = [scope for scope in ends if partition.left[scope] >= partition.look_from]
        webhooks: defaultdict[str, list[str]] = defaultdict(list)
        for scope in beyond or ends:
            webhooks[scope[:WEBHOOK]].append(scope)
        stretches: list[Stretch] = []
        rooms: dict[str, int] = {}
        for webhook, lefts in webhooks.items():
            share = partition.shares.get(webhook)
            room = self._most(partition.held + sum(rooms.values())) - (0 if share is None else share.held)
            if room <= 0:
                continue
            rooms[webhook] = room
            for others, scope in zip(reversed(range(len(lefts))), lefts, strict=True):
                at_once = self._at_once(partition, scope)
                own = min(-(-room // (others + 1)), at_once)
                room -= own
                if own > 0:
                    most = own if len(scope) > WEBHOOK else min(rooms[webhook], at_once)
                    stretches.append(Stretch(scope, partition.left[scope], ends[scope], most))
        return Again(partition.window, tuple(stretches), rooms) if stretches else None

    def _wanted(self, partition: OrderedPartition) -> dict[str, int]:
        """The scopes that have room, in turn, and up to where each is left. Where nothing is left it is forgotten."""
        wanted: dict[str, int] = {}
        for scope, offset in list(partition.left.items()):
            until = partition.end_of(scope)
            if offset >= until:
                del partition.left[scope]
                partition.window.touch()
            elif self._has_room(partition, scope):
                wanted[scope] = until
        return wanted

    def _has_room(self, partition: OrderedPartition, scope: str) -> bool:
        """Whether any of this scope may be read again now."""
        share, line = partition.shares.get(scope[:WEBHOOK]), partition.lines.get(scope)
        if line is not None and len(line.queue) > self._bounds.line // 2:
            return False
        if scope in partition.stands and not self._has_place(partition, scope, partition.stands[scope]):
            return False
        return share is None or len(scope) > WEBHOOK or self._is_half_empty(partition, share)

    def _at_once(self, partition: OrderedPartition, scope: str) -> int:
        """How many at most: of a line whose head has failed what it keeps, and few of what stood before a full one."""
        line = partition.lines.get(scope)
        if line is not None and line.blocked:
            return self._bounds.line - len(line.queue)
        return self._bounds.few if scope in partition.stands else self._bounds.webhook

    def _has_place(self, partition: OrderedPartition, scope: str, name: str) -> bool:
        """Whether one more of this line that is read again with this scope is taken, or left by itself."""
        line, share = partition.lines.get(name), partition.shares.get(name[:WEBHOOK])
        own = [each for each in (name, name[:WEBHOOK]) if len(each) > len(scope)] or [name]
        if line is not None and len(line.queue) >= self._bounds.line:
            return any(self._leaving.may(partition, each) for each in own)
        if len(scope) > TENANT or share is None or not self._is_full(partition, share):
            return True
        return self._leaving.may(partition, name[:WEBHOOK])

    # ── how much ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _leave(self, partition: OrderedPartition, narrowest_first: Sequence[str], offset: int) -> bool:
        """Leave one of these scopes in the log from here on. False where a commit cannot tell of more."""
        leaves = self._leaving.leave(partition, narrowest_first, offset)
        self._stirred = self._stirred or leaves
        return leaves

    def _is_long(self, line: KeyLine) -> bool:
        return line.blocked and len(line.queue) >= self._bounds.line

    def _most(self, held: int) -> int:
        """How many records a webhook may have in a partition that holds so many."""
        return self._bounds.webhook if held < self._bounds.crowded else self._bounds.few

    def _is_full(self, partition: OrderedPartition, share: Share) -> bool:
        return share.held >= self._most(partition.held) or share.size >= self._bytes_most

    def _is_half_empty(self, partition: OrderedPartition, share: Share) -> bool:
        return share.held <= self._most(partition.held) // 2 and share.size <= self._bytes_most // 2

    @staticmethod
    def _has_waited_ms(partition: OrderedPartition, now_ms: int) -> int:
        """For how long it has stood still lately, whomever it waited for."""
        return partition.waited_ms if now_ms - partition.waits_from_ms < _NOT_AGAIN_MS else 0

    def _waited(self, partition: OrderedPartition, now_ms: int, since_ms: int) -> None:
        """It has stood still from then on."""
        waited_ms = self._has_waited_ms(partition, now_ms)
        if not waited_ms:
            partition.waits_from_ms = since_ms
        partition.waited_ms = waited_ms + now_ms - since_ms

    @property
    def _bytes_most(self) -> int:
        bounds = self._bounds
        return bounds.webhook_bytes if self.size < bounds.process_bytes else bounds.webhook_bytes // 16
