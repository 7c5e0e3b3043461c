"""Every option, declared once.

Read from the environment (`HOOKLINE_…`), then `.env`, then `hookline.toml` (same names, lower case, without the
prefix), first found wins. `HOOKLINE_KAFKA_<PROPERTY>` is any librdkafka property: upper case, dots as underscores. In
`hookline.toml` the properties may also stand in a table `[kafka]`, under librdkafka's own names. Names that begin with
`HOOKLINE_KAFKA_` and are fields here are ours, and no properties.
"""

import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final, Literal

from dotenv import dotenv_values
from pydantic import AfterValidator, DirectoryPath, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

_DURATION = re.compile(r"([0-9]{1,18})(ms|s|m|h|d)")
_UNIT_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_OPERATOR_KEY_LENGTH = 32
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


def duration_ms(text: str) -> int:
    """Read `5s`, `1m`, `2h`, `250ms`, `1d` as milliseconds.

    Raises:
        ValueError: the text is not one number and one unit.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a duration: write a whole number and ms, s, m, h or d, as in 30s")
    return int(match[1]) * _UNIT_MS[match[2]]


@dataclass(frozen=True, slots=True)
class Span:
    """What a duration may be: nothing that is computed from it overflows, and none of it is a slip of the finger."""

    least: str
    most: str

    def __call__(self, text: str) -> str:
        return _between(self.least, text, self.most, duration_ms)


_SIZE = re.compile(r"([0-9]{1,9})(MiB|GiB)")
_SIZE_BYTES = {"MiB": 1_048_576, "GiB": 1_073_741_824}


def size_bytes(text: str) -> int:
    """Read `512MiB`, `4GiB` as bytes.

    Raises:
        ValueError: the text is not one number and one unit.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a size: write a whole number and MiB or GiB, as in 512MiB")
    return int(match[1]) * _SIZE_BYTES[match[2]]


@dataclass(frozen=True, slots=True)
class Room:
    """What a size may be."""

    least: str
    most: str

    def __call__(self, text: str) -> str:
        return _between(self.least, text, self.most, size_bytes)


def _between(least: str, text: str, most: str, read: Callable[[str], int]) -> str:
    if not read(least) <= read(text) <= read(most):
        raise ValueError(f"{text!r} is out of range: it must be between {least} and {most}")
    return text


DELAY: Final = Span("1ms", "30d")
"""What each of the retry delays may be."""
MOST_DELAYS: Final = 32


def _listed(value: object) -> object:
    """Every list is comma-separated."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


_DATA_PATH: Final = re.compile(r"(\$\.)?data(\.(\*|[^.*\[\]\s]{1,256})(\[\*\])*){1,16}")

ORIGIN: Final = re.compile(r"https?://[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[1-9][0-9]{0,4})?")
"""Of a page, as browsers write it: scheme, host in lower case, and a port where it is not the usual one."""


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


Listed = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """The settings of every role. Field `x_y` is `HOOKLINE_X_Y`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", toml_file=TOML, frozen=True, extra="ignore")

    # Kafka
    event_topics: Listed = Field((), description="The event topics: names, or regular expressions that begin with ^.")
    topic_prefix: str = Field("hookline.", description="Put before every topic and group Hookline owns.")
    create_topics: bool = Field(default=False, description="Create missing topics at start.")
    replication_factor: int = Field(
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
        description="static: a process that is back within 10 s, known by its host's name, keeps its partitions.",
    )
    group_protocol: Literal["classic", "consumer"] = Field("classic", description="consumer is KIP-848.")
    kafka_token_from: str | None = Field(
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
    encryption_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="`id:base64 of 32 bytes`, comma-separated; the first encrypts, all decrypt."
    )

    # Delivery
    retry_delays: Listed = Field(("5s", "1m", "5m", "30m", "2h", "6h", "15h"), description="The delay topics, rising.")
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
    allow_networks: Listed = Field((), description="CIDRs the address guard lets through.")
    allow_http: bool = Field(default=False, description="Accept http:// endpoints.")

    # Brands
    brands_dir: DirectoryPath | None = Field(None, description="The folder of your own brands: docs/brands.md.")

    # The API
    api_listen: str = Field("127.0.0.1:8080", description="Where the API listens: host:port.")
    operator_key: SecretStr | None = Field(
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
    portal_url: str | None = Field(
        None, description="Where browsers reach the pages for customers, as in https://hooks.example.com; else none."
    )
    portal_embed_origins: Listed = Field((), description="Origins whose pages may show them in a frame.")

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
    redact: Listed = Field((), description="Paths into events' data, as data.card.number, left out of the log.")
    log_redis_url: SecretStr | None = Field(
        None, description="A Redis of the log's own, which is advised; else it shares the cache's."
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

    @field_validator(
        "event_topics",
        "retry_delays",
        "allow_networks",
        "encryption_keys",
        "api_cors_origins",
        "portal_embed_origins",
        "redact",
        "metrics_tenants",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return _listed(value)

    @field_validator("operator_key")
    @classmethod
    def _strong(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None or not value.get_secret_value():
            return None  # as a container's file says it: HOOKLINE_OPERATOR_KEY=
        if len(value.get_secret_value()) < _OPERATOR_KEY_LENGTH:
            raise ValueError(
                f"is shorter than {_OPERATOR_KEY_LENGTH} characters: make one with head -c 32 /dev/urandom | base64"
            )
        return value

    @field_validator("portal_url")
    @classmethod
    def _an_origin(cls, value: str | None) -> str | None:
        if not value:
            return None  # as a container's file says it
        if not ORIGIN.fullmatch(value):
            raise ValueError("is no origin: write scheme and host, as in https://hooks.example.com, without a path")
        return value

    @field_validator("portal_embed_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            if not ORIGIN.fullmatch(each):
                raise ValueError(f"{each!r} is no origin: write scheme and host, as in https://app.example.com")
        return value

    @field_validator("redact")
    @classmethod
    def _paths(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            if not _DATA_PATH.fullmatch(each):
                raise ValueError(
                    f"{each!r} is no path: write data and the names of up to 16 members, * for any, "
                    "as in data.card.number or data.items[*].email"
                )
        return value

    @field_validator("log_redis_url")
    @classmethod
    def _some_url(cls, value: SecretStr | None) -> SecretStr | None:
        return value if value is not None and value.get_secret_value() else None  # as a container's file says it

    @field_validator("kafka_token_from")
    @classmethod
    def _a_source(cls, value: str | None) -> str | None:
        if not value:
            return None  # as a container's file says it
        kind, _, where = value.partition(":")
        if kind not in {"file", "command"} or not where.strip():
            raise ValueError("write file: and a path, or command: and a program with its arguments")
        return value

    @field_validator("retry_delays")
    @classmethod
    def _rising(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        delays = [duration_ms(delay) for delay in value]
        if not delays or delays[0] <= 0 or any(b <= a for a, b in pairwise(delays)):
            raise ValueError("name at least one delay, each longer than the one before, as in 5s,1m,5m")
        if len(delays) > MOST_DELAYS:
            raise ValueError(f"are {len(delays)}, each with a topic of its own: name at most {MOST_DELAYS}")
        return tuple(map(DELAY, value))

    @field_validator("replication_factor")
    @classmethod
    def _some(cls, value: int) -> int:
        if value == 0:
            raise ValueError("must be at least 1, or -1 to leave it to the broker")
        return value

    @field_validator("allow_networks")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            try:
                ip_network(network)
            except ValueError as error:
                raise ValueError(f"{error}: write a network in CIDR notation, as in 10.0.0.0/8") from None
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


def strangers(names: Iterable[str]) -> dict[str, str | None]:
    """The variables that look like settings and are none, each with the setting it is most like, if any is."""
    known = [field.upper() for field in Settings.model_fields]
    found: dict[str, str | None] = {}
    for name in sorted(names):
        upper = name.upper()
        if upper.startswith(PREFIX) and not upper.startswith(KAFKA) and upper.removeprefix(PREFIX) not in known:
            closest = nearest(upper.removeprefix(PREFIX), known)
            found[name] = None if closest is None else PREFIX + closest
    return found


def load() -> Settings:
    """Read the settings.

    Raises:
        ConfigurationError: the first option that is wrong, by the name its user knows.
    """
    found = read()
    if isinstance(found, Settings):
        return found
    raise found[0]


def read() -> Settings | list[ConfigurationError]:
    """The settings; or every option that is wrong, by the name its user knows."""
    try:
        return Settings()
    except ConfigurationError as error:
        return [error]
    except ValidationError as error:
        wrong = {
            "_".join(str(part) for part in each["loc"][:1]): each
            for each in reversed(error.errors(include_input=False, include_url=False))
        }
        return [
            ConfigurationError(PREFIX + name.upper(), _wanted(name, each["type"], each["msg"]))
            for name, each in reversed(wrong.items())
        ]
    except tomllib.TOMLDecodeError as error:
        return [ConfigurationError(TOML, f"{error}: text stands in double quotes, a list in [ ]")]


def _wanted(name: str, kind: str, said: str) -> str:
    """What a setting has to be: `kind` and `said` are how pydantic refused it."""
    if kind.startswith("bool"):
        return "must be true or false"
    if kind == "path_not_directory":
        return "there is no such folder"
    field = Settings.model_fields.get(name)
    bounds = [] if field is None else field.metadata
    least = [each.ge for each in bounds if hasattr(each, "ge")]
    most = [each.le for each in bounds if hasattr(each, "le")]
    if least and most and kind != "value_error":
        number = "number" if field is not None and field.annotation is float else "whole number"
        return f"must be a {number} from {least[0]} to {most[0]}"
    return said.removeprefix("Value error, ").replace("Input should be", "must be")
