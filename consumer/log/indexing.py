"""One partition of the attempts topic on its way into the index: what its reader asks of Redis, and what it believes.

    assigned ─► (read from `position`) take … ─► asked ─► answered ─► …      live, upwards
                                       └► fill_from ─► filled ─► answered    behind it, downwards

Pure. What is asked is asked again, as it was, until it is answered; nothing is taken meanwhile.

The laws:
- what is asked is an interval that this reader has read without a gap: an attempt is in it once or not at all;
- Redis is believed where it differs: a bucket that was lost is begun anew where the reader stands, and where another
  wrote, or a stale replica leads, the reader begins again from what is there (`Superseded`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from consumer.log.index import Interval, Kept, Name, rising


class Superseded(Exception):  # noqa: N818 # it names a state, as the glossary does
    """Redis holds another interval than this reader put there: the partition is to be loaded again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """`Index.begin`."""

    bucket: int
    at: int

    @property
    def known(self) -> None:
        """There is none."""

    @property
    def wanted(self) -> Interval:
        """The interval once it is done."""
        return Interval(first=self.at, end=self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    """`Index.append`."""

    bucket: int
    known: Interval
    end: int
    entries: Mapping[Name, list[bytes]]

    @property
    def wanted(self) -> Interval:
        """The interval once it is done."""
        return Interval(first=self.known.first, end=self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepend:
    """`Index.prepend`."""

    bucket: int
    known: Interval
    first: int
    entries: Mapping[Name, list[bytes]]

    @property
    def wanted(self) -> Interval:
        """The interval once it is done."""
        return Interval(first=self.first, end=self.known.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """`Index.cut`. A list that is to keep nothing is forgotten."""

    bucket: int
    known: Interval
    most: Mapping[Name, int]

    @property
    def wanted(self) -> Interval:
        """The interval stays as it is."""
        return self.known


Ask: TypeAlias = Begin | Append | Prepend | Cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What Redis holds of a partition, by bucket."""

    intervals: dict[int, Interval] = field(default_factory=dict)
    kept: dict[int, dict[Name, Kept]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What an ask found; if that was not what it knew of, nothing was done. `kept`: what its lists hold now.

    A list that was forgotten is None there.
    """

    found: Interval | None
    kept: dict[Name, Kept | None]


_Entries: TypeAlias = dict[int, dict[Name, list[bytes]]]


@dataclass(slots=True)
class Indexing:
    """`position` is the next offset to be taken; `stands` the intervals that Redis is known to hold, by bucket."""

    buckets: int
    position: int = 0
    stands: dict[int, Interval] = field(default_factory=dict)
    _pending: _Entries = field(default_factory=dict)

    @classmethod
    def assigned(cls, buckets: int, found: Mapping[int, Interval], end: int) -> "Indexing":
        """A reader of a partition whose log ends at `end`, of which Redis holds these intervals.

        It reads on from the lowest end among them; where there is none, the newest attempts come first: from `end`.
        """
        at = min((each.end for each in found.values()), default=end)
        return cls(buckets=buckets, position=at, stands=dict(found))

    def take(self, offset: int, bucket: int, name: Name, packed: bytes) -> None:
        """The attempt at this offset, the next in the log that is one."""
        self.position = offset + 1
        stand = self.stands.get(bucket)
        if stand is not None and offset >= stand.end:
            entries = self._pending.setdefault(bucket, {}).setdefault(name, [])
            entries.append(rising(entries, packed))

    def passed(self, offset: int) -> None:
        """All before this offset was taken, whatever else the log holds there."""
        self.position = max(self.position, offset)

    def asked(self, *, everywhere: bool = True) -> list[Ask]:
        """What Redis is to be told so that every bucket's interval ends at `position`.

        Not `everywhere`: only those that something is to be added to, or that have none. The others are told later.
        Everywhere, those that are told nothing new are asked too: they may be lost.
        """
        asked: list[Ask] = []
        for bucket in range(self.buckets):
            stand = self.stands.get(bucket)
            if stand is None:
                asked.append(Begin(bucket=bucket, at=self.position))  # what was taken below it comes by a fill
            elif everywhere or bucket in self._pending:
                entries = self._pending.get(bucket, {})
                end = max(stand.end, self.position)
                asked.append(Append(bucket=bucket, known=stand, end=end, entries=entries))
        return asked

    def answered(self, ask: Ask, found: Interval | None) -> None:
        """Redis answered with the interval it found.

        Raises:
            Superseded: it is not what this reader knows of.
        """
        if found is None and not isinstance(ask, Begin):
            self.stands.pop(ask.bucket, None)
            self._pending.pop(ask.bucket, None)
            return
        if found not in (ask.known, ask.wanted):
            raise Superseded(f"bucket {ask.bucket}: found {found}, not {ask.known}")
        self.stands[ask.bucket] = ask.wanted
        if isinstance(ask, Append):
            self._pending.pop(ask.bucket, None)

    @property
    def taken_of(self) -> set[str]:
        """The webhooks of which attempts were taken that Redis was not told of yet."""
        return {name.webhook for entries in self._pending.values() for name in entries}

    @property
    def fill_from(self) -> int | None:
        """The offset below which the log is to be read next; None where nothing is known yet."""
        return max((each.first for each in self.stands.values()), default=None)

    def filled(self, first: int, attempts: Iterable[tuple[int, int, Name, bytes]]) -> list[Ask]:
        """What Redis is to be told of the attempts from `first` up to `fill_from`: offset, bucket, name and entry.

        They rise by offset. A bucket whose interval begins lower already is left as it is.
        """
        below: _Entries = {}
        for offset, bucket, name, packed in attempts:
            stand = self.stands.get(bucket)
            if stand is not None and offset < stand.first:
                entries = below.setdefault(bucket, {}).setdefault(name, [])
                entries.append(rising(entries, packed))
        return [
            Prepend(bucket=bucket, known=stand, first=first, entries=below.get(bucket, {}))
            for bucket, stand in self.stands.items()
            if first < stand.first
        ]
