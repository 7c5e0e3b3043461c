"""What waits in a delay partition behind all that is held of it, read ahead of its turn.

    a webhook has room, nothing of it is held ─► LookAhead ─► (a thread reads on, for its key) ─► SeenAhead
    ─► one record after the other, as its lane has room, like any other

A partition is read ahead only while it is paused because it holds its share: else all that it has is held.

The laws:
- only the owner of a partition brings its records forward: an answer for a window that is closed, replaced or drained
  has no effect;
- of one webhook, records are taken in the order of their partition, and none is passed over: that all of its records
  below an offset were taken is what makes it possible to tell so in a commit (`horizons.py`);
- there is one question at a time and one answer in memory, for all webhooks that have room; one that lasts too long is
  dropped, and what is left of it asked for again.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Final

from consumer.delivery.delivery import Delivery
from consumer.delivery.entry import Entry
from consumer.delivery.forward import Forward
from consumer.delivery.hold import Delayed
from consumer.delivery.offsets import Window
from consumer.delivery.step import LookAhead, SeenAhead
from consumer.events.event import Record

_KEYS_MOST: Final = 64
_KEPT_MS: Final = 2_000
_NOTHING_NEW_MS: Final = 5_000  # until a partition is read again of which all was seen
_FAILED_MS: Final = 1_000
_KNOWN_MOST: Final = 10_000

Take = Callable[[Window, int, Record, Callable[[Delivery], bool]], tuple[Entry, Delayed] | None]
"""Take in a record ahead of its turn, read from an offset on, if it may go: see `Intake.ahead`."""


class _Asked:
    def __init__(self, window: Window, look: LookAhead) -> None:
        self.window = window
        self.look = look


class _Seen:
    """The records of each key, in their order. All of them from `begins` up to `end` are here."""

    def __init__(self, window: Window, begins: int, end: int, until_ms: int) -> None:
        self.window = window
        self.begins = begins
        self.end = end
        self.until_ms = until_ms
        self.records: dict[bytes, deque[Record]] = {}


class Beyond:
    """For one process. `full` are the windows that hold their share, the longest delays last."""

    def __init__(self, forward: Forward, full: Callable[[], Sequence[Window]], take: Take) -> None:
        self._forward = forward
        self._full = full
        self._take = take
        self._asked: _Asked | None = None
        self._seen: _Seen | None = None
        self._token = 0
        self._not_before_ms: OrderedDict[tuple[Window, bytes], int] = OrderedDict()
        self._last: Window | None = None

    @property
    def asking(self) -> bool:
        """Whether an answer is to come."""
        return self._asked is not None

    def look(self, now_ms: int) -> LookAhead | None:
        """What is to be read ahead now."""
        if self._asked is not None or self._seen is not None:
            return None
        full = self._full()
        if not full:
            return None
        keys = [webhook.encode() for webhook in self._forward.hungry(now_ms, _KEYS_MOST)]
        # The longest delays first: the oldest events wait there. Then each partition in its turn.
        order = sorted(full, key=lambda window: window is self._last)
        for window in order:
            wanted = {key: window.read_on_at(key) for key in keys if self._is_wanted(window, key, now_ms)}
            if wanted:
                self._token += 1
                self._last = window
                look = LookAhead(
                    token=self._token,
                    partition=window.partition,
                    offset=min(wanted.values()),
                    keys=frozenset(wanted),
                )
                self._asked = _Asked(window, look)
                return look
        return None

    def seen(self, now_ms: int, seen: SeenAhead) -> None:
        """The answer. One for what is not asked any more has no effect."""
        asked = self._asked
        if asked is None or seen.token != asked.look.token:
            return
        self._asked = None
        wait_ms = _NOTHING_NEW_MS if seen.at_end else _FAILED_MS if seen.end <= asked.look.offset else 0
        if wait_ms:
            for key in asked.look.keys:
                self._not_before_ms[asked.window, key] = now_ms + wait_ms
            while len(self._not_before_ms) > _KNOWN_MOST:
                self._not_before_ms.popitem(last=False)
        self._seen = _Seen(asked.window, asked.look.offset, seen.end, now_ms + _KEPT_MS)
        for key in asked.look.keys:
            self._seen.records[key] = deque()
        for record in seen.records:
            if record.key is not None and record.key in self._seen.records:
                self._seen.records[record.key].append(record)

    def take(self, now_ms: int, room: int) -> list[tuple[Entry, Delayed]]:
        """What goes forward now, at most `room` records."""
        seen = self._seen
        if seen is None:
            return []
        if not self._is_ours(seen.window) or now_ms >= seen.until_ms:
            self._seen = None
            return []
        taken: list[tuple[Entry, Delayed]] = []
        for key in list(seen.records):
            self._of(key, seen, now_ms, room - len(taken), taken)
        if not seen.records:
            self._seen = None
        return taken

    def rewound(self) -> None:
        """A topic was made anew: what was read may be of either."""
        self._asked = self._seen = None

    def lost(self) -> None:
        """Partitions are gone."""
        if self._asked is not None and self._asked.window.closed:
            self._asked = None
        if self._seen is not None and self._seen.window.closed:
            self._seen = None
        for place in [place for place in self._not_before_ms if place[0].closed]:
            del self._not_before_ms[place]

    def wake_ms(self, now_ms: int) -> int | None:
        """When an answer is dropped; what waits for room hears of it by an answer of an endpoint."""
        return None if self._seen is None else max(now_ms, self._seen.until_ms)

    def _of(self, key: bytes, seen: _Seen, now_ms: int, room: int, taken: list[tuple[Entry, Delayed]]) -> None:
        webhook, records, window = key.decode(), seen.records[key], seen.window
        if records:
            room = min(room, self._forward.room(webhook, now_ms))
        while records and room > 0 and window.has_room_ahead(key):
            work = self._take(window, seen.begins, records.popleft(), lambda each: self._forward.may(webhook, each))
            if work is not None:
                taken.append(work)
                room -= 1
        if not records:
            del seen.records[key]
            window.passed_ahead(key, seen.begins, seen.end)

    def _is_wanted(self, window: Window, key: bytes, now_ms: int) -> bool:
        not_before_ms = self._not_before_ms.get((window, key), 0)
        return now_ms >= not_before_ms and window.has_room_ahead(key)

    def _is_ours(self, window: Window) -> bool:
        return not window.closed and not window.draining
