"""What is looked at while everything runs: how far is committed, and what the processes hold and use.

The law: a sample is taken before its time is read, so what it says was true by then.
"""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from consumer.delivery import done_map
from consumer.delivery.done_map import DoneMap
from consumer.kafka import stamps
from tests.chaos.arena import PARTITIONS, Arena
from tests.chaos.faults import now_ms, workers
from tests.spent import Spent, look

_EVERY_S: Final = 1.0
_HELD_EVERY: Final = 5  # of these


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """By `at_ms` everything below `offset`, and what the map says, was said to be done."""

    at_ms: int
    partition: int
    offset: int
    done: DoneMap | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a process held."""

    at_ms: int
    pid: int
    role: str
    rss_mb: float
    descriptors: int


class Watch:
    """Looks until told to stop."""

    def __init__(self, arena: Arena) -> None:
        self._arena = arena
        self._consumer = Consumer(
            {
                "bootstrap.servers": arena.kafka.bootstrap,
                "group.id": arena.stage.topics.group("deliver"),
                "log_level": 0,
            }
        )
        self.committed: list[Committed] = []
        self.held: list[Held] = []
        self.spent: list[Spent] = []

    def run(self, stop: threading.Event) -> None:
        """Look about every second."""
        turn = 0
        while not stop.wait(_EVERY_S):
            self._look_at_commits()
            if turn % _HELD_EVERY == 0:
                self.look_at_processes()
            turn += 1
        self._consumer.close()

    def _look_at_commits(self) -> None:
        places = [TopicPartition(self._arena.stage.event_topic, number) for number in range(PARTITIONS)]
        try:
            found = self._consumer.committed(places, timeout=2.0)
        except KafkaException:
            return  # the broker is away: nothing is said
        at_ms = now_ms()
        for place in found:
            if place.offset >= 0:
                done = done_map.decode(stamps.read(place.metadata or "")[1], place.offset)
                self.committed.append(Committed(at_ms=at_ms, partition=place.partition, offset=place.offset, done=done))

    def look_at_processes(self) -> None:
        """Memory and descriptors of every worker, and what every process has used, now."""
        at_ms = now_ms()
        self.spent += look(at_ms)
        for house in self._arena.houses:
            for pid, role, _ in workers(house):
                try:
                    status = Path(f"/proc/{pid}/status").read_text()
                    descriptors = len(list(Path(f"/proc/{pid}/fd").iterdir()))
                except OSError:
                    continue  # it has just been killed
                if "VmRSS:" in status:
                    rss_mb = int(status.split("VmRSS:")[1].split()[0]) / 1_024
                    self.held.append(Held(at_ms=at_ms, pid=pid, role=role, rss_mb=rss_mb, descriptors=descriptors))
