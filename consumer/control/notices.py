"""What Hookline itself sends to the webhooks of an owner that asked for it, as records of the spill topic."""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from consumer.control.directory import Directory
from consumer.control.owner import Owner
from consumer.data_keys.sealing import Sealing
from consumer.delivery.delivery import Chunk
from consumer.events.event import Event
from consumer.kafka.records import encode_chunk
from consumer.kafka.writing import NewRecord
from consumer.log.suspension import told
from consumer.webhooks.subscription import Subscription

_PAGE: Final = 1_000

Notice: TypeAlias = tuple[NewRecord, int]
"""A record to write, and the number of webhooks that it goes to."""


class Notices:
    """May be used by one thread. `directory` has come past the record that the event is about."""

    def __init__(self, directory: Directory, *, topic: str, now_ms: Callable[[], int], sealing: Sealing | None) -> None:
        self._directory = directory
        self._topic = topic
        self._sealing = sealing
        self._now_ms = now_ms

    def of(self, event: Event, owner: Owner) -> list[Notice]:
        """The records that tell the webhooks which asked for it. Raises KafkaBroken: a data key did not come."""
        return [
            (
                NewRecord(topic=self._topic, key=event.tenant.encode(), value=self._encoded(chunk)),
                len(chunk.subscription_ids),
            )
            for chunk in told(event, [*self._owned(owner)], now_ms=self._now_ms())
        ]

    def _encoded(self, chunk: Chunk) -> bytes:
        value = encode_chunk(chunk)
        return value if self._sealing is None else self._sealing.whole(chunk.event.tenant, value)

    def _owned(self, owner: Owner) -> Iterator[Subscription]:
        after = None
        while True:
            page, after = self._directory.page(owner, after=after, limit=_PAGE)
            yield from page
            if after is None:
                return
