"""One partition's index as whoever has the partition tends it: what Redis is asked next, and what it holds. Pure.

    live ─────────────► take ─► asked ─► answered ─► …        what the role folds anyway
    catching up ───────► take                                  where that does not join on to what was indexed
    fill ─► filled ────────────► asked ─► answered             behind it, downwards, until the bounds
    level ─────────────────────► asked ─► answered             where all lists together are too large

The laws:
- what was asked is asked again as it was until it is answered, and nothing else meanwhile;
- what comes from the role is taken where it joins on; what it left out is read again, so the role never waits;
- the fill goes down until the log's beginning, the time that is kept, the memory, or until it brought nothing for long.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from consumer.log.entry import logged_of
from consumer.log.index import Kept, Name
from consumer.log.index_keys import Owner
from consumer.log.indexing import Ask, Cut, Done, Indexing, Loaded
from consumer.log.level import Size, cuts
from consumer.webhooks.bucket import BUCKETS

EVERYWHERE_MS: Final = 10_000
"""How often quiet buckets are told of too."""
SELDOM_MS: Final = 60_000
"""The same where nothing was logged: then it only finds out what Redis has lost."""
ROOM: Final = 0.95
"""Of the memory, what is left when lists were cut: cutting each second a little would take a look at all lists each."""
SKEW_MS: Final = 250
"""A record may be dated so long before it is read: clocks differ. What differs by more is seen by the records."""
SKEW_MOST_MS: Final = 5_000
APART_MS: Final = 2_000
"""The role may be a moment before or behind; then what it has does not join on, and the log is read here."""
IN_VAIN: Final = 40
"""So many parts of the log that brought nothing end a fill: whoever still has room was not tried for long."""


class Taken(NamedTuple):
    """An attempt, packed, and where it belongs."""

    offset: int
    bucket: int
    name: Name
    owner: Owner
    packed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What the role read of a partition from `first` up to `end`; without its attempts where there was no room.

    `at_end_ms`: the log ended there at this time, None where it did not.
    """

    first: int
    end: int
    taken: Sequence[Taken] | None
    at_end_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the index of a partition is: all that was logged until `as_of_ms`, and before `end`, is in it.

    It is filled down to `first`, or as far as it will be (`filled`); `entries` and `bytes` are what it holds.
    """

    as_of_ms: int
    end: int
    first: int
    filled: bool
    entries: int
    bytes: int

    def is_beyond(self, other: "Progress | None") -> bool:
        """Whether more differs than the time."""
        return other is None or replace(other, as_of_ms=self.as_of_ms) != self


@dataclass(slots=True, kw_only=True)
class Tending:
    """`entries` and `bytes` are of all lists. `at_end_ms`: when all of the log was taken, None where it was not.

    `parts`: how many of the log the fill has read so far.
    """

    indexing: Indexing
    kept: dict[int, dict[Name, Kept]]
    share_bytes: int
    entries: int = 0
    bytes: int = 0
    at_end_ms: int | None = None
    last_ms: int = 0
    filled: bool = False
    parts: int = 0
    asks: list[Ask] = field(default_factory=list)
    since_ms: int | None = None
    _owners: dict[str, Owner] = field(default_factory=dict)
    _live_end: int | None = None
    _joined_ms: int = 0
    _everywhere_ms: int = 0
    _everywhere_at: int | None = None
    _in_vain: int = 0
    _lags_ms: deque[int] = field(default_factory=lambda: deque(maxlen=8))

    @classmethod
    def loaded(cls, loaded: Loaded, *, end: int, share_bytes: int, now_ms: int) -> "Tending":
        """What Redis holds of a partition whose log ends at `end`."""
        made = cls(
            indexing=Indexing.assigned(BUCKETS, loaded.intervals, end),
            kept=loaded.kept,
            share_bytes=share_bytes,
        )
        made._joined_ms = now_ms
        for each in (each for kept in loaded.kept.values() for each in kept.values()):
            made.entries += each.entries
            made.bytes += _size(each).bytes
        return made

    @property
    def owners(self) -> dict[str, Owner]:
        """Of all webhooks of which attempts were taken."""
        return self._owners

    # ── upwards ──────────────────────────────────────────────────────────────────────────────────────────────────

    def live(self, live: Live, now_ms: int) -> None:
        """What the role read. While something is asked it is left out."""
        if self.asks or live.taken is None or live.first > self.indexing.position:
            self._live_end, self.at_end_ms = live.end, None
            return
        self._live_end = live.end
        if live.end >= self.indexing.position:
            self._joined_ms = now_ms
            if live.taken:
                self._lags_ms.append(now_ms - logged_of(live.taken[-1].packed))
            self.take(live.taken, live.end)
            self.at_end_ms = live.at_end_ms

    def take(self, taken: Iterable[Taken], end: int) -> None:
        """These attempts, and all before `end`. Not while something is asked."""
        for each in taken:
            if each.offset >= self.indexing.position:
                self._owners[each.name.webhook] = each.owner
                self.indexing.take(each.offset, each.bucket, each.name, each.packed)
                self.last_ms = logged_of(each.packed)
        self.indexing.passed(end)

    def apart(self, now_ms: int) -> bool:
        """Whether the log has to be read here, upwards: what the role has does not join on."""
        if self._live_end == self.indexing.position:
            return False
        behind = self._live_end is not None and self._live_end > self.indexing.position
        return behind or now_ms - self._joined_ms > APART_MS

    @property
    def as_of_ms(self) -> int:
        """All that was logged until then is taken."""
        taken_ms = max(0, self.last_ms - 1)
        if self.at_end_ms is None:
            return taken_ms
        skews_ms = [each for each in self._lags_ms if each <= SKEW_MOST_MS]  # else it is history
        return max(taken_ms, self.at_end_ms - max(SKEW_MS, min(skews_ms, default=0)))

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return Progress(
            as_of_ms=self.as_of_ms,
            end=self.indexing.position,
            first=self.indexing.fill_from or 0,
            filled=self.filled,
            entries=self.entries,
            bytes=self.bytes,
        )

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────

    def asked(self, now_ms: int) -> list[Ask]:
        """What Redis is to be asked."""
        if not self.asks:
            at = self.indexing.position
            every_ms = SELDOM_MS if at == self._everywhere_at else EVERYWHERE_MS
            everywhere = now_ms - self._everywhere_ms >= every_ms
            if everywhere:
                self._everywhere_ms, self._everywhere_at = now_ms, at
            self.asks = self.indexing.asked(everywhere=everywhere)
            self.since_ms = now_ms  # of intervals that begin
        return self.asks

    def doubt(self) -> None:
        """Redis may have lost all: ask everywhere."""
        self._everywhere_ms, self._everywhere_at = 0, None

    def answered(self, done: Sequence[Done]) -> None:
        """Redis did what was asked.

        Raises:
            Superseded: the partition is to be loaded again.
        """
        asks, self.asks = self.asks, []
        for ask, each in zip(asks, done, strict=True):
            self.indexing.answered(ask, each.found)
            if each.found is None or ask.known is None:
                self._forget(ask.bucket)
                self.filled, self.parts = False, 0
            for name, kept in each.kept.items():
                self._hold(ask.bucket, name, kept)
        # What was taken before a fill is asked for behind it.
        self._owners = {webhook: self._owners[webhook] for webhook in self.indexing.taken_of}
        self.since_ms = None

    # ── downwards ────────────────────────────────────────────────────────────────────────────────────────────────

    def fill_from(self, begins: int) -> int | None:
        """Below which offset the log is to be read next; None when there is nothing to fill any more."""
        before = self.indexing.fill_from
        if self.filled or self.asks or before is None:
            return None
        self.filled = before <= begins or self.bytes >= ROOM * self.share_bytes or self._in_vain >= IN_VAIN
        return None if self.filled else before

    def wants(self, bucket: int, name: Name) -> bool:
        """Whether a fill can add to this list: it was never cut."""
        kept = self.kept.get(bucket, {}).get(name)
        return kept is None or kept.floor == 0

    def fill(self, first: int, taken: Sequence[Taken], *, logged_ms: int | None) -> None:
        """All that it wants from `first` up to `fill_from`; the first record there was logged at `logged_ms`."""
        self.parts += 1
        self._in_vain = 0 if taken else self._in_vain + 1
        self._owners |= {each.name.webhook: each.owner for each in taken}
        self.asks = self.indexing.filled(first, ((each.offset, each.bucket, each.name, each.packed) for each in taken))
        self.since_ms = logged_ms

    # ── the level ────────────────────────────────────────────────────────────────────────────────────────────────

    def level(self) -> None:
        """Where the lists are too large together: ask for them to be cut. Not while something is asked."""
        if self.asks or self.bytes <= self.share_bytes:
            return
        sizes = {name: _size(each) for kept in self.kept.values() for name, each in kept.items() if each.entries}
        over = cuts(sizes, int(ROOM * self.share_bytes))
        for bucket, kept in self.kept.items():
            most = {name: over[name] for name in kept if name in over}
            stand = self.indexing.stands.get(bucket)
            if most and stand is not None:
                self.asks.append(Cut(bucket=bucket, known=stand, most=most))

    def forget(self, before_ms: int) -> None:
        """Ask for the lists to go whose last entry was logged before this. Not while something is asked."""
        for bucket, kept in self.kept.items():
            old = {name: 0 for name, each in kept.items() if each.newest_ms < before_ms}
            stand = self.indexing.stands.get(bucket)
            if old and stand is not None and not self.asks:
                self.asks.append(Cut(bucket=bucket, known=stand, most=old))

    def _hold(self, bucket: int, name: Name, kept: Kept | None) -> None:
        lists = self.kept.setdefault(bucket, {})
        before = lists.pop(name, None)
        if before is not None:
            self.entries -= before.entries
            self.bytes -= _size(before).bytes
        if kept is not None:
            lists[name] = kept
            self.entries += kept.entries
            self.bytes += _size(kept).bytes

    def _forget(self, bucket: int) -> None:
        for name in list(self.kept.get(bucket, {})):
            self._hold(bucket, name, None)


def _size(kept: Kept) -> Size:
    return Size(entries=kept.entries, packed_bytes=kept.packed_bytes)
