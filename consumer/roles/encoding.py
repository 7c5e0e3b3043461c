"""What the core wants written, as bytes.

The law: every attempt and every write becomes a record. One that cannot be encoded becomes a smaller one that says so:
an attempt without its contents, a write as a poison record that names where the original lies.
"""

from consumer.delivery.boundary import Boundaries, Boundary, Bug
from consumer.delivery.delivery import Attempt
from consumer.delivery.entry import Entry
from consumer.delivery.logged import Unread, stripped, unlogged
from consumer.delivery.step import Reject, Write
from consumer.events.event import Record
from consumer.kafka.attempt_encoding import encode_attempt, encode_unread
from consumer.kafka.provenance import Family
from consumer.kafka.topic_specs import Topics
from consumer.roles.writes import Produce, produced


class Encoding:
    """Belongs to one thread, as `boundaries` do."""

    def __init__(self, boundaries: Boundaries, topics: Topics, family: Family) -> None:
        self._boundaries = boundaries
        self._topics = topics
        self._family = family

    def attempt(self, entry: Entry, attempt: Attempt) -> tuple[bytes, bytes]:
        """Key and value for the attempts topic."""
        boundaries = self._boundaries
        boundaries.take(entry)
        value = boundaries.within(Boundary.LOG, entry, encode_attempt, attempt, delivery_id=attempt.delivery_id)
        if isinstance(value, Bug):
            value = encode_attempt(stripped(attempt, value.failure))
        boundaries.let_go()
        return attempt.subscription_id.encode(), value

    def unread(self, entry: Entry, unread: Unread) -> tuple[bytes, bytes]:
        """The same of an attempt that the native step tells: no record is in hand while it works."""
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
        return self.attempt(entry, attempt)

    def write(self, entry: Entry, write: Write) -> Produce:
        """The record for the topic that it goes to."""
        boundaries = self._boundaries
        boundaries.take(entry)
        record = boundaries.within(Boundary.LOG, entry, produced, write, self._topics, self._family)
        if isinstance(record, Bug):
            record = produced(Reject(record=_stub(entry), poison=record.poison), self._topics, self._family)
        boundaries.let_go()
        return record


def _stub(entry: Entry) -> Record:
    """A record's place without its bytes."""
    topic, partition = entry.window.partition
    return Record(
        topic=topic, partition=partition, offset=entry.offset, key=None, value=None, headers=(), timestamp_ms=0
    )
