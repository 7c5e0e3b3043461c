"""Ordered deliveries that this process sends itself, without the ordered topic between. Pure.

    put ─► is the line clear? ─ no ─► lined up in the ordered topic, where the role `retry` sends it
               │ yes
               ▼
        [head, follower …] ─► heads ─► (offered to its lane) ─► ended: the next one goes
                                              └ failed, found no room, is not answered for long:
                                                lined up, and all that is behind it in its order

The laws:
- of a line this process sends one delivery at a time, and none while the ordered topic may hold an unfinished one of it
  (`lined_up.py`);
- what ends here otherwise than accepted, dropped or dead-lettered is lined up, and so is all that came after it: a line
  that does not go on at once costs its events' partition nothing;
- what goes on here costs the others a bounded place for a bounded time: a line with many followers goes by the topic
  when its head has ended, and a head that is not answered meanwhile is handed over (`Answering.relieve_heads`).
"""

from collections import deque
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple

from consumer.delivery.delivery import Delivery
from consumer.delivery.endings import Endings
from consumer.delivery.entry import Entry
from consumer.delivery.lined_up import LinedUp
from consumer.delivery.offsets import Window

_LONG: Final = 16
_TOO_LONG: Final = 256
_MANY: Final = 1_000
_TOO_MANY: Final = 4_000


class _Place(NamedTuple):
    """A delivery in its line."""

    part: "Part"
    delivery: Delivery


@dataclass(slots=True, eq=False)
class Line:
    """The deliveries of a key of one partition, the head first. `out`: it was given out. `over`: it was lined up."""

    window: Window
    name: str
    queue: list[_Place] = field(default_factory=list)  # nearly always of one: an empty deque takes 600 bytes
    out: bool = False
    over: bool = False

    @property
    def begun(self) -> int:
        """How many, from the head on, may not be left to be read again: to the last one of a record that was begun."""
        last = 0
        for number, place in enumerate(self.queue, start=1):
            if place.part.whole.begun:
                last = number
        return last


class Part(Entry):
    """One delivery of a record, as a record of its own: where it ends a part of the `whole` does."""

    __slots__ = ("_delivery_id", "_moved", "line", "whole")

    def __init__(self, whole: Entry, delivery_id: str, line: Line, moved: deque[Line]) -> None:
        super().__init__(whole.window, whole.offset)
        self.whole = whole
        self._delivery_id = delivery_id
        self.line = line
        self._moved = moved

    @property
    def begun(self) -> bool:
        """Whether anything was begun of its record, or of one behind it in its line: then none of them is left."""
        return self.line.begun > 0

    @begun.setter
    def begun(self, begun: bool) -> None:
        if begun:
            self.whole.begun = True

    def lined_up(self) -> None:
        """It goes on in the ordered topic."""
        if not self.line.over:
            self.line.over = True
            self._moved.append(self.line)

    def close_one(self, delivery_id: str | None = None) -> None:
        """One of its own parts has ended."""
        del delivery_id  # it has one delivery
        self.open -= 1
        if self.open == 0:
            self.begun = True
            self.whole.close_one(self._delivery_id)
            if not self.line.over:
                self._moved.append(self.line)


class Direct:
    """The lines of one process."""

    def __init__(self, endings: Endings, lined_up: LinedUp) -> None:
        self._endings = endings
        self._lined_up = lined_up
        self._lines: dict[tuple[Window, str], Line] = {}
        self._ready: deque[Line] = deque()
        self._waiting: deque[Line] = deque()  # until it is known whether they are clear
        self._moved: deque[Line] = deque()
        self._too_long: dict[Line, None] = {}
        self._followers = 0

    # ── in ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def put(self, entry: Entry, delivery: Delivery, *, may: bool) -> None:
        """A part of the record, which ends where this delivery does. Unless it `may` it goes by the ordered topic."""
        window, name = place = entry.window, delivery.order or ""
        line = self._lines.get(place)
        if line is None:
            waits = may and self._lined_up.is_awaited(window)
            if not (waits or (may and self._lined_up.is_clear(window, name))):
                self._endings.line_up(entry, delivery)
                return
            line = self._lines[place] = Line(window, name)
            (self._waiting if waits else self._ready).append(line)
        else:
            self._followers += 1
        line.queue.append(_Place(Part(entry, delivery.id, line, self._moved), delivery))
        if len(line.queue) > _TOO_LONG:
            self._too_long[line] = None

    def lost(self) -> None:
        """Partitions were lost: what was here of them will be read again, here or elsewhere."""
        for line in [line for line in self._lines.values() if line.window.closed]:
            self._forget(line)
            self._followers -= len(line.queue) - 1
            line.queue.clear()

    def drain(self) -> None:
        """Partitions go: what is not out of their lines is lined up, or left to be read again."""
        for line in [line for line in self._lines.values() if line.window.draining and not line.out]:
            self._followers += 1  # its head is lined up as one
            self._line_up(line)

    # ── out ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def ready(self) -> int:
        """How many heads may go now, or a few less, or soon."""
        return len(self._ready) + len(self._waiting)

    @property
    def busy(self) -> bool:
        """Whether a head may go, or has ended, or waits for what is asked."""
        return bool(self._ready or self._moved or self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether nothing more may be taken in before something here has ended."""
        return self._followers >= _TOO_MANY

    @property
    def unsettled(self) -> bool:
        """Whether a head has ended, or was lined up, and what is behind it does not know."""
        return bool(self._moved)

    def heads(self, most: int) -> list[tuple[Entry, Delivery]]:
        """The heads that may go now, at most so many; each is out until it ends, or is lined up."""
        self.settle()
        heads: list[tuple[Entry, Delivery]] = []
        while self._ready and len(heads) < most:
            line = self._ready.popleft()
            if line.queue and not line.out:
                line.out = True
                heads.append(line.queue[0])
        return heads

    @property
    def crowded(self) -> bool:
        """Whether so much waits behind heads that some are to be handed over when they are not answered soon."""
        return self._followers >= _MANY or bool(self._too_long)

    def crowds(self, entry: Entry) -> bool:
        """Whether it is one of these heads."""
        if not isinstance(entry, Part) or not entry.line.out:
            return False
        line = entry.line
        return line in self._too_long or (self._followers >= _MANY and len(line.queue) > 1)

    def settle(self) -> None:
        """Heads have ended, or go on in the ordered topic: what is behind them follows."""
        while self._moved:
            line = self._moved.popleft()
            if line.queue and (line.over or line.queue[0].part.has_ended):
                self._go_on(line)
        while self._waiting and not (self._waiting[0].queue and self._lined_up.is_awaited(self._waiting[0].window)):
            line = self._waiting.popleft()
            if line.queue and self._lined_up.is_clear(line.window, line.name):
                self._ready.append(line)
            elif line.queue:
                self._followers += 1  # its head is lined up as one
                self._line_up(line)

    def _go_on(self, line: Line) -> None:
        """Without its head."""
        del line.queue[0]
        line.out = False
        if line.over or line.window.draining or len(line.queue) >= _LONG:
            self._line_up(line)
        elif line.queue:
            self._followers -= 1
            self._ready.append(line)
        else:
            self._forget(line)

    def _line_up(self, line: Line) -> None:
        """All that is left of it; where its partition goes, no more than has to be: its next owner reads it again."""
        line.over = True
        self._forget(line)
        self._followers -= len(line.queue)
        most = line.begun if line.window.draining else len(line.queue)
        for part, delivery in islice(line.queue, most):
            self._endings.line_up(part, delivery)
        line.queue.clear()

    def _forget(self, line: Line) -> None:
        del self._lines[line.window, line.name]
        self._too_long.pop(line, None)
