"""Tenants' data keys as their topic holds them, for commands that destroy them or seal them anew.

The law: a destroyed key stays destroyed. Whoever seals keys anew may write one that was destroyed meanwhile: it is
`returned`, and is to be destroyed once more by whoever reads that.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Protocol

from consumer.data_keys.key_record import SealedKey, decode, destroyed, id_of, record_of, sealed_key, secret_of
from consumer.events.event import Record
from consumer.kafka.reading import TopicMissing, read_to_end
from consumer.kafka.topic_specs import Topics
from consumer.kafka.topic_writer import Place, TopicWriter
from consumer.kafka.writing import NewRecord
from consumer.settings import Settings
from consumer.webhooks.keyring import Keyring, SecretUnreadable
from consumer.wire import RecordCorrupt

_PASSES: Final = 5
_BATCH: Final = 500
_ROLLS: Final = b"last-written"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptKeys:
    """Those that are there, by id; `returned` are ids that were destroyed and are there all the same."""

    keys: Mapping[str, SealedKey]
    returned: frozenset[str]

    def of(self, tenant: str) -> list[SealedKey]:
        """Those of a tenant, the oldest first."""
        return sorted(
            (each for each in self.keys.values() if each.tenant == tenant), key=lambda each: each.created_at_ms
        )


class Topic(Protocol):
    """The topic of tenants' keys."""

    name: str

    def read(self) -> KeptKeys | None:
        """What it holds now; None: there is no such topic, and never was a key. Raises KafkaBroken."""

    def write(self, record: NewRecord) -> "Future[Place]":
        """Write a record; the future's error is KafkaBroken."""


class KeysTopic:
    """It, on Kafka."""

    def __init__(self, settings: Settings, writer: TopicWriter) -> None:
        self._settings = settings
        self._writer = writer
        self.name = Topics.of(settings).tenant_keys

    def read(self) -> KeptKeys | None:
        """See `Topic`."""
        return read_keys(self._settings)

    def write(self, record: NewRecord) -> "Future[Place]":
        """See `Topic`."""
        return self._writer.write(record)


def kept_keys(records: Iterable[Record]) -> KeptKeys:
    """What the topic's records, from its beginning, come to. One that is no data key is none."""
    keys: dict[str, SealedKey] = {}
    gone: set[str] = set()
    for record in records:
        key_id = id_of(record.key)
        if key_id is None:
            continue
        if record.value is None:
            keys.pop(key_id, None)
            gone.add(key_id)
        else:
            with suppress(RecordCorrupt):
                keys[key_id] = decode(record.value, key_id)
    return KeptKeys(keys=keys, returned=frozenset(gone & keys.keys()))


def read_keys(settings: Settings) -> KeptKeys | None:
    """What the topic holds now; None: there is no such topic, and never was a key.

    Raises:
        KafkaBroken: it could not be read to its end.
    """
    try:
        return kept_keys(read_to_end(settings, Topics.of(settings).tenant_keys))
    except TopicMissing:
        return None


def destroy(topic: Topic, key_ids: Iterable[str]) -> None:
    """Destroy these, and wait until Kafka has that.

    One record more is written behind them: a log's newest part is compacted only once something was written after it.

    Raises:
        KafkaBroken: not all was acknowledged.
    """
    last = NewRecord(topic=topic.name, key=_ROLLS, value=None)
    for writing in [topic.write(each) for each in (*(destroyed(topic.name, key_id) for key_id in key_ids), last)]:
        writing.result()


@dataclass(slots=True, kw_only=True)
class Resealed:
    """How far it came. `uses`: how many data keys need each encryption key; `unreadable`, by id, why."""

    keys: int = 0
    resealed: int = 0
    left: int = 0
    uses: Counter[str] = field(default_factory=Counter)
    unreadable: dict[str, str] = field(default_factory=dict)


def reseal(topic: Topic, keyring: Keyring, *, stop: Callable[[], bool] = lambda: False) -> Resealed:
    """Seal every data key with the ring's first key. What is counted as left was read back.

    Raises:
        KafkaBroken: the topic could not be read or written; what was written until then holds.
    """
    told = Resealed()
    for passes_left in reversed(range(_PASSES)):
        kept = topic.read()
        if kept is None:
            return told
        if kept.returned:
            destroy(topic, sorted(kept.returned))
            continue
        due = _due(kept, keyring, told)
        if not due or not passes_left or stop():
            break
        for start in range(0, len(due), _BATCH):
            for writing in [topic.write(record_of(topic.name, each)) for each in due[start : start + _BATCH]]:
                writing.result()
        told.resealed += len(due)
    return told


def _due(kept: KeptKeys, keyring: Keyring, told: Resealed) -> list[SealedKey]:
    """Those to be written, sealed anew. The counts are of this reading."""
    due: list[SealedKey] = []
    told.keys, told.unreadable = len(kept.keys), {}
    told.uses = Counter(each.sealed.key_id for each in kept.keys.values())
    for each in kept.keys.values():
        if each.sealed.key_id == keyring.sealing_id:
            continue
        try:
            secret = secret_of(keyring, each)
        except SecretUnreadable as error:
            told.unreadable[each.id] = str(error)
            continue
        due.append(
            sealed_key(keyring, key_id=each.id, tenant=each.tenant, secret=secret, created_at_ms=each.created_at_ms)
        )
    told.left = len(due)
    return due
