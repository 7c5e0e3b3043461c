"""The role `jobs`: what is sent again, by the one process that leads.

The law: who leads the group opens the ledger, which refuses whatever a former leader still writes, and reads all that
he wrote before it decides anything. Whoever takes the ledger over ends this, and it begins anew from what is written.
"""

import threading
from typing import Final

import structlog

from consumer.jobs.known import KnownTopics
from consumer.jobs.leading import Leading, Parts, parts_of
from consumer.kafka.topics import Topics
from consumer.replay.ledger import TakenOver
from consumer.roles.clock import Clock
from consumer.roles.leadership import NOT_JOINED, Leadership
from consumer.roles.lives import AGAIN_S, live
from consumer.roles.role import Role
from consumer.roles.slot import instance_id
from consumer.settings import Settings
from consumer.telemetry.outage import Outage
from consumer.telemetry.pulse import RESTS_S, pulse
from consumer.telemetry.snapshot import Reading

_log = structlog.get_logger("jobs")

_IDLE_S: Final = 0.2
_READING: Final = "it reads what the one before it wrote"


def main(settings: Settings, stop: threading.Event, slot: int) -> None:
    """Run jobs while it falls to this process, until `stop` is set.

    Raises:
        ConfigurationError: Kafka's or Redis' settings are wrong.
        TopicsUnfit: a topic is missing, or not as it must be.
    """
    with parts_of(settings) as parts:
        run(settings, stop, slot, parts)


def run(settings: Settings, stop: threading.Event, slot: int, parts: Parts) -> None:
    """The same, on these parts.

    Raises:
        ConfigurationError: Kafka's settings are wrong.
        TopicsUnfit: a topic is missing, or not as it must be.
    """
    interrupted = Outage(_log, "jobs interrupted")
    known = KnownTopics(settings)
    known.start()
    try:
        live(settings, Role.JOBS, stop, interrupted, lambda: _Life(settings, slot, known, parts, interrupted))
    finally:
        known.close()


class _Life:
    """One life of the clients."""

    def __init__(self, settings: Settings, slot: int, known: KnownTopics, parts: Parts, interrupted: Outage) -> None:
        topics = Topics.of(settings)
        self._settings = settings
        self._known = known
        self._parts = parts
        self._interrupted = interrupted
        self._clock = Clock()
        self._leading: Leading | None = None
        self._leadership = Leadership(
            settings,
            topic=topics.jobs,
            group=topics.group(Role.JOBS),
            instance=instance_id(settings, Role.JOBS, slot),
        )

    def until(self, stop: threading.Event) -> None:
        """Lead while it falls to this process, stand by otherwise.

        Raises:
            KafkaBroken: the clients have to be made anew.
        """
        while not stop.is_set():
            pulse.beat()
            if not self._leadership.held(0.0 if self._leading else _IDLE_S):
                self._stand_by()
                continue
            try:
                if self._leading is None:
                    self._begin(stop)
                    continue
                self._leading.turn(RESTS_S, stop.is_set)
                self._interrupted.over()
            except TakenOver:
                # Somebody else began to send: he is left to it for a moment.
                _log.warning("taken over: another process sends again")
                self._stand_by()
                stop.wait(AGAIN_S)

    def tell(self, reading: Reading) -> None:
        """Whether it leads."""
        reading.value("hookline_leader", self._leadership.leads)
        behind = self._leadership.leads and self._leading is None
        pulse.lacks = (_READING,) if behind else () if self._leadership.joined else (NOT_JOINED,)

    def close(self) -> None:
        """Leave Kafka."""
        self._stand_by()
        self._leadership.close()

    def _begin(self, stop: threading.Event) -> None:
        def asked_to_stop() -> bool:
            pulse.beat()  # it is asked again and again while much is read
            return stop.is_set()

        self._leading = Leading.begin(
            self._settings, self._known, self._parts, now_ms=self._clock.now_ms, stop=asked_to_stop
        )
        _log.info("leading")

    def _stand_by(self) -> None:
        leading, self._leading = self._leading, None
        if leading is not None:
            leading.close()
