"""Positions on their way from finished to committed.

    finished ─► sealed, with a ticket ─► (the log has it) ─► given to the consumer ─► asked of the broker ─► accepted

The laws: a position is committed only when the log has every attempt that ended before it was sealed; and as long as
what ended is not recorded, nothing more is begun: a crash would repeat it. Nor is much begun before commits are known
to be accepted (`pace.py`).

How long that may take depends on the broker, as does how often it takes commits: both are settings (`Terms`). What is
waited for longer is repeated by a crash; the pace keeps it bounded by number.
"""

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Protocol, Self

from consumer.delivery.offsets import Partition, Position
from consumer.kafka.tickets import Ticket
from consumer.roles.pace import MOST, Pace
from consumer.setting_values import duration_ms
from consumer.settings import Settings
from consumer.telemetry.distributions import distributions

_METADATA_A_SECOND: Final = 65_536  # characters in commits, a process: the broker keeps them in memory
_REFUSED_MOST_MS: Final = 4_000  # a rebalance refuses commits, or answers none, while it waits for who is gone
_UNANSWERED_LEAST: Final = 4
_UNANSWERED_MOST: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How far apart commits are at least, and after how long what is not recorded stops the rest. In ms."""

    every_ms: int = 10
    unrecorded_ms: int = 250

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The terms that the settings name."""
        return cls(every_ms=duration_ms(settings.commit_every), unrecorded_ms=duration_ms(settings.unrecorded_for))


class Log(Protocol):
    """What attempts are written to: see `AttemptLog`."""

    def ticket(self) -> Ticket:
        """A ticket for everything that was written until now."""

    def has(self, ticket: Ticket) -> bool:
        """Whether everything that the ticket stands for is acknowledged."""


class Committer(Protocol):
    """What positions are committed by: see `PartitionConsumer`."""

    @property
    def late_s(self) -> float:
        """For how long something has been wanted and is not committed."""

    @property
    def refused_s(self) -> float:
        """For how long a coordinator that answers has refused everything."""

    @property
    def unanswered_s(self) -> float:
        """For how long a commit has been asked for in vain while nothing else was wrong."""

    @property
    def accepted(self) -> int:
        """How many commits were accepted."""

    def commit(self, positions: Mapping[Partition, Position]) -> None:
        """Commit these when it is possible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """Positions on their way: from when they were sealed until the log has `ticket`, then they go to the consumer.

    The ticket is for the attempts written before. `begun` is how many requests had begun then.
    """

    positions: Mapping[Partition, Position]
    ticket: Ticket
    at_ms: int
    begun: int

    def without(self, gone: Container[Partition]) -> "Seal | None":
        """What is left of it when these are not to be committed."""
        left = {partition: each for partition, each in self.positions.items() if partition not in gone}
        return replace(self, positions=left) if left else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the consumer was given to commit, by how many requests had begun when it was sealed.

    `asked`: the newest in the request that is under way, or was answered last. `newest`: of all; when it is another
    one it waits for that answer, and goes with the next request.
    """

    asked: int = 0
    newest: int = 0

    def one_more(self, seal: Seal, *, waits: bool) -> Self:
        """After one more was given, which waits for an answer or is asked for at once."""
        return replace(self, asked=self.asked if waits else seal.begun, newest=seal.begun)

    def answered(self) -> Self:
        """After an answer: what waited for it is asked for now."""
        return replace(self, asked=self.newest)


class Seals:
    """Owned by the loop. One seal at a time waits for the log; what the log has goes to the consumer."""

    def __init__(self, log: Log, committer: Committer, terms: Terms | None = None) -> None:
        self._log = log
        self._committer = committer
        self._terms = terms or Terms()
        self._seal: Seal | None = None
        self._given = Given()
        self._last: dict[Partition, Position] = {}
        self._next_ms = 0
        self._pace = Pace(proven_for_ms=self._terms.unrecorded_ms + self._terms.every_ms)
        self._took = distributions.of("hookline_produce_latency_seconds", "attempts")
        self._accepted = 0
        self._looked = True
        self._waited_ms = 0.0  # as of the last turn, for what was being asked then
        self._logged = 0  # of the requests begun, those that had begun when what the log has was sealed
        self._window = _UNANSWERED_LEAST  # while commits are not answered

    def turn(self, now_ms: int, positions: Callable[[], dict[Partition, Position]]) -> None:
        """Commit what is sealed once the log has it, then seal anew when it is time and there is anything new.

        `positions` are those that may have changed since they were last asked for. To be called when the log has been
        given every attempt that is part of them.
        """
        self.go_on(now_ms)
        self._looked = False
        if self._seal is None and now_ms >= self._next_ms:
            self._looked = True
            self._seal = self._sealed(now_ms, positions())

    def go_on(self, now_ms: int) -> None:
        """Commit what is sealed once the log has it. May be called at any time, and seals nothing.

        More often than once a turn: a turn may take 10 ms, and what was delivered in it is repeated by a crash.
        """
        if self._committer.accepted != self._accepted:
            self._accepted = self._committer.accepted
            self._pace.accepted(now_ms, self._given.asked, self._waited_ms)
            self._given = self._given.answered()
        self._waited_ms = self._late_ms
        self._pace.waits(self._waited_ms)
        if self._seal is not None and self._log.has(self._seal.ticket):
            seal, self._seal = self._seal, None
            self._commit(now_ms, seal)

    @property
    def pending(self) -> bool:
        """Whether there is, or may be, anything that another `turn` would bring further."""
        return self._seal is not None or not self._looked

    def _commit(self, now_ms: int, seal: Seal) -> None:
        self._took.observe((now_ms - seal.at_ms) / 1_000)
        self._logged = seal.begun
        self._window = min(_UNANSWERED_MOST, 2 * self._window) if self._is_unanswered else _UNANSWERED_LEAST
        self._given = self._given.one_more(seal, waits=self._committer.late_s > 0)
        self._committer.commit(seal.positions)

    def _sealed(self, now_ms: int, positions: Mapping[Partition, Position]) -> Seal | None:
        """A seal of what is new in these; None where nothing is."""
        changed = {partition: each for partition, each in positions.items() if each != self._last.get(partition)}
        if not changed:
            if self._committer.late_s == 0:
                self._pace.settled(now_ms)
            return None
        metadata = sum(len(position.metadata) for position in changed.values())
        self._last |= changed
        self._next_ms = now_ms + max(self._terms.every_ms, metadata * 1_000 // _METADATA_A_SECOND)
        return Seal(positions=changed, ticket=self._log.ticket(), at_ms=now_ms, begun=self._pace.begun)

    def is_behind(self, now_ms: int) -> bool:
        """Whether what ended too long ago is not recorded.

        So a broker that is slow, and a rebalance that refuses commits or answers none, hold deliveries up rather than
        let them pile up there: the broker as long as it lasts, the rebalance a few seconds. These begin with the first
        refusal: a broker that is away refuses nothing, and behind an outage that was longer than the session a process
        does not know yet that its partitions are another's.
        """
        if self._seal is not None and now_ms - self._seal.at_ms > self._terms.unrecorded_ms:
            return True
        return self._terms.unrecorded_ms < self._late_ms and not (self._is_refused or self._is_unanswered)

    def room(self, now_ms: int) -> int:
        """How many requests may be begun now; to be told of them by `begun`."""
        if self.is_behind(now_ms):
            return 0
        if self._is_refused:
            return MOST
        if self._is_unanswered:  # the log says that a broker is there, and for no more than few requests at a time
            return max(0, self._window - (self._pace.begun - self._logged))
        return self._pace.room(now_ms)

    def begun(self, now_ms: int, number: int) -> None:
        """So many requests were begun."""
        self._pace.begin(now_ms, number)

    def drop(self, partitions: Iterable[Partition]) -> None:
        """These are not ours any more, or begin anew."""
        gone = set(partitions)
        if self._seal is not None:
            self._seal = self._seal.without(gone)
        for partition in gone:
            self._last.pop(partition, None)

    @property
    def _is_refused(self) -> bool:
        """Whether commits are refused for so long that nothing waits for them any more."""
        return min(self._committer.late_s, self._committer.refused_s) * 1_000 > _REFUSED_MOST_MS

    @property
    def _is_unanswered(self) -> bool:
        """Whether a commit has not been answered for so long that nothing waits for it any more."""
        return min(self._committer.late_s, self._committer.unanswered_s) * 1_000 > _REFUSED_MOST_MS

    @property
    def _late_ms(self) -> float:
        return self._committer.late_s * 1_000
