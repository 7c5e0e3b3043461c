"""One look into a partition of the ordered topic, for what was left there of several scopes. Pure.

    log        ─┬──────────┬──────────────┬─────────────┬─►
    key a       │          └── stretch ───┤             │
    key b       └───────── stretch ───────┤             │
    webhook     │                         └── stretch ──┤
    tenant      │             └─ stretch ─┤             │
    one look    └────────────────────────────────►

The laws:
- a look goes through the log once, upwards from the lowest offset asked for, and serves every stretch on its way;
- of each stretch it finds every record before the end that it tells, in their order, and no other;
- no two stretches have a record in common: a key's own ends where its webhook's begins, and both where its tenant's
  does.
"""

from collections.abc import Mapping
from typing import NamedTuple

from consumer.delivery.offsets import Window
from consumer.delivery.order_partition import TENANT, WEBHOOK
from consumer.events.event import Record


class Stretch(NamedTuple):
    """Records of this scope from this offset to before `until`, of which at most so many are wanted."""

    scope: str
    offset: int
    until: int
    most: int


class Again(NamedTuple):
    """What is to be read once more of a partition, in one look. There is at least one stretch.

    `rooms`: how many records of a webhook are wanted at most, of all its stretches, and of a tenant in its own.
    """

    window: Window
    stretches: tuple[Stretch, ...]
    rooms: Mapping[str, int]

    @property
    def offset(self) -> int:
        """Where the look begins."""
        return min(stretch.offset for stretch in self.stretches)


class Found(NamedTuple):
    """What a look has found, in the log's order. `ends`: of each scope, up to where all of its stretch is there.

    `came_to`: the log was looked through up to here.
    """

    again: Again
    records: list[tuple[Stretch, Record]]
    ends: Mapping[str, int]
    came_to: int

    @property
    def in_vain(self) -> bool:
        """Whether nothing could be read."""
        return self.came_to <= self.again.offset


class Look:
    """One look, under way."""

    def __init__(self, again: Again) -> None:
        self._again = again
        self._open = {stretch.scope.encode(): stretch for stretch in again.stretches}
        self._until = max(stretch.until for stretch in again.stretches)
        self._full: dict[str, int] = {}
        self._numbers = dict.fromkeys(self._open, 0)
        self._rooms = dict(again.rooms)
        self._records: list[tuple[Stretch, Record]] = []
        self._came_to = again.offset

    @property
    def ends(self) -> bool:
        """Whether every stretch has what was asked for, or is at its end."""
        return not self._open or self._came_to >= self._until

    def passed(self, offset: int) -> None:
        """The log has nothing more before this offset."""
        self._came_to = max(self._came_to, offset)

    def at_end(self) -> None:
        """The log has nothing more: its last offsets may hold no record."""
        self.passed(self._until)

    def meet(self, offset: int, key: bytes | None) -> Stretch | None:
        """The log's next record. The stretch it is of, for which it is to be `taken`; None where nobody wants it."""
        if self.ends or offset < self._came_to:
            return None
        self._came_to = offset + 1
        for scope in () if key is None else (key, key[:WEBHOOK], key[:TENANT]):
            stretch = self._open.get(scope)
            if stretch is not None and stretch.offset <= offset < stretch.until:
                return stretch
        return None

    def take(self, stretch: Stretch, record: Record) -> None:
        """A record of the stretch. With as many as it wants it is full, and all of its webhook are where that has."""
        self._records.append((stretch, record))
        scope, whose = stretch.scope.encode(), stretch.scope[:WEBHOOK]
        self._numbers[scope] += 1
        self._rooms[whose] -= 1
        if self._rooms[whose] <= 0:
            self._close([each for each in self._open.values() if each.scope[:WEBHOOK] == whose])
        elif self._numbers[scope] >= stretch.most:
            self._close([stretch])

    def _close(self, stretches: list[Stretch]) -> None:
        """These are full: they end here, and are no hindrance to the look's end."""
        for stretch in stretches:
            self._full[stretch.scope] = self._end(stretch)
            del self._open[stretch.scope.encode()]
        self._until = max((stretch.until for stretch in self._open.values()), default=0)

    def _end(self, stretch: Stretch) -> int:
        return min(stretch.until, max(stretch.offset, self._came_to))

    def found(self) -> Found:
        """What there is so far."""
        ends = {stretch.scope: self._end(stretch) for stretch in self._again.stretches}
        return Found(self._again, self._records, ends | self._full, self._came_to)
