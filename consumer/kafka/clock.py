"""The brokers' clocks, estimated from the times at which they appended records.

The law: the estimate of a leader's clock never runs ahead of that clock, so nothing kept until its time is early.

A record appended at `append_ms` (the clock of the leader of its partition) was seen at `seen_ms` (ours), and the append
came first. So append - seen <= skew, whatever the network did: each record seen is a lower bound of the skew, and the
largest of a sliding window is the best one. The window slides because clocks drift and are set.

Brokers have clocks of their own, and a partition's leader changes: a bound says nothing of another leader. Whose a
record is, its leader epoch says when it is read. So when something that is held is due is told by records read of the
same partition and epoch, and best by one that we have written ourselves: its acknowledgement came before it could be
read. Until it is read nobody knows whose clock dated it, however long that takes: the leader may have changed anywhere
in what lies between.

Two brokers' clocks are at most five minutes apart. So what another leader's clock says, less five minutes, holds for
every leader: for a former one, which appends nothing more and can be measured no more, and for the one of a partition
that is paused in the middle of a backlog. Without that each restart would begin their delays anew.
"""

from collections import deque
from collections.abc import Collection, Iterable
from typing import Final

from consumer.delivery.hold import Leader
from consumer.delivery.offsets import Partition

WINDOW_MS: Final = 600_000
# Further apart no two clocks of one installation are; librdkafka's mock cluster says that everything was appended
# 1,234 ms after the epoch.
PLAUSIBLE_MS: Final = 86_400_000
ASK_AGAIN_MS: Final = WINDOW_MS // 2
APART_MS: Final = 300_000
"""No further apart are two brokers' clocks: as Kerberos wants it, and who checks a signature's time."""

_EPOCHS: Final = 16  # of a partition; more only while records of more are held
_UNREAD: Final = 4


class BrokerClock:
    """Lower bounds of one leader's clock minus ours, the largest first.

    One that tells no time is taken to have ours.
    """

    __slots__ = ("_bounds", "_tells_nothing")

    def __init__(self) -> None:
        # (our time, bound), times rising and bounds falling: the head is the window's largest.
        self._bounds: deque[tuple[int, int]] = deque()
        self._tells_nothing = False

    def observe(self, seen_ms: int, append_ms: int) -> None:
        """A record with LogAppendTime `append_ms` was there at our `seen_ms`. Both since the epoch.

        Timestamps that a producer chose (CreateTime) say nothing of the broker's clock: they must not be given.
        """
        bound = _bound(seen_ms, append_ms)
        if bound is None:
            self._tells_nothing = True
            return
        bounds = self._bounds
        if bounds and bounds[-1][0] > seen_ms:
            bounds.clear()  # our clock was set back: what was measured by the old one is worth nothing
        while bounds and bounds[-1][1] <= bound:
            bounds.pop()
        bounds.append((seen_ms, bound))
        while bounds[0][0] <= seen_ms - WINDOW_MS:
            bounds.popleft()

    @property
    def skew_ms(self) -> int | None:
        """The leader's clock minus ours, at least. None where nothing is known of it."""
        if self._bounds:
            return self._bounds[0][1]
        return 0 if self._tells_nothing else None


class BrokerClocks:
    """The clocks behind the partitions that are read."""

    def __init__(self) -> None:
        self._places: dict[Partition, _Place] = {}
        self._crowded: set[Partition] = set()

    def read(self, leader: Leader, offset: int, append_ms: int, seen_ms: int) -> None:
        """A record with LogAppendTime was read."""
        topic, partition, epoch = leader
        place = self._places.get((topic, partition))
        if place is None:
            place = self._places[topic, partition] = _Place()
        place.read(epoch, offset, append_ms, seen_ms)
        if len(place.clocks) > _EPOCHS:
            self._crowded.add((topic, partition))

    def acknowledged(self, partition: Partition, offset: int, append_ms: int, seen_ms: int) -> None:
        """A record of ours was appended there."""
        place = self._places.get(partition)
        if place is None:
            return
        place.awaited = False
        if offset > place.last:
            place.written[offset] = (seen_ms, append_ms)
            while len(place.written) > _UNREAD:
                del place.written[min(place.written)]

    def skew_ms(self, leader: Leader) -> int | None:
        """The leader's clock minus ours, or a little less. None where nothing is known of it."""
        topic, partition, epoch = leader
        place = self._places.get((topic, partition))
        return None if place is None else place.skew_ms(epoch)

    def waiting(self, held: Collection[Leader]) -> None:
        """Of these, and only of these, records are held. To be told again and again."""
        for partition in self._crowded:
            place = self._places.get(partition)
            if place is not None:
                place.forget_but({epoch for topic, number, epoch in held if (topic, number) == partition})
        self._crowded.clear()

    def to_ask(self, held: Iterable[Leader], our_now_ms: int) -> list[Partition]:
        """Where to write something, now, to see when it is appended: nothing more before that is acknowledged.

        In one order, whatever order they come in: the same history is the same again.
        """
        asked = []
        for topic, number, _ in held:
            partition = (topic, number)
            place = self._places.get(partition)
            if place is not None and place.is_to_be_asked(our_now_ms):
                place.asked_ms, place.awaited = our_now_ms, True
                asked.append(partition)
        return sorted(asked)

    def forget(self, partitions: Iterable[Partition]) -> None:
        """These are not read any more, or are other logs now."""
        for partition in partitions:
            self._places.pop(partition, None)


class _Place:
    """One partition: a clock for each epoch read, and what we have written there and not read yet, by offset."""

    __slots__ = ("asked_ms", "awaited", "clocks", "last", "newest", "written")

    def __init__(self) -> None:
        self.clocks: dict[int | None, BrokerClock] = {}
        self.newest: int | None = None
        self.last = -1  # the offset that was read last
        self.written: dict[int, tuple[int, int]] = {}
        self.asked_ms: int | None = None
        self.awaited = False

    def is_to_be_asked(self, our_now_ms: int) -> bool:
        return not self.awaited and (self.asked_ms is None or our_now_ms - self.asked_ms > ASK_AGAIN_MS)

    def read(self, epoch: int | None, offset: int, append_ms: int, seen_ms: int) -> None:
        clock = self.clocks.get(epoch)
        if clock is None:
            clock = self.clocks[epoch] = BrokerClock()
        self.newest, self.last = epoch, offset
        if (mine := self.written.pop(offset, None)) is not None:
            acknowledged_ms, mine_append_ms = mine
            # As if it had been seen now: the bound is the same, and our times do not fall.
            append_ms = mine_append_ms + max(0, seen_ms - acknowledged_ms)
        clock.observe(seen_ms, append_ms)

    def forget_but(self, held: Collection[int | None]) -> None:
        """Drop the oldest epochs beyond the bound, but none of which records are held: those could never go."""
        free = [epoch for epoch in self.clocks if epoch not in held and epoch != self.newest]
        for epoch in free[: max(0, len(self.clocks) - _EPOCHS)]:
            del self.clocks[epoch]

    def skew_ms(self, epoch: int | None) -> int | None:
        clock = self.clocks.get(epoch)
        skew_ms = None if clock is None else clock.skew_ms
        if skew_ms is None or (epoch == self.newest and not self.written):
            return skew_ms
        others = [_bound(seen_ms, append_ms) for seen_ms, append_ms in self.written.values()]
        if epoch != self.newest:
            others.append(self.clocks[self.newest].skew_ms)
        return max([skew_ms, *(other_ms - APART_MS for other_ms in others if other_ms is not None)])


def _bound(seen_ms: int, append_ms: int) -> int | None:
    """What the two say of the skew; None where they are too far apart to say anything."""
    # Both are cut to whole milliseconds: it was seen up to one later than ours says.
    bound = append_ms - seen_ms - 1
    return bound if abs(bound) <= PLAUSIBLE_MS else None
