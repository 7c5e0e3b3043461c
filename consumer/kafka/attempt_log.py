"""The delivery log's writer: an attempt record for every HTTP request.

The law: when the log `has` a ticket, every attempt that was written before the ticket was given out is acknowledged by
all in-sync replicas. An offset committed then is never ahead of the log.

A callback for every record would cost more than the record. So two producers alternate (`tickets.py`), and only
failures call back, and are produced again.
"""

import time
from collections import deque
from collections.abc import Callable
from functools import partial

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from consumer.kafka.client import KafkaBroken, Properties, broken, build, denied, error_of
from consumer.kafka.producing import QUEUED_BYTES, TOO_LARGE, OneByOne, backoff_s, producer_properties
from consumer.kafka.records import shortened
from consumer.kafka.tickets import Sides, Ticket
from consumer.kafka.topics import Topics
from consumer.settings import Settings
from consumer.telemetry.counters import counters
from consumer.telemetry.outage import Outage

_log = structlog.get_logger("kafka")


class AttemptLog:
    """Owned by one thread. Nothing here blocks but `close`."""

    def __init__(self, settings: Settings, *, queued_bytes: int = QUEUED_BYTES) -> None:
        """`queued_bytes`: what may stand in the queue of each of the two."""
        self._topic = Topics.of(settings).attempts
        properties = producer_properties(settings, idempotent=False, queued_bytes=queued_bytes)
        outage = Outage(_log, "attempt records not acknowledged")
        self._pair = _Side(self._topic, properties, outage), _Side(self._topic, properties, outage)
        self._sides = Sides(*self._pair, turned=self._write_to)
        self._write_to(self._sides.active)

    def _write_to(self, side: "_Side") -> None:
        # Bound once: looking it up through two objects costs more than the rest of `write`.
        self._active, self._produce = side, side.producer.produce

    def write(self, key: bytes, value: bytes) -> None:
        """Write an attempt record: `key` is the subscription's id."""
        if self._active.waiting:
            self._active.waiting.append((key, value))
            return
        try:
            self._produce(self._topic, value, key)
        except BufferError:
            self._active.waiting.append((key, value))
        except KafkaException as exception:
            self._active.failed(key, value, error_of(exception))

    @property
    def full(self) -> bool:
        """Do not write more for now (it would be kept, but without bound)."""
        return bool(self._active.waiting)

    @property
    def pending(self) -> int:
        """Records not known to be acknowledged."""
        return self._sides.left

    def ticket(self) -> Ticket:
        """A ticket for every attempt that was written until now."""
        return self._sides.ticket()

    def has(self, ticket: Ticket) -> bool:
        """Whether every attempt that the ticket stands for is acknowledged."""
        return self._sides.has(ticket)

    def poll(self) -> None:
        """Serve librdkafka's callbacks and produce again what failed.

        Raises:
            KafkaBroken: the topic refuses an attempt record even without its bodies.
        """
        for side in self._pair:
            side.poll()

    def close(self, timeout_s: float) -> int:
        """Wait until everything is acknowledged, at most `timeout_s`. Returns how many records are left."""
        until_s = time.monotonic() + timeout_s
        while self.pending and time.monotonic() < until_s:
            self.poll()
            for side in self._pair:
                side.producer.flush(min(0.05, max(0.0, until_s - time.monotonic())))
        return self.pending


class _Side:
    """One of the two producers, with what it could not take or has to produce again."""

    def __init__(self, topic: str, properties: Properties, outage: Outage) -> None:
        self._topic = topic
        self._properties = properties | {"delivery.report.only.error": True}
        self._outage = outage
        self._failures = 0
        self._not_before_s = 0.0
        self._refused: str | None = None
        self._denied: KafkaBroken | None = None
        self.waiting: deque[tuple[bytes, bytes]] = deque()
        self.producer = build(partial(Producer, on_delivery=partial(self._delivered, self.failed)), self._properties)
        told_alone = partial(self._delivered, self._failed_alone)
        self._one_by_one = OneByOne(partial(Producer, on_delivery=told_alone), self._properties)

    @property
    def left(self) -> int:
        return len(self.producer) + len(self.waiting) + len(self._one_by_one)

    def poll(self) -> None:
        self.producer.poll(0)
        self._one_by_one.poll()
        if self._denied is not None:
            raise self._denied
        if self._refused is not None:
            raise KafkaBroken(f"{self._topic} refuses an attempt record: {self._refused}")
        if self.left == 0:
            self._failures = 0
            self._outage.over()
        if not self.waiting or time.monotonic() < self._not_before_s:
            return
        for _ in range(len(self.waiting)):
            key, value = self.waiting[0]
            try:
                self.producer.produce(self._topic, value, key)
            except BufferError:
                return
            except KafkaException as exception:
                self.failed(key, value, error_of(exception))
            self.waiting.popleft()

    def failed(self, key: bytes, value: bytes, error: KafkaError) -> None:
        """Keep the record to be produced again."""
        counters.add("produce_failed", reason=error.name())
        if error.code() in TOO_LARGE:
            self._send_alone(key, value)
            return
        if denied(error):
            self._denied = broken(error, "writing attempts", needs=f"WRITE on topic {self._topic}")
        self._outage.met(topic=self._topic, error=error.str())
        self._failures += 1
        self._not_before_s = time.monotonic() + backoff_s(self._failures)
        self.waiting.append((key, value))

    def _send_alone(self, key: bytes, value: bytes) -> None:
        try:
            self._one_by_one.producer.produce(self._topic, value, key)
        except BufferError:
            self.waiting.append((key, value))

    def _failed_alone(self, key: bytes, value: bytes, error: KafkaError) -> None:
        """Too large by itself: logged without its bodies, which are nearly all of it."""
        if error.code() in TOO_LARGE:
            short = shortened(value)
            if len(short) == len(value):
                self._refused = error.str()
            _log.warning("attempt logged without its bodies", topic=self._topic, bytes=len(value))
            value = short
        self.waiting.append((key, value))

    @staticmethod
    def _delivered(
        failed: Callable[[bytes, bytes, KafkaError], None], error: KafkaError | None, message: Message
    ) -> None:
        key, value = message.key(), message.value()
        assert error is not None
        assert key is not None
        assert value is not None
        failed(key, value, error)
