"""Whom the console asks, in memory: what a test wrote, or why nobody answers."""

from collections.abc import Sequence
from typing import Final, TypeVar

from consumer.api.services import AuditReader, Plane
from consumer.console.activity import latest
from consumer.console.sources import Sources
from consumer.console.supervised import Now, Process, Told, Topic
from consumer.console.worst import Worst, WorstEndpoints
from consumer.jobs.conduct import AskedJob
from consumer.kafka.client import KafkaBroken
from consumer.kafka.lag import Behind
from consumer.log.standing import Standing
from consumer.replay.poison import PoisonRecord
from consumer.webhooks.cache import CacheUnavailable
from tests.memory_api import Healths
from tests.memory_jobs import MemoryDesk

_Told = TypeVar("_Told")

NO_LAG: Final = Behind(group="hookline.events", topic="orders", partition=0, committed=7, told="", end=7)
READY: Final = Process(role="deliver", slot=0, running=True, reasons=[], restarts=0, silent_for_s=0.4)
IDLE: Final = Told(
    version="1.0",
    processes=[READY],
    topics=[Topic(topic="orders", unfinished=0, oldest_age_s=0.0)],
    attempts={"delivered": 90.0, "retry": 10.0},
    events={"matched": 100.0},
    troubles=[],
)


class MemoryConsole:
    """`kafka`, `redis` and `supervisor` are what is raised instead of an answer; `asked` are the questions."""

    def __init__(self, plane: Plane, healths: Healths, jobs: MemoryDesk, deeds: AuditReader) -> None:
        self.kafka: str | None = None
        self.redis: str | None = None
        self.supervisor: Exception | None = None
        self.told = Now(told=IDLE, pace=None)
        self.behind: list[Behind] = [NO_LAG]
        self.poison: list[PoisonRecord] = []
        self.index = Standing(
            partitions=12, filling=0, entries=1_203, packed_bytes=3_145_728, since_ms=0, as_of_ms=1_000
        )
        self.asked: list[str] = []
        self._jobs = jobs
        self._deeds = deeds
        everybody = plane.webhooks.everybody
        self._worst = WorstEndpoints(ids=everybody.ids, find=everybody.find, healths=healths.read)

    @property
    def sources(self) -> Sources:
        return Sources(
            now=self._now,
            behind=lambda: self._of_kafka("behind", self.behind),
            worst=self._looked,
            poison=lambda: self._of_kafka("poison", self.poison),
            index=lambda: self._of_redis("index", self.index),
            deeds=lambda: self._of_kafka("deeds", latest(self._deeds)),
            jobs=self._unfinished,
        )

    def _now(self) -> Now:
        self.asked.append("now")
        if self.supervisor is not None:
            raise self.supervisor
        return self.told

    def _looked(self) -> Worst:
        self._of_redis("worst", None)
        return self._worst.look()

    def _unfinished(self, most: int) -> Sequence[AskedJob]:
        return [each for each in self._jobs.known.values() if not each.job.ended][:most]

    def _of_kafka(self, what: str, told: _Told) -> _Told:
        self.asked.append(what)
        if self.kafka is not None:
            raise KafkaBroken(self.kafka)
        return told

    def _of_redis(self, what: str, told: _Told) -> _Told:
        self.asked.append(what)
        if self.redis is not None:
            raise CacheUnavailable(self.redis)
        return told
