"""What happens at the tenants of a test, written in every format a producer may use, and who is owed what of it.

The law: matching and bodies are worked out here a second time, from the design alone: nothing of Hookline's matching or
rendering is imported.
"""

import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import TypeAlias, cast

import fastavro
from confluent_kafka import KafkaError, Message, Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from fastavro.schema import fingerprint, to_parsing_canonical_form

from consumer.schemas import avro_schema
from consumer.webhooks.subscription import OnFailure, PayloadFormat
from tests.acceptance.ledger import Pair, Promises
from tests.acceptance.receiver import Temper

Headers: TypeAlias = list[tuple[str, str | bytes | None]]
Encoded: TypeAlias = tuple[bytes, Headers]

SOURCE = "/tests"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OWN = {
    "type": "record",
    "name": "shop.Change",
    "fields": [
        {"name": "n", "type": "long"},
        {"name": "amount", "type": "int"},
        {"name": "kind", "type": "string"},
        {"name": "order", "type": "string"},
    ],
}
_OF_ONE_ORDER = 400


class Form(Enum):
    """How an event is published."""

    JSON = auto()
    SINGLE_OBJECT = auto()
    REGISTRY = auto()
    CLOUDEVENTS_BINARY = auto()
    CLOUDEVENTS_STRUCTURED = auto()
    OWN_AVRO = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """An event to be. Without an `id` Hookline gives it one, without `time_ms` the record's timestamp counts."""

    n: int
    type: str
    tenant: str
    form: Form = Form.JSON
    id: str | None = None
    product: str | None = None
    time_ms: int | None = None

    @property
    def amount(self) -> int:
        return self.n % 100

    @property
    def kind(self) -> str:
        return "ab"[self.n // 7 % 2]

    @property
    def order(self) -> str:
        """Whose events come one soon after the other, and then none any more."""
        return f"o{self.n // _OF_ONE_ORDER}"

    @property
    def data(self) -> bytes:
        """The payload. Where it is JSON from the beginning, its odd spelling must survive."""
        if self.form is Form.OWN_AVRO:
            return json.dumps(self.record, separators=(",", ":")).encode()
        keys = f'"kind":"{self.kind}", "order": "{self.order}"'
        return f'{{"n": {self.n}, "amount": {self.amount}.0,{keys}, "text":"\\u00fcü/\\/"}}'.encode()

    @property
    def record(self) -> dict[str, object]:
        return {"n": self.n, "amount": self.amount, "kind": self.kind, "order": self.order}


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """An event that Kafka acknowledged."""

    happening: Happening
    partition: int
    offset: int
    webhook_id: str
    time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A webhook of the test: its name is the subscription's id and the endpoint's path."""

    name: str
    tenant: str
    temper: Temper = Temper.HEALTHY
    event_types: tuple[str, ...] = ()
    product: str | None = None
    filter_json: str | None = None
    passes: Callable[[Happening], bool] = lambda _: True
    payload_format: PayloadFormat = PayloadFormat.STANDARD
    timeout_ms: int = 10_000
    rate_per_s: float = 50.0
    ordering: str = "none"
    on_failure: OnFailure = OnFailure.DEAD_LETTER

    def wants(self, happening: Happening) -> bool:
        """Whether it is owed this event; `passes` says what its filter means."""
        return (
            happening.tenant == self.tenant
            and self.product in (None, happening.product)
            and (not self.event_types or any(_names(each, happening.type) for each in self.event_types))
            and self.passes(happening)
        )


class Encoder:
    """Writes happenings as records. The registry's forms need its URL."""

    def __init__(self, topic: str, registry_url: str | None = None) -> None:
        self._context = SerializationContext(topic, MessageField.VALUE)
        self._envelope = avro_schema("Event")
        self._parsed = fastavro.parse_schema(dict(self._envelope))
        print_of = fingerprint(to_parsing_canonical_form(dict(self._envelope)), "CRC-64-AVRO")
        self._head = b"\xc3\x01" + bytes.fromhex(print_of)
        self._registered: dict[Form, AvroSerializer] = {}
        self._client = None if registry_url is None else SchemaRegistryClient({"url": registry_url})
        if self._client is not None:
            by_record = {"auto.register.schemas": True, "subject.name.strategy": _subject}
            for form, schema in ((Form.REGISTRY, self._envelope), (Form.OWN_AVRO, _OWN)):
                self._registered[form] = AvroSerializer(self._client, json.dumps(schema), conf=by_record)

    def __call__(self, happening: Happening) -> Encoded:
        match happening.form:
            case Form.JSON:
                return _json(_present(_metadata(happening)), happening.data), []
            case Form.SINGLE_OBJECT:
                out = io.BytesIO(self._head)
                out.seek(0, io.SEEK_END)
                fastavro.schemaless_writer(out, self._parsed, _envelope(happening))
                return out.getvalue(), []
            case Form.REGISTRY:
                return self._framed(happening, _envelope(happening)), []
            case Form.OWN_AVRO:
                names = {"event-type": happening.type, "tenant": happening.tenant, "product": happening.product}
                times = {"event-id": happening.id, "event-time": _time(happening)}
                return self._framed(happening, happening.record), _headers(names | times)
            case Form.CLOUDEVENTS_BINARY:
                attributes = {f"ce_{name}": value for name, value in _cloudevent(happening).items()}
                return happening.data, _headers(attributes | {"content-type": "application/json"})
            case Form.CLOUDEVENTS_STRUCTURED:
                media = {"content-type": "application/cloudevents+json; charset=utf-8"}
                return _json(_present(_cloudevent(happening)), happening.data), _headers(media)

    def close(self) -> None:
        """Leave the registry."""
        if self._client is not None:
            self._client.close()

    def _framed(self, happening: Happening, row: dict[str, object]) -> bytes:
        return cast("bytes", self._registered[happening.form](row, self._context))


class Publisher:
    """Publishes and remembers what was acknowledged, in the order of the acknowledgements."""

    def __init__(self, bootstrap: str, topic: str, encode: Callable[[Happening], Encoded]) -> None:
        self._topic = topic
        self._encode = encode
        self._producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "linger.ms": 5})
        self.published: list[Published] = []

    def publish(self, happenings: Iterable[Happening]) -> None:
        """Hand them over, spread over the partitions; `flush` waits for the acknowledgements."""
        for happening in happenings:
            value, headers = self._encode(happening)

            def acknowledged(error: KafkaError | None, message: Message, of: Happening = happening) -> None:
                assert error is None, error
                self.published.append(_published(of, message))

            while True:
                try:
                    self._producer.produce(
                        self._topic, value, str(happening.n), headers=headers, on_delivery=acknowledged
                    )
                    break
                except BufferError:
                    self._producer.poll(0.1)
            self._producer.poll(0)

    def flush(self) -> list[Published]:
        """Wait for every acknowledgement; everything published so far."""
        left = self._producer.flush(60)
        assert left == 0, f"{left} events were not acknowledged within 60 s"
        return self.published


def owed(published: Iterable[Published], hooks: Sequence[Hook]) -> Promises:
    """Every promise that follows from these events and webhooks."""
    bodies: dict[Pair, bytes] = {}
    event_tenants: dict[str, str] = {}
    copies: Counter[str] = Counter()
    by_tenant: dict[str, list[Hook]] = {}
    for hook in hooks:
        by_tenant.setdefault(hook.tenant, []).append(hook)
    for event in published:
        event_tenants[event.webhook_id] = event.happening.tenant
        copies[event.webhook_id] += 1
        for hook in by_tenant.get(event.happening.tenant, ()):
            if hook.wants(event.happening):
                bodies[event.webhook_id, hook.name] = _body(event, hook.payload_format)
    return Promises(
        bodies=bodies,
        event_tenants=event_tenants,
        tenants={hook.name: hook.tenant for hook in hooks},
        copies=copies,
    )


def travelling(event_id: str, source: str | None) -> str:
    """An id as it travels: the ids of these tests hold no odd character but the dot. A CloudEvent's has its source."""
    name = event_id.replace(".", "~2E")
    return name if source is None else f"{name}~~{hashlib.blake2b(source.encode(), digest_size=16).hexdigest()}"


def _names(wanted: str, event_type: str) -> bool:
    return wanted in ("*", event_type) or (wanted.endswith(".*") and event_type.startswith(wanted[:-1]))


def _published(happening: Happening, message: Message) -> Published:
    partition, offset = cast("int", message.partition()), cast("int", message.offset())
    return Published(
        happening=happening,
        partition=partition,
        offset=offset,
        webhook_id=travelling(
            happening.id or f"{message.topic()}-{partition}-{offset}-{message.timestamp()[1]}", source_of(happening)
        ),
        time_ms=message.timestamp()[1] if happening.time_ms is None else happening.time_ms,
    )


def _body(event: Published, payload_format: PayloadFormat) -> bytes:
    type_, data, time = event.happening.type.encode(), event.happening.data, rfc3339(event.time_ms).encode()
    match payload_format:
        case PayloadFormat.RAW:
            return data
        case PayloadFormat.EVENT:
            return b'{"event":"%b","data":%b,"timestamp":"%b"}' % (type_, data, time)
        case _:
            return b'{"type":"%b","timestamp":"%b","data":%b}' % (type_, time, data)


def rfc3339(time_ms: int) -> str:
    """With milliseconds and Z."""
    moment = _EPOCH + timedelta(milliseconds=time_ms)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _time(happening: Happening) -> str | None:
    return None if happening.time_ms is None else rfc3339(happening.time_ms)


def _metadata(happening: Happening) -> dict[str, str | None]:
    return {
        "id": happening.id,
        "type": happening.type,
        "tenant": happening.tenant,
        "product": happening.product,
        "time": _time(happening),
    }


def _cloudevent(happening: Happening) -> dict[str, str | None]:
    metadata = _metadata(happening)
    subject = metadata.pop("tenant")
    return metadata | {"specversion": "1.0", "source": SOURCE, "subject": subject}


def source_of(happening: Happening) -> str | None:
    return SOURCE if happening.form in (Form.CLOUDEVENTS_BINARY, Form.CLOUDEVENTS_STRUCTURED) else None


def _envelope(happening: Happening) -> dict[str, object]:
    return {**_metadata(happening), "time": happening.time_ms, "data": happening.data}


def _json(members: dict[str, str], data: bytes) -> bytes:
    return json.dumps(members).encode()[:-1] + b', "data": ' + data + b"}"


def _present(members: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in members.items() if value is not None}


def _headers(values: Mapping[str, str | None]) -> Headers:
    return [(name, value.encode()) for name, value in values.items() if value is not None]


def _subject(context: SerializationContext, record_name: str) -> str:
    """Two schemas on one topic: a subject for each."""
    return f"{context.topic}-{record_name}"
