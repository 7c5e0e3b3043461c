"""What the core wants written, as bytes.

The laws:
- every attempt and every write becomes a record. One that cannot be encoded becomes a smaller one that says so: an
  attempt without its contents, a write as a poison record that names where the original lies;
- what is written for a tenant is sealed with its data key, where tenants have some, and otherwise is what it was.
"""

from collections.abc import Collection
from typing import Protocol, assert_never

from msgspec.structs import replace

from consumer.delivery.boundary import Boundaries, Boundary, Bug
from consumer.delivery.delivery import Attempt
from consumer.delivery.entry import Entry
from consumer.delivery.logged import Unread, stripped, unlogged
from consumer.delivery.step import Bury, Delay, LineUp, Reject, Suspend, Write
from consumer.events.event import Record
from consumer.kafka.attempt_encoding import encode_attempt, encode_unread
from consumer.kafka.provenance import Family, sealed
from consumer.kafka.records import decode_attempt
from consumer.kafka.topic_specs import Topics
from consumer.roles.writes import Produce, produced


class Seals(Protocol):
    """See `data_keys.sealing.Sealing`."""

    def attempt(self, tenant: str, value: bytes) -> bytes: ...
    def whole(self, tenant: str, value: bytes) -> bytes: ...
    def poison(self, record: Record) -> bytes | None: ...


class Encoding:
    """Belongs to one thread, as `boundaries` do. Without `seals` nothing is sealed."""

    def __init__(self, boundaries: Boundaries, topics: Topics, family: Family, seals: Seals | None = None) -> None:
        self._boundaries = boundaries
        self._seals = seals
        self._topics = topics
        self._family = family

    def attempts(
        self, told: Collection[tuple[Entry, Attempt]], unread: Collection[tuple[Entry, Unread]] = ()
    ) -> list[tuple[bytes, bytes]]:
        """Keys and values for the attempts topic, of all of a turn, in this order.

        All are encoded before any is sealed, or produced: taking turns, each step would push the others' code and data
        out of the processor's caches.
        """
        records = [self._attempt(*each) for each in told]
        records += [self._unread(*each) for each in unread]
        seals = self._seals
        if seals is None:
            return records
        owners = [(entry, each.tenant, each.delivery_id) for entry, each in told]
        owners += [(entry, each.job.delivery.event.tenant, each.job.delivery.id) for entry, each in unread]
        return [(key, self._sealed(seals, *owner, value)) for owner, (key, value) in zip(owners, records, strict=True)]

    def _attempt(self, entry: Entry, attempt: Attempt) -> tuple[bytes, bytes]:
        """Of an attempt that is told in Python."""
        boundaries = self._boundaries
        boundaries.take(entry)
        value = boundaries.within(Boundary.LOG, entry, encode_attempt, attempt, delivery_id=attempt.delivery_id)
        if isinstance(value, Bug):
            value = encode_attempt(stripped(attempt, value.failure))
        boundaries.let_go()
        return attempt.subscription_id.encode(), value

    def _unread(self, entry: Entry, unread: Unread) -> tuple[bytes, bytes]:
        """Of an attempt that the native step tells: no record is in hand while it works."""
        boundaries, delivery = self._boundaries, unread.job.delivery
        value: bytes | Bug | None
        try:
            value = encode_unread(unread)
        except Exception as error:  # noqa: BLE001 # contained
            value = boundaries.met(Boundary.LOG, entry, error, delivery.id)
        if isinstance(value, bytes):
            return delivery.subscription_id.encode(), value
        boundaries.take(entry)
        attempt = (
            boundaries.within(Boundary.LOG, entry, unread.read, delivery_id=delivery.id) if value is None else value
        )
        if isinstance(attempt, Bug):
            attempt = unlogged(unread.job, attempt.failure, unread.outcome, unread.next_tier)
        return self._attempt(entry, attempt)

    def write(self, entry: Entry, write: Write) -> Produce:
        """The record for the topic that it goes to."""
        boundaries = self._boundaries
        boundaries.take(entry)
        record = boundaries.within(Boundary.LOG, entry, self._produced, write)
        if isinstance(record, Bug):
            record = produced(Reject(record=_stub(entry), poison=record.poison), self._topics, self._family)
        boundaries.let_go()
        return record

    def _sealed(self, seals: Seals, entry: Entry, tenant: str, delivery_id: str, value: bytes) -> bytes:
        """An attempt's record, sealed; where that fails what is left of it without its contents."""
        boundaries = self._boundaries
        boundaries.take(entry)
        told = boundaries.within(Boundary.LOG, entry, seals.attempt, tenant, value, delivery_id=delivery_id)
        if isinstance(told, Bug):
            bare = stripped(decode_attempt(value), told.failure)
            told = encode_attempt(replace(bare, url=bare.url.partition("?")[0]))
        boundaries.let_go()
        return told

    def _produced(self, write: Write) -> Produce:
        seals = self._seals
        record = produced(write, self._topics, self._family, sealed=seals is not None)
        if seals is None or record.value is None:
            return record
        match write:
            case Delay(delayed=delayed):
                return replace(record, value=seals.whole(delayed.event.tenant, record.value))
            case LineUp(delivery=delivery):
                return replace(record, value=seals.whole(delivery.event.tenant, record.value))
            case Bury(dead_letter=dead_letter):
                return replace(record, value=seals.whole(dead_letter.delivery.event.tenant, record.value))
            case Reject(record=rejected):
                value = seals.poison(rejected)
                return record if value is None else replace(record, value=value, headers=sealed(record.headers))
            case Suspend():
                return record
            case _:
                assert_never(write)


def _stub(entry: Entry) -> Record:
    """A record's place without its bytes."""
    topic, partition = entry.window.partition
    return Record(
        topic=topic, partition=partition, offset=entry.offset, key=None, value=None, headers=(), timestamp_ms=0
    )
