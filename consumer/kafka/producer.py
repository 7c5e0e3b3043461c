"""Producing the records that must not be lost: retries, spills, chunks, dead letters, poison.

The law: every token given to `write` comes back from `poll` exactly once: acknowledged by all in-sync replicas, or
refused by the topic for what it is (too large, no key where one is due). Whatever else goes wrong, the record is
produced again, until the process ends.

So a record may be written twice (after a fatal error the outcome of what was in flight is unknown): readers drop
repeats by delivery id.
"""

import time
from collections.abc import Sequence
from functools import partial
from typing import Final, TypeAlias

import msgspec
import structlog
from confluent_kafka import (
    TIMESTAMP_LOG_APPEND_TIME,
    KafkaError,
    KafkaException,
    Message,
    Producer,
)

from consumer.kafka.client import (
    KafkaBroken,
    KafkaFatal,
    broken,
    build,
    denied,
    error_of,
    is_fatal,
)
from consumer.kafka.producing import (
    LINGER_MS,
    QUEUED_BYTES,
    TOO_LARGE,
    OneByOne,
    in_place_of,
    producer_properties,
)
from consumer.kafka.unacknowledged import Unacknowledged, Write
from consumer.settings import Settings
from consumer.telemetry.counters import counters
from consumer.telemetry.distributions import distributions
from consumer.telemetry.outage import Outage

_log = structlog.get_logger("kafka")

_BY_KEY: Final = -1
# So often in a row, without one acknowledgement in between, and the trouble is not this producer's.
_MAX_REBUILDS: Final = 5
_REFUSALS: Final = TOO_LARGE | {KafkaError.INVALID_RECORD}


class Acknowledged(msgspec.Struct, frozen=True, kw_only=True):
    """The record is on all in-sync replicas.

    `timestamp_ms` is the broker's append time; None where the topic's timestamps are the producers'. `place` is its
    topic, partition and offset, where they are told.
    """

    token: int
    timestamp_ms: int | None
    place: tuple[str, int, int] | None = None


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """The topic will never take this record. `reason` is the broker's.

    `too_large_bytes` is the record's own size, before compression, where that is the reason.
    """

    token: int
    reason: str
    too_large_bytes: int | None


Produced: TypeAlias = Acknowledged | Refused


class RecordProducer:
    """Idempotent, acks=all, owned by one thread. Nothing here blocks but `close`.

    Without idempotence a record may be repeated or overtaken after a lost answer; the first record then need not
    wait for a producer id, which takes half a second.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        idempotent: bool = True,
        linger_ms: int = LINGER_MS,
        queued_bytes: int = QUEUED_BYTES,
    ) -> None:
        self._properties = producer_properties(
            settings, idempotent=idempotent, linger_ms=linger_ms, queued_bytes=queued_bytes
        )
        self._queue_bytes = int(str(self._properties["queue.buffering.max.kbytes"])) * 1_024
        self._unacknowledged = Unacknowledged()
        self._produced: list[Produced] = []
        self._generation = 0
        self._rebuilds = 0
        self._fatal: str | None = None
        self._denied: KafkaBroken | None = None
        self._failing = Outage(_log, "records not acknowledged")
        self._producer = build(Producer, self._properties)
        self._one_by_one = OneByOne(Producer, self._properties)
        self._took = distributions.of("hookline_produce_latency_seconds", "records")

    @property
    def pending(self) -> int:
        """Records written and neither acknowledged nor refused."""
        return len(self._unacknowledged)

    @property
    def full(self) -> bool:
        """Do not write more for now (it would be kept, but without bound)."""
        return self._unacknowledged.is_crowded

    def write(
        self,
        token: int,
        *,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes | None]] = (),
        partition: int | None = None,
    ) -> None:
        """Produce a record, to this partition or where its key belongs.

        What became of it comes from a later `poll`, under this token, which must be new.
        """
        write = Write(
            token=token,
            topic=topic,
            key=key,
            value=value,
            headers=list(headers),
            partition=partition,
            since_s=time.monotonic(),
        )
        write.alone = write.size > self._queue_bytes  # librdkafka's queue would be full for it even when it is empty
        self._unacknowledged.add(write)
        if self.full:
            self._unacknowledged.crowd(write)
        else:
            self._produce_or_wait(write)

    def poll(self) -> list[Produced]:
        """Serve librdkafka's callbacks and return what was acknowledged or refused since the last call.

        Raises:
            AccessDenied: a topic may not be written.
            KafkaFatal: several new producers in a row failed for good without one acknowledgement.
        """
        self._producer.poll(0)
        self._one_by_one.poll()
        if self._denied is not None:
            raise self._denied
        if self._fatal is not None:
            self._rebuild(self._fatal)
        now_s = time.monotonic()
        while (due := self._unacknowledged.next_due(now_s)) is not None:
            self._produce_or_wait(due)
        while (crowded := self._unacknowledged.next_crowded) is not None and self._produce(crowded):
            self._unacknowledged.has_room()
        produced, self._produced = self._produced, []
        return produced

    def close(self, timeout_s: float) -> int:
        """Wait until everything is acknowledged, at most `timeout_s`. Returns how many records are left.

        What was acknowledged meanwhile is still to be had from `poll`.
        """
        until_s = time.monotonic() + timeout_s
        kept: list[Produced] = []
        while True:
            kept += self.poll()
            if not self.pending or time.monotonic() >= until_s:
                break
            for producer in (*self._one_by_one.all_made, self._producer):
                producer.flush(min(0.05, max(0.0, until_s - time.monotonic())))
        self._produced = kept
        return self.pending

    def _produce_or_wait(self, write: Write) -> None:
        if not self._produce(write):
            self._unacknowledged.crowd(write)

    def _produce(self, write: Write) -> bool:
        """Hand a record to librdkafka. False when its queue is full."""
        producer = self._one_by_one.producer if write.alone else self._producer
        try:
            producer.produce(
                write.topic,
                write.value,
                write.key,
                partition=_BY_KEY if write.partition is None else write.partition,
                headers=list(write.headers),
                on_delivery=partial(self._delivered, self._generation, write),
            )
        except BufferError:
            return False
        except KafkaException as exception:
            self._failed(write, error_of(exception))
        return True

    def _delivered(self, generation: int, write: Write, error: KafkaError | None, message: Message) -> None:
        if generation != self._generation:
            return  # the producer before the last rebuild: this record has been produced again
        if error is not None:
            self._failed(write, error)
            return
        self._rebuilds = 0
        self._failing.over()
        self._took.observe(time.monotonic() - write.since_s)
        kind, timestamp_ms = message.timestamp()
        appended_ms = timestamp_ms if kind == TIMESTAMP_LOG_APPEND_TIME else None
        self._unacknowledged.end(write)
        partition, offset = message.partition(), message.offset()
        place = None if partition is None or offset is None else (write.topic, partition, offset)
        self._produced.append(Acknowledged(token=write.token, timestamp_ms=appended_ms, place=place))

    def _failed(self, write: Write, error: KafkaError) -> None:
        if error.code() in _REFUSALS and not write.alone:
            write.alone = True
            self._produce_or_wait(write)
            return
        if error.code() in _REFUSALS:
            self._unacknowledged.end(write)
            size = write.size if error.code() in TOO_LARGE else None
            self._produced.append(Refused(token=write.token, reason=error.str(), too_large_bytes=size))
            return
        counters.add("produce_failed", reason=error.name())
        if denied(error):
            self._denied = broken(error, "writing records", needs=f"WRITE on topic {write.topic}")
        self._failing.met(topic=write.topic, error=error.str())
        if is_fatal(error):
            self._fatal = error.str()
            return  # the rebuild produces every unacknowledged record
        self._unacknowledged.failed(write, time.monotonic())

    def _rebuild(self, why: str) -> None:
        """A new producer takes over everything that is not acknowledged."""
        if self._rebuilds >= _MAX_REBUILDS:
            raise KafkaFatal(why, code="_FATAL")
        old = (*self._one_by_one.all_made, self._producer)
        self._producer = in_place_of(old, self._properties, why, records=self.pending)
        self._one_by_one = OneByOne(Producer, self._properties)
        self._rebuilds += 1
        self._generation += 1
        self._fatal = None
        self._unacknowledged.begin_anew()
