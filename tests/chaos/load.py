"""Events at a steady pace, with a ledger of what was meant, acknowledged, refused, and what nobody knows.

The law: an intent is on the disk before the event is handed to Kafka, and an end is on the disk within a beat of its
coming. Every intent has exactly one end: acknowledged, failed (it cannot be in the log) or unknown (it may be).
"""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaError, Message, Producer

from tests.acceptance.happenings import Encoder, Happening

_BEAT_S: Final = 0.025
_TIMEOUT_MS: Final = 12_000  # a broker that is away for longer leaves events unknown
_MAYBE: Final = frozenset({KafkaError._MSG_TIMED_OUT, KafkaError.REQUEST_TIMED_OUT})  # librdkafka's local code


@dataclass(slots=True, kw_only=True)
class Ledger:
    """How each event ended, by its number: acknowledged at (partition, offset)."""

    intended: int = 0
    acknowledged: dict[int, tuple[int, int]] = field(default_factory=dict)
    failed: set[int] = field(default_factory=set)
    unknown: set[int] = field(default_factory=set)


class Load:
    """A producer of its own. `make` gives the event of a number."""

    def __init__(
        self, bootstrap: str, topic: str, path: Path, *, partitions: int, make: Callable[[int], Happening]
    ) -> None:
        self._topic, self._partitions, self._make = topic, partitions, make
        self._encode = Encoder(topic)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._lines: list[str] = []
        self.ledger = Ledger()
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "enable.idempotence": True,
                "linger.ms": 5,
                "message.timeout.ms": _TIMEOUT_MS,
                "log_level": 0,
                "reconnect.backoff.max.ms": 500,
            }
        )

    def run(self, stop: threading.Event, *, a_second: float) -> None:
        """Publish until `stop` is set, then wait for every end. What is late is published at once."""
        began_s, number = time.monotonic(), 0
        while not stop.is_set():
            due = int((time.monotonic() - began_s) * a_second)
            self.publish(range(number, due))
            number = due
            self._producer.poll(_BEAT_S)
        self.finish()

    def publish(self, numbers: range) -> None:
        """The intents, on the disk; then the events."""
        self._lines += [f"i {number}\n" for number in numbers]
        self._write()
        self.ledger.intended += len(numbers)
        for number in numbers:
            value, headers = self._encode(self._make(number))
            while True:
                try:
                    self._producer.produce(
                        self._topic,
                        value,
                        str(number),
                        partition=number % self._partitions,
                        headers=headers,
                        on_delivery=partial(self._ended, number),
                    )
                    break
                except BufferError:
                    self._producer.poll(_BEAT_S)

    def finish(self) -> None:
        """Wait until every event has an end."""
        left = self._producer.flush(3 * _TIMEOUT_MS / 1_000)
        self._write()
        os.close(self._file)
        assert left == 0, f"{left} events without an end"

    def _ended(self, number: int, error: KafkaError | None, message: Message) -> None:
        if error is None:
            partition, offset = message.partition(), message.offset()
            assert partition is not None
            assert offset is not None
            self.ledger.acknowledged[number] = (partition, offset)
            self._lines.append(f"a {number} {partition} {offset}\n")
        elif error.code() in _MAYBE:
            self.ledger.unknown.add(number)
            self._lines.append(f"u {number} {error.name()}\n")
        else:
            self.ledger.failed.add(number)
            self._lines.append(f"f {number} {error.name()}\n")

    def _write(self) -> None:
        if self._lines:
            lines, self._lines = self._lines, []
            os.write(self._file, "".join(lines).encode())
            os.fsync(self._file)
