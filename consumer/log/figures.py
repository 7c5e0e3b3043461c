"""The figures of one partition of the attempts topic, in memory, and what of them Redis does not hold yet. Pure.

The law: `offset` is what the figures stand for: every attempt before it is in them, once, and none from it on. An
attempt below it, read again for whatever reason, changes nothing. That goes for all of them: health, statistics, and
the counts of jobs.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from msgspec.structs import replace

from consumer.log.answered import KEPT_FOR_MS, MOST, NO_COUNTS, JobCounts, counted
from consumer.log.health import NO_HEALTH, Health, Sent, folded
from consumer.log.stats import Stats, counts

_JUST_TRIED_MS: Final = 60_000

_Row = TypeVar("_Row")


@dataclass(slots=True)
class Rows(Generic[_Row]):
    """Figures of one kind by their names, and what of them Redis does not hold yet."""

    rows: dict[str, _Row] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    dropped: set[str] = field(default_factory=set)

    def put(self, name: str, row: _Row) -> None:
        """From now on it is this."""
        self.rows[name] = row
        self.changed.add(name)
        self.dropped.discard(name)

    def drop(self, names: Iterable[str]) -> None:
        """Forget these, as far as they are there."""
        for name in names:
            if self.rows.pop(name, None) is not None:
                self.changed.discard(name)
                self.dropped.add(name)

    @property
    def unsaved(self) -> Mapping[str, _Row]:
        """What changed."""
        return {name: self.rows[name] for name in self.changed}

    def written(self) -> None:
        """Redis holds all of it."""
        self.changed.clear()
        self.dropped.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """Figures as Redis is to hold them, and the names of those that it is to drop. Statistics are packed."""

    health: Mapping[str, Health] = field(default_factory=dict)
    stats: Mapping[str, bytes] = field(default_factory=dict)
    jobs: Mapping[str, JobCounts] = field(default_factory=dict)
    dropped_health: Sequence[str] = ()
    dropped_stats: Sequence[str] = ()
    dropped_jobs: Sequence[str] = ()


@dataclass(slots=True, kw_only=True)
class Figures:
    """`stand` is what Redis is known to call them; `asked`, what a write called them that got no answer.

    `anew`: whatever Redis holds under this stand is not of these figures. Statistics are packed until one is counted,
    and again once they are to be written: there are many of them, and few are counted at a time. Those that were packed
    last are kept as they were, for who is tried now was probably tried a moment ago.
    """

    stand: str
    offset: int
    health: Rows[Health] = field(default_factory=Rows)
    stats: Rows[bytes] = field(default_factory=Rows)
    jobs: Rows[JobCounts] = field(default_factory=Rows)
    asked: str | None = None
    anew: bool = False
    _counting: dict[str, Stats] = field(default_factory=dict)
    _counted: dict[str, Stats] = field(default_factory=dict)

    def fold(self, offset: int, name: str, sent: Sent, counts_from_ms: Callable[[str], int]) -> Health | None:
        """Take the attempt at this offset in; its webhook's health then, None if it had been taken in before."""
        if offset < self.offset:
            return None
        self.offset = offset + 1
        was = self.health.rows.get(name, NO_HEALTH)
        # Only a failure has to be looked up: when did its webhook become active?
        since_ms = 0 if sent.outcome == "delivered" else counts_from_ms(name)
        health = folded(was, sent, counts_from_ms=since_ms)
        if health is not was:
            self.health.put(name, health)
        if counts(sent):
            self._stats_of(name).count(sent)
        if sent.job_id is not None:
            self.jobs.put(sent.job_id, counted(self.jobs.rows.get(sent.job_id, NO_COUNTS), sent))
        return health

    def told(self, name: str, since_ms: int | None) -> None:
        """The webhook's owner was told since when it fails, or (None) that it does no more."""
        if (health := self.health.rows.get(name)) is not None:
            self.health.put(name, replace(health, told_failing_ms=since_ms))

    def passed(self, offset: int) -> None:
        """The record at this offset is none to be folded."""
        self.offset = max(self.offset, offset + 1)

    def rewound(self) -> None:
        """The log was made anew: its offsets count from the beginning again. The endpoints are what they were."""
        self.offset = 0

    def drop(self, names: Iterable[str]) -> None:
        """Forget these webhooks."""
        names = list(names)
        self.pack()
        self._counted.clear()
        self.health.drop(names)
        self.stats.drop(names)

    @property
    def waiting(self) -> int:
        """How many webhooks' figures Redis does not hold yet."""
        return max(len(self.health.changed), len(self.stats.changed) + len(self._counting))

    @property
    def is_saved(self) -> bool:
        """Whether Redis was told all of it, and answered."""
        rows = (self.health, self.stats, self.jobs)
        changed = bool(self._counting) or any(each.changed or each.dropped for each in rows)
        return not (changed or self.anew or self.asked) and self.stand == str(self.offset)

    def pack(self) -> None:
        """Pack all statistics."""
        for name, stats in self._counting.items():
            self.stats.put(name, stats.packed())
        if self._counting:
            self._counted, self._counting = self._counting, {}

    def unsaved(self) -> Fields:
        """What Redis does not hold yet."""
        self.pack()
        return Fields(
            health=self.health.unsaved,
            stats=self.stats.unsaved,
            jobs=self.jobs.unsaved,
            dropped_health=tuple(self.health.dropped),
            dropped_stats=tuple(self.stats.dropped),
            dropped_jobs=tuple(self.jobs.dropped),
        )

    def whole(self) -> Fields:
        """All of it."""
        self.pack()
        return Fields(health=self.health.rows, stats=self.stats.rows, jobs=self.jobs.rows)

    def written(self) -> None:
        """Redis holds all of it."""
        self.stand, self.asked, self.anew = str(self.offset), None, False
        self.health.written()
        self.stats.written()
        self.jobs.written()

    def stats_of(self, name: str) -> Stats:
        """A webhook's statistics as of now, to be read."""
        return self._counting.get(name) or self._counted.get(name) or self._unpacked(name)

    def _stats_of(self, name: str) -> Stats:
        found = self._counting.get(name)
        if found is None:
            found = self._counted.pop(name, None) or self._unpacked(name)
            self._counting[name] = found
        return found

    def _unpacked(self, name: str) -> Stats:
        packed = self.stats.rows.get(name)
        return Stats() if packed is None else Stats.unpacked(packed)


def forgotten(figures: Figures, *, before_ms: int, now_ms: int, exists: Callable[[str], bool]) -> list[str]:
    """The webhooks whose figures go: without an attempt since `before_ms`, or deleted.

    One that was just tried is taken to exist: who answers `exists` may have heard of it later than its first attempt.
    """
    health = figures.health.rows
    # One that was only ever sent something *now* has statistics and no health.
    alone = figures.stats.rows.keys() - health.keys()
    tried = {name: each.last_attempt_at_ms for name, each in health.items()}
    tried |= {name: Stats.unpacked(figures.stats.rows[name]).last_ms for name in alone}
    return [
        name
        for name, last_ms in tried.items()
        if last_ms < before_ms or (last_ms < now_ms - _JUST_TRIED_MS and not exists(name))
    ]


def forgotten_jobs(figures: Figures, now_ms: int, *, most: int = MOST) -> list[str]:
    """The jobs whose counts go: those long over, and where there are too many the oldest, resends before others."""
    jobs = figures.jobs.rows
    old = [name for name, each in jobs.items() if each.last_ms < now_ms - KEPT_FOR_MS]
    over = len(jobs) - len(old) - most
    if over <= 0:
        return old
    left = sorted(jobs.keys() - {*old}, key=lambda name: (not jobs[name].resend, jobs[name].last_ms))
    return old + left[:over]
