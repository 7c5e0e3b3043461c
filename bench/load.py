"""Events onto the topic: as many as asked at once, or so many a second.

The law: an event is stamped when it is handed to the producer, and a paced event that comes late is published at once
and stamped with the time it really was: a stall of ours is never measured as one of Hookline's.
"""

import time
from typing import Final, Protocol

from confluent_kafka import KafkaError, Message, Producer

from bench.installation import BenchError

_TICK_S: Final = 0.001  # of those that are due within it nobody waits for each: that would take a core


class Events(Protocol):
    """Whose events are published: an `Audience`'s, as a rule."""

    def event(self, number: int) -> bytes:
        """Event `number`, made when it is handed to the producer."""


class Load:
    """A producer to a topic of events. Every event is given a number of its own.

    Its key is that number, or where so many `keys` are wanted one of them, in turn. Where they are not `keyed`, those
    of some milliseconds go to one partition. Events travel at once, or with those of the next `linger_ms`.
    """

    def __init__(
        self, bootstrap: str, topic: str, *, keys: int | None = None, keyed: bool = True, linger_ms: int = 0
    ) -> None:
        self._keys = keys
        self._keyed = keyed
        self._topic = topic
        self._refused: KafkaError | None = None
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "linger.ms": linger_ms,
                "on_delivery": self._delivered,
                "log_level": 0,  # what matters comes back as an error; the verdict is the last line printed
            }
        )
        self._number = 0

    def publish(self, events_of: Events, events: int) -> None:
        """As fast as the producer takes them; all acknowledged when this returns."""
        for _ in range(events):
            self._produce(events_of)
        self._finish()

    def publish_paced(self, events_of: Events, *, a_second: int, for_s: float) -> None:
        """Evenly; all acknowledged when this returns."""
        began_s = time.monotonic()
        for number in range(int(a_second * for_s)):
            early_s = began_s + number / a_second - time.monotonic()
            if early_s > 0:
                self._producer.poll(0)
                time.sleep(max(early_s, _TICK_S))
            self._produce(events_of)
        self._finish()

    def _produce(self, events_of: Events) -> None:
        while True:
            try:
                self._producer.produce(self._topic, events_of.event(self._number), self._key())
            except BufferError:
                self._producer.poll(0.1)
            else:
                break
        self._number += 1
        if self._number % 256 == 0:
            self._producer.poll(0)

    def _key(self) -> str | None:
        if not self._keyed:
            return None
        return str(self._number if self._keys is None else self._number % self._keys)

    def _finish(self) -> None:
        left = self._producer.flush(60)
        if left or self._refused is not None:
            raise BenchError(f"events could not be published: {self._refused or f'{left} are left'}")

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        self._refused = self._refused or error
