"""Attempts as the index keeps them, and where."""

from collections.abc import Callable

from consumer.events.event import Record
from consumer.kafka.attempt_decoding import Head
from consumer.log.attempts import entry_of, kind_of
from consumer.log.entry import pack
from consumer.log.index import Name
from consumer.log.index_keys import Owner
from consumer.log.tending import Taken
from consumer.settings import Settings
from consumer.webhooks.bucket import bucket_of


class Packing:
    """Attempts as the index keeps them."""

    def __init__(self, settings: Settings, now_ms: Callable[[], int]) -> None:
        self._tiers = {delay: tier for tier, delay in enumerate(("0s", *settings.retry_delays))}
        self._now_ms = now_ms

    def place(self, head: Head) -> tuple[int, Name]:
        """The bucket and the list that an attempt belongs to."""
        return bucket_of(head.tenant), Name(head.subscription_id, kind_of(head))

    def taken(self, record: Record, head: Head) -> Taken:
        """What the index keeps of this one, and where.

        Raises:
            RecordCorrupt: it cannot be kept.
        """
        # A producer's clock may be ahead: what follows in its list would be dated as late.
        logged_ms = min(max(0, record.timestamp_ms), self._now_ms())
        kept = entry_of(head, offset=record.offset, logged_ms=logged_ms, tiers=self._tiers)
        bucket, name = self.place(head)
        return Taken(record.offset, bucket, name, Owner(head.tenant, head.brand), pack(kept))
