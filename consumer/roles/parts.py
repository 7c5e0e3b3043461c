"""What a worker drives."""

from dataclasses import dataclass, field

from consumer.delivery.budget import DEFAULT
from consumer.delivery.core import Core
from consumer.delivery.tracing import Traced
from consumer.events.schema import SchemaAnswer
from consumer.http.transport import Sender, Transport
from consumer.kafka.attempt_log import AttemptLog
from consumer.kafka.clock import BrokerClocks
from consumer.kafka.producer import RecordProducer
from consumer.kafka.provenance import Family
from consumer.kafka.topic_specs import Topics
from consumer.roles.encoding import Seals
from consumer.roles.gate import Keys
from consumer.roles.name_lookup import NameLookup
from consumer.roles.questions import AgainLookup, AheadLookup, MarkLookup, OrderedLookup, SchemaAsking
from consumer.roles.replaced import ReplacedExchange
from consumer.roles.seals import Terms
from consumer.roles.standings import StandingAsking
from consumer.roles.tenant_lookup import TenantLookup
from consumer.telemetry.span_queue import SpanQueue


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a worker drives. The core's decoder reads `known_schemas`; every topic of ours takes `taken_bytes`.

    `standings` of None: nobody shares what processes know of a webhook, as the core was told (`Rules.shared`).
    `terms`: how often is committed, and how long that may take.
    `traces` of None: nothing is traced, as the core was told.
    `surplus_bytes`: what may be taken although there is no room for it, before partitions are paused.
    `sender`: the transport again, where it sends what the native step writes.
    `seals` of None: what is written is not sealed. `gated`: the keys of what is consumed, where some of it may be.
    `look_every_s`: with requests under way, how long their answers are waited for before Kafka is looked at again.
    """

    core: Core
    transport: Transport
    records: RecordProducer
    attempts: AttemptLog
    tenants: TenantLookup
    schemas: SchemaAsking | None
    marks: MarkLookup
    ahead: AheadLookup | None
    standings: StandingAsking | None
    again: AgainLookup | None
    ordered: OrderedLookup | None
    replaced: ReplacedExchange | None
    names: NameLookup
    known_schemas: dict[int, SchemaAnswer]
    topics: Topics
    error_headers: Family
    taken_bytes: int
    clocks: BrokerClocks
    look_every_s: float
    traces: SpanQueue[Traced] | None = None
    terms: Terms = field(default_factory=Terms)
    surplus_bytes: int = DEFAULT.surplus
    sender: Sender | None = None
    seals: Seals | None = None
    gated: Keys | None = None
