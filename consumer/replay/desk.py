"""Replays as a long-lived process does them: one at a time, each for as long as a request may take.

The law: what a replay answers is so, also where it says that there is more. Asked again, it goes on with the rest.
"""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from consumer.delivery.delivery import DeadLetter
from consumer.events.event import Record
from consumer.kafka.reading import read_to_end
from consumer.kafka.topics import Topics
from consumer.replay.dead_letters import Lying, lying, matching
from consumer.replay.filters import Filters
from consumer.replay.ledger import MOST, Ledger, generations
from consumer.replay.pages import Page, Position, page
from consumer.replay.plan import Place, Planner
from consumer.replay.run import Clock, Summary
from consumer.replay.run import replay as run_replay
from consumer.settings import Settings
from consumer.shares import Busy, Shares
from consumer.webhooks.subscription import Status

READERS: Final = 8
READERS_OF_A_TENANT: Final = 2
REPLAYS: Final = 8
REPLAYS_OF_A_TENANT: Final = 1
"""Under way or waiting for its turn: whoever has had a turn comes back behind those who wait."""

_TURN_S: Final = 20.0
_WORK_S: Final = 8.0  # so that several may have their turns while one waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How to replay."""

    again: bool
    dry_run: bool
    place: Place = Place.BEFORE


class DeadLetterDesk:
    """For many threads. It reads and writes Kafka by itself."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._turn = threading.Lock()
        self._readers = Shares("readers of dead letters", places=READERS, share=READERS_OF_A_TENANT, retry_after_s=2)
        self._replays = Shares("replays", places=REPLAYS, share=REPLAYS_OF_A_TENANT, retry_after_s=5)

    def page(self, tenant: str, filters: Filters, *, after: Position, limit: int) -> Page:
        """See `pages.page`. Raises Busy."""
        with self._readers.place(tenant):
            return page(self._settings, filters, after=after, limit=limit)

    def found(self, tenant: str, filters: Filters) -> list[DeadLetter]:
        """All that match, for filters that match few.

        Raises:
            Busy: too many look through the topic, of this tenant or of all.
            KafkaBroken: it could not be read.
        """
        with self._readers.place(tenant):
            return list(self._matching(filters))

    def lying(self, tenant: str, filters: Filters) -> list[Lying]:
        """Where those lie that match, for filters that match few. Raises as `found` does."""
        with self._readers.place(tenant):
            return list(lying(self._records(), filters))

    def replay(
        self, tenant: str, chosen: Iterable[DeadLetter] | Filters, statuses: Mapping[str, Status], way: Way
    ) -> Summary:
        """Replay these, or those that match, to the webhooks whose `statuses` are given; the others are gone.

        Raises:
            Busy: the tenant has a replay under way, or too many wait for their turn, or it did not come in time.
            TakenOver: another process began one meanwhile.
            KafkaBroken: not written, or not all of it.
        """
        with self._replays.place(tenant):
            if not self._turn.acquire(timeout=_TURN_S):
                raise Busy("other replays are under way: try again in a few seconds", own=False, retry_after_s=5)
            try:
                return self._replay(chosen, statuses, way)
            finally:
                self._turn.release()

    def _matching(self, filters: Filters) -> Iterator[DeadLetter]:
        return matching(self._records(), filters)

    def _records(self) -> Iterator[Record]:
        return read_to_end(self._settings, Topics.of(self._settings).dead_letter)

    def _replay(self, chosen: Iterable[DeadLetter] | Filters, statuses: Mapping[str, Status], way: Way) -> Summary:
        settings = self._settings
        ledger = None if way.dry_run else Ledger.open(settings)
        planner = Planner(
            generations=generations(settings) if ledger is None else ledger.generations(),
            statuses=statuses,
            max_replays=settings.max_replays,
            again=way.again,
            place=way.place,
        )
        if isinstance(chosen, Filters):
            chosen = self._matching(chosen)
        until_s = time.monotonic() + _WORK_S
        return run_replay(
            chosen,
            planner,
            (lambda _: None) if ledger is None else ledger.write,
            clock=Clock(now_ms=lambda: time.time_ns() // 1_000_000, monotonic_s=time.monotonic, sleep=time.sleep),
            most=MOST,
            stop=lambda: time.monotonic() > until_s,
        )
