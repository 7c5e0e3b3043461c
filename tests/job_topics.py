"""Hookline's topics on a real broker, filled by hand, for tests of what a job reads."""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaException, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient
from msgspec.structs import replace as attempt_with

from consumer.control.owner import Owner
from consumer.data_keys.sealing import Sealing
from consumer.delivery.delivery import Attempt, Delivery, delivery_id, replay_id
from consumer.events.event import Event
from consumer.jobs.candidate import Candidate, Source, Taken
from consumer.jobs.job import Asked, Kind, Subject, Wish
from consumer.kafka.records import encode_attempt
from consumer.kafka.topic_specs import Topics
from consumer.settings import Settings
from consumer.wire import MAGIC
from tests import attempts

WEBHOOK = "wh_1"
NOW_MS = int(time.time() * 1_000)


def asked(subject: Subject, *, again: bool = False) -> Asked:
    return Asked(
        id="job_1",
        owner=Owner(tenant="acme", brand="hookline"),
        webhook=WEBHOOK,
        kind=Kind.REPLAY,
        subject=subject,
        again=again,
        most=5,
        created_by="operator",
        created_at_ms=NOW_MS,
        wish=Wish.RUN,
    )


def taken(source: Source, most: int = 1_000, *, within_s: float = 20) -> list[Candidate]:
    """All that the source has."""
    found: list[Candidate] = []
    until_s = time.monotonic() + within_s
    while time.monotonic() < until_s:
        part: Taken = source.take(most, 1.0)
        found += part.candidates
        if part.finished:
            source.close()
            return found
    raise AssertionError("it comes to no end")


def envelope(event_id: str, *, tenant: str = "acme", event_type: str = "order.created") -> bytes:
    return json.dumps({"id": event_id, "type": event_type, "tenant": tenant, "data": {"n": event_id}}).encode()


@dataclass(slots=True)
class Stage:
    """A broker's topics under these settings. `events` is the topic of events, of two partitions.

    `sealing` seals what is written to topics of ours.
    """

    settings: Settings
    events: str
    sealing: Sealing | None = None
    _producer: Producer = field(init=False)
    _admin: AdminClient = field(init=False)

    def __post_init__(self) -> None:
        self._producer = Producer({"bootstrap.servers": self.bootstrap, "enable.idempotence": True})
        self._admin = AdminClient({"bootstrap.servers": self.bootstrap})

    @property
    def bootstrap(self) -> str:
        return self.settings.kafka["bootstrap.servers"]

    @property
    def topics(self) -> Topics:
        return Topics.of(self.settings)

    def write(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: str | None = WEBHOOK,
        partition: int = 0,
        at_ms: int = NOW_MS,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> int:
        """One record. Returns its offset."""
        offsets: list[int | None] = []
        if self.sealing is not None and value is not None and value.startswith(MAGIC):
            seals = self.sealing.attempt if topic == self.topics.attempts else self.sealing.whole
            value = seals("acme", value)
        self._producer.produce(
            topic,
            value,
            key,
            partition=partition,
            timestamp=at_ms,
            headers=[*headers],
            on_delivery=lambda _, message: offsets.append(message.offset() or 0),
        )
        assert self._producer.flush(10) == 0
        [offset] = offsets
        assert offset is not None
        return offset

    def write_in_transaction(self, topic: str, values: Iterable[bytes], *, partition: int, at_ms: int) -> None:
        """These, and the marker of the transaction's end behind them."""
        producer = Producer({"bootstrap.servers": self.bootstrap, "transactional.id": topic})
        producer.init_transactions(20)
        producer.begin_transaction()
        for value in values:
            producer.produce(topic, value, partition=partition, timestamp=at_ms)
        producer.commit_transaction(20)

    def commit(self, role: str, positions: Mapping[tuple[str, int], tuple[int, str]], *, topic_id: str = "") -> None:
        """What the group of this role has committed, in the name of the topics that there are or of another one."""
        ids = self._ids({topic for topic, _ in positions})
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": self.topics.group(role)})
        places = [
            TopicPartition(topic, partition, offset, f"{topic_id or ids[topic]};{metadata}")
            for (topic, partition), (offset, metadata) in positions.items()
        ]
        until_s = time.monotonic() + 20
        while True:  # a broker that has just started has first to read what its groups have committed
            try:
                consumer.commit(offsets=places, asynchronous=False)
            except KafkaException as exception:
                if not exception.args[0].retriable() or time.monotonic() > until_s:
                    raise
                time.sleep(0.1)
            else:
                break
        consumer.close()

    def delete_before(self, topic: str, partition: int, offset: int) -> None:
        [deleted] = self._admin.delete_records([TopicPartition(topic, partition, offset)]).values()
        deleted.result(20)

    def attempt(self, event: Event, outcome: str, *, generation: int = 0, **changed: object) -> Attempt:
        """Of the event, logged."""
        chain = delivery_id(event, WEBHOOK)
        again = replay_id(chain, generation) if generation else None
        made = attempt_with(
            attempts.plain,
            delivery_id=delivery_id(event, WEBHOOK, again),
            replay_id=again,
            event_id=event.id,
            event_type=event.type,
            at_ms=NOW_MS,
            outcome=outcome,
            next_tier="5s" if outcome == "retry" else None,
            event_topic=event.topic,
            event_partition=event.partition,
            event_offset=event.offset,
            request_body=b"body of " + event.id.encode(),
        )
        return attempt_with(made, **changed)

    def log(self, attempt: Attempt, *, partition: int = 0) -> int:
        return self.write(self.topics.attempts, encode_attempt(attempt), key=WEBHOOK, partition=partition)

    def event(
        self, event_id: str, offset: int, *, partition: int = 0, at_ms: int = NOW_MS, event_type: str = "order.created"
    ) -> Event:
        """As it is decoded of `envelope`."""
        return Event(
            id=event_id,
            type=event_type,
            tenant="acme",
            product=None,
            time_ms=at_ms,
            data=json.dumps({"n": event_id}).encode(),
            topic=self.events,
            partition=partition,
            offset=offset,
            timestamp_ms=at_ms,
        )

    def delivery(self, event: Event, **changed: object) -> Delivery:
        return Delivery(id=delivery_id(event, WEBHOOK), event=event, subscription_id=WEBHOOK, **changed)  # type: ignore[arg-type]

    def _ids(self, topics: Iterable[str]) -> dict[str, str]:
        described = self._admin.describe_topics(TopicCollection([*topics]))
        return {topic: str(future.result(20).topic_id) for topic, future in described.items()}
