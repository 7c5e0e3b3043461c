"""What is kept of one partition of the ordered topic: its lines, what each webhook has of it, and what a commit tells.

A line is named by 36 hex digits: 12 for the tenant, 12 for the webhook, 12 for the key. The name, its first 24 digits
and its first 12 are *scopes*, a key, a webhook and a tenant: what can be left in the log.
"""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from consumer.delivery.delivery import Delivery
from consumer.delivery.entry import Entry
from consumer.delivery.offsets import Window
from consumer.delivery.order_map import Told, Tried
from consumer.events.event import Record

TENANT: Final = 12
"""So many digits of a line's name are its tenant's."""

WEBHOOK: Final = 24
"""And so many its webhook's, with its tenant's."""


def scopes(name: str) -> tuple[str, str, str]:
    """The scopes of a line: its key, its webhook and its tenant."""
    return name, name[:WEBHOOK], name[:TENANT]


def is_left(left: Mapping[str, int], name: str, offset: int) -> bool:
    """Whether a record of this line is left in the log, where of these scopes all is from those offsets on."""
    return any(scope in left and offset >= left[scope] for scope in scopes(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Records of a webhook in one partition (few where the partition has many), behind a blocked head, and ids.

    `left`: how many keys and webhooks a partition may leave, `left_keys` how many of them may be keys of one webhook,
    `left_of_tenant` how many of one tenant, half of these keys; `left_tenants`: how many tenants as a whole. `stopped`:
    how many keys of a partition may have stopped, `stopped_of_tenant` how many of one tenant, `stopped_keys` of one
    webhook. `before`: how many replays may stand in a line before what waits of its key.
    """

    webhook: int = 256
    few: int = 16
    crowded: int = 512
    line: int = 4
    webhook_bytes: int = 1_048_576
    process_bytes: int = 64 * 1_048_576
    left: int = 64
    left_keys: int = 16
    left_of_tenant: int = 32
    left_tenants: int = 32
    before: int = 64
    stopped: int = 512
    stopped_of_tenant: int = 128
    stopped_keys: int = 16
    remembered: int = 100_000


class Lined(NamedTuple):
    """A delivery in its line, and what it weighs. `before`: a replay that goes before what waits of its key.

    `due_ms`: before then it is not tried, unless it is brought forward; 0: at once.
    """

    entry: Entry
    delivery: Delivery
    size: int
    before: bool = False
    due_ms: int = 0


@dataclass(slots=True, eq=False)
class Share:
    """What a partition holds of one webhook. `moved_ms`: when something of it ended, or it was empty.

    `full_ms`: since when it has all it may have, and its partition waits for it. `stopped`: how many of its keys have.
    """

    moved_ms: int
    held: int = 0
    size: int = 0
    full_ms: int | None = None
    stopped: int = 0


@dataclass(slots=True, eq=False)
class KeyLine:
    """A key's deliveries. `out`: its head was given out; else it is due at `due_ms`."""

    name: str
    partition: "OrderedPartition"
    share: Share
    queue: deque[Lined] = field(default_factory=deque)
    out: bool = False
    due_ms: int = 0

    def place_before(self) -> int:
        """Where the next replay that goes before what waits has its place: behind what is out, and behind its like."""
        place = int(self.out)
        while place < len(self.queue) and self.queue[place].before:
            place += 1
        return place

    @property
    def blocked(self) -> bool:
        """Whether its head failed, or stopped it."""
        return bool(self.queue) and _waits(self.queue[0].delivery)


def _waits(head: Delivery) -> bool:
    return head.attempts > 0 or head.stopped_ms is not None


class OrderedPartition:
    """One assignment of a partition. What is below `until` an earlier owner has met.

    `over`: its topic was made anew, and what is held is of the old one. `looked_ms`: when what is left was last looked
    for, and `look_from` from where on the next look does, where that one did not come to all. `stands`: webhooks and
    tenants that were read again up to a record for which there was no room; its line is named here. `waited_ms`: for
    how long it stood still for webhooks that were full, in the ten seconds from `waits_from_ms` on. `ended`: records
    that ended since the order last looked.
    """

    __slots__ = (
        "ended",
        "full",
        "held",
        "left",
        "lines",
        "look_from",
        "looked_ms",
        "over",
        "shares",
        "stands",
        "stopped",
        "tried",
        "until",
        "waited_ms",
        "waits_from_ms",
        "window",
    )

    def __init__(self, window: Window, told: Told) -> None:
        self.window = window
        self.until = told.met
        self.over = False
        self.lines: dict[str, KeyLine] = {}
        self.shares: dict[str, Share] = {}
        self.left = dict(told.left)
        self.tried = dict(told.heads)
        self.full: set[Share] = set()
        self.stands: dict[str, str] = {}
        self.looked_ms = 0
        self.look_from = 0
        self.waited_ms = 0
        self.waits_from_ms = 0
        self.held = 0
        self.ended: list[Entry] = []
        self.stopped: Counter[str] = Counter()  # keys that have, by tenant

    def told(self) -> Told:
        """What a commit has to tell."""
        return Told(met=max(self.until, self.window.next), left=dict(self.left), heads=dict(self.tried))

    def has_ended(self, entry: Entry) -> None:
        """One of its records has."""
        self.ended.append(entry)

    def floor(self) -> int | None:
        """The lowest offset left."""
        return min(self.left.values(), default=None)

    def line(self, name: str, now_ms: int) -> KeyLine:
        """The line of this name, which may be new."""
        line = self.lines.get(name)
        if line is None:
            share = self.shares.get(name[:WEBHOOK])
            if share is None:
                share = self.shares[name[:WEBHOOK]] = Share(moved_ms=now_ms)
            line = self.lines[name] = KeyLine(name, self, share)
        return line

    def met(self, line: KeyLine, offset: int) -> Tried | None:
        """What an earlier owner told of this record, which stands in its line now."""
        tried = self.tried.get(offset)
        if tried is not None:
            self._count(line, tried, 1)
        return tried

    def tell(self, line: KeyLine, offset: int, tried: Tried | None) -> None:
        """What a commit has to tell of this head from now on; None when it has ended."""
        before = self.tried.pop(offset, None)
        if before is not None:
            self._count(line, before, -1)
        if tried is not None:
            self.tried[offset] = tried
            self._count(line, tried, 1)

    def _count(self, line: KeyLine, tried: Tried, change: int) -> None:
        if tried.stopped:
            line.share.stopped += change
            tenant = line.name[:TENANT]
            self.stopped[tenant] += change
            if not self.stopped[tenant]:
                del self.stopped[tenant]

    def end(self, line: KeyLine) -> None:
        """Nothing is in this line any more."""
        del self.lines[line.name]
        if not line.share.held:
            del self.shares[line.name[:WEBHOOK]]
            self.full.discard(line.share)

    def is_left(self, name: str, offset: int) -> bool:
        """Whether this record of the line is left in the log."""
        return is_left(self.left, name, offset)

    def end_of(self, scope: str) -> int:
        """Up to where the records of a scope are left: what is its webhook's or its tenant's is read after its own."""
        wider = [each for each in (scope[:WEBHOOK], scope[:TENANT]) if len(each) < len(scope)]
        return min((self.left.get(each, self.window.next) for each in wider), default=self.window.next)


BEFORE: Final = ("hookline-position", b"before")
"""The header of a replay that goes before what waits of its key."""


DELAY: Final = "hookline-delay-ms"
"""The header of one that its first sender has tried, or found no room for: it is not due before so long."""

_CLOCKS_APART_MS: Final = 300_000


def due_ms(record: Record, now_ms: int) -> int:
    """When such a record is due, which was read now; 0: at once.

    Its delay began when it was appended, by another clock than ours. So what has passed of it counts only where it is
    more than two clocks may be apart: else a retry would be early.
    """
    told = next((value for name, value in record.headers if name == DELAY), None) if record.headers else None
    if told is None or not told.isdigit():
        return 0
    passed_ms = max(0, now_ms - record.timestamp_ms - _CLOCKS_APART_MS)
    return now_ms + max(0, int(told) - passed_ms)


def goes_before(record: Record) -> bool:
    """Whether it is such a replay."""
    return bool(record.headers) and BEFORE in record.headers


def line_of(record: Record) -> str:
    """The line that the record's key names, or what stands there instead."""
    return (record.key or b"").decode("ascii", "replace")
