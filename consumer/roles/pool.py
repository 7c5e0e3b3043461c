"""What the two delivery pools have in common: how a worker is put together from the settings.

The roles differ in what they consume, how a record is read, and how patient they are with slow endpoints.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import structlog

from consumer.brands.loader import brand, load_brands
from consumer.control import canary
from consumer.data_keys.keys import TenantKeys
from consumer.data_keys.sealing import in_a_loop
from consumer.delivery import done_map
from consumer.delivery.breaker import open_times_ms
from consumer.delivery.budget import MIB, Budget
from consumer.delivery.core import Core, Rules
from consumer.delivery.granted_names import GrantedNames
from consumer.delivery.intake import Content
from consumer.delivery.kept_bodies import keeping
from consumer.delivery.lane import Patience
from consumer.delivery.limits import Limits
from consumer.delivery.names import Names, ProxysNames
from consumer.delivery.schedule import Schedule
from consumer.delivery.target import Target
from consumer.delivery.tenants import Freshness
from consumer.delivery.tracing import Tracing
from consumer.events.event import Record
from consumer.events.schema import SchemaAnswer
from consumer.http.engine import open_transport, preparing
from consumer.http.guard import ProxysGuard, guard_of
from consumer.http.resolver import Resolver
from consumer.http.transport import Sender
from consumer.kafka.again import LogAgain
from consumer.kafka.ahead import AheadReader
from consumer.kafka.attempt_log import AttemptLog
from consumer.kafka.checkpoints import Checkpoints
from consumer.kafka.client import AccessDenied, KafkaBroken
from consumer.kafka.clock import BrokerClocks
from consumer.kafka.consumer import PartitionConsumer
from consumer.kafka.membership import Fetch
from consumer.kafka.ordered_log import OrderedLog
from consumer.kafka.partitioner import partition_of
from consumer.kafka.producer import RecordProducer
from consumer.kafka.selection import Selection
from consumer.kafka.topic_differences import Found
from consumer.kafka.topic_specs import Topics, taken_bytes
from consumer.roles import traces
from consumer.roles.blame import Blame
from consumer.roles.clock import Clock
from consumer.roles.gate import found_again, seen_ahead
from consumer.roles.lookup import Lookup
from consumer.roles.marks import Marks
from consumer.roles.name_lookup import NameLookup
from consumer.roles.parts import Parts
from consumer.roles.questions import SchemaAsking
from consumer.roles.replaced import ReplacedNews
from consumer.roles.requirements import required
from consumer.roles.role import Role
from consumer.roles.seals import Terms
from consumer.roles.slot import instance_id
from consumer.roles.standings import StandingLookup
from consumer.roles.tenant_keys import have_been_read, tenants_read
from consumer.roles.tenant_lookup import TenantLookup
from consumer.roles.worker import Worker
from consumer.setting_values import duration_ms
from consumer.settings import Settings
from consumer.signing.signer import Signer
from consumer.signing.written import Prepare
from consumer.standings.replaced import ReplacedStore
from consumer.telemetry.outage import Outage
from consumer.telemetry.pulse import KAFKA_AWAY, pulse
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.subscription import Subscription
from consumer.webhooks.url import origin_of

_log = structlog.get_logger("pool")

_ASK_KAFKA_EVERY_S = 0.5
_CLOCKS_APART_MS = 5_000  # of two machines, one of which wrote a delivery and the other reads it
_GATHERED_MS = 25  # nearly all that is written here is to be delayed by seconds, and comes one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A role's difference. `decode` reads its records; `known_schemas` is what it knows of the registry's schemas.

    `keys` are tenants' data keys: of what `decode` opens, and of what is sealed where the setting is on.

    `look_every_s`: how long new records may go unseen while it waits for answers; `fetch`: how Kafka
    gathers them.
    """

    role: Role
    topics: Selection
    patience: Patience
    look_every_s: float
    fetch: Fetch
    decode: Callable[[Record], Content]
    known_schemas: dict[int, SchemaAnswer] = field(default_factory=dict)
    keys: TenantKeys | None = None


def map_most(settings: Settings, broker_chars: int | None) -> int:
    """How many characters a map of what is finished may have, where a commit may have so many (None: not known)."""
    allowed = settings.commit_metadata if broker_chars is None else min(settings.commit_metadata, broker_chars)
    return min(done_map.MOST, max(0, allowed - done_map.STAMP))


def rules(settings: Settings, patience: Patience, tracing: Tracing | None = None) -> Rules:
    """What the settings ask of the core."""
    delays_ms = settings.retry_delays_ms
    return Rules(
        schedule=Schedule(
            delays_ms=delays_ms,
            names=("0s", *settings.retry_delays),
            retry_for_ms=duration_ms(settings.retry_for),
            wait_for_ms=duration_ms(settings.wait_for),
        ),
        limits=Limits(
            in_flight=settings.max_in_flight,
            tenant_in_flight=max(1, settings.max_in_flight * 3 // 4),
            queued=settings.max_queued,
            lane_concurrency=settings.lane_concurrency,
            patience=patience,
            bulk_bytes=budget(settings).under_way,
            breaker_times_ms=open_times_ms(),
        ),
        freshness=Freshness(
            staleness_ms=duration_ms(settings.staleness),
            memory_for_ms=duration_ms(settings.memory_for),
            behind_ms=duration_ms(settings.projection_silence) + _CLOCKS_APART_MS,
        ),
        fan_out=settings.fan_out,
        shared=True,
        ordered=Topics.of(settings).ordered,
        keep=keeping(settings),
        tracing=tracing,
        budget=budget(settings),
    )


def names_of(settings: Settings) -> Names:
    """Who knows where hosts are: we, or the proxy that requests leave through."""
    guard, grants = guard_of(settings), settings.grants
    if isinstance(guard, ProxysGuard):
        return ProxysNames()
    if not grants.tenants:
        return Names(guard.refuses)
    # At which port a webhook is, its request tells the engine, whose guard judges once more.
    its = {tenant: guard.refusing(grants.at_any_port(tenant)) for tenant in grants.tenants}
    return GrantedNames(guard.refuses, its)


def target_of(settings: Settings, keyring: Keyring, prepare: Prepare | None) -> Callable[[Subscription], Target]:
    """How a webhook becomes one that requests can be made for."""

    def signer(subscription: Subscription) -> Signer:
        granted = settings.grants.at(subscription.tenant, origin_of(subscription.url)[2])
        named = brand(subscription.brand, settings.brands_dir)
        return Signer(subscription, named, keyring, prepare, granted=granted)

    return lambda subscription: Target(subscription, signer)


def budget(settings: Settings) -> Budget:
    """What each part of a process may take of its memory."""
    return Budget.of(settings.memory_mb * MIB, taken_bytes(settings))


def run(settings: Settings, pool: Pool, stop: threading.Event, slot: int) -> None:
    """Put a worker together and let it work until `stop` is set.

    Raises:
        ConfigurationError: a setting is wrong, or an encryption key is not the one its id names.
        TopicsUnfit: Kafka's topics are not as the role needs them.
        KafkaBroken: Kafka refuses what deliveries depend on; an ACL is missing (AccessDenied).
    """
    keyring = Keyring.from_settings(settings)
    found = _fit_cluster(settings, pool, stop)
    if found is None:
        return
    canary.check(settings, keyring)
    keys = pool.keys
    seals = None if keys is None or not keys.on else in_a_loop(settings, keys)
    if keys is not None and keys.on and not have_been_read(keys, stop):
        return
    traces.check(settings)
    load_brands(settings.brands_dir)  # one that is wrong is told now, not by its webhooks' first deliveries
    clocks, prepare = BrokerClocks(), preparing(settings)
    tracing = traces.tracing_of(settings)
    core = Core(
        rules(settings, pool.patience, tracing),
        decode=pool.decode,
        mark=Blame(settings.state_dir / "marks" / instance_id(settings, pool.role, slot)),
        clocks=clocks,
        names=names_of(settings),
        target=target_of(settings, keyring, prepare),
        partition_of=partition_of,
    )
    group = Topics.of(settings).group(pool.role)
    room = budget(settings)
    transport = open_transport(settings, hand=core)
    url = settings.schema_registry_url
    reader = AheadReader(settings) if pool.role is Role.RETRY else None
    ordered = OrderedLog(settings) if pool.role is Role.DELIVER else None
    parts = Parts(
        core=core,
        transport=transport,
        sender=transport if isinstance(transport, Sender) else None,
        records=RecordProducer(settings, linger_ms=_GATHERED_MS, queued_bytes=room.written),
        attempts=AttemptLog(settings, queued_bytes=room.logged),
        tenants=TenantLookup(tenants_read(settings, keys if seals is not None else None)),
        schemas=None if url is None else _schemas(url),
        marks=Lookup("marks", Marks.from_settings(settings).answer),
        ahead=None if reader is None else Lookup("ahead", seen_ahead(reader.read, keys)),
        standings=StandingLookup.from_settings(settings),
        ordered=None if ordered is None else Lookup("ordered", ordered.look),
        again=Lookup("again", found_again(LogAgain(settings).answer, keys)) if pool.role is Role.RETRY else None,
        replaced=ReplacedNews(ReplacedStore.from_settings(settings)) if pool.role is Role.RETRY else None,
        names=NameLookup(Resolver()),
        known_schemas=pool.known_schemas,
        topics=Topics.of(settings),
        error_headers=settings.error_headers,
        taken_bytes=taken_bytes(settings),
        clocks=clocks,
        look_every_s=pool.look_every_s,
        traces=traces.open_traces(tracing, pool.role, slot, group),
        terms=Terms.of(settings),
        surplus_bytes=room.surplus,
        seals=seals,
        gated=keys if pool.role is Role.RETRY else None,
    )

    instance = instance_id(settings, pool.role, slot)

    def open_consumer(worker: Worker) -> PartitionConsumer:
        return PartitionConsumer(
            settings,
            group=group,
            topics=pool.topics,
            instance=instance,
            listener=worker,
            start=(settings.start or "earliest") if pool.role is Role.DELIVER else "earliest",
            fetch=replace(pool.fetch, ahead_bytes=room.fetched),
            checkpoints=Checkpoints(settings.state_dir / "checkpoints" / found.cluster / group, instance),
            metadata_most=map_most(settings, found.metadata_chars),
            stop=stop,
        )

    Worker(parts, open_consumer, Clock()).run(stop, duration_ms(settings.drain_for) / 1_000)
    if reader is not None:
        reader.close()
    if ordered is not None:
        ordered.close()
    if keys is not None:
        keys.close()


def _fit_cluster(settings: Settings, pool: Pool, stop: threading.Event) -> Found | None:
    """What a cluster says that has the role's topics; one that is away is waited for. None when `stop` came first.

    Raises:
        TopicsUnfit: they are not as the role needs them.
        ConfigurationError: event topics hold records that nobody decided about.
    """
    unreachable = Outage(_log, "kafka unreachable")
    while not stop.is_set():
        try:
            found = required(settings, [pool.role], events=pool.role is Role.DELIVER)
        except AccessDenied:
            raise
        except KafkaBroken as error:
            unreachable.met(error=str(error))
            pulse.lacks = (KAFKA_AWAY,)
            pulse.beat()
            stop.wait(_ASK_KAFKA_EVERY_S)
        else:
            unreachable.over()
            return found
    return None


def _schemas(url: str) -> SchemaAsking:
    from consumer.events.registry import Registry  # noqa: PLC0415 - its library costs memory where unused
    from consumer.roles.schema_lookup import SchemaLookup  # noqa: PLC0415 - same

    return SchemaLookup(Registry(url))
