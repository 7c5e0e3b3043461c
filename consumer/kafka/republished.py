"""The jobs topic: how often each poison record was written to an event topic again.

The law: the last record of a poison record's id is the truth. Who writes one again writes this together with it
(`replay.poison_run`).
"""

from dataclasses import dataclass
from typing import Final

from consumer.kafka.state_kind import StateKind
from consumer.kafka.topics import Topics
from consumer.kafka.writing import NewRecord
from consumer.schemas import avro_history
from consumer.settings import Settings
from consumer.wire import WireFormat

_POISON: Final = StateKind(b"poison:")
REPUBLISHED: Final = WireFormat(avro_history("Republished"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Republished:
    """How often a poison record was written again, and when last."""

    poison_id: str
    times: int
    at_ms: int


def read_republished(settings: Settings) -> dict[str, Republished]:
    """Every poison record that was ever written again, by its id.

    Raises:
        KafkaBroken: the topic could not be read to its end.
        RecordCorrupt: a record under such a key is none; going on without it would write an event twice.
    """
    return _POISON.read_all(settings, Topics.of(settings).jobs, decode)


def republished_of(key: bytes | None) -> str | None:
    """The poison record's id, where a record's key says that it tells of one; None for the topic's other kinds."""
    return _POISON.name_of(key)


def forgotten_poison(topic: str, poison_id: str) -> NewRecord:
    """The record that deletes it from the jobs topic."""
    return _POISON.forgotten(topic, poison_id)


def republished_record(settings: Settings, mark: Republished) -> NewRecord:
    """The record that remembers it."""
    return NewRecord(topic=Topics.of(settings).jobs, key=_POISON.key_of(mark.poison_id), value=encode(mark))


def encode(mark: Republished) -> bytes:
    """For the jobs topic."""
    return REPUBLISHED.encode({"poison_id": mark.poison_id, "times": mark.times, "at_ms": mark.at_ms})


def decode(value: bytes) -> Republished:
    """What the state topic holds under `poison:<poison id>`.

    Raises:
        RecordCorrupt: it is no such record.
    """
    return Republished(**REPUBLISHED.decode(value))
