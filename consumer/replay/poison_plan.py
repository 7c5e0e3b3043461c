"""Which poison records are written to an event topic again, and as what. Pure.

The law: what is written is the record as it was at its source: its key, its value (or the mended one that is given) and
its headers without ours. It goes to its own topic and partition, or by its key to the one that is named. The same
poison record is written once, unless `again`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from consumer.events.event import Record, RecordHeaders
from consumer.kafka.republished import Republished
from consumer.kafka.writing import NewRecord
from consumer.replay.poison import PoisonRecord


class PoisonSkip(StrEnum):
    """Why a poison record is not written again."""

    ALREADY_REPLAYED = "already_replayed"  # `--again` lifts it
    LEFT_OUT = "value_left_out"  # it was too large, and its source holds it no more: publish the event anew
    SOURCE_UNKNOWN = "source_unknown"  # no header says where it was: `--to` says where it belongs
    TOPIC_OURS = "topic_is_ours"  # its source is a topic of Hookline's own, which takes no events
    TOPIC_MISSING = "topic_missing"  # its source is no more: `--to` says where it belongs


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How to write them again. `to`: to this topic, by their keys. `value`: this one in place of their own."""

    again: bool = False
    to: str | None = None
    value: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What to write, both or neither."""

    event: NewRecord
    mark: Republished


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Nothing is written."""

    reason: PoisonSkip


Plan: TypeAlias = Planned | Skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class PoisonPlanner:
    """Plans one run. `marks` are the jobs topic's, by the ids of poison records.

    `partitions` says how many each topic has that there is, `is_ours` whether a topic is Hookline's own.
    """

    marks: Mapping[str, Republished]
    partitions: Mapping[str, int]
    is_ours: Callable[[str], bool]
    way: Way = Way()

    def plan(self, poison: PoisonRecord, original: Record | None, now_ms: int) -> Plan:
        """Decide on one. `original` is the whole record of a stub, where its source still has it."""
        mark, source = self.marks.get(poison.id), poison.source
        if mark is not None and not self.way.again:
            return Skipped(reason=PoisonSkip.ALREADY_REPLAYED)
        topic = self.way.to or (None if source is None else source.topic)
        if topic is None:
            return Skipped(reason=PoisonSkip.SOURCE_UNKNOWN)
        if (reason := self._refusal(topic, poison, original)) is not None:
            return Skipped(reason=reason)
        key, headers, value = _contents(poison, original)
        partition = None
        if self.way.to is None and source is not None and source.partition < self.partitions[topic]:
            partition = source.partition
        return Planned(
            event=NewRecord(
                topic=topic,
                key=key,
                value=value if self.way.value is None else self.way.value,
                headers=headers,
                partition=partition,
            ),
            mark=Republished(poison_id=poison.id, times=1 if mark is None else mark.times + 1, at_ms=now_ms),
        )

    def _refusal(self, topic: str, poison: PoisonRecord, original: Record | None) -> PoisonSkip | None:
        if self.is_ours(topic):
            return PoisonSkip.TOPIC_OURS
        if topic not in self.partitions:
            return PoisonSkip.TOPIC_MISSING
        if poison.left_out_bytes and original is None and self.way.value is None:
            return PoisonSkip.LEFT_OUT
        return None


def is_original(poison: PoisonRecord, found: Record) -> bool:
    """Whether a record that lies at a stub's source is the one that was left out, and not one of a topic made anew."""
    origin = poison.origin
    return origin is None or origin.timestamp_ms in {None, found.timestamp_ms}


def _contents(poison: PoisonRecord, original: Record | None) -> tuple[bytes | None, RecordHeaders, bytes | None]:
    if original is not None:
        return original.key, original.headers, original.value
    return poison.record.key, poison.headers, poison.record.value
