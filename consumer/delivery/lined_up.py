"""Which lines are clear: nothing of them is unfinished in the ordered topic, as far as is known here. Pure.

    lined up here ─────────────────► its span: from its first offset since it was clear to its last one
    lined up by who had the partition ─► all before the end that the ordered topic had when we began to ask;
                                     what of it is unfinished is read once, and belongs to the spans of its lines
    what `retry` has committed ────► how far all that is finished

The law: a line is called clear only when everything of it that was written to the ordered topic before, here or by an
earlier owner of its event's partition, has ended. A commit does not say whose the unfinished records are; so a span is
over when nothing in it is unfinished, of whatever line, and what could not be read when all before its end is finished.
What is finished stays so: an old answer is late, and never wrong.

It is asked again as long as anything is not known to be over: soon after a record was lined up, then more and more
seldom. Only a partition's first answer is waited for (`direct.py`): else a backlog would be lined up before it comes.
"""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from consumer.delivery import done_map
from consumer.delivery.offsets import Position, Window
from consumer.delivery.order_partition import is_left, scopes

_SOON_MS: Final = 250
_SELDOM_MS: Final = 64_000
_SPANS_MOST: Final = 20_000
_NOWHERE: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderedLook:
    """A wish to know what `retry` has committed of the ordered topic; with `ends`, where its partitions end too.

    `read`: what lies unfinished in this partition before this offset is to be told as well.
    """

    token: int
    ends: bool
    read: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One partition of it: all before `base` is finished, and of what follows up to `last` all but `unfinished`.

    `unfinished` rises. `left` is what the order left in the log, though it is called finished. `end` is None where it
    was not asked for.
    """

    base: int = 0
    last: int = -1
    unfinished: tuple[int, ...] = ()
    left: dict[str, int] = field(default_factory=dict)
    end: int | None = None

    def is_over(self, line: str, first: int, last: int) -> bool:
        """Whether everything from the first of these offsets up to the last one is finished."""
        if last < self.base:
            return True
        if last > self.last:
            return False
        at = bisect_left(self.unfinished, first)
        if at < len(self.unfinished) and self.unfinished[at] <= last:
            return False
        return not (self.left and is_left(self.left, line, last))


class Unfinished:
    """The unfinished records of one partition, as they are met: of each line its first one and its last one.

    `left` are the scopes of what the order left in the log.
    """

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._open = frozenset(seen.unfinished)
        self.lines: dict[str, tuple[int, int]] = {}
        self.left: set[str] = set()

    def meet(self, offset: int, key: bytes | None) -> None:
        """One record of the partition, in their order."""
        line = (key or b"").decode("ascii", "replace")
        seen = self._seen
        if offset < seen.base:
            return
        if offset <= seen.last and offset not in self._open:
            self.left.update(each for each in scopes(line) if seen.left.get(each, offset + 1) <= offset)
            return
        first, _ = self.lines.get(line, (offset, offset))
        self.lines[line] = first, offset


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderedSeen:
    """The partitions, by their numbers; without any nobody could be asked.

    `unfinished` is what was to be read, all of it; None where that would have cost too much.
    """

    token: int
    partitions: tuple[Seen, ...] = ()
    unfinished: Unfinished | None = None


def seen_of(position: Position | None, end: int | None) -> Seen:
    """What a commit tells; None: there is none. One that is beyond the log's end is of another log."""
    if position is None or (end is not None and position.offset > end):
        return Seen(end=end)
    done = done_map.decode(position.metadata, position.offset)
    if done is None:
        return Seen(base=position.offset, end=end)
    return Seen(
        base=position.offset,
        last=done.last,
        unfinished=tuple(sorted(done.unfinished)),
        left=dict(done.order.left),
        end=end,
    )


@dataclass(slots=True)
class _Span:
    """What was written here of one line since it was clear. `open`: writes that Kafka has not acknowledged yet."""

    partition: int = _NOWHERE
    first: int = 0
    last: int = -1
    open: int = 0


class LinedUp:
    """`partition_of` tells of a key in which of so many partitions its records are; None: no line is ever clear."""

    def __init__(self, partition_of: Callable[[bytes, int], int] | None = None) -> None:
        self._partition_of = partition_of
        self._spans: dict[str, _Span] = {}
        self._blind: dict[str, int] = {}  # lines that were written nobody knows where, with the look that may tell
        self._untold: dict[Window, int] = {}  # with the look that may tell of their earlier owners
        self._before: dict[Window, dict[int, int]] = {}  # ends of partitions that hold what earlier owners wrote
        self._merged: dict[int, int] = {}  # the same of spans that were too many
        self._left: dict[tuple[int, str], int] = {}  # the same of scopes that were left in the log
        self._read: dict[int, int] = {}  # partitions that were asked to be read, up to where
        self._reading: tuple[int, int] | None = None
        self._seen: tuple[Seen, ...] = ()
        self._token = 0
        self._asking = False
        self._vain = False  # the last look came to nothing
        self._stirred = False  # something was lined up, or is to be known, since the last look
        self._pause_ms = _SOON_MS
        self._next_ms: int | None = None

    # ── what happens here ────────────────────────────────────────────────────────────────────────────────────────

    def wrote(self, line: str) -> None:
        """A record of this line is being written."""
        span = self._spans.get(line)
        if span is None:
            if len(self._spans) >= _SPANS_MOST:
                self._merge()
            span = self._spans[line] = _Span()
        elif not span.open and self._is_over(line, span):
            span.partition = _NOWHERE
        span.open += 1
        self._stirred = True

    def acknowledged(self, line: str, place: tuple[int, int] | None) -> None:
        """It lies in this partition at this offset; None: nobody knows."""
        span = self._spans.get(line)
        if span is None:
            return
        span.open -= 1
        if place is None or place[1] < 0:
            self._blind[line] = self._token + 1
            return
        partition, offset = place
        if span.partition != partition:
            span.partition, span.first, span.last = partition, offset, offset
        else:
            span.first, span.last = min(span.first, offset), max(span.last, offset)

    def refused(self, line: str) -> None:
        """It was not written."""
        span = self._spans.get(line)
        if span is None:
            return
        span.open -= 1
        if not span.open and span.partition == _NOWHERE and line not in self._blind:
            del self._spans[line]

    def lost(self) -> None:
        """Partitions were lost."""
        self._untold = {window: token for window, token in self._untold.items() if not window.closed}
        self._before = {window: ends for window, ends in self._before.items() if not window.closed}

    # ── whether a line is clear ──────────────────────────────────────────────────────────────────────────────────

    def is_awaited(self, window: Window) -> bool:
        """Whether it is about to be known what earlier owners of this window's partition wrote."""
        if window in self._before or self._partition_of is None:
            return False
        if window not in self._untold:
            self._untold[window] = self._token + 1
            self._next_ms = 0
        return not self._vain

    def is_clear(self, window: Window, line: str) -> bool:
        """Whether nothing of this line is unfinished there, for an event of this window's partition."""
        span = self._spans.get(line)
        if span is not None:
            if span.open or line in self._blind or not self._is_over(line, span):
                return False
            del self._spans[line]
        before = self._before.get(window)
        if before is None:
            return False
        if not (before or self._merged or self._left):
            return True
        number = self._partition(line)
        left = any((number, scope) in self._left for scope in scopes(line))
        return not (left or number in before or number in self._merged)

    def _is_over(self, line: str, span: _Span) -> bool:
        if not 0 <= span.partition < len(self._seen):
            return False
        return self._seen[span.partition].is_over(line, span.first, span.last)

    def _partition(self, line: str) -> int:
        assert self._partition_of is not None
        return self._partition_of(line.encode(), len(self._seen))

    # ── what is asked, and what came of it ───────────────────────────────────────────────────────────────────────

    def look(self, now_ms: int) -> OrderedLook | None:
        """What is to be asked now."""
        if self._asking:
            return None
        if self._stirred:
            self._stirred, self._pause_ms, soon_ms = False, _SOON_MS, now_ms + _SOON_MS
            self._next_ms = soon_ms if self._next_ms is None else min(self._next_ms, soon_ms)
        if self._next_ms is None or now_ms < self._next_ms:
            return None
        self._asking = True
        self._next_ms = now_ms + self._pause_ms
        self._pause_ms = min(2 * self._pause_ms, _SELDOM_MS)
        self._token += 1
        self._reading = self._unread()
        return OrderedLook(token=self._token, ends=bool(self._untold or self._blind), read=self._reading)

    def _unread(self) -> tuple[int, int] | None:
        """A partition of which more is unfinished than lines are known, each up to the same end once."""
        for each in self._before.values():
            for number, end in each.items():
                if self._read.get(number, 0) < end:
                    self._read[number] = end
                    return number, end
        return None

    def wake_ms(self) -> int | None:
        """When the next look is due."""
        return None if self._asking else self._next_ms

    def seen(self, seen: OrderedSeen) -> None:
        """What came of a look."""
        self._asking = False
        self._vain = not seen.partitions
        if self._vain:
            if self._reading is not None:
                del self._read[self._reading[0]]
            return
        self._seen = seen.partitions
        ends = {number: each.end for number, each in enumerate(seen.partitions) if each.end is not None}
        if len(ends) == len(seen.partitions):
            self._tell_ends(seen.token, ends)
        if seen.unfinished is not None and self._reading is not None:
            self._tell_lines(*self._reading, seen.unfinished)
        for each in (*self._before.values(), self._merged):
            for number in [number for number, end in each.items() if self._seen[number].base >= end]:
                del each[number]
        for place in [place for place, end in self._left.items() if self._seen[place[0]].base >= end]:
            del self._left[place]
        if any(self._read.get(number, 0) < end for each in self._before.values() for number, end in each.items()):
            self._next_ms = 0
        if self._pause_ms == _SELDOM_MS:
            self._forget_what_is_over()

    def _tell_ends(self, token: int, ends: dict[int, int]) -> None:
        for window in [window for window, since in self._untold.items() if token >= since]:
            del self._untold[window]
            self._before[window] = dict(ends)
        for line in [line for line, since in self._blind.items() if token >= since]:
            del self._blind[line]
            span = self._spans.get(line)
            if span is not None:  # it lies anywhere before the end
                number = self._partition(line)
                self._merge_up_to(number, ends[number])
                if span.partition == _NOWHERE:
                    span.partition = 0  # nothing else is known of it

    def _tell_lines(self, number: int, end: int, unfinished: Unfinished) -> None:
        """What earlier owners left unfinished in this partition, before this end, belongs to its lines' spans."""
        for line, (first, last) in unfinished.lines.items():
            span = self._spans.setdefault(line, _Span())
            if span.partition == number:
                span.first, span.last = min(span.first, first), max(span.last, last)
            elif span.partition == _NOWHERE:
                span.partition, span.first, span.last = number, first, last
        for scope in unfinished.left:
            self._left[number, scope] = max(end, self._left.get((number, scope), 0))
        for each in (*self._before.values(), self._merged):
            if each.get(number, end + 1) <= end:
                del each[number]

    def _merge_up_to(self, number: int, end: int) -> None:
        self._merged[number] = max(self._merged.get(number, 0), end)

    def _forget_what_is_over(self) -> None:
        for line in [line for line, span in self._spans.items() if not span.open and self._is_over(line, span)]:
            if line not in self._blind:
                del self._spans[line]
        if not (self._spans or self._untold or self._merged or self._left or any(self._before.values())):
            self._next_ms = None

    def _merge(self) -> None:
        """Too many lines are remembered: those that are clear are not any more, and of the others where they end."""
        self._forget_what_is_over()
        for line in [line for line, span in self._spans.items() if not span.open and line not in self._blind]:
            span = self._spans.pop(line)
            self._merge_up_to(span.partition, span.last + 1)
