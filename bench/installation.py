"""A Hookline of its own for a measurement: topics, webhooks and roles on a given broker and cache.

The law: the roles run as in production, each `consumer.roles.process` a process of its own, configured by its
environment alone; nothing of the caller's settings reaches them.
"""

import base64
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from bench import cores
from bench.audience import Audience
from consumer.brands.loader import brand
from consumer.kafka import topics
from consumer.kafka.writing import NewRecord, write_now
from consumer.roles.role import Role
from consumer.settings import Settings
from consumer.webhooks.draft import create
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.reader import Loaded, Reader
from consumer.webhooks.record import rewrite_of
from consumer.webhooks.subscription import Subscription
from consumer.webhooks.wishes import Wishes
from tests.acceptance.hookline import clean

ROOT = Path(__file__).resolve().parent.parent
PARTITIONS = 8
_READY_S = 30.0
_STOP_S = 15.0
_WRITTEN_S = 60.0


class BenchError(Exception):
    """The measurement came to no result; the message says why."""


def wait_until(true: Callable[[], bool], *, within_s: float, what: str) -> None:
    """Wait for something that must happen.

    Raises:
        BenchError: it did not.
    """
    until_s = time.monotonic() + within_s
    while not true():
        if time.monotonic() > until_s:
            raise BenchError(f"{what}: not within {within_s:.0f} s")
        time.sleep(0.05)


def ended(process: "subprocess.Popen[bytes]") -> int:
    """Ask it to end, and see to it after 15 s; its exit code."""
    process.terminate()
    try:
        return process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def create_events(bootstrap: str, name: str) -> None:
    """A topic for events."""
    admin = AdminClient({"bootstrap.servers": bootstrap})  # its answers come for as long as it lives
    for created in admin.create_topics([NewTopic(name, PARTITIONS, 1)]).values():
        created.result()


def committed_by(bootstrap: str, group: str, topic: str) -> int:
    """How many events of a topic this group has committed as done."""
    reader = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False})
    try:
        places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        return sum(max(place.offset, 0) for place in reader.committed(places, timeout=10))
    finally:
        reader.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """`options` are settings by their field's name, over the ones chosen here.

    `events` is a topic that is there already, None for one of its own. `tree` is whose code its processes run.
    `trusted` is a file of certificate authorities that they trust instead of the system's.
    """

    folder: Path
    bootstrap: str
    redis_url: str
    prefix: str
    options: Mapping[str, str] = field(default_factory=dict)
    events: str | None = None
    tree: Path = ROOT
    trusted: Path | None = None
    key: str = field(default_factory=lambda: base64.b64encode(secrets.token_bytes(32)).decode(), repr=False)

    @property
    def event_topic(self) -> str:
        return self.events or f"{self.prefix}orders"

    @property
    def _options(self) -> dict[str, str]:
        return {
            "topic_prefix": self.prefix,
            "redis_url": self.redis_url,
            "encryption_keys": f"bench:{self.key}",
            "event_topics": self.event_topic,
            "start": "earliest",
            "allow_http": "true",
            "allow_networks": "127.0.0.0/8",
            "state_dir": str(self.folder / "state"),
            **self.options,
        }

    @property
    def settings(self) -> Settings:
        return Settings.model_validate({**self._options, "kafka": {"bootstrap.servers": self.bootstrap}})

    def environment(self, overriding: Mapping[str, str]) -> dict[str, str]:
        """For a role's process."""
        ours = {f"HOOKLINE_{name.upper()}": value for name, value in {**self._options, **overriding}.items()}
        trusted = {} if self.trusted is None else {"SSL_CERT_FILE": str(self.trusted)}
        where = {"HOOKLINE_KAFKA_BOOTSTRAP_SERVERS": self.bootstrap, "PYTHONPATH": str(self.tree)}
        return clean(ours | where | trusted)

    def create_topics(self) -> None:
        """Ours, and the event topic where it is of its own."""
        if self.events is None:
            create_events(self.bootstrap, self.event_topic)
        topics.create(topics.admin_client(self.settings), self.settings)

    def webhooks(self, audience: Audience) -> list[Subscription]:
        """The audience's webhooks, with secrets of their own."""
        keyring = Keyring.from_settings(self.settings)
        return [
            create(
                Wishes(
                    tenant=audience.tenant(number),
                    url=audience.url(number),
                    brand="hookline",
                    event_types=(audience.event_type(number),),
                    rate_per_s=audience.rate_per_s(number),
                    max_concurrency=audience.max_concurrency(number),
                    ordering=audience.ordering,
                ),
                brand=brand("hookline"),
                keyring=keyring,
                now_ms=time.time_ns() // 1_000_000,
                new_id=partial(audience.id, number),
                entropy=secrets.token_bytes,
                allow_http=True,
            )[0]
            for number in range(audience.webhooks)
        ]

    def subscribe(self, audience: Audience) -> None:
        """Write the audience's webhooks straight to the topic."""
        self.write(self.webhooks(audience))

    def write(self, webhooks: Iterable[Subscription]) -> None:
        """Write webhooks straight to the topic.

        Raises:
            KafkaBroken: they were not acknowledged.
        """
        topic = topics.Topics.of(self.settings).subscriptions
        news = map(rewrite_of, webhooks)
        records = [NewRecord(topic=topic, key=new.key, value=new.value, headers=new.headers) for new in news]
        write_now(self.settings, records, timeout_s=_WRITTEN_S)

    def await_cache(self, audience: Audience) -> None:
        """Wait until the projection has every webhook of the audience in the cache."""
        reader = Reader.from_settings(self.settings)
        tenants: dict[str, str | None] = {audience.tenant(number): None for number in range(audience.webhooks)}

        def complete() -> bool:
            readings = reader.read(tenants).values()
            return sum(len(each.subscriptions) for each in readings if isinstance(each, Loaded)) == audience.webhooks

        wait_until(complete, within_s=_READY_S, what="the projection fills the cache")
        reader.close()

    @contextmanager
    def running(self, role: Role, on: frozenset[int] = cores.SURROUNDINGS, **options: str) -> Iterator[int]:
        """One process of the role, until the block ends; gives its process id. Its log is kept beside its data.

        Raises:
            BenchError: it did not end by itself within 15 s of being asked to.
        """
        process = self.start(role, on, options=options)
        try:
            yield process.pid
        finally:
            code = ended(process)
            if process.stdin is not None:
                process.stdin.close()
        if code != 0:
            raise BenchError(f"{role} ended with {code}; its log ends with:\n{self._log(role).read_text()[-2_000:]}")

    def start(
        self,
        role: Role,
        on: frozenset[int] = cores.SURROUNDINGS,
        *,
        slot: int = 0,
        options: Mapping[str, str] | None = None,
    ) -> "subprocess.Popen[bytes]":
        """Start a process of the role, which whoever calls this has to end."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._log(role).open("ab") as output, cores.starting_on(on):
            return subprocess.Popen(
                [sys.executable, "-m", "consumer.roles.process", role, str(slot)],
                stdin=subprocess.PIPE,  # its lifeline: it ends when we do
                stdout=output,
                stderr=output,
                env=self.environment(options or {}),
                cwd=self.folder,
            )

    def _log(self, role: Role) -> Path:
        return self.folder / f"{role}.log"

    def records(self, names: Sequence[str]) -> int:
        """How many records these topics hold: ends less beginnings, so nothing may have been compacted."""
        reader = self._reader()
        try:
            found = reader.list_topics(timeout=10).topics
            places = [TopicPartition(name, number) for name in names for number in found[name].partitions]
            marks = [reader.get_watermark_offsets(place, timeout=10) for place in places]
        finally:
            reader.close()
        return sum(high - low for low, high in marks)

    def committed(self) -> int:
        """How many events are committed as done."""
        return committed_by(self.bootstrap, self._group, self.event_topic)

    def attempts(self) -> int:
        """How many attempt records are on their topic."""
        return self.records([topics.Topics.of(self.settings).attempts])

    def delayed(self) -> int:
        """How many records were ever written to the delay topics: retries and spills."""
        return self.records(topics.Topics.of(self.settings).retry_topics)

    @property
    def _group(self) -> str:
        return topics.Topics.of(self.settings).group(Role.DELIVER)

    def _reader(self) -> Consumer:
        return Consumer({"bootstrap.servers": self.bootstrap, "group.id": self._group, "enable.auto.commit": False})
