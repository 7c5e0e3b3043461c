"""How our producers are configured, when they try again, and what stands in for one that cannot go on.

The law: what is acknowledged is on all in-sync replicas, and no record is given up by the client.
"""

from collections.abc import Callable, Iterable
from typing import Final

import structlog
from confluent_kafka import KafkaError, Producer

from consumer.kafka.client import Properties, build, client_properties
from consumer.kafka.partitioner import PARTITIONER
from consumer.settings import Settings

_log = structlog.get_logger("kafka")

# The topic's own limit decides, never the client's: a record that a topic would take must not be refused here.
ANY_SIZE: Final = 1_000_000_000
TOO_LARGE: Final = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE})
LINGER_MS: Final = 5

_MAX_QUEUED: Final = 20_000
QUEUED_BYTES: Final = 33_554_432
_BESIDE_BYTES: Final = 1_048_576  # of an attempt: answer, headers
_QUEUE_MOST_KBYTES: Final = 2_147_483_647  # librdkafka's own most
_FIRST_BACKOFF_S: Final = 0.1
_LAST_BACKOFF_S: Final = 10.0


def producer_properties(
    settings: Settings, *, idempotent: bool, linger_ms: int = LINGER_MS, queued_bytes: int = QUEUED_BYTES
) -> Properties:
    """acks=all and no end to librdkafka's own retries. `linger_ms`: what comes in that time travels together.

    `queued_bytes`: what may stand in its queue.

    Raises:
        ConfigurationError: the user's properties contradict these.
    """
    return client_properties(
        settings,
        ours={
            "acks": "all",
            "enable.idempotence": idempotent,
            "message.timeout.ms": 0,
            "message.max.bytes": ANY_SIZE,
            "partitioner": PARTITIONER,
        },
        unless_set={
            "compression.type": "lz4",
            "linger.ms": linger_ms,
            "queue.buffering.max.messages": _MAX_QUEUED,
            # An attempt holds what was rendered of an event: one has to fit, or it would wait for room for ever.
            "queue.buffering.max.kbytes": max(queued_bytes, 2 * settings.max_event_bytes + _BESIDE_BYTES) // 1_024,
        },
    )


class OneByOne:
    """The same producer, but for batches of one record, of whatever size: its queue has no bound. Made when needed.

    The broker refuses a batch whole for one record in it. Sent alone, a record is refused for what it is.
    """

    def __init__(self, make: Callable[..., Producer], properties: Properties) -> None:
        kept = {name: value for name, value in properties.items() if name != "batch.size"}
        self._properties = kept | {"batch.num.messages": 1, "queue.buffering.max.kbytes": _QUEUE_MOST_KBYTES}
        self._make = make
        self._made: Producer | None = None

    def __len__(self) -> int:
        return 0 if self._made is None else len(self._made)

    @property
    def producer(self) -> Producer:
        """The producer itself."""
        if self._made is None:
            self._made = build(self._make, self._properties)
        return self._made

    @property
    def all_made(self) -> tuple[Producer, ...]:
        """It, where it was needed so far."""
        return () if self._made is None else (self._made,)

    def poll(self) -> None:
        """Serve the callbacks of its records."""
        if self._made is not None:
            self._made.poll(0)


def in_place_of(old: Iterable[Producer], properties: Properties, why: str, *, records: int) -> Producer:
    """A fatal error ends an idempotent producer: the one that takes over. What the old ones hold is given up."""
    _log.error("producer rebuilt", error=why, records=records)
    producer = build(Producer, properties)
    for each in old:
        each.purge()
    return producer


def backoff_s(failures: int) -> float:
    """How long to wait before producing again, after so many failures: doubling, at most 10 s."""
    return min(_LAST_BACKOFF_S, _FIRST_BACKOFF_S * 2.0 ** min(failures - 1, 16))
