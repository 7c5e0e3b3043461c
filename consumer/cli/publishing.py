"""The records of a file on their way to a topic.

The law: each is handed to the idempotent producer once, and what was not acknowledged is told by its number.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from consumer.cli.event_file import Outgoing
from consumer.cli.exits import INTERRUPTED, CommandFailed, bad_input, say, unavailable
from consumer.cli.outlook import Outlook
from consumer.cli.reach import PATIENCE_S
from consumer.cli.stopping import Stop
from consumer.kafka.client import Properties, build, client_properties, error_of
from consumer.kafka.producing import ANY_SIZE
from consumer.settings import Settings

_GIVE_UP_S = 10.0
_INTERRUPTED_S = 0.4
_MADE_WITHIN_S = 1.0


class Publishing:
    """Of one file. What is not acknowledged when it ends is told by its number."""

    def __init__(
        self,
        settings: Settings,
        topic: str,
        headers: list[tuple[str, str | bytes | None]],
        rate: float | None,
        stop: Stop,
    ) -> None:
        """Make sure of the topic, and begin. `stop` ends it between two records.

        Raises:
            CommandFailed: 78, there is no such topic; 69, Kafka does not answer.
        """
        self._topic = topic
        self._headers = headers
        self._interval_s = 1 / rate if rate else 0.0
        self._stop = stop
        self._producer = build(Producer, _properties(settings))
        self._began_s = time.monotonic()
        self._last = 0
        self._unacknowledged: set[int] = set()
        self.published = 0
        self._bytes = 0
        self._refused: tuple[int, str] | None = None
        _require(self._producer, topic)

    def send_all(self, records: Iterator[Outgoing], skip: int, advance: Callable[[Outgoing], object]) -> None:
        """Send these, but for the first `skip`; `advance` is told of each."""
        due_s = time.monotonic()
        while (record := self._stop.next_of(records)) is not None:
            if record.number <= skip:
                continue
            while not self._ended and (wait_s := due_s - time.monotonic()) > 0:
                self._producer.poll(min(wait_s, 0.1))
            if self._ended:
                return
            self._send(record)
            due_s = max(due_s + self._interval_s, time.monotonic() - 1.0)
            advance(record)

    def finish(self) -> None:
        """Wait for every acknowledgement; 10 s at most once something went wrong, half a second when interrupted."""
        until_s = float("inf")
        while len(self._producer) and time.monotonic() < until_s:
            if self._ended:
                patience_s = _INTERRUPTED_S if self._stop.asked else _GIVE_UP_S
                until_s = min(until_s, time.monotonic() + patience_s)
            self._producer.flush(0.1)

    def summarize(self, unit: str, outlook: Outlook | None, *, as_json: bool) -> int:
        """Say what was published, and which of it nobody wants; returns the exit code.

        `unit` is what a record is called in the file.

        Raises:
            CommandFailed: 69, Kafka did not take all of it.
        """
        seconds = round(time.monotonic() - self._began_s, 3)
        summary = {"topic": self._topic, "published": self.published, "bytes": self._bytes, "seconds": seconds}
        summary |= {} if outlook is None else {"unwanted": outlook.unwanted}
        if as_json:
            sys.stdout.write(msgspec.json.encode(summary).decode() + "\n")
        else:
            size = f"{self._bytes:,} bytes in {seconds:g} s"
            records = "1 record" if self.published == 1 else f"{self.published:,} records"
            sys.stdout.write(f"published {records} to {self._topic}: {size}\n")
            if outlook is not None:
                outlook.say()
        if self._refused is not None:
            number, why = self._refused
            raise unavailable(f"{unit} {number} was not published: {why}")
        if self._unacknowledged:
            first = min(self._unacknowledged)
            raise unavailable(f"from {unit} {first} on it is not known whether the records were published")
        if self._stop.asked:
            say(f"interrupted after {unit} {self._last}: go on with --skip {self._last}")
            return INTERRUPTED
        return os.EX_OK

    @property
    def _ended(self) -> bool:
        return self._stop.asked or self._refused is not None

    def _send(self, record: Outgoing) -> None:
        acknowledged = partial(self._acknowledged, record.number, len(record.value))
        while True:
            try:
                self._producer.produce(
                    self._topic, record.value, record.key, headers=self._headers, on_delivery=acknowledged
                )
            except BufferError:
                self._producer.poll(0.1)
                if self._ended:
                    return
            except KafkaException as exception:
                raise bad_input(f"record {record.number}: {error_of(exception).str()}") from None
            else:
                break
        self._last = record.number
        self._unacknowledged.add(record.number)
        self._producer.poll(0)

    def _acknowledged(self, number: int, size: int, error: KafkaError | None, _message: Message) -> None:
        self._unacknowledged.discard(number)
        if error is None:
            self.published += 1
            self._bytes += size
        elif self._refused is None:
            self._refused = (number, error.str())


def _require(producer: Producer, topic: str) -> None:
    """Make sure that there is such a topic; a broker that makes topics for whoever asks makes it now.

    Raises:
        CommandFailed: 78, there is none; 69, the broker does not say.
    """
    until_s = time.monotonic() + _MADE_WITHIN_S
    while True:
        try:
            found = producer.list_topics(topic, timeout=PATIENCE_S).topics[topic]
        except KafkaException as exception:
            raise unavailable(f"Kafka is out of reach: {error_of(exception).str()}") from None
        if found.error is None or found.error.code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
            return  # whatever else is wrong with it is said of the first record
        if time.monotonic() > until_s:
            break
        time.sleep(0.1)
    raise CommandFailed(
        os.EX_CONFIG, f"Kafka has no topic {topic}: it holds events, so create it yourself", field="topic"
    )


def _properties(settings: Settings) -> Properties:
    return client_properties(
        settings,
        ours={"acks": "all", "enable.idempotence": True, "message.max.bytes": ANY_SIZE},
        # Where a key lands is then the same for Java's tools.
        unless_set={"compression.type": "lz4", "linger.ms": 10, "partitioner": "murmur2_random"},
    )
