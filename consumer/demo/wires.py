"""The demo's own two ends on Kafka: events published, dead letters read."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Self

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from consumer.demo.scenario import Published, Tally
from consumer.kafka.client import build, client_properties
from consumer.kafka.leaving import close
from consumer.kafka.records import decode_dead_letter
from consumer.kafka.topics import Topics
from consumer.settings import Settings

_TIMEOUT_S = 10.0


class Publisher:
    """Publishes events; each has to be delivered once Kafka acknowledged it."""

    def __init__(self, settings: Settings, topic: str, tally: Tally) -> None:
        ours: dict[str, str | int | bool] = {"acks": "all", "enable.idempotence": True, "linger.ms": 0}
        self._producer = build(Producer, client_properties(settings, ours=ours))
        self._topic = topic
        self._tally = tally

    def publish(self, event: Published) -> None:
        """Send one event."""
        value = event.value(datetime.now(UTC))
        self._producer.produce(
            self._topic, value, event.tenant.encode(), on_delivery=partial(self._acknowledged, event)
        )

    def poll(self) -> None:
        """Take in acknowledgements."""
        self._producer.poll(0)

    def finish(self) -> None:
        """Wait for the last acknowledgements."""
        if left := self._producer.flush(_TIMEOUT_S):
            raise RuntimeError(f"the embedded broker did not acknowledge {left} events")

    def _acknowledged(self, event: Published, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            raise RuntimeError(f"the embedded broker refused {event.id}: {error.str()}")
        self._tally.published(event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dead:
    """A dead letter, as far as the demo counts it."""

    delivery_id: str
    subscription_id: str
    event_id: str


class DeadLetters:
    """Follows the dead letter topic from its beginning, outside any group."""

    def __init__(self, settings: Settings) -> None:
        topic = Topics.of(settings).dead_letter
        ours: dict[str, str | int | bool] = {"group.id": "demo", "enable.auto.commit": False}
        self._consumer = build(Consumer, client_properties(settings, ours=ours))
        partitions = self._consumer.list_topics(topic, timeout=_TIMEOUT_S).topics[topic].partitions
        self._consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        close(self._consumer)

    def wait(self, wait_s: float) -> Iterator[Dead]:
        """What came, after waiting `wait_s` at most for the first."""
        until_s = time.monotonic() + wait_s
        while (message := self._consumer.poll(max(0.0, until_s - time.monotonic()))) is not None:
            if (error := message.error()) is not None:
                raise KafkaException(error)
            value = message.value()
            assert value is not None
            letter = decode_dead_letter(value)
            yield Dead(
                delivery_id=letter.delivery.id,
                subscription_id=letter.delivery.subscription_id,
                event_id=letter.delivery.event.id,
            )
            until_s = 0.0
