"""A limit on requests at once that is found by trying.

It grows by one with every good answer until the first objection, then by one a round of answers; an objection cuts it
down, at most once a second: additive increase, multiplicative decrease, as in RFC 5681 section 3.1. Who was asked for a
pause begins after it with the fewest, and grows with every good answer up to what an objection leaves: slow start.

The law: it stays between its floor and its most, whatever comes.
"""

from math import inf

_CUT_EVERY_MS = 1_000


class Limit:
    """`cut` is the share that an objection leaves."""

    __slots__ = ("_cut", "_cut_ms", "_floor", "_goal", "now")

    def __init__(self, *, start: float, floor: float, cut: float) -> None:
        self._floor = floor
        self._cut = cut
        self._goal = inf  # up to here it grows with every good answer
        self._cut_ms = -_CUT_EVERY_MS
        self.now = start

    @property
    def most(self) -> float:
        """What it may be before long: after an objection it grows slowly, before the first no end of it is known."""
        return max(self.now, self._goal)

    def accepted(self, most: float) -> None:
        """A good answer came."""
        if self.now < most:
            self.now = min(most, self.now + (1 if self.now < self._goal else 1 / self.now))

    def objected(self, now_ms: int) -> None:
        """We were asked to slow down, or not answered."""
        if now_ms - self._cut_ms >= _CUT_EVERY_MS:
            self._cut_ms = now_ms
            before = self.now if self._goal == inf else self.most
            self._goal = max(self._floor, before * self._cut)
            self.now = min(self.now, self._goal)

    def paused(self) -> None:
        """Whoever objected wants nothing for a while: what waits must not come all at once when that is over."""
        self.now = self._floor


class Origin:
    """What is under way to one origin (scheme, host, port), all its lanes together.

    Only an answer that asks to slow down is an objection here: silence is the business of the lane it befell, and one
    webhook's trouble cannot close an origin that thousands share.
    """

    __slots__ = ("flying", "host", "lanes", "limit", "most", "name")

    def __init__(self, name: str, host: str, most: int) -> None:
        self.name = name
        self.host = host
        self.lanes = 0  # how many are known
        self.most = most
        self.limit = Limit(start=min(64.0, float(most)), floor=min(8.0, float(most)), cut=2 / 3)
        self.flying = 0

    @property
    def has_room(self) -> bool:
        """Whether one more request may be under way."""
        return self.flying < self.limit.now

    def accepted(self) -> None:
        """It answered without objection."""
        self.limit.accepted(self.most)

    def objected(self, now_ms: int) -> None:
        """It asked us to slow down."""
        self.limit.objected(now_ms)


class Bulk:
    """The large bodies under way, of all tenants or of one."""

    __slots__ = ("_most_bytes", "bytes")

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self.bytes = 0

    @property
    def has_room(self) -> bool:
        """Whether one more body may be under way, however large it is."""
        return self.bytes < self._most_bytes


class Share:
    """What is under way of one tenant, whatever its origins: names cost nothing, so a limit of each bounds nobody."""

    __slots__ = ("bulk", "flying", "lanes", "most", "tenant")

    def __init__(self, tenant: str, most: int, most_bytes: int) -> None:
        self.tenant = tenant
        self.bulk = Bulk(most_bytes)
        self.lanes = 0  # how many are known
        self.most = most
        self.flying = 0

    @property
    def has_room(self) -> bool:
        """Whether one more request may be under way."""
        return self.flying < self.most
