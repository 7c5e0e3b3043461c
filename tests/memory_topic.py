"""The subscriptions topic in memory: written by any number of stores, and read by each into its directory."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Final

from consumer.control.applied import Seen
from consumer.control.directory import Directory
from consumer.control.topic_store import TopicStore
from consumer.events.event import Record
from consumer.kafka.client import KafkaBroken
from consumer.kafka.topic_writer import Place
from consumer.kafka.view import Fold
from consumer.kafka.writing import NewRecord

NOW_MS: Final = 1_790_000_000_000


class MemoryTopic:
    """One partition. `before_write` runs before each record is taken: a rival's moment."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.before_write: Callable[[], object] = lambda: None
        self._lock = threading.RLock()

    def write(self, record: NewRecord) -> "Future[Place]":
        before, self.before_write = self.before_write, lambda: None
        before()
        written: Future[Place] = Future()
        with self._lock:
            place = Place(partition=0, offset=len(self.records))
            self.records.append(
                Record(
                    topic=record.topic,
                    partition=place.partition,
                    offset=place.offset,
                    key=record.key,
                    value=record.value,
                    headers=record.headers,
                    timestamp_ms=NOW_MS,
                )
            )
        written.set_result(place)
        return written


class Losing(MemoryTopic):
    """Takes records; while `losing`, nobody is told of those whose keys begin so."""

    losing = False

    def __init__(self, of: bytes = b"") -> None:
        super().__init__()
        self._of = of

    def write(self, record: NewRecord) -> "Future[Place]":
        written = super().write(record)
        if self.losing and (record.key or b"").startswith(self._of):
            written = Future()
            written.set_exception(KafkaBroken("the answer got lost"))
        return written


class Lost(MemoryTopic):
    """Takes none."""

    def write(self, record: NewRecord) -> "Future[Place]":
        del record
        failed: Future[Place] = Future()
        failed.set_exception(KafkaBroken("it never came"))
        return failed


class AwayTopic:
    """Takes nothing."""

    def write(self, record: NewRecord) -> "Future[Place]":
        refused: Future[Place] = Future()
        refused.set_exception(KafkaBroken(f"{record.topic} is away"))
        return refused


class MemoryView:
    """Reads as far as it is asked to."""

    def __init__(self, topic: MemoryTopic, *folds: Fold) -> None:
        self._topic = topic
        self._folds = folds
        self._position = 0
        self._lock = threading.Lock()

    def reached(self, positions: Mapping[int, int], timeout_s: float) -> bool:
        del timeout_s
        with self._lock:
            for record in self._topic.records[self._position : positions[0]]:
                for fold in self._folds:
                    fold.apply(record)
            self._position = max(self._position, positions[0])
        return True


class Cache:
    """A cache that has applied whatever is asked for."""

    def __init__(self) -> None:
        self.seen = Seen.APPLIED

    def wait(self, tenant: str, place: Place, patience_s: float) -> Seen:
        del tenant, place, patience_s
        return self.seen


def store_on(topic: MemoryTopic, cache: Cache | None = None) -> tuple[TopicStore, Directory, MemoryView]:
    """One process's store, with its own directory."""
    directory = Directory()
    view = MemoryView(topic, directory)
    return (
        TopicStore("subscriptions", directory=directory, view=view, writer=topic, cache=cache or Cache()),
        directory,
        view,
    )
