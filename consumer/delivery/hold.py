"""The records of the delay topics until they are due.

The laws: no record leaves by `take` before its due time by the clock of the broker that appended it, nor before its
slot, as long as the slot is near and there is room to wait for it; a record leaves once, by whatever way; and a
partition never holds more than its share of memory: it is paused when full and resumed at half.

What waits for one webhook can be taken before it is due (`forward`), the oldest event first. Whether it may is decided
in `forward.py`.
"""

import heapq
from collections.abc import Callable
from itertools import count
from typing import Final, Protocol, TypeAlias

import msgspec

from consumer.delivery.budget import DEFAULT, Brim
from consumer.delivery.delivery import Chunk, Delivery
from consumer.delivery.entry import Entry
from consumer.delivery.line import Held, Line
from consumer.delivery.offsets import Window

Delayed: TypeAlias = Delivery | Chunk
Leader: TypeAlias = tuple[str, int, int | None]
"""Whose clock a record has: its topic, its partition and its leader epoch, which is None where Kafka does not tell."""


class Newer(msgspec.Struct, frozen=True, kw_only=True):
    """A record of a form that this version does not know. It stays unfinished, for a process that knows it."""


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """A record that was sealed with its tenant's data key, which was destroyed with its tenant. It is dropped."""


RECORDS_MOST = 1_000
_SHARE: Final = 8  # a partition has one part in so many of the bytes
_SHARE_OF_LITTLE: Final = 128  # and while half of them are taken, one in so many
_SLOT_NEAR_MS: Final = 60_000
_NOBODY: Final[frozenset[Leader]] = frozenset()


class Clocks(Protocol):
    """What is known of the brokers' clocks."""

    def skew_ms(self, leader: Leader) -> int | None:
        """The leader's clock minus ours, never more than it is. None: not known, and nothing of it is due."""


class OurClock:
    """Brokers that have our time."""

    def skew_ms(self, leader: Leader) -> int | None:
        """0: their clocks are ours."""
        del leader
        return 0


OUR_CLOCK: Final = OurClock()


class Waiting:
    """What is held for one webhook: what waits for its turn, and what has failed.

    `passed` has failed, was looked at, and did not go forward: it waits for another recovery.
    """

    __slots__ = ("failed", "passed", "turn")

    def __init__(self) -> None:
        self.turn = Line()
        self.failed = Line()
        self.passed = Line()

    @property
    def lines(self) -> tuple[Line, Line, Line]:
        """All of it."""
        return self.turn, self.failed, self.passed

    @property
    def oldest(self) -> Line | None:
        """The line whose first is the oldest event of those to look at."""
        turn, failed = self.turn.first, self.failed.first
        if failed is None:
            return None if turn is None else self.turn
        return self.turn if turn is not None and turn[0] <= failed[0] else self.failed


class Hold:
    """Held records in the order of their due times, counted by partition, and found by their webhook."""

    def __init__(self, clocks: Clocks = OUR_CLOCK, *, most_bytes: int = DEFAULT.held) -> None:
        self._clocks = clocks
        self._most_bytes = most_bytes
        self._scarce = Brim(most_bytes // 2)
        self._due: dict[Leader, Line] = {}
        self._slots = Line()
        self._webhooks: dict[str, Waiting] = {}
        self._new: dict[str, str] = {}
        self._order = count()
        self.bytes = 0
        self.used = False  # whether anything was ever held: a process that reads events holds nothing

    # ── until it is due ──────────────────────────────────────────────────────────────────────────────────────────

    def put(self, entry: Entry, delayed: Delayed, *, leader: Leader, due_ms: int, size: int) -> None:
        """Hold a record of `size` bytes that is due at `due_ms` by its leader's clock."""
        self.used = True
        held = Held(entry, delayed, size, order=next(self._order))
        self._due.setdefault(leader, Line()).put(due_ms, held)
        if isinstance(delayed, Delivery):
            if delayed.subscription_id not in self._webhooks:
                self._new[delayed.subscription_id] = delayed.event.tenant
            waiting = self._webhooks.setdefault(delayed.subscription_id, Waiting())
            line = waiting.turn if delayed.waits else waiting.failed
            line.put(delayed.first_due_ms, held)
        entry.window.held += 1
        entry.window.held_bytes += size
        self.bytes += size

    def take(self, steady_ms: int, now_ms: int, most: int) -> list[tuple[Entry, Delayed]]:
        """The records that are due, the longest due first, at most `most`, without those of closed windows.

        `steady_ms` is the clock that the brokers' are compared with, `now_ms` the one that slots are given in.
        """
        taken: list[tuple[Entry, Delayed]] = []
        while len(taken) < most and (slot := self._slots.first) is not None and slot[0] <= now_ms:
            self._leave(slot[1], taken)
        due = [head for head in self._heads() if head[0] <= steady_ms]
        heapq.heapify(due)
        while due and len(taken) < most:
            _, leader, skew_ms = due[0]
            line = self._due[leader]
            _, held = line.pop()
            if self._waits_for_its_slot(held, now_ms):
                self._slots.put(_slot_ms(held.delayed), held)
            else:
                self._leave(held, taken)
            following = line.first
            if following is not None and (at_ms := following[0] - skew_ms) <= steady_ms:
                heapq.heapreplace(due, (at_ms, leader, skew_ms))
            else:
                heapq.heappop(due)
        return taken

    def next_due_ms(self, steady_ms: int, now_ms: int) -> int | None:
        """When the next record leaves, by the clock of `now_ms`."""
        heads = self._heads()
        due_ms = min([at_ms for at_ms, _, _ in heads]) + now_ms - steady_ms if heads else None
        slot = self._slots.first
        if slot is None or (due_ms is not None and due_ms <= slot[0]):
            return due_ms
        return slot[0]

    @property
    def leaders(self) -> frozenset[Leader]:
        """The leaders that appended what is not yet due."""
        return frozenset([leader for leader, line in self._due.items() if line]) if self._due else _NOBODY

    def overdue_ms(self, steady_ms: int) -> int:
        """For how long the record that is due longest has waited; a slot that is still ahead is no delay of ours."""
        return max(0, max((steady_ms - at_ms for at_ms, _, _ in self._heads()), default=0))

    # ── forward ──────────────────────────────────────────────────────────────────────────────────────────────────

    def forward(self, webhook: str, most: int, may: Callable[[Delivery], bool]) -> list[tuple[Entry, Delivery]]:
        """At most so many of what waits for this webhook, due or not, the oldest event first.

        Of what has failed only what `may`; the rest is looked at again when the webhook has recovered again.
        """
        taken: list[tuple[Entry, Delayed]] = []
        waiting = self._webhooks.get(webhook)
        while waiting is not None and len(taken) < most and (line := waiting.oldest) is not None:
            age_ms, held = line.pop()
            if line is waiting.failed and isinstance(held.delayed, Delivery) and not may(held.delayed):
                waiting.passed.put(age_ms, held)
            else:
                self._leave(held, taken)
        return [(entry, delayed) for entry, delayed in taken if isinstance(delayed, Delivery)]

    def holds(self, webhook: str) -> bool:
        """Whether there is anything of this webhook to look at."""
        waiting = self._webhooks.get(webhook)
        return waiting is not None and waiting.oldest is not None

    def is_awaited(self, webhook: str) -> bool:
        """Whether anything of this webhook is held."""
        return webhook in self._webhooks

    def newly_awaited(self) -> dict[str, str]:
        """The webhooks, with their tenants, of which something is held that was not at the last call."""
        if not self._new:
            return self._new
        new, self._new = self._new, {}
        return new

    def recovered(self, webhook: str) -> None:
        """This webhook has recovered again: what has failed since the last time may be looked at once more."""
        waiting = self._webhooks.get(webhook)
        while waiting is not None and waiting.passed:
            age_ms, held = waiting.passed.pop()
            waiting.failed.put(age_ms, held)

    # ── how much ─────────────────────────────────────────────────────────────────────────────────────────────────

    def is_full(self, window: Window) -> bool:
        """Whether the partition holds its share. One without any may always take some."""
        return window.held >= RECORDS_MOST or window.held_bytes >= self._share

    def is_half_empty(self, window: Window) -> bool:
        """Whether a paused partition may be resumed."""
        return window.held <= RECORDS_MOST // 2 and window.held_bytes * 2 <= self._share

    @property
    def _share(self) -> int:
        return self._most_bytes // (_SHARE_OF_LITTLE if self._scarce.is_full(self.bytes) else _SHARE)

    def drop_closed(self) -> None:
        """Forget the records of closed windows at once."""
        lines = (self._slots, *self._due.values())
        for held in [held for line in lines for held in line if held.entry.window.closed]:
            self._leave(held, [])

    # ── one record ───────────────────────────────────────────────────────────────────────────────────────────────

    def _leave(self, held: Held, taken: list[tuple[Entry, Delayed]]) -> None:
        held.leave()
        window = held.entry.window
        window.held -= 1
        window.held_bytes -= held.size
        self.bytes -= held.size
        if isinstance(held.delayed, Delivery):
            waiting = self._webhooks[held.delayed.subscription_id]
            if not any(waiting.lines):
                del self._webhooks[held.delayed.subscription_id]
        if not window.closed:
            taken.append((held.entry, held.delayed))

    def _waits_for_its_slot(self, held: Held, now_ms: int) -> bool:
        """Whether its delay is over and its slot is near. A partition with much to hold writes it on instead."""
        beyond_ms = _slot_ms(held.delayed) - now_ms
        return 0 < beyond_ms <= _SLOT_NEAR_MS and self.is_half_empty(held.entry.window)

    def _heads(self) -> list[tuple[int, Leader, int]]:
        """Of each leader that is known: when its first record is due, by our steady clock, and its skew."""
        heads: list[tuple[int, Leader, int]] = []
        if not self._due:
            return heads
        empty: list[Leader] = []
        for leader, line in self._due.items():
            first = line.first
            if first is None:
                empty.append(leader)
            elif (skew_ms := self._clocks.skew_ms(leader)) is not None:
                heads.append((first[0] - skew_ms, leader, skew_ms))
        for leader in empty:
            del self._due[leader]
        return heads


def _slot_ms(delayed: Delayed) -> int:
    return delayed.slot_ms or 0 if isinstance(delayed, Delivery) else 0
