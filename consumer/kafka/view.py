"""A whole topic, followed for as long as a process lives: each record is applied once, as soon as it is there.

The law: `reached(positions)` says that every record before these offsets was applied. Kafka being away only delays;
the view goes on from where it was.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Final

import structlog

from consumer.events.event import Record
from consumer.kafka.client import KafkaBroken
from consumer.kafka.feed import Feed
from consumer.settings import Settings
from consumer.telemetry.outage import Outage

_log = structlog.get_logger("kafka")

_BATCH: Final = 1_000
_WAIT_S: Final = 0.2
_AGAIN_S: Final = 0.5


class TopicView:
    """A thread of its own, outside every group. In it runs `apply`, in the order of each partition."""

    def __init__(self, settings: Settings, topic: str, apply: Callable[[Record], None]) -> None:
        self.topic = topic
        self._settings = settings
        self._apply = apply
        self._closing = threading.Event()
        self._moved = threading.Condition()
        self._positions: dict[int, int] = {}
        self._ends: dict[int, int] | None = None
        self._bug: Exception | None = None
        self._away = Outage(_log, "topic not followed")
        self._thread = threading.Thread(target=self._run, name=f"view of {topic}", daemon=True)

    @property
    def ready(self) -> bool:
        """Whether everything was applied that the topic held when this view began, and it still follows."""
        with self._moved:
            return self._ends is not None and self._bug is None and self._covers(self._ends)

    def start(self) -> None:
        """Begin to follow the topic from its beginning."""
        self._thread.start()

    def close(self) -> None:
        """Stop following."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def reached(self, positions: Mapping[int, int], timeout_s: float) -> bool:
        """Wait, at most `timeout_s`, until everything before these offsets (by partition) was applied."""
        with self._moved:
            self._moved.wait_for(lambda: self._bug is not None or self._covers(positions), timeout_s)
            if self._bug is not None:
                raise self._bug
            return self._covers(positions)

    def _covers(self, positions: Mapping[int, int]) -> bool:
        return all(self._positions.get(partition, 0) >= offset for partition, offset in positions.items())

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._follow()
            except KafkaBroken as error:
                self._away.met(topic=self.topic, error=str(error))
                self._closing.wait(_AGAIN_S)
            except Exception as error:  # noqa: BLE001 # a bug of `apply`: raised where it is waited for
                _log.exception("bug")
                with self._moved:
                    self._bug = error
                    self._moved.notify_all()
                return

    def _follow(self) -> None:
        """One life of the client."""
        feed = Feed(self._settings, self.topic)
        try:
            ends = feed.ends()
            feed.read_from([self._positions.get(partition, 0) for partition in range(len(ends))])
            with self._moved:
                if self._ends is None:
                    self._ends = dict(enumerate(ends))
                self._moved.notify_all()
            while not self._closing.is_set():
                records, positions = feed.take(_BATCH, _WAIT_S)
                if not positions:
                    continue
                self._away.over(topic=self.topic)
                for record in records:
                    self._apply(record)
                with self._moved:
                    self._positions |= positions
                    self._moved.notify_all()
        finally:
            feed.close()
