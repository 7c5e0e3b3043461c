"""Webhooks where a long-lived process keeps them: read from the directory, written to the topic and read back.

The law: a write that came back True is on the topic, holds, is in the directory and, while a projection keeps up, in
the cache that deliveries go by. One that came back False changed nothing.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from consumer.control.applied import Seen
from consumer.control.directory import Directory
from consumer.control.owner import Owner
from consumer.control.refusal import WebhookUnknown
from consumer.kafka.client import KafkaBroken
from consumer.kafka.topic_writer import Place
from consumer.kafka.writing import NewRecord
from consumer.telemetry.outage import Outage
from consumer.webhooks.history import State
from consumer.webhooks.record import rewrite_of
from consumer.webhooks.subscription import Subscription

_log = structlog.get_logger("webhooks")

_WRITTEN_S: Final = 5.0
_READ_BACK_S: Final = 2.0
# A projection that is behind is not waited for long: the write holds, and only deliveries do not go by it yet.
_APPLIED_S: Final = 0.5
_REMEMBERED: Final = 10_000


class Writer(Protocol):
    """See `TopicWriter`."""

    def write(self, record: NewRecord) -> "Future[Place]":
        """Produce a record."""


class View(Protocol):
    """See `TopicView`."""

    def reached(self, positions: Mapping[int, int], timeout_s: float) -> bool:
        """Wait until everything before these offsets is in the directory."""


class Watch(Protocol):
    """See `CacheWatch`."""

    def wait(self, tenant: str, place: Place, patience_s: float) -> Seen:
        """Wait until the cache holds the record at this place."""


class TopicStore:
    """For many threads."""

    def __init__(self, topic: str, *, directory: Directory, view: View, writer: Writer, cache: Watch) -> None:
        self._topic = topic
        self._directory = directory
        self._view = view
        self._writer = writer
        self._cache = cache
        self._telling = threading.Lock()
        self._unapplied: OrderedDict[str, None] = OrderedDict()
        self._behind = Outage(_log, "webhooks answered before deliveries follow them")

    def find(self, owner: Owner, id_: str) -> Subscription:
        """One of the owner's webhooks. Raises WebhookUnknown."""
        found = self._directory.get(owner, id_)
        if found is None:
            raise WebhookUnknown(id_)
        return found

    def write(self, state: State) -> bool:
        """Write a creation, a change or a deletion, and wait; whether it holds.

        Raises:
            KafkaBroken: not acknowledged in time, or not read back; it may have been written.
        """
        new = rewrite_of(state)
        record = NewRecord(topic=self._topic, key=new.key, value=new.value, headers=new.headers)
        try:
            place = self._writer.write(record).result(_WRITTEN_S)
        except NotYet:
            raise KafkaBroken(f"{state.id} was not acknowledged within {_WRITTEN_S:g} s") from None
        if not self._view.reached({place.partition: place.offset + 1}, _READ_BACK_S):
            raise KafkaBroken(f"{state.id} was acknowledged and could not be read back within {_READ_BACK_S:g} s")
        if not self._directory.held(place):
            return False
        self._tell(state.id, self._cache.wait(state.tenant, place, _APPLIED_S))
        return True

    def applied(self, id_: str) -> bool:
        """Whether deliveries go by the last write of this webhook here, as far as it was known then."""
        with self._telling:
            return id_ not in self._unapplied

    def _tell(self, id_: str, seen: Seen) -> None:
        with self._telling:
            self._unapplied.pop(id_, None)
            if seen is Seen.APPLIED:
                self._behind.over()
                return
            self._behind.met(reason=seen.value)
            self._unapplied[id_] = None
            if len(self._unapplied) > _REMEMBERED:
                self._unapplied.popitem(last=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One of an owner's webhooks, for `edit`."""

    store: TopicStore
    owner: Owner
    id: str

    def read(self) -> Subscription:
        """Raises WebhookUnknown."""
        return self.store.find(self.owner, self.id)

    def write(self, state: State) -> bool:
        """See `TopicStore.write`."""
        return self.store.write(state)
