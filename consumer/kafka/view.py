"""A whole topic, followed for as long as a process lives: each record is folded in once, as soon as it is there.

The law: `reached(positions)` says that every record before these offsets was folded in. Kafka being away only delays:
the view goes on from where it was. It stands still before what a newer Hookline wrote (`newer.py`). A topic that was
made anew, or lost its end, is folded from nothing again.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import structlog

from consumer.events.event import Record
from consumer.kafka.client import AccessDenied, KafkaBroken
from consumer.kafka.feed import Feed
from consumer.kafka.newer import NewerRecord, stop_before
from consumer.settings import Settings
from consumer.telemetry.outage import Outage

_log = structlog.get_logger("kafka")

_BATCH: Final = 1_000
_WAIT_S: Final = 1.0
_AGAIN_S: Final = 0.5
_LEAVE_S: Final = 1.0
_NEWER_AGAIN_S: Final = 10.0  # a process that is older stays so: only somebody's hand takes such a record away


class Fold(Protocol):
    """What is made of the records. Called in the view's thread only."""

    def apply(self, record: Record) -> None:
        """Take the next record of its partition. What cannot be read is passed over; an exception is a bug."""

    def forget(self) -> None:
        """Begin anew: the records came from a topic that is no more."""


class TopicView:
    """A thread of its own, outside every group. Each record goes to every fold."""

    def __init__(self, settings: Settings, topic: str, *folds: Fold) -> None:
        self.topic = topic
        self._settings = settings
        self._folds = folds
        self._closing = threading.Event()
        self._moved = threading.Condition()
        self._positions: dict[int, int] = {}
        self._ends: dict[int, int] | None = None
        self._outgrown = False
        self._topic_id: str | None = None
        self._bug: Exception | None = None
        self._denied: AccessDenied | NewerRecord | None = None  # as long as it lasts
        self._away = Outage(_log, "topic not followed")
        self._thread = threading.Thread(target=self._run, name=f"view of {topic}", daemon=True)

    @property
    def ready(self) -> bool:
        """Whether everything was folded in that the topic held when this view began with it, and it still follows."""
        with self._moved:
            return self._ends is not None and not (self._bug or self._is_behind) and self._covers(self._ends)

    def start(self) -> None:
        """Begin to follow the topic from its beginning."""
        self._thread.start()

    def close(self) -> None:
        """Stop following. A client that waits for a broker that is away is left behind."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(_LEAVE_S)

    def reached(self, positions: Mapping[int, int], timeout_s: float) -> bool:
        """Wait, at most `timeout_s`, until everything before these offsets (by partition) was folded in.

        Raises:
            AccessDenied: the topic may not be read, at this time.
            NewerRecord: it holds what this version cannot read.
            Exception: the fold has a bug and follows no more.
        """
        with self._moved:
            if self._ends is not None and not positions.keys() <= self._positions.keys():
                self._outgrown = True  # the topic has new partitions
            self._moved.wait_for(lambda: self._bug or self._denied or self._covers(positions), timeout_s)
            if error := self._bug or self._denied:
                raise error
            return self._covers(positions)

    @property
    def _is_behind(self) -> bool:
        return isinstance(self._denied, NewerRecord)

    def _covers(self, positions: Mapping[int, int]) -> bool:
        return all(self._positions.get(partition, -1) >= offset for partition, offset in positions.items())

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._follow()
            except KafkaBroken as error:
                with self._moved:
                    self._denied = error if isinstance(error, AccessDenied | NewerRecord) else None
                    self._moved.notify_all()
                self._away.met(topic=self.topic, error=str(error))
                self._closing.wait(_NEWER_AGAIN_S if self._is_behind else _AGAIN_S)
            except Exception as error:  # noqa: BLE001 # a bug of the fold, raised where it is waited for
                _log.exception("bug")
                with self._moved:
                    self._bug = error
                    self._moved.notify_all()
                return

    def _follow(self) -> None:
        """One life of the client. Returns at the end, and when the topic is not what it was."""
        feed = Feed(self._settings, self.topic, over=self._is_over)
        try:
            self._begin(feed)
            while not self._is_over():
                records, positions = feed.take(_BATCH, _WAIT_S)
                if self._is_another(feed.topic_id):
                    self._begin_anew()
                    return
                if not positions:
                    continue
                for record in records:
                    stop_before(record)
                self._denied = None
                self._away.over(topic=self.topic)
                if self._went_back(records, positions):
                    self._begin_anew()
                    return
                for record in records:
                    for fold in self._folds:
                        fold.apply(record)
                with self._moved:
                    self._positions |= positions
                    self._moved.notify_all()
        finally:
            feed.close()

    def _is_over(self) -> bool:
        return self._closing.is_set() or self._outgrown

    def _begin(self, feed: Feed) -> None:
        ends = dict(enumerate(feed.ends()))
        if any(ends.get(partition, -1) < position for partition, position in self._positions.items()):
            self._begin_anew()
        with self._moved:
            self._outgrown = False
            self._positions = {partition: self._positions.get(partition, 0) for partition in ends}
            self._ends = ends if self._ends is None else self._ends
            self._moved.notify_all()
            feed.read_from(list(self._positions.values()))

    def _is_another(self, topic_id: str | None) -> bool:
        before, self._topic_id = self._topic_id, topic_id or self._topic_id
        return before is not None and before != self._topic_id

    def _went_back(self, records: Sequence[Record], positions: Mapping[int, int]) -> bool:
        """Whether what was read is not what follows: Kafka begins anew where an offset is no more."""
        return any(record.offset < self._positions[record.partition] for record in records) or any(
            offset < self._positions[partition] for partition, offset in positions.items()
        )

    def _begin_anew(self) -> None:
        _log.warning("topic made anew", topic=self.topic)
        with self._moved:
            self._positions = {}
            self._ends = None
        for fold in self._folds:
            fold.forget()
