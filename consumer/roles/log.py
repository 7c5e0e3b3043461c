"""The role `log`: the attempts topic, folded into each webhook's health in Redis; suspensions, and word of them.

Beside it, and never waited for, the index of the delivery log (`indexer.py`).

The law: of the attempts topic the offset in Redis is the truth, for it changes together with the figures; what is
committed to Kafka follows it, for those who watch lag. Redis or Kafka being away stops it where it is.
"""

import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from consumer.control.notices import Notices
from consumer.data_keys.keys import TenantKeys
from consumer.data_keys.sealing import Sealing, patient
from consumer.delivery.offsets import Partition, Position
from consumer.events.event import Record
from consumer.kafka.attempt_decoding import Head
from consumer.kafka.consumer import PartitionConsumer
from consumer.kafka.membership import LITTLE
from consumer.kafka.newer import stop_before
from consumer.kafka.producer import RecordProducer
from consumer.kafka.selection import Selection
from consumer.kafka.topics import Topics
from consumer.log.health import Health
from consumer.log.keeper import Keeper
from consumer.log.store import HealthStore
from consumer.log.suspension import Rule
from consumer.roles.acknowledged_writes import AcknowledgedWrites
from consumer.roles.announcer import Announcer
from consumer.roles.announcing import Announcing
from consumer.roles.certificate_watch import CertificateWatch
from consumer.roles.clock import Clock
from consumer.roles.failing_teller import FailingTeller
from consumer.roles.folding import Folding
from consumer.roles.indexer import Indexer
from consumer.roles.known_webhooks import KnownWebhooks
from consumer.roles.leadership import NOT_JOINED
from consumer.roles.lives import AGAIN_S, live
from consumer.roles.role import Role
from consumer.roles.slot import instance_id
from consumer.roles.suspender import Suspender
from consumer.roles.webhook_figures import WebhookFigures
from consumer.setting_values import duration_ms
from consumer.settings import Settings
from consumer.telemetry.outage import Outage
from consumer.telemetry.pulse import RESTS_S, pulse
from consumer.telemetry.snapshot import Reading
from consumer.webhooks.cache import CacheUnavailable, connect

_log = structlog.get_logger("log")

_BATCH: Final = 1_000
_WAIT_S: Final = 0.2
_SAVE_EVERY_S: Final = 0.25
_SAVE_EVERYWHERE_S: Final = 1.0
_SAVE_FROM: Final = 2_000
_SWEEP_EVERY_S: Final = 10.0
_DRAIN_S: Final = 1.0


def main(settings: Settings, stop: threading.Event, slot: int) -> None:
    """Fold until `stop` is set.

    Raises:
        ConfigurationError: Kafka's or Redis' settings are wrong.
        TopicsUnfit: a topic is missing, or not as it must be.
    """
    interrupted = Outage(_log, "log interrupted")
    known, keys = KnownWebhooks(settings), TenantKeys(settings)
    sealing = patient(settings, keys)
    known.view.start()

    def begin() -> _Run | None:
        # A resume that is not known yet would let the failures before it count.
        if not known.ready_within(AGAIN_S):
            return None
        return _Run(settings, slot, known, interrupted, sealing=sealing, stop=stop)

    try:
        live(settings, Role.LOG, stop, interrupted, begin)
    finally:
        known.view.close()
        keys.close()


class _Run:
    """One life of the clients, and what their consumer tells of its partitions."""

    def __init__(
        self,
        settings: Settings,
        slot: int,
        known: KnownWebhooks,
        interrupted: Outage,
        *,
        sealing: Sealing | None,
        stop: threading.Event,
    ) -> None:
        topics = Topics.of(settings)
        clock = Clock()
        self._attempts = topics.attempts
        self._known = known
        self._interrupted = interrupted
        self._away = Outage(_log, "redis unreachable")
        self._clock = clock
        self._client = connect(settings)
        self._writes = AcknowledgedWrites(RecordProducer(settings))
        self._folding = Folding(
            Keeper(
                HealthStore(self._client, topic_prefix=settings.topic_prefix), new_token=lambda: secrets.token_hex(8)
            ),
            known,
            begin=self._begin,
            failed=self._failed,
            taken=self._taken,
        )
        self._suspender = Suspender(
            known.directory.find,
            self._writes.write,
            topic=topics.subscriptions,
            rule=Rule(after_ms=duration_ms(settings.suspend_after), attempts=settings.suspend_attempts),
            now_ms=clock.now_ms,
        )
        announcer = Announcer(
            known.directory,
            known.view.reached,
            self._writes.write,
            topic=topics.retry(0),
            within_ms=duration_ms(settings.retry_for),
            now_ms=clock.now_ms,
            sealing=sealing,
        )
        self._webhooks = WebhookFigures(settings, self._folding, known.directory, clock.now_ms)
        self._certificates = CertificateWatch(known.directory.certificate_ends, known.directory.find)
        self._partitions = 0
        self._standing: Mapping[str, int] = {}
        self._save_at_s = self._sweep_at_s = self._everywhere_at_s = 0.0
        self._consumer = PartitionConsumer(
            settings,
            group=topics.group(Role.LOG),
            topics=Selection(names=(topics.attempts,)),
            instance=instance_id(settings, Role.LOG, slot),
            listener=self,
            fetch=LITTLE,
            stop=stop,
        )
        self._announcing = Announcing(settings, slot, announcer)
        self._teller = FailingTeller(
            known.directory.find,
            Notices(known.directory, topic=topics.retry(0), now_ms=clock.now_ms, sealing=sealing),
            self._writes.write,
            self._folding.told,
        )
        self._indexer = Indexer.from_settings(settings, topics.attempts, clock.now_ms)

    def until(self, stop: threading.Event) -> None:
        """Work.

        Raises:
            KafkaBroken: the clients have to be made anew.
        """
        while not stop.is_set():
            self._turn()
            self._interrupted.over()
            pulse.beat()

    def tell(self, reading: Reading) -> None:
        """How far it is in each partition, and how the webhooks do that it counts."""
        loaded = self._folding.loaded
        reading.value("hookline_partitions_assigned", len(loaded))
        for number, offset in loaded.items():
            end = self._consumer.log_end((self._attempts, number))
            if end is not None:
                reading.value("hookline_records_unstarted", max(0, end - offset), self._attempts, str(number))
        for state, webhooks in self._standing.items():
            reading.value("hookline_webhooks", webhooks, state)
        self._certificates.tell(reading)
        self._webhooks.tell(reading)
        pulse.lacks = () if self._consumer.joined else (NOT_JOINED,)

    def close(self) -> None:
        """Save, commit, leave Kafka and Redis."""
        self._writes.close(_DRAIN_S)
        self._save()
        self._consumer.commit_last(self._positions(), _DRAIN_S)
        self._consumer.close()
        self._indexer.close()
        self._announcing.close()
        self._client.close()

    # ── the consumer's partitions ────────────────────────────────────────────────────────────────────────────────

    def assigned(self, partitions: Mapping[Partition, Position]) -> None:
        """They are read as soon as their figures are here."""
        self._consumer.pause([*partitions])
        self._folding.assigned(number for _, number in partitions)

    def revoked(self, partitions: Sequence[Partition]) -> None:
        """Save what there is; a next owner that does not find it reads again."""
        self._save()
        going = {place: position for place, position in self._positions().items() if place in partitions}
        self._consumer.commit_now(going, _DRAIN_S)
        self.lost(partitions)

    def lost(self, partitions: Sequence[Partition]) -> None:
        """Partitions are gone: forget their figures."""
        for _, number in partitions:
            self._indexer.left(number)
        self._folding.left(number for _, number in partitions)

    def rewound(self, partition: Partition) -> None:
        """Their offsets count from the beginning again."""
        self._folding.rewound(partition[1])
        self._indexer.rewound(partition[1])

    # ── one turn ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _turn(self) -> None:
        now_s = time.monotonic()
        if now_s >= self._save_at_s or (self._folding.unsaved >= _SAVE_FROM and not self._away):
            self._save_at_s = now_s + (_SAVE_EVERY_S if self._save(loads=True) else AGAIN_S)
            self._consumer.commit(self._positions())
        for record in self._consumer.take(_BATCH, RESTS_S if self._rests else _WAIT_S):
            stop_before(record)  # or its webhook's figures would lack it for ever
            self._folding.fold(record)
            self._indexer.read(record)
        self._indexer.turn({number: end for (_, number), end in self._consumer.ends().items()})
        self._announcing.turn()
        self._suspender.decide(self._folding.loaded.get, self._folding.health_of)
        self._teller.decide(self._folding.loaded.get, self._folding.health_of)
        self._writes.poll()

    @property
    def _rests(self) -> bool:
        """Whether only records, a rebalance or the end can make work."""
        return not (self._away or self._folding.unsaved or self._writes.pending) and (
            self._folding.all_loaded and self._announcing.rests
        )

    def _save(self, *, loads: bool = False) -> bool:
        """Save, and load what was assigned since. While Redis is away nothing more is read."""
        try:
            # Not while a write may have been done unanswered: it is found again by its figures being the same.
            if loads and not self._away and time.monotonic() >= self._sweep_at_s:
                self._sweep_at_s = time.monotonic() + _SWEEP_EVERY_S
                self._partitions = self._consumer.count(self._attempts) or self._partitions
                self._indexer.counted(self._partitions)
                self._folding.sweep(self._clock.now_ms())
                self._standing = self._folding.standing(self._clock.now_ms())
                self._webhooks.look()
                self._certificates.look(self._clock.now_ms())
            # While it is away, a save that asks nothing would say that it is back.
            everywhere = bool(self._away) or time.monotonic() >= self._everywhere_at_s
            if everywhere:
                self._everywhere_at_s = time.monotonic() + _SAVE_EVERYWHERE_S
            self._folding.save(self._partitions, everywhere=everywhere)
            if loads:
                self._folding.load()
        except CacheUnavailable as error:
            self._consumer.pause(self._loaded())
            self._away.met(error=str(error))
            return False
        if self._away:
            self._consumer.resume(self._loaded())
            self._away.over()
        return True

    def _failed(self, partition: int, name: str, health: Health) -> None:
        def end() -> int | None:
            return self._consumer.end((self._attempts, partition))

        self._suspender.failed(name, health, partition, end)
        self._teller.heard(name, health, partition, end)

    def _begin(self, partition: int, offset: int | None) -> int:
        begin = self._consumer.read_from((self._attempts, partition), offset)
        self._indexer.began(partition, begin)
        return begin

    def _taken(self, record: Record, head: Head) -> None:
        self._indexer.taken(record, head)

    def _positions(self) -> dict[Partition, Position]:
        return {(self._attempts, number): Position(offset) for number, offset in self._folding.saved.items()}

    def _loaded(self) -> list[Partition]:
        return [(self._attempts, number) for number in self._folding.loaded]
