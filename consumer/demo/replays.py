"""Replaying the demo's dead letters with the code behind `hookline dead-letters replay`."""

import threading
import time

from consumer.demo.scenario import HOOKS
from consumer.kafka.subscriptions import read_all
from consumer.replay import dead_letters
from consumer.replay.filters import Filters
from consumer.replay.ledger import MOST, Ledger
from consumer.replay.plan import Planner
from consumer.replay.run import Clock, Summary, replay
from consumer.settings import Settings

_PROVEN = Filters(tenants=frozenset(hook.tenant for hook in HOOKS))
_CLOCK = Clock(now_ms=lambda: time.time_ns() // 1_000_000, monotonic_s=time.monotonic, sleep=time.sleep)


def replay_all(settings: Settings) -> Summary:
    """Replay every dead letter of the proof that was not replayed yet: those of the story are its reader's.

    Raises:
        KafkaBroken: the broker did not do its part.
    """
    ledger = Ledger.open(settings, sealing=None, by_hand=True)  # the demo's settings are its own
    statuses = {subscription.id: subscription.status for subscription in read_all(settings).values()}
    planner = Planner(generations=ledger.generations(), statuses=statuses, max_replays=settings.max_replays)
    return replay(dead_letters.read(settings, _PROVEN), planner, ledger.write, clock=_CLOCK, most=MOST)


class Replays:
    """Replays in a thread, so that the table stays alive; one at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._thread: threading.Thread | None = None
        self._asked: frozenset[str] = frozenset()
        self.error: Exception | None = None

    @property
    def running(self) -> bool:
        """Whether one is under way."""
        return self._thread is not None and self._thread.is_alive()

    def ask(self, dead: frozenset[str]) -> bool:
        """Replay, unless one runs or each of these deliveries was replayed before. Returns whether it began."""
        if self.running or dead <= self._asked:
            return False
        self._asked |= dead
        self._thread = threading.Thread(target=self._run, name="replay", daemon=True)
        self._thread.start()
        return True

    def _run(self) -> None:
        try:
            replay_all(self._settings)
        except Exception as error:  # noqa: BLE001  # carried to the demo's loop, which raises it
            self.error = error
