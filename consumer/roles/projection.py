"""The role `projection`: the subscriptions topic, kept in Redis.

The law: one process leads; it reads the topic, writes what holds into the cache, writes winners again into the topic,
and says every second that it is there. Redis or Kafka being away stops it where it is, and it goes on from there.
"""

import secrets
import threading
import time
from itertools import count
from typing import Final

import structlog

from consumer.events.event import Record
from consumer.kafka.feed import Feed
from consumer.kafka.newer import stop_before
from consumer.kafka.producer import RecordProducer
from consumer.kafka.topics import Topics
from consumer.roles.leadership import NOT_JOINED, Leadership
from consumer.roles.lives import AGAIN_S, live
from consumer.roles.role import Role
from consumer.roles.slot import instance_id
from consumer.settings import Settings
from consumer.telemetry.counters import counters
from consumer.telemetry.outage import Outage
from consumer.telemetry.pulse import RESTS_S, pulse
from consumer.telemetry.snapshot import Reading
from consumer.webhooks.cache import Cache, CacheUnavailable, connect
from consumer.webhooks.projection import Projection, Superseded

_log = structlog.get_logger("projection")

_BATCH: Final = 2_000
_BEAT_S: Final = 1.0
_WAIT_S: Final = 0.25
_DRAIN_S: Final = 3.0
_BEHIND: Final = "the cache cannot be read yet"


def main(settings: Settings, stop: threading.Event, slot: int) -> None:
    """Project until `stop` is set.

    Raises:
        ConfigurationError: Kafka's or Redis' settings are wrong.
        TopicsUnfit: the subscriptions topic is missing or not compacted.
    """
    interrupted = Outage(_log, "projection interrupted")
    live(settings, Role.PROJECTION, stop, interrupted, lambda: _Run(settings, slot, interrupted, stop))


class _Run:
    """One life of the clients."""

    def __init__(self, settings: Settings, slot: int, interrupted: Outage, stop: threading.Event) -> None:
        topics = Topics.of(settings)
        self._topic = topics.subscriptions
        self._interrupted = interrupted
        self._away = Outage(_log, "redis unreachable")
        self._client = connect(settings)
        self._projection = Projection(
            self._client, topic_prefix=settings.topic_prefix, new_token=lambda: secrets.token_hex(8)
        )
        self._producer = RecordProducer(settings)
        self._tokens = count()
        self._feed = Feed(settings, self._topic, over=stop.is_set)
        self._leadership = Leadership(
            settings,
            topic=self._topic,
            group=topics.group(Role.PROJECTION),
            instance=instance_id(settings, Role.PROJECTION, slot),
        )
        self._begun = False
        self._at_end = False
        self._topic_id: str | None = None
        self._said_ready = False
        self._unapplied: tuple[list[Record], dict[int, int]] | None = None
        self._beat_at_s = 0.0
        self._kept_up_s = time.monotonic()

    def until(self, stop: threading.Event) -> None:
        """Lead while it falls to this process, stand by otherwise.

        Raises:
            KafkaBroken: the clients have to be made anew.
        """
        while not stop.is_set():
            pulse.beat()
            if not self._leadership.held(0.0 if self._begun else _WAIT_S):
                self._begun = False
                self._kept_up_s = time.monotonic()
                continue
            try:
                self._turn()
                self._interrupted.over()
            except CacheUnavailable as error:
                self._away.met(error=str(error))
                stop.wait(AGAIN_S)
            except Superseded:
                _log.warning("superseded: another process took the cache over")
                self._begun = False
                stop.wait(_BEAT_S)

    def tell(self, reading: Reading) -> None:
        """Whether it leads, and for how long the cache has been behind the topic, or not been written at all."""
        leads = self._leadership.leads
        reading.value("hookline_leader", leads)
        if leads:
            reading.value("hookline_projection_lag_seconds", time.monotonic() - self._kept_up_s)
        behind = leads and not (self._begun and self._projection.ready)
        pulse.lacks = (_BEHIND,) if behind else () if self._leadership.joined else (NOT_JOINED,)

    def close(self) -> None:
        """Leave Kafka and Redis. A winner that is not written again yet is remembered in the cache."""
        self._leadership.close()
        self._feed.close()
        self._producer.close(_DRAIN_S)
        self._client.close()

    def _turn(self) -> None:
        if not self._begun:
            self._begin()
        self._apply()
        if time.monotonic() >= self._beat_at_s:
            self._beat_at_s = time.monotonic() + _BEAT_S
            self._projection.heartbeat()
            self._away.over()  # only now: a turn that writes nothing says nothing of Redis
            if self._unapplied is None and self._at_end and self._projection.ready:
                self._kept_up_s = time.monotonic()
            self._rebuild()
        self._producer.poll()
        if self._projection.ready is not self._said_ready:
            self._said_ready = self._projection.ready
            _log.info("the cache can be read" if self._said_ready else "the cache cannot be read")

    def _begin(self) -> None:
        if Cache(self._client).evicts():
            _log.warning("redis drops keys when it is full: set its maxmemory-policy to noeviction")
        self._projection.start(self._feed.ends())
        self._feed.read_from(self._projection.positions)
        self._unapplied = None
        self._begun = True
        _log.info("leading", positions=self._projection.positions)

    def _apply(self) -> None:
        """Read on and apply; what Redis did not take is applied again before anything else is read."""
        if self._unapplied is None:
            self._unapplied = self._feed.take(_BATCH, RESTS_S if self._rests else _WAIT_S)
        records, positions = self._unapplied
        for record in records:
            stop_before(record)  # or its webhook would be missing in the cache, and its events dropped
        self._at_end = len(records) < _BATCH
        if not positions:
            self._unapplied = None
            return
        step = self._projection.apply(records, positions)
        self._unapplied = None
        counters.add("subscriptions_applied", len(records))
        for each in step.refused:
            _log.error("not a subscription", partition=each.partition, offset=each.offset, error=each.reason)
        for rewrite in step.rewrites:
            self._producer.write(
                next(self._tokens), topic=self._topic, key=rewrite.key, value=rewrite.value, headers=rewrite.headers
            )

    @property
    def _rests(self) -> bool:
        """Whether nothing is to be done until a record comes, but to say that it is there."""
        return self._at_end and self._projection.ready and not self._producer.pending

    def _rebuild(self) -> None:
        broken = self._projection.broken
        before, self._topic_id = self._topic_id, self._feed.topic_id or self._topic_id
        if before is not None and before != self._topic_id:
            _log.warning("topic made anew", topic=self._topic)
            broken = self._projection.buckets
        if not broken:
            return
        _log.warning("rebuilding a part of the cache that was lost or changed", buckets=len(broken))
        self._projection.rebuild(broken, self._feed.ends())
        self._unapplied = None
        self._feed.read_from(self._projection.positions)
        counters.add("buckets_rebuilt", len(broken))
