"""The attempts partitions of one process: loaded from Redis, folded on, saved.

The law: a partition is read only while its figures are here, from the offset they stand for.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

import structlog

from consumer.delivery.boundary import Boundary
from consumer.events.event import Record
from consumer.kafka.attempt_decoding import Head
from consumer.log.attempts import head_of, sent_of
from consumer.log.figures import Figures, forgotten, forgotten_jobs
from consumer.log.health import Health
from consumer.log.keeper import Keeper, Superseded
from consumer.log.stats import Stats
from consumer.log.store import KEPT_FOR_MS
from consumer.log.told_webhooks import worst
from consumer.telemetry.bugs import contain
from consumer.telemetry.counters import counters
from consumer.wire import RecordCorrupt

_log = structlog.get_logger("log")

_TRIED_WITHIN_MS: Final = 86_400_000


class Webhooks(Protocol):
    """What is known of webhooks here."""

    def active_since_ms(self, name: str) -> int:
        """When it became active, if it is; else 0."""

    def exists(self, name: str) -> bool:
        """Whether there is such a webhook; true where that is not known."""


class Folding:
    """Belongs to one thread. Partitions are numbers: they are all of the attempts topic.

    `begin` makes the log be read from an offset, None for its beginning, and answers with the one it is. `failed` hears
    of every failure, and of a success where the owner was told of failures; `taken` of every attempt that is read.
    """

    def __init__(
        self,
        keeper: Keeper,
        webhooks: Webhooks,
        *,
        begin: Callable[[int, int | None], int],
        failed: Callable[[int, str, Health], None],
        taken: Callable[[Record, Head], None],
    ) -> None:
        self._keeper = keeper
        self._webhooks = webhooks
        self._begin = begin
        self._failed = failed
        self._taken = taken
        self._figures: dict[int, Figures] = {}
        self._unloaded: set[int] = set()
        self._sweeps: list[int] = []

    def assigned(self, partitions: Iterable[int]) -> None:
        """These are ours from now on. They are read once they are loaded, and must be paused until then."""
        self._unloaded.update(partitions)

    def left(self, partitions: Iterable[int]) -> None:
        """These are not ours any more."""
        for partition in partitions:
            self._unloaded.discard(partition)
            self._figures.pop(partition, None)

    def rewound(self, partition: int) -> None:
        """The topic was made anew."""
        if partition in self._figures:
            self._figures[partition].rewound()

    def load(self) -> None:
        """Load what was assigned since, and begin to read it.

        Raises:
            CacheUnavailable: call it again.
            KafkaBroken: the broker could not be asked where to begin.
        """
        for partition in sorted(self._unloaded):
            figures = self._keeper.load(partition, lambda offset, of=partition: self._begin(of, offset))  # type: ignore[misc] # of is bound
            self._figures[partition] = figures
            self._unloaded.discard(partition)
            _log.info("health loaded", partition=partition, offset=figures.offset, webhooks=len(figures.health.rows))

    @property
    def all_loaded(self) -> bool:
        """Whether all that was assigned is read."""
        return not self._unloaded

    @property
    def loaded(self) -> Mapping[int, int]:
        """The partitions that are read, and how far they were."""
        return {partition: figures.offset for partition, figures in self._figures.items()}

    @property
    def saved(self) -> Mapping[int, int]:
        """The partitions that Redis holds, and how far."""
        return {number: int(each.stand) for number, each in self._figures.items() if each.stand.isdecimal()}

    @property
    def unsaved(self) -> int:
        """How many webhooks' figures Redis does not hold yet."""
        return sum(figures.waiting for figures in self._figures.values())

    def standing(self, now_ms: int) -> Mapping[str, int]:
        """Of the webhooks tried within a day, how many fail and how many do not, by their last attempt.

        So one that is suspended, paused or out of use is soon neither. It looks at each webhook: 0.1 µs.
        """
        since_ms = now_ms - _TRIED_WITHIN_MS
        found = {"failing": 0, "accepting": 0}
        for figures in self._figures.values():
            for row in figures.health.rows.values():
                if row.last_attempt_at_ms >= since_ms:
                    found["accepting" if row.failing_since_ms is None else "failing"] += 1
        return found

    def health_of(self, partition: int, name: str) -> Health | None:
        """A webhook's health as of now."""
        figures = self._figures.get(partition)
        return None if figures is None else figures.health.rows.get(name)

    def worst(self, most: int) -> list[str]:
        """The webhooks that fail, the worst first. It looks at each webhook, as `standing` does."""
        return worst((row for figures in self._figures.values() for row in figures.health.rows.items()), most)

    def figures_of(self, name: str) -> tuple[Health, Stats] | None:
        """What is known of one webhook; None: its attempts are not in a partition of ours, or there were none."""
        for figures in self._figures.values():
            if (health := figures.health.rows.get(name)) is not None:
                return health, figures.stats_of(name)
        return None

    def told(self, partition: int, name: str, since_ms: int | None) -> None:
        """See `Figures.told`. Where the partition went, its next owner tells it again."""
        if (figures := self._figures.get(partition)) is not None:
            figures.told(name, since_ms)

    def fold(self, record: Record) -> None:
        """Take a record in. What is no attempt is logged, and passed over."""
        figures = self._figures.get(record.partition)
        if figures is None:
            return  # it will be read again
        name = (record.key or b"").decode(errors="replace")
        try:
            head = head_of(record.value or b"")
            self._taken(record, head)
            sent = sent_of(head, record.timestamp_ms)
            health = figures.fold(record.offset, name, sent, self._webhooks.active_since_ms)
        except RecordCorrupt as error:
            _log.error("not an attempt", partition=record.partition, offset=record.offset, error=str(error))
            figures.passed(record.offset)
        except Exception as error:  # noqa: BLE001 # contained: one record of all customers' log
            contain(Boundary.LOG, error, topic=record.topic, partition=record.partition, offset=record.offset)
            figures.passed(record.offset)
        else:
            if health is not None:
                counters.add("attempts_folded")
                if health.failing_since_ms is not None or health.told_failing_ms is not None:
                    self._failed(record.partition, name, health)

    def save(self, partitions: int, *, everywhere: bool) -> None:
        """Write what Redis does not hold yet; `partitions` is how many the topic has.

        `everywhere`: ask also for the partitions of which nothing changed, for Redis may have lost them.

        Raises:
            CacheUnavailable: call it again, before anything more is folded.
        """
        for partition, figures in list(self._figures.items()):
            if figures.is_saved and not everywhere:
                continue
            try:
                self._keeper.save(partition, figures, partitions)
            except Superseded as error:
                _log.warning("health loaded again: Redis holds another", reason=str(error))
                del self._figures[partition]
                self._unloaded.add(partition)

    def sweep(self, now_ms: int) -> None:
        """Forget, in one partition a call, who was not tried for 30 days or is deleted, and jobs that are over."""
        if not self._sweeps:
            self._sweeps = list(self._figures)
        figures = self._figures.get(self._sweeps.pop()) if self._sweeps else None
        if figures is not None:
            before_ms = now_ms - KEPT_FOR_MS
            figures.drop(forgotten(figures, before_ms=before_ms, now_ms=now_ms, exists=self._webhooks.exists))
            figures.jobs.drop(forgotten_jobs(figures, now_ms))
