"""The webhooks' standings, exchanged with Redis in a thread of its own.

The laws:
- at most one exchange is under way; one begins as soon as something is reported, and takes so many reports at most;
- tenants take turns, so one with very many limited webhooks waits for himself only;
- every report is answered. Where Redis is away or too slow the answer is None for all that wait: nobody sleeps for an
  answer that does not come. That is one line in the log, and counted;
- what was reported before the end is told, so that others may have the places of a process that leaves;
- every few seconds Redis hears that this process is there, whether it reports anything or not: without Redis each goes
  by its share, and has to know of how many.
"""

import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from consumer.delivery.standing import Report, Standing
from consumer.replies import Replies
from consumer.roles.lookup import leave
from consumer.settings import Settings
from consumer.standings.store import PRESENT_FOR_MS, StandingStore
from consumer.telemetry.counters import counters
from consumer.telemetry.outage import Outage
from consumer.webhooks.cache import Cache, CacheUnavailable, connect

AT_ONCE: Final = 128  # of Redis's time a hundredth of a second
_PRESENT_EVERY_S: Final = PRESENT_FOR_MS / 3_000

_log = structlog.get_logger("pool")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """The answers to some reports, by subscription; None: nobody could be asked. They were asked for `ago_ms` ago.

    `processes` is how many there are; None is not known.
    """

    standings: Mapping[str, Standing | None]
    ago_ms: float = 0.0
    processes: int | None = None


class StandingAsking(Protocol):
    """Whoever keeps the webhooks' standings."""

    fd: int

    def ask(self, reports: Sequence[Report]) -> None:
        """Report; the answers come from `take`, in any order."""

    def take(self) -> Sequence[Heard]:
        """The answers that have come."""

    def close(self) -> None:
        """Nothing more is asked or answered."""


class StandingLookup:
    """Asks in a thread of its own. `fd` becomes readable when there is something to take."""

    def __init__(self, store: StandingStore, *, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._monotonic_s = monotonic_s
        self._moved = threading.Condition()
        self._reports: OrderedDict[str, deque[Report]] = OrderedDict()  # by tenant, whose turn is next first
        self._closing = False
        self._present_s = -_PRESENT_EVERY_S
        self._unreachable = Outage(_log, "standings unreachable: each process takes its share of what is limited")
        self._replies: Replies[tuple[float, Heard]] = Replies()
        self.fd = self._replies.fd
        self._thread = threading.Thread(target=self._run, name="standings", daemon=True)
        self._thread.start()

    @classmethod
    def from_settings(cls, settings: Settings) -> "StandingLookup":
        """Under these settings, for a process that no other and no later one is taken for."""
        cache = Cache(connect(settings))
        return cls(StandingStore(cache, topic_prefix=settings.topic_prefix, process=secrets.token_hex(8)))

    def ask(self, reports: Sequence[Report]) -> None:
        """Report; the answers come from `take`, in any order."""
        with self._moved:
            for report in reports:
                self._reports.setdefault(report.tenant, deque()).append(report)
            self._moved.notify()

    def take(self) -> list[Heard]:
        """The answers that have come.

        Raises:
            Exception: a bug of the exchange.
        """
        replies = []
        for sent_s, heard in self._replies.take():
            unanswered = sum(1 for standing in heard.standings.values() if standing is None)
            counters.add("standings_asked", len(heard.standings))
            counters.add("standings_unanswered", unanswered)
            ago_ms = (self._monotonic_s() - sent_s) * 1_000
            replies.append(Heard(standings=heard.standings, ago_ms=ago_ms, processes=heard.processes))
        return replies

    def close(self) -> None:
        """End the thread when all is told. One that waits for Redis for too long is left behind."""
        with self._moved:
            self._closing = True
            self._moved.notify()
        leave([self._thread])
        self._replies.close()

    def _run(self) -> None:
        while (reports := self._next()) is not None:
            sent_s = self._monotonic_s()
            try:
                self._replies.put((sent_s, self._exchange(reports, sent_s)))
            except Exception as error:  # noqa: BLE001 - raised again by `take`, in the thread that can act on it
                self._replies.put(error)

    def _next(self) -> list[Report] | None:
        """Some reports, none when it is time to say that this process is there; None at the end."""
        with self._moved:
            while self._reports or not self._closing:
                wait_s = self._present_s + _PRESENT_EVERY_S - self._monotonic_s()
                if self._reports or wait_s <= 0:
                    return self._turns(AT_ONCE)
                self._moved.wait(wait_s)
            return None

    def _turns(self, most: int) -> list[Report]:
        """One report of each tenant in turn."""
        taken: list[Report] = []
        while self._reports and len(taken) < most:
            tenant, waiting = self._reports.popitem(last=False)
            taken.append(waiting.popleft())
            if waiting:
                self._reports[tenant] = waiting
        return taken

    def _exchange(self, reports: list[Report], now_s: float) -> Heard:
        try:
            processes = None
            if now_s >= self._present_s + _PRESENT_EVERY_S:
                self._present_s = now_s
                processes = self._store.present()
            standings = self._store.exchange(reports)
        except CacheUnavailable as error:
            self._unreachable.met(error=str(error))
            with self._moved:
                reports += self._turns(sum(map(len, self._reports.values())))
            return Heard(standings={report.subscription_id: None for report in reports})
        self._unreachable.over()
        return Heard(standings=dict(standings), processes=processes)
