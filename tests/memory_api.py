"""The API on topics in memory: the real application, fakes where Kafka, Redis, the DNS and the endpoints would be."""

import base64
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
from pydantic import SecretStr
from starlette.testclient import TestClient

from consumer.api.application import front, opened
from consumer.api.chosen_deliveries import look_ups
from consumer.api.job_asking import resends
from consumer.api.log_export import exports
from consumer.api.services import Services
from consumer.brands.loader import load_brands
from consumer.control.api_keys import ApiKeys
from consumer.control.audit import PARTITION, AuditLog
from consumer.control.cursor import Cursors
from consumer.control.deeds import Deeds
from consumer.control.directory import Directory
from consumer.control.errands import Errands
from consumer.control.idempotency import Idempotency
from consumer.control.key_directory import KeyDirectory
from consumer.control.key_record import encode, record_key
from consumer.control.keys import USUAL_SCOPES, ApiKey, Scope, mint
from consumer.control.owner import Owner
from consumer.control.portal_ending import PortalEnding
from consumer.control.portal_ends import PortalEnds
from consumer.control.resend_now import Again
from consumer.control.sample import sample_event
from consumer.control.topic_store import TopicStore
from consumer.control.trial import Trial
from consumer.control.webhooks import Webhooks
from consumer.delivery.delivery import DeadLetter
from consumer.events.event import Record
from consumer.jobs.dead_letter_desk import Way
from consumer.kafka.client import KafkaBroken
from consumer.kafka.ranges import Item, Part
from consumer.kafka.records import encode_dead_letter
from consumer.kafka.writing import NewRecord
from consumer.log.archive import Kept
from consumer.log.health import NO_HEALTH, Health
from consumer.log.stats import Stats
from consumer.replay.dead_letters import Lying, lying, matching
from consumer.replay.filters import Filters
from consumer.replay.pages import Page, Position, part_of
from consumer.replay.run import Summary
from consumer.settings import Settings
from consumer.standings.store import Backlog
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.subscription import Status, Subscription
from tests.memory_jobs import MemoryDesk
from tests.memory_log import MemoryLog
from tests.memory_topic import Cache, MemoryTopic, MemoryView
from tests.web import Client

NOW_MS: Final = 1_790_000_000_000
OPERATOR: Final = "operator-" + "k" * 40
KEYS: Final = (SecretStr("k1:" + base64.b64encode(bytes([7]) * 32).decode()),)
PORTAL: Final = "https://pages.example.com"
HOST: Final = "https://app.example.com"
"""Whose pages may frame the portal's."""
SETTINGS: Final = Settings(
    encryption_keys=KEYS,
    operator_key=SecretStr(OPERATOR),
    api_requests_per_s=10_000,
    portal_url=PORTAL,
    portal_embed_origins=(HOST,),
)


@dataclass(slots=True)
class Topics:
    """What processes share."""

    subscriptions: MemoryTopic = field(default_factory=MemoryTopic)
    state: MemoryTopic = field(default_factory=MemoryTopic)
    audit: MemoryTopic = field(default_factory=MemoryTopic)


class MemoryPlane:
    """One process's control plane. `away` is what Kafka says instead of answering; `answer` is every endpoint's."""

    def __init__(self, topics: Topics, settings: Settings = SETTINGS) -> None:
        self.settings = settings
        self.keyring = Keyring.from_settings(settings)
        self.keys = KeyDirectory()
        self.ready = True
        self.away: str | None = None
        self.tried: list[tuple[str, str]] = []
        self.data: bytes | None = None
        self.trial: Callable[[Subscription, str], Trial] = answered
        self.resent: list[tuple[str, Again, bool]] = []
        self.answer_now: Callable[[Again], Kept]
        self.errands = Errands()
        directory = Directory()
        self._topics = topics
        self._webhooks_view = MemoryView(topics.subscriptions, directory)
        self.portal_ends = PortalEnds()
        self._state_view = MemoryView(topics.state, self.keys, self.errands, self.portal_ends)
        self.cache = Cache()
        store = TopicStore(
            "subscriptions",
            directory=directory,
            view=self._webhooks_view,
            writer=topics.subscriptions,
            cache=self.cache,
        )
        self.webhooks = Webhooks(settings, keyring=self.keyring, directory=directory, store=store)
        self.api_keys = ApiKeys("state", directory=self.keys, writer=topics.state, fresh=self.fresh)
        self.portal_ending = PortalEnding(
            "state",
            keyring=self.keyring,
            ends=self.portal_ends,
            writer=topics.state,
            now_ms=lambda: time.time_ns() // 1_000_000,
        )
        self.now_ms = NOW_MS
        self.once = Idempotency(
            "state",
            errands=self.errands,
            keyring=self.keyring,
            view=self._state_view,
            writer=topics.state,
            now_ms=lambda: self.now_ms,
        )

    def fresh(self, timeout_s: float = 2.0) -> None:
        if self.away is not None:
            raise KafkaBroken(self.away)
        self._webhooks_view.reached({0: len(self._topics.subscriptions.records)}, timeout_s)
        self._state_view.reached({0: len(self._topics.state.records)}, timeout_s)

    def try_out(self, subscription: Subscription, event_type: str = "webhook.test", data: bytes | None = None) -> Trial:
        self.data = data
        brand = load_brands()[subscription.brand]
        sample_event(subscription, event_type, brand, now_ms=NOW_MS, entropy=os.urandom)
        self.tried.append((subscription.id, event_type))
        return self.trial(subscription, event_type)

    def resend_now(self, subscription: Subscription, again: Again, *, delivered: bool) -> Kept:
        self.resent.append((subscription.id, again, delivered))
        return self.answer_now(again)


def answered(_subscription: Subscription, event_type: str) -> Trial:
    return Trial(
        event_id="test_1",
        event_type=event_type,
        status=200,
        body=b"thanks",
        truncated=False,
        error=None,
        elapsed_ms=12.34,
    )


class Healths:
    """Health that a test wrote; none is known while `away`."""

    def __init__(self) -> None:
        self.known: dict[str, Health] = {}
        self.away = False
        self.bug: Exception | None = None

    def read(self, ids: Sequence[str]) -> dict[str, Health]:
        if self.bug is not None:
            raise self.bug
        return {} if self.away else {id_: self.known.get(id_, NO_HEALTH) for id_ in ids}


class Statistics:
    """Statistics that a test wrote; none is known while `away`."""

    def __init__(self) -> None:
        self.known: dict[str, Stats] = {}
        self.away = False

    def read(self, webhook: str) -> Sequence[Stats] | None:
        if self.away:
            return None
        return [self.known[webhook]] if webhook in self.known else []


class Backlogs:
    """What waits, as a test wrote it; nothing while `away`."""

    def __init__(self) -> None:
        self.known: dict[str, Backlog] = {}
        self.away = False

    def read(self, ids: Sequence[str]) -> Mapping[str, Backlog]:
        return {} if self.away else {id_: self.known.get(id_, Backlog()) for id_ in ids}


class Uses:
    """The uses of keys."""

    def __init__(self) -> None:
        self.at_ms: dict[str, int] = {}

    def used(self, key_id: str, now_ms: int) -> None:
        self.at_ms[key_id] = now_ms

    def read(self, key_ids: Sequence[str]) -> Mapping[str, int]:
        return {key_id: self.at_ms[key_id] for key_id in key_ids if key_id in self.at_ms}


class DeadLetters:
    """The dead letters of a topic in memory, and what was asked to be replayed."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.looked = 0
        self.replayed: list[tuple[list[DeadLetter], dict[str, Status], Way]] = []

    def add(self, *buried: DeadLetter) -> None:
        for each in buried:
            self.records.append(
                Record(
                    topic="dead-letter",
                    partition=0,
                    offset=len(self.records),
                    key=each.delivery.subscription_id.encode(),
                    value=encode_dead_letter(each),
                    headers=(),
                    timestamp_ms=NOW_MS,
                )
            )

    def page(self, tenant: str, filters: Filters, *, after: Position, limit: int) -> Page:
        return part_of(iter(self.records[after.get(0, 0) :]), filters, after=after, limit=limit)

    def found(self, tenant: str, filters: Filters) -> list[DeadLetter]:
        return list(matching(self.records, filters))

    def lying(self, tenant: str, filters: Filters) -> list[Lying]:
        self.looked += 1
        return list(lying(self.records, filters))

    def replay(
        self, owner: Owner, webhook: str, chosen: Sequence[DeadLetter] | Filters, status: Status | None, way: Way
    ) -> Summary:
        del owner
        letters = list(matching(self.records, chosen) if isinstance(chosen, Filters) else chosen)
        self.replayed.append((letters, {} if status is None else {webhook: status}, way))
        return Summary(matched=len(letters), replayed=len(letters))


class MemoryAudit:
    """The audit log of a topic in memory."""

    def __init__(self, topic: MemoryTopic) -> None:
        self._topic = topic

    def extent(self, partition: int) -> tuple[int, int]:
        assert partition == PARTITION
        return 0, len(self._topic.records)

    def read(
        self, partition: int, first: int, *, most: int, before: int | None = None, keep: Callable[[Record], Item]
    ) -> Part[Item]:
        end = min(first + most, len(self._topic.records) if before is None else before)
        assert partition == PARTITION
        return Part(kept=tuple(map(keep, self._topic.records[first:end])), end=end, at_end=False)


class MemoryApi:
    """One process of the API, and a client of each of its customers."""

    def __init__(
        self, topics: Topics | None = None, *, settings: Settings = SETTINGS, brands: Sequence[str] = ("hookline",)
    ) -> None:
        self.topics = topics or Topics()
        self.plane = MemoryPlane(self.topics, settings)
        self.healths = Healths()
        self.stats = Statistics()
        self.backlogs = Backlogs()
        self.uses = Uses()
        self.dead_letters = DeadLetters()
        self.log = MemoryLog()
        self.jobs = MemoryDesk(topic=self.topics.state)
        self.checked: list[str] = []
        self.check: Callable[[str], None] = lambda _: None
        self.kept_since_ms = 0
        self.kept_for_ms: int | None = 30 * 86_400_000
        self.services = Services(
            plane=self.plane,
            healths=self.healths,
            stats=self.stats,
            backlogs=self.backlogs,
            uses=self.uses,
            once=self.plane.once,
            audit=AuditLog("audit", self.topics.audit),
            deeds=Deeds(MemoryAudit(self.topics.audit)),
            cursors=Cursors(self.plane.keyring),
            check_url=self._check_url,
            dead_letters=self.dead_letters,
            jobs=self.jobs,
            log=self.log,
            archive=self.log,
            exports=exports(),
            look_ups=look_ups(),
            attempts_kept_ms=lambda: self.kept_for_ms,
            kept_since=lambda since_ms: self.kept_since_ms if self.kept_since_ms > since_ms else None,
            resends=resends(),
        )
        self.brands = {name: load_brands()[name] for name in brands}
        behind = front(self.services, self.brands)
        self.apps = behind.apps
        self.app = opened(behind, settings)
        self.anybody = Client(self.app, base_url="http://api")

    def _check_url(self, url: str, tenant: str) -> None:
        del tenant
        self.checked.append(url)
        self.check(url)

    def key(
        self,
        *scopes: Scope,
        tenant: str = "acme",
        brand: str = "hookline",
        expires_at_ms: int | None = None,
    ) -> tuple[ApiKey, str]:
        """A new key, written onto the state topic."""
        made, text = mint(
            tenant=tenant,
            brand=load_brands()[brand],
            scopes=scopes or USUAL_SCOPES,
            name="",
            expires_at_ms=expires_at_ms,
            now_ms=0,
            entropy=os.urandom,
        )
        self.write_key(made)
        return made, text

    def write_key(self, key: ApiKey) -> None:
        self.topics.state.write(NewRecord(topic="state", key=record_key(key.id), value=encode(key)))

    def client(self, *scopes: Scope, tenant: str = "acme", brand: str = "hookline") -> Client:
        """A client with a key of its own."""
        return self.bearing(self.key(*scopes, tenant=tenant, brand=brand)[1])

    def bearing(self, text: str, **headers: str) -> Client:
        """A client with this key."""
        return Client(self.app, base_url="http://api", headers={"Authorization": f"Bearer {text}", **headers})

    def in_one_loop(self, tenant: str = "acme") -> httpx.AsyncClient:
        """A client whose requests share the loop of who asks; those of a Client share another one."""
        text = self.key(tenant=tenant)[1]
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url="http://api",
            headers={"Authorization": f"Bearer {text}"},
        )

    def webhook(self, client: TestClient, path: str = "/v1/webhooks", **fields: object) -> dict[str, Any]:
        """A new webhook, as it was answered."""
        answer = client.post(path, json={"url": "https://example.com/hook", **fields})
        assert answer.status_code == 201, answer.text
        created = answer.json()
        return dict(created.get("data", created))


OWNER: Final = Owner(tenant="acme", brand="hookline")
