"""Every option, declared once.

Read from the environment (`HOOKLINE_…`), then `.env`, then `hookline.toml` (same names, lower case, without the
prefix), first found wins. `HOOKLINE_KAFKA_<PROPERTY>` is any librdkafka property: upper case, dots as underscores. In
`hookline.toml` the properties may also stand in a table `[kafka]`, under librdkafka's own names. Names that begin with
`HOOKLINE_KAFKA_` and are fields here are ours, and no properties.
"""

import os
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    DirectoryPath,
    Field,
    FilePath,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from consumer.granted import Grants, grant
from consumer.setting_types import (
    Delays,
    GrantedNetworks,
    Listed,
    Networks,
    Origins,
    OwnOrigin,
    Paths,
    Proxy,
    Replicas,
    Secrets,
    SecretUrl,
    Servers,
    StrongKey,
    TokenSource,
)
from consumer.setting_values import Room, Span, duration_ms

PREFIX = "HOOKLINE_"
TOML = "hookline.toml"
KAFKA = PREFIX + "KAFKA_"

MOST_PROCESSES = 512
"""Of deliver: more than any machine of ours has cores. A larger number is a slip of the finger."""


class ConfigurationError(Exception):
    """The configuration is wrong: `field` is the option as its user writes it, the message says what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Which of the known names was probably meant by this one, if any is like it."""
    return next(iter(get_close_matches(name, list(known), n=1)), None)


def flat(table: Mapping[str, object]) -> dict[str, object]:
    """A table of properties: TOML reads `bootstrap.servers = …` as a table `bootstrap` that holds `servers`."""
    found: dict[str, object] = {}
    for name, value in table.items():
        inner = flat(value) if isinstance(value, Mapping) else None
        found |= {name: value} if inner is None else {f"{name}.{rest}": each for rest, each in inner.items()}
    return found


class _File(TomlConfigSettingsSource):
    """hookline.toml, which is written for Hookline alone: a name in it that is no setting is a mistake."""

    def __call__(self) -> dict[str, object]:
        told: dict[str, object] = super().__call__()
        for name in told:
            if name not in Settings.model_fields and not (PREFIX + name.upper()).startswith(KAFKA):
                closest = nearest(name.lower(), Settings.model_fields)
                hint = "" if closest is None else f": did you mean {closest}?"
                raise ConfigurationError(name, f"{TOML} names no setting by this{hint}")
        return told


class Settings(BaseSettings):
    """The settings of every role. Field `x_y` is `HOOKLINE_X_Y`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", toml_file=TOML, frozen=True, extra="ignore")

    # Kafka
    event_topics: Listed = Field((), description="The event topics: names, or regular expressions that begin with ^.")
    topic_prefix: str = Field("hookline.", description="Put before every topic and group Hookline owns.")
    create_topics: bool = Field(default=False, description="Create missing topics at start.")
    replication_factor: Replicas = Field(
        -1, ge=-1, le=32_767, description="Of topics Hookline creates; -1 leaves it to the broker."
    )
    partitions: int = Field(8, ge=1, le=10_000, description="Of topics Hookline creates.")
    trust_broker: bool = Field(
        default=False, description="Check only that topics exist, for a broker that does not tell its settings."
    )
    start: Literal["earliest", "latest"] | None = Field(
        None,
        description="earliest or latest: what a first start does with records that are there. Unset, deliver asks.",
    )
    membership: Literal["static", "dynamic"] = Field(
        "static",
        description="static: a process that is back within 20 s, known by its host's name, keeps its partitions.",
    )
    group_protocol: Literal["classic", "consumer"] = Field("classic", description="consumer is KIP-848.")
    kafka_token_from: TokenSource = Field(
        None, description="Where OAUTHBEARER tokens come from: file:PATH, or command:PROGRAM with its arguments."
    )
    # 82 commits a second at 300 events/s on 4 partitions; Event Hubs takes 4 of each partition.
    commit_every: Annotated[str, AfterValidator(Span("10ms", "10s"))] = Field(
        "10ms", description="How long a deliver or retry process waits from one commit to the next."
    )
    # A crash repeats what is not recorded; of a broker that answers in 500 ms the default takes half the throughput.
    unrecorded_for: Annotated[str, AfterValidator(Span("50ms", "3s"))] = Field(
        "250ms", description="No request is started while what ended so long ago is not recorded in Kafka."
    )
    # A broker refuses a commit whole for one map that is too long (`offset.metadata.max.bytes`, by default 4,096).
    commit_metadata: int = Field(
        4_095, ge=128, le=4_095, description="Characters of a commit beside its offset; fewer where the broker says so."
    )
    error_headers: Literal["kafka_dlt", "connect"] = Field(
        "kafka_dlt", description="The header family written on dead letters and poison records."
    )
    schema_registry_url: str | None = Field(None, description="Of a Confluent-compatible Schema Registry.")

    # Events
    max_event_bytes: int = Field(1_048_576, ge=1_024, le=104_857_600, description="A larger event goes to poison.")
    # Whatever reads JSON goes as deep as the JSON, on a stack of 1,000 of which its caller has used some.
    max_event_depth: int = Field(64, ge=1, le=500, description="Objects and arrays nested deeper go to poison.")
    tenant_extension: str | None = Field(
        None, description="The CloudEvents extension that names the tenant; without it `subject` does."
    )
    avro_type_field: str | None = Field(None, description="The field of your own Avro records that holds the type.")
    avro_tenant_field: str | None = Field(None, description="… that holds the tenant.")
    avro_id_field: str | None = Field(None, description="… that holds the event's id.")
    avro_product_field: str | None = Field(None, description="… that holds the product.")
    avro_time_field: str | None = Field(None, description="… that holds the time.")

    # Redis and the subscriptions' cache
    redis_url: SecretStr = Field(SecretStr("redis://127.0.0.1:6379/0"), description="The cache.")
    redis_cluster: bool = Field(default=False, description="The URL names a node of a Redis Cluster.")
    redis_timeout: Annotated[str, AfterValidator(Span("10ms", "1m"))] = Field(
        "500ms", description="How long one call to Redis may take."
    )
    staleness: Annotated[str, AfterValidator(Span("1ms", "1h"))] = Field(
        "1s", description="How old a worker's view of a tenant's webhooks may be."
    )
    memory_for: Annotated[str, AfterValidator(Span("0s", "30d"))] = Field(
        "1h", description="How long known tenants go on from memory without Redis."
    )
    projection_silence: Annotated[str, AfterValidator(Span("1s", "1h"))] = Field(
        "10s", description="A cache whose heartbeat stood still so long is not believed."
    )
    encryption_keys: Secrets = Field(
        (), description="`id:base64 of 32 bytes`, comma-separated; the first encrypts, all decrypt."
    )

    # Delivery
    retry_delays: Delays = Field(("5s", "1m", "5m", "30m", "2h", "6h", "15h"), description="The delay topics, rising.")
    retry_for: Annotated[str, AfterValidator(Span("1s", "90d"))] = Field(
        "24h", description="Counted from a delivery's first attempt; then it is dead-lettered."
    )
    wait_for: Annotated[str, AfterValidator(Span("1s", "90d"))] = Field(
        "3d", description="How long a delivery may wait for its turn; the delay topics keep records for as long."
    )
    transport: Literal["auto", "native", "sockets", "curl"] = Field(
        "auto", description="The HTTP engine: auto is native where hookline-native is installed, else sockets."
    )
    max_in_flight: int = Field(
        1_024, ge=1, le=32_768, description="HTTP requests at once, per process; one tenant has three quarters at most."
    )
    max_queued: int = Field(8_192, ge=1, le=1_000_000, description="Deliveries waiting in lanes, per process.")
    lane_concurrency: int = Field(
        32, ge=1, le=32_768, description="HTTP requests at once to one webhook, unless it sets its own."
    )
    fan_out: int = Field(
        256, ge=1, le=1_000_000, description="An event for more webhooks is written as chunk records first."
    )
    allow_networks: Networks = Field((), description="CIDRs the address guard lets through.")
    allow_http: bool = Field(default=False, description="Accept http:// endpoints.")

    # The way out
    egress_proxy: Proxy = Field(
        None,
        description="The forward proxy of all deliveries: http://, https:// or socks5://, with its user:password@.",
    )
    egress_authorities: FilePath | None = Field(
        None,
        description="A PEM file: who may have signed the certificate of an https:// proxy; unset: the system's.",
    )
    egress_guard: Literal["ours", "proxy"] = Field(
        "ours", description="Who looks an endpoint's name up and refuses its addresses: Hookline, or the proxy."
    )
    egress_check: Servers = Field(
        (),
        validate_default=True,
        description="host:port of one or more servers that the proxy reaches whenever it works; it needs one.",
    )
    tenant_networks: GrantedNetworks = Field(
        (), description="TENANT=CIDR or TENANT=CIDR:PORT: what the address guard lets through for that tenant alone."
    )

    # Brands
    brands_dir: DirectoryPath | None = Field(None, description="The folder of your own brands: docs/brands.md.")

    # The API
    api_listen: str = Field("127.0.0.1:8080", description="Where the API listens: host:port.")
    operator_key: StrongKey = Field(
        None, description="Opens the API to its operator, for every tenant; at least 32 characters."
    )
    api_requests_per_s: int = Field(
        50, ge=1, le=1_000_000, description="Of one API key, per API process; more are answered 429."
    )
    api_cors_origins: Listed = Field((), description="Origins whose pages may call the API; * allows all.")
    # Each change of one is a load of all: 10,000 take a process 0.4 s beside the loop, with filters 2 s.
    max_webhooks: int = Field(10_000, ge=1, le=1_000_000_000, description="Of one tenant, under all brands.")
    api_key: SecretStr | None = Field(None, description="What `--api` on the command line sends, unless `--key` does.")

    # The pages for customers
    portal_url: OwnOrigin = Field(
        None, description="Where browsers reach the pages for customers, as in https://hooks.example.com; else none."
    )
    portal_embed_origins: Origins = Field((), description="Origins whose pages may show them in a frame.")

    # Health
    suspend_after: Annotated[str, AfterValidator(Span("1s", "365d"))] = Field(
        "5d", description="An endpoint that only failed for so long is suspended."
    )
    suspend_attempts: int = Field(20, ge=1, le=1_000_000, description="… and at least so often.")

    # The delivery log's index
    log_plain: int = Field(
        1_000, ge=20, le=1_000_000, description="Accepted first tries of a webhook that the log lists."
    )
    log_eventful: int = Field(
        10_000, ge=20, le=1_000_000, description="… all other attempts: failures, retries, replays, tests."
    )
    log_for: Annotated[str, AfterValidator(Span("1h", "365d"))] = Field(
        "30d", description="Older attempts are not listed."
    )
    log_memory: Annotated[str, AfterValidator(Room("8MiB", "1024GiB"))] = Field(
        "512MiB", description="Of Redis, for the lists of all webhooks together."
    )
    log_bodies: Literal["all", "failed", "none"] = Field(
        "all", description="Of which attempts the log keeps request and answer: failed leaves out what was accepted."
    )
    redact: Paths = Field((), description="Paths into events' data, as data.card.number, left out of the log.")
    log_redis_url: SecretUrl = Field(
        None, description="A Redis of the log's own, which is advised; else it shares the cache's."
    )

    # Data keys
    tenant_keys: Literal["off", "on"] = Field(
        "off", description="on: what is kept for a tenant is sealed with its own key, which an erasure destroys."
    )

    # Replay
    max_replays: int = Field(5, ge=1, le=1_000_000, description="How often one dead letter may be replayed.")

    # Operation
    processes: int | None = Field(
        None, ge=1, le=MOST_PROCESSES, description="Deliver processes; default: one for each core granted to us."
    )
    memory_mb: int = Field(
        150, ge=96, le=1_048_576, description="What one deliver or retry process may take, in MiB; 80 are the program."
    )
    state_dir: Path = Field(
        Path(".hookline"), description="Where slots are locked and checkpoints kept on this machine."
    )
    admin_listen: str = Field(
        "127.0.0.1:9464", description="Where the supervisor tells how its processes do: host:port; empty: nowhere."
    )
    metrics_webhooks: int = Field(
        0, ge=0, le=1_000, description="Of so many webhooks, those that fail most, /metrics/webhooks has figures."
    )
    metrics_tenants: Listed = Field((), description="… and of all webhooks of these tenants: 1,000 in all.")
    traces: Literal["off", "otlp"] = Field(
        "off", description="otlp: attempts are traced, to where OTEL_EXPORTER_OTLP_ENDPOINT says."
    )
    traces_ratio: float = Field(
        0.01, ge=0, le=1, description="Of the traces that nobody decided about, how many are recorded; 1 is all."
    )
    traces_follow: bool = Field(
        default=True, description="Record what the producer's trace context says is recorded, and nothing else of his."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Of the log on stderr.")
    log_format: Literal["json", "console"] | None = Field(
        None, description="json or console, which is for people. Unset: console on a terminal, else json."
    )
    drain_for: Annotated[str, AfterValidator(Span("0s", "1h"))] = Field(
        "8s", description="How long a stopping process waits for its attempts."
    )

    kafka: dict[str, str] = Field(
        default_factory=dict, repr=False, description="librdkafka properties, from HOOKLINE_KAFKA_…."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del file_secret_settings
        return init_settings, env_settings, dotenv_settings, _File(settings_cls)

    @field_validator("egress_proxy")
    @classmethod
    def _an_engine_that_sends_through_it(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is not None and info.data.get("transport") in {"native", "curl"}:
            raise ValueError("needs HOOKLINE_TRANSPORT auto or sockets: no other engine sends through a proxy")
        return value

    @field_validator("egress_authorities", mode="before")
    @classmethod
    def _of_https(cls, value: object, info: ValidationInfo) -> object:
        if not value:
            return None  # as a container's file says it
        proxy = info.data.get("egress_proxy")
        if proxy is None or not proxy.get_secret_value().startswith("https://"):
            raise ValueError("says nothing unless HOOKLINE_EGRESS_PROXY begins with https://: take it out")
        return value

    @field_validator("egress_check")
    @classmethod
    def _one_for_the_proxy(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if info.data.get("egress_proxy") is not None and not value:
            raise ValueError(
                "name a server that HOOKLINE_EGRESS_PROXY reaches whenever it works, as in www.example.com:443: "
                "it tells a broken proxy from an endpoint that is refused"
            )
        return value

    @field_validator("tenant_networks")
    @classmethod
    def _with_a_guard_of_ours(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if value and info.data.get("egress_proxy") is not None and info.data.get("egress_guard") == "proxy":
            raise ValueError(
                "says nothing where HOOKLINE_EGRESS_GUARD is proxy, and the proxy refuses what it should: "
                "take one of the two out"
            )
        return value

    @model_validator(mode="before")
    @classmethod
    def _kafka_properties(cls, data: dict[str, object]) -> dict[str, object]:
        """Environment wins over `.env`, and that over the file, property by property."""
        table = data.get("kafka", {})
        if not isinstance(table, Mapping):
            return data  # refused under its name, as every field of a wrong type
        properties = flat(table)
        ours = {PREFIX + name.upper() for name in cls.model_fields}
        in_file = {f"HOOKLINE_{name}".upper(): value for name, value in data.items()}
        for source in (in_file, dotenv_values(".env"), os.environ):
            for name, value in source.items():
                if name.startswith(KAFKA) and name not in ours and value is not None:
                    properties[name.removeprefix(KAFKA).lower().replace("_", ".")] = value
        return {**data, "kafka": properties}

    @cached_property
    def retry_delays_ms(self) -> tuple[int, ...]:
        """The tiers' delays with the spill tier in front: index 0 is 0 ms."""
        return (0, *(duration_ms(delay) for delay in self.retry_delays))

    @cached_property
    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks the address guard lets through."""
        return tuple(ip_network(network) for network in self.allow_networks)

    @cached_property
    def grants(self) -> Grants:
        """The networks that single tenants' webhooks may reach."""
        return Grants(map(grant, self.tenant_networks))
