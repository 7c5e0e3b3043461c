"""What a test of the whole path stands on: settings, topics, webhooks, a receiver, and what is left afterwards."""

import base64
import math
import os
import secrets
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import pytest
from confluent_kafka import Consumer, TopicPartition

from consumer.brands.loader import brand
from consumer.configuration import load
from consumer.data_keys.opening import Opening
from consumer.delivery import done_map
from consumer.delivery.delivery import Attempt, Chunk, Delivery
from consumer.events.event import Record
from consumer.kafka import topics
from consumer.kafka.reading import read_to_end
from consumer.kafka.records import decode_dead_letter, decode_delayed
from consumer.kafka.topics import Topics
from consumer.kafka.writing import NewRecord, write_now
from consumer.settings import Settings
from consumer.webhooks import record
from consumer.webhooks.draft import create
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.wishes import Wishes
from tests.acceptance.deadline import until
from tests.acceptance.happenings import Encoder, Hook, Publisher, travelling
from tests.acceptance.hookline import Hookline, clean, command, hookline
from tests.acceptance.ledger import Buried, Promises, Tried, Verdict, Waited, judge
from tests.acceptance.receipts import Receiver, receiving
from tests.acceptance.receiver import Endpoint
from tests.services.topics import create_topics

NOW_MS = 1_790_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far a group is in one partition; `metadata` is the commit's."""

    committed: int
    end: int
    metadata: str = ""

    def has_done(self, offset: int) -> bool:
        """Whether the record at this offset is committed as finished."""
        done = done_map.decode(self.metadata, self.committed)
        return offset < self.committed or (done is not None and done.is_done(offset))


class Stage:
    """One installation of Hookline, alone under its topic prefix."""

    def __init__(self, environment: Mapping[str, str], settings: Settings, folder: Path) -> None:
        self.environment = environment
        self.settings = settings
        self.folder = folder
        self.topics = Topics.of(settings)

    @classmethod
    def build(
        cls,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        *,
        bootstrap: str,
        redis_url: str,
        prefix: str,
        registry_url: str | None = None,
        partitions: int = 4,
        event_config: Mapping[str, str] | None = None,
        options: Mapping[str, str] | None = None,
    ) -> Self:
        """Make the settings (`options` go over them) and all topics."""
        environment = {
            "HOOKLINE_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "HOOKLINE_REDIS_URL": redis_url,
            "HOOKLINE_TOPIC_PREFIX": prefix,
            "HOOKLINE_EVENT_TOPICS": f"{prefix}events",
            "HOOKLINE_START": "earliest",
            "HOOKLINE_PARTITIONS": str(partitions),
            "HOOKLINE_ENCRYPTION_KEYS": f"test:{base64.b64encode(secrets.token_bytes(32)).decode()}",
            "HOOKLINE_ALLOW_HTTP": "true",
            "HOOKLINE_ALLOW_NETWORKS": "127.0.0.0/8",
            "HOOKLINE_RETRY_DELAYS": "1s,2s,3s",
            "HOOKLINE_STATE_DIR": str(folder / "state"),
            **({} if registry_url is None else {"HOOKLINE_SCHEMA_REGISTRY_URL": registry_url}),
            **(options or {}),
        }
        monkeypatch.chdir(folder)  # no .env and no hookline.toml of a developer's
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            settings = load()
        stage = cls(environment, settings, folder)
        create_topics(bootstrap, {stage.event_topic: partitions}, event_config)
        topics.create(topics.admin_client(settings), settings)
        return stage

    @property
    def event_topic(self) -> str:
        return self.settings.event_topics[0]

    @contextmanager
    def receiving(self, hooks: Sequence[Hook]) -> Iterator[Receiver]:
        """Run the receiver with these webhooks' endpoints, and create the webhooks."""
        endpoints = [
            Endpoint(name=hook.name, temper=hook.temper, secret=new_secret(), rate_per_s=hook.rate_per_s)
            for hook in hooks
        ]
        with receiving(endpoints, self.folder) as receiver:
            self.subscribe(zip(hooks, map(receiver.url, endpoints), (each.secret for each in endpoints), strict=True))
            yield receiver

    def subscribe(self, hooks: Iterable[tuple[Hook, str, str]]) -> None:
        """Write webhooks onto their topic: each with its URL and its secret."""
        keyring = Keyring.from_settings(self.settings)
        new: list[NewRecord] = []
        for hook, url, secret in hooks:
            wishes = Wishes(
                tenant=hook.tenant,
                url=url,
                brand="hookline",
                event_types=hook.event_types or None,
                product=hook.product,
                filter_json=hook.filter_json,
                payload_format=hook.payload_format,
                timeout_ms=hook.timeout_ms,
                ordering=hook.ordering,
                on_failure=hook.on_failure,
                secret=secret,
            )
            subscription, _ = create(
                wishes,
                brand=brand("hookline"),
                keyring=keyring,
                now_ms=NOW_MS,
                new_id=partial(str, hook.name),
                entropy=os.urandom,
                allow_http=True,
            )
            value = record.encode(subscription)
            new.append(NewRecord(topic=self.topics.subscriptions, key=subscription.id.encode(), value=value))
        write_now(self.settings, new)

    def running(
        self, *arguments: str, log_name: str = "hookline.log", **options: str
    ) -> AbstractContextManager[Hookline]:
        """Run Hookline on this stage; `options` are more of the environment."""
        return hookline({**self.environment, **options}, self.folder, *arguments, log_name=log_name)

    def command(self, *arguments: str) -> str:
        """Run a command line to its end, which has to be a good one; returns what it printed."""
        ended = subprocess.run(
            command(*arguments),
            check=False,
            env=clean(self.environment),
            cwd=self.folder,
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    @contextmanager
    def publisher(self) -> Iterator[Publisher]:
        """A producer of events."""
        with closing(Encoder(self.event_topic, self.settings.schema_registry_url)) as encoder:
            yield Publisher(self.settings.kafka["bootstrap.servers"], self.event_topic, encoder)

    # ── what is left ─────────────────────────────────────────────────────────────────────────────────────────────

    def read(self, topic: str) -> list[Record]:
        """All records of a topic."""
        return list(read_to_end(self.settings, topic))

    def opened(self, topic: str) -> list[Record]:
        """All records of a topic of ours, with what was sealed in them."""
        with closing(Opening.of(self.settings)) as opening:
            return list(opening.records(self.read(topic)))

    def buried(self) -> list[Buried]:
        """The dead letters."""
        found = [decode_dead_letter(each.value or b"") for each in self.opened(self.topics.dead_letter)]
        return [
            Buried(
                pair=(travelling(each.delivery.event.id, each.delivery.event.source), each.delivery.subscription_id),
                delivery_id=each.delivery.id,
                reason=each.reason,
            )
            for each in found
        ]

    def tried(self) -> list[Tried]:
        """The attempts."""
        with closing(Opening.of(self.settings)) as opening:
            found = [opening.attempt(each.value or b"") for each in self.read(self.topics.attempts)]
        return [tried_of(each) for each in found]

    def delayed(self, tier: int) -> list[tuple[Delivery | Chunk, int]]:
        """What a delay topic got, each with its LogAppendTime; a record without value only asks for the time."""
        return [
            (decode_delayed(each.value, tier), each.timestamp_ms)
            for each in self.opened(self.topics.retry(tier))
            if each.value is not None
        ]

    def waited(self) -> list[Waited]:
        """The deliveries on the delay topics, with when each was due by the broker's clock."""
        return [
            Waited(delivery_id=delayed.id, attempts=delayed.attempts, due_ms=appended_ms + delay_ms)
            for tier, delay_ms in enumerate(self.settings.retry_delays_ms)
            for delayed, appended_ms in self.delayed(tier)
            if isinstance(delayed, Delivery)
        ]

    def positions(self, role: str, consumed: Iterable[str]) -> dict[tuple[str, int], Position]:
        """How far a role has committed the topics it consumes."""
        consumer = Consumer(
            {"bootstrap.servers": self.settings.kafka["bootstrap.servers"], "group.id": self.topics.group(role)}
        )
        try:
            places = [TopicPartition(topic, number) for topic in consumed for number in range(self.settings.partitions)]
            return {
                (place.topic, place.partition): Position(
                    committed=max(0, place.offset),
                    end=consumer.get_watermark_offsets(TopicPartition(place.topic, place.partition), timeout=10)[1],
                    metadata=place.metadata or "",
                )
                for place in consumer.committed(places, timeout=10)
            }
        finally:
            consumer.close()

    def await_end(self, running: Hookline, receiver: Receiver, promises: Promises, *, within_s: float) -> None:
        """Wait until every promise is accepted or buried and everything that was consumed is committed."""

        def verdict() -> Verdict:
            receiver.read()
            return judge(promises, receiver.receipts, self.buried())

        until(
            lambda: not verdict().lost and not self.unfinished(),
            within_s=within_s,
            every_s=0.5,
            missing=lambda: f"{verdict().broken()}\nnot committed: {self.unfinished()}\n{running.tail}",
        )

    def unfinished(self) -> dict[tuple[str, int], int]:
        """How many records of the event and delay topics are not committed, where there are any."""
        both = self.positions("deliver", [self.event_topic]) | self.positions(
            "retry", [*self.topics.retry_topics, self.topics.ordered]
        )
        return {place: each.end - each.committed for place, each in both.items() if each.end > each.committed}


def tried_of(attempt: Attempt) -> Tried:
    """An attempt as the checker knows it."""
    return Tried(
        delivery_id=attempt.delivery_id,
        subscription=attempt.subscription_id,
        number=attempt.number,
        at_ms=attempt.at_ms,
        ended_ms=attempt.at_ms + math.ceil(attempt.elapsed_ms),
        answered=attempt.status is not None,
        accepted=attempt.outcome == "delivered",
    )


def new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
