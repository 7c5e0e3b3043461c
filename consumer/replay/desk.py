"""Replays as a long-lived process does them: one at a time, each for as long as a request may take.

The law: what a replay answers holds, also where it says that there is more. Asked again, it goes on with the rest.
"""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from consumer.delivery.delivery import DeadLetter
from consumer.kafka.reading import read_to_end
from consumer.kafka.topics import Topics
from consumer.replay.dead_letters import matching
from consumer.replay.filters import Filters
from consumer.replay.ledger import MOST, Ledger, generations
from consumer.replay.pages import Page, Position, page
from consumer.replay.plan import Planner
from consumer.replay.run import Clock, Summary
from consumer.replay.run import replay as run_replay
from consumer.settings import Settings
from consumer.webhooks.subscription import Status

_AT_ONCE: Final = 4
_TURN_S: Final = 10.0
_WORK_S: Final = 20.0


class DeskBusy(Exception):  # noqa: N818 # it names a state, as the glossary does
    """As much as may be is being read and replayed at once in this process."""

    def __init__(self) -> None:
        super().__init__("others are looking through the dead letters: try again in a few seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How to replay."""

    again: bool
    dry_run: bool


class DeadLetterDesk:
    """For many threads. It reads and writes Kafka by itself."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._turn = threading.Lock()
        self._places = threading.BoundedSemaphore(_AT_ONCE)

    def page(self, filters: Filters, *, after: Position, limit: int) -> Page:
        """See `pages.page`. Raises DeskBusy."""
        with self._place():
            return page(self._settings, filters, after=after, limit=limit)

    def found(self, filters: Filters) -> list[DeadLetter]:
        """All that match, for filters that match few.

        Raises:
            DeskBusy: too many look through the topic.
            KafkaBroken: it could not be read.
        """
        with self._place():
            return list(matching(read_to_end(self._settings, Topics.of(self._settings).dead_letter), filters))

    def replay(self, chosen: Iterable[DeadLetter] | Filters, statuses: Mapping[str, Status], way: Way) -> Summary:
        """Replay these, or those that match, to the webhooks whose `statuses` are given; the others are gone.

        Raises:
            DeskBusy: too many look through the topic, or another replay does not end.
            TakenOver: another process began one meanwhile.
            KafkaBroken: not written, or not all of it.
        """
        with self._place():
            if not self._turn.acquire(timeout=_TURN_S):
                raise DeskBusy
            try:
                return self._replay(chosen, statuses, way)
            finally:
                self._turn.release()

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise DeskBusy
        try:
            yield
        finally:
            self._places.release()

    def _replay(self, chosen: Iterable[DeadLetter] | Filters, statuses: Mapping[str, Status], way: Way) -> Summary:
        settings = self._settings
        ledger = None if way.dry_run else Ledger.open(settings)
        planner = Planner(
            generations=generations(settings) if ledger is None else ledger.generations(),
            statuses=statuses,
            max_replays=settings.max_replays,
            again=way.again,
        )
        if isinstance(chosen, Filters):
            chosen = matching(read_to_end(settings, Topics.of(settings).dead_letter), chosen)
        until_s = time.monotonic() + _WORK_S
        return run_replay(
            chosen,
            planner,
            (lambda _: None) if ledger is None else ledger.write,
            clock=Clock(now_ms=lambda: time.time_ns() // 1_000_000, monotonic_s=time.monotonic, sleep=time.sleep),
            most=MOST,
            stop=lambda: time.monotonic() > until_s,
        )
