"""Whom the console asks, and what they told.

The law: what it asks by is its own: a client, a connection, a thread. No customer's request waits for one of them.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Final

from starlette.concurrency import run_in_threadpool

from consumer.api.services import Plane
from consumer.console.activity import latest
from consumer.console.groups import groups
from consumer.console.look import WITHIN_S, Look
from consumer.console.page import JOBS_MOST, Seen
from consumer.console.stuck import Found, Stillness
from consumer.console.supervised import Now, Supervised
from consumer.console.tenants import tenants
from consumer.console.worst import Worst, WorstEndpoints
from consumer.control.audit import Deed
from consumer.control.deeds import deeds_of
from consumer.jobs.conduct import AskedJob
from consumer.jobs.directory import Jobs
from consumer.kafka.lag import Behind, LagReader
from consumer.kafka.topics import Topics
from consumer.log.standing import Standing, StandingReader
from consumer.log.store import HealthReader
from consumer.replay.latest_poison import LatestPoison
from consumer.replay.poison import PoisonRecord
from consumer.settings import Settings

RECORDS_EVERY_S: Final = 10.0
"""A look at poison, or at the audit log, reads records, and they may be large or many."""
_SUPERVISOR_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Each may raise what `Look` knows. `jobs` are those that have not ended, so many of them."""

    now: Callable[[], Now]
    behind: Callable[[], Sequence[Behind]]
    worst: Callable[[], Worst]
    poison: Callable[[], Sequence[PoisonRecord]]
    index: Callable[[], Standing]
    deeds: Callable[[], Sequence[Deed]]
    jobs: Callable[[int], Sequence[AskedJob]]


def sources(settings: Settings, plane: Plane, jobs: Jobs, opened: ExitStack) -> Sources:
    """Those of a process. Nothing is asked before somebody looks.

    Raises:
        ConfigurationError: the URL of a Redis is malformed.
    """
    everybody, healths, index = plane.webhooks.everybody, HealthReader(settings), StandingReader(settings)
    opened.callback(healths.close)
    opened.callback(index.close)
    return Sources(
        now=Supervised(settings.admin_listen, within_s=_SUPERVISOR_S).read,
        behind=partial(LagReader(settings, groups(settings)).read, WITHIN_S),
        worst=WorstEndpoints(ids=everybody.ids, find=everybody.find, healths=healths.read).look,
        poison=partial(LatestPoison(settings).read, WITHIN_S),
        index=index.read,
        deeds=partial(latest, deeds_of(settings)),
        jobs=lambda most: jobs.unfinished(most=most),
    )


class Looks:
    """Belongs to one event loop."""

    def __init__(self, of: Sources, plane: Plane, *, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        still = Stillness(Topics.of(plane.settings).retry_topics)

        def behind() -> tuple[Sequence[Behind], Found]:
            told = of.behind()
            return told, still.looked(told, monotonic_s())

        self._plane = plane
        self._jobs = of.jobs
        self._now = Look("now", of.now, monotonic_s=monotonic_s)
        self._behind = Look("lag", behind, monotonic_s=monotonic_s)
        self._worst = Look("worst", of.worst, monotonic_s=monotonic_s)
        self._poison = Look("poison", of.poison, every_s=RECORDS_EVERY_S, monotonic_s=monotonic_s)
        self._index = Look("index", of.index, monotonic_s=monotonic_s)
        self._deeds = Look("activity", of.deeds, every_s=RECORDS_EVERY_S, monotonic_s=monotonic_s)

    async def seen(self, sought: str) -> Seen:
        """All that is told now; `sought` is a tenant."""
        now, behind, worst, poison, index, deeds = await asyncio.gather(
            self._now.told(),
            self._behind.told(),
            self._worst.told(),
            self._poison.told(),
            self._index.told(),
            self._deeds.told(),
        )
        return Seen(
            now=now,
            behind=behind,
            worst=worst,
            poison=poison,
            index=index,
            deeds=deeds,
            tenants=await run_in_threadpool(tenants, self._plane, sought),
            sought=sought,
            jobs=await run_in_threadpool(self._jobs, JOBS_MOST + 1),
        )
