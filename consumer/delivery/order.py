"""The deliveries of ordered webhooks, each in the line of its key. Pure.

    record ─► passes_by? ─► put ─► [line: head, follower, follower …] ─► heads ─► (offered to its lane) ─► ended
                 │                      ▲           └ failed, or no room at its lane: back, until it is due ┘
                 └ left in the log ─► again ─┘                                                     (`left.py`)

The laws:
- of a line the head alone is given out; the next one only when the head's record has ended, wherever it ended;
- a line has its key's records in the order of their offsets, but for replays that go before what waits of the key: they
  stand in front of all that is not out, among themselves in their own order, and are never left in the log;
- no line waits for another;
- a repeat, known by its delivery's id, ends with what it repeats. So where a record has ended, all earlier events of
  its line that stand before it have: `lined_up.py` goes by that (`property/test_order.py`).
"""

import heapq
from collections import OrderedDict, deque
from collections.abc import Callable
from itertools import count

from msgspec.structs import replace

from consumer.delivery import done_map
from consumer.delivery.delivery import Delivery
from consumer.delivery.entry import Entry
from consumer.delivery.left import Left
from consumer.delivery.offsets import Partition, Position, Taken, Window
from consumer.delivery.order_map import Told, Tried
from consumer.delivery.order_partition import Bounds, KeyLine, Lined, OrderedPartition
from consumer.delivery.waiting_heads import WaitingHeads


class Order:
    """The lines of one process; `topic` is the ordered one. `left`: what of it is left in the log."""

    def __init__(self, topic: str = "", bounds: Bounds | None = None) -> None:
        self._topic = topic
        self._bounds = bounds or Bounds()
        self._partitions: dict[Window, OrderedPartition] = {}
        self._ready: deque[KeyLine] = deque()
        self._waiting: list[tuple[int, int, KeyLine]] = []
        self._order = count()
        self._out: dict[Entry, KeyLine] = {}
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._standing: dict[str, Entry] = {}  # what stands in lines, by its delivery's id
        self._repeats: dict[Entry, list[Entry]] = {}  # of what stands in lines
        self.waiting_heads = WaitingHeads()
        self.left = Left(self._bounds, self._partitions)

    def window(self, partition: Partition, position: Position, taken: Taken) -> Window | None:
        """The window of a partition of the ordered topic; None for any other's."""
        if partition[0] != self._topic:
            return None
        done = done_map.decode(position.metadata, position.offset)
        window = Window(partition, done, taken)
        told = Told() if done is None else done.order
        window.beside = self._partitions[window] = OrderedPartition(window, told)
        self.left.stir()
        return window

    @property
    def bytes(self) -> int:
        """What stands in line, in bytes."""
        return self.left.size

    def rewound(self, window: Window) -> None:
        """Its topic was made anew: what is held of the old one goes on, what was left of it is gone."""
        partition = self._partitions.get(window)
        if partition is None:
            return
        partition.over = True
        self.left.forget(partition)
        if not partition.lines:
            del self._partitions[window]

    def lost(self) -> None:
        """Partitions were lost: what was held of them will be read again, here or elsewhere."""
        for window in [window for window in self._partitions if window.closed]:
            partition = self._partitions.pop(window)
            for line in partition.lines.values():
                self.waiting_heads.leave(line)
                for lined in line.queue:
                    self._ids.pop(lined.delivery.id, None)
                    self._standing.pop(lined.delivery.id, None)
                    self._repeats.pop(lined.entry, None)
                    self.left.size -= lined.size
                line.queue.clear()
        self._out = {entry: line for entry, line in self._out.items() if not entry.window.closed}
        self.left.drop_closed()

    # ── in ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def put(
        self,
        now_ms: int,
        entry: Entry,
        delivery: Delivery,
        name: str,
        size: int,
        *,
        before: bool = False,
        due_ms: int = 0,
    ) -> bool:
        """Line a delivery up, `before` what waits there or behind it.

        False for a repeat of one that was: its record ends when that one does, or now.
        """
        if delivery.id in self._ids:
            self._repeat(entry, delivery)
            return False
        self._ids[delivery.id] = None
        if len(self._ids) > self._bounds.remembered:
            self._ids.popitem(last=False)
        partition = self._partitions[entry.window]
        line = partition.line(name, now_ms)
        if before and not self.left.has_room_before(line):
            delivery = replace(delivery, turned_away=True)
            if not line.queue:
                partition.end(line)
            line = partition.line(f"{name}#{entry.offset}", now_ms)
        tried = partition.met(line, entry.offset)
        if tried is not None:
            delivery = _as_told(delivery, tried)
        elif delivery.attempts:  # a restart is not to wait for it anew
            partition.tell(line, entry.offset, _to_tell(delivery, due_ms or now_ms))
        place = line.place_before() if before else len(line.queue)
        line.queue.insert(place, Lined(entry, delivery, size, before, due_ms))
        self._standing[delivery.id] = entry
        line.share.held += 1
        line.share.size += size
        partition.held += 1
        self.left.size += size
        if place == 0:
            self._advance(line, _due_ms(line))
        return True

    def _repeat(self, entry: Entry, delivery: Delivery) -> None:
        standing = self._standing.get(delivery.id)
        if standing is not None and standing.window is entry.window:
            self._repeats.setdefault(standing, []).append(entry)
        else:
            entry.close_one()

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
                if line.due_ms:
                    self.waiting_heads.leave(line)
                heads.append(self._go(line))
        return heads

    @property
    def ready(self) -> int:
        """How many heads may go now. A few more are told: those that went before they were due."""
        return len(self._ready)

    def forward(self, webhook: str, most: int, may: Callable[[Delivery], bool]) -> list[tuple[Entry, Delivery]]:
        """At most so many heads of this webhook that go before they are due, of those that `may`."""
        return [self._go(line) for line in self.waiting_heads.forward(webhook, most, may)]

    def holds(self, webhook: str) -> bool:
        """Whether heads of this webhook wait that may be looked at."""
        return self.waiting_heads.holds(webhook)

    def recovered(self, webhook: str) -> None:
        """This webhook has recovered: all its heads that wait may be looked at."""
        self.waiting_heads.recovered(webhook)

    @property
    def used(self) -> bool:
        """Whether any head ever waited."""
        return self.waiting_heads.used

    def blocked(self, scope: str) -> int:
        """How many keys of the webhook of this scope have stopped, in all partitions."""
        shares = (partition.shares.get(scope) for partition in self._partitions.values())
        return sum(share.stopped for share in shares if share is not None)

    def _go(self, line: KeyLine) -> tuple[Entry, Delivery]:
        line.out = True
        head = line.queue[0]
        self._out[head.entry] = line
        return head.entry, head.delivery

    def back(self, entry: Entry, delivery: Delivery, due_ms: int) -> None:
        """A head that was out waits in its place until it is due: it failed, or its lane has no room."""
        if entry.window.closed:
            return
        line = self._out.pop(entry)
        line.queue[0] = line.queue[0]._replace(delivery=delivery)
        line.out = False
        if line.blocked:
            line.partition.tell(line, entry.offset, _to_tell(delivery, due_ms))
            entry.window.touch()
            self._shorten(line)
        if len(line.queue) > 1 and not line.queue[0].before and line.queue[1].before:
            self._let_pass(line)
            due_ms = _due_ms(line)
        self._advance(line, due_ms)

    @property
    def has_ended(self) -> bool:
        """Whether a head has ended, so that the next one may go."""
        return any(partition.ended for partition in self._partitions.values())

    def wake_ms(self, now_ms: int) -> int | None:
        """When the next head that waits is due, or what was left may be read again."""
        wishes = (self._waiting[0][0] if self._waiting else None, self.left.wake_ms(now_ms))
        return min((wish for wish in wishes if wish is not None), default=None)

    # ── lines ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _advance(self, line: KeyLine, due_ms: int) -> None:
        """Its head waits for its time."""
        line.due_ms = due_ms
        self.waiting_heads.leave(line)
        if due_ms:
            self.waiting_heads.put(line)
            heapq.heappush(self._waiting, (due_ms, next(self._order), line))
        else:
            self._ready.append(line)

    def _let_pass(self, line: KeyLine) -> None:
        """Its head waits, and is no replay: those that go before what waits stand in front of it now."""
        waits = line.queue.popleft()
        line.queue.insert(line.place_before(), waits)

    def _shorten(self, line: KeyLine) -> None:
        """What follows a blocked head is left in the log again, but for a few."""
        kept = self.left.shorten(line)
        if kept == len(line.queue):
            return
        left_from = line.queue[kept].entry.offset
        for lined in line.queue:
            self._end_repeats(lined, left_from)  # they are left too
        while len(line.queue) > kept:
            lined = line.queue.pop()
            self._ids.pop(lined.delivery.id, None)
            self._less(line, lined.size)
            self._leave(lined)
            lined.entry.close_one()

    def _leave(self, lined: Lined) -> None:
        """It stands in its line no longer, and what repeats it ends."""
        self._standing.pop(lined.delivery.id, None)
        self._end_repeats(lined, 0)

    def _end_repeats(self, lined: Lined, offset: int) -> None:
        """Those of its repeats that lie from this offset on."""
        repeats = self._repeats.pop(lined.entry, ())
        if stay := [entry for entry in repeats if entry.offset < offset]:
            self._repeats[lined.entry] = stay
        for entry in repeats:
            if entry.offset >= offset:
                entry.close_one()

    def _less(self, line: KeyLine, size: int) -> None:
        line.share.held -= 1
        line.share.size -= size
        line.partition.held -= 1
        self.left.size -= size
        self.left.stir()

    def _settle(self, now_ms: int) -> None:
        """Heads whose records have ended make room for the next."""
        for partition in [each for each in self._partitions.values() if each.ended]:
            ended, partition.ended = partition.ended, []
            for entry in ended:
                line = self._out.pop(entry, None)
                if line is not None:  # else it was no head: a repeat, or left in the log again
                    self._settle_head(now_ms, line, entry)
            if partition.over and not partition.lines:
                del self._partitions[partition.window]

    def _settle_head(self, now_ms: int, line: KeyLine, entry: Entry) -> None:
        line.out = False
        lined = line.queue.popleft()
        line.partition.tell(line, entry.offset, None)
        line.share.moved_ms = now_ms
        self._less(line, lined.size)
        self._leave(lined)
        if line.queue:
            self._advance(line, _due_ms(line))
        else:
            line.partition.end(line)


def _due_ms(line: KeyLine) -> int:
    """When its head is due: 0, at once, unless it was tried before. One that has stopped is looked at at once."""
    head = line.queue[0]
    tried = line.partition.tried.get(head.entry.offset)
    if tried is None:
        return head.due_ms
    return 0 if tried.stopped else tried.due_ms


def _as_told(delivery: Delivery, tried: Tried) -> Delivery:
    """A head as its earlier owner left it."""
    return replace(
        delivery,
        attempts=tried.attempts,
        first_attempt_ms=tried.first_attempt_ms if tried.attempts else None,
        stopped_ms=tried.due_ms if tried.stopped else None,
    )


def _to_tell(delivery: Delivery, due_ms: int) -> Tried:
    stopped_ms, first_ms = delivery.stopped_ms, delivery.first_attempt_ms or due_ms
    if stopped_ms is None:
        return Tried(delivery.attempts, due_ms, first_ms)
    return Tried(delivery.attempts, stopped_ms, first_ms, stopped=True)
