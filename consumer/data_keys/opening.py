"""Records of ours read, sealed or not, by whoever may wait for a key.

The laws: what is sealed is read as what is not, however the setting stands now. Of an attempt whose data key was
destroyed there is what stands in the clear, and it says so (`Bodies.ERASED`). Any other record of an erased tenant is
passed over, as if it were gone.
"""

from collections.abc import Iterable, Iterator
from typing import Self

import structlog
from msgspec.structs import replace

from consumer.data_keys.keys import TenantKeys
from consumer.delivery.delivery import Attempt, Bodies
from consumer.events.event import Record
from consumer.kafka.attempt_sealing import put_together
from consumer.kafka.provenance import is_sealed_poison
from consumer.kafka.records import decode_attempt, decode_clear
from consumer.kafka.sealed import KeyDestroyed, KeyLocked, is_sealed
from consumer.settings import Settings
from consumer.wire import RecordCorrupt

_log = structlog.get_logger("keys")


class Opening:
    """For many threads, as `keys` are. It connects with the first sealed record."""

    def __init__(self, keys: TenantKeys) -> None:
        self._keys = keys

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """By the settings.

        Raises:
            ConfigurationError: the encryption keys are malformed.
        """
        return cls(TenantKeys(settings))

    def attempt(self, value: bytes) -> Attempt:
        """What the attempts topic holds.

        Raises:
            RecordCorrupt: it is no attempt, or it was changed.
            KafkaBroken: the topic of tenants' keys cannot be read now.
        """
        if not is_sealed(value):
            return decode_attempt(value)
        attempt = decode_clear(value)
        try:
            return put_together(attempt, self._keys.opened(value))
        except KeyDestroyed:
            return replace(attempt, bodies=Bodies.ERASED)
        except KeyLocked:
            return replace(attempt, bodies=Bodies.LOCKED)

    def wait_for_key(self, record: Record) -> None:
        """Wait until it is known whether the key of a sealed record is there: then nothing about it waits any more.

        Raises:
            KafkaBroken: the topic of tenants' keys cannot be read now.
        """
        if record.value is not None and is_sealed(record.value):
            self._keys.wait_for(record.value)

    def record(self, record: Record) -> Record | None:
        """The same record with what was sealed in it; None where that cannot be had, which is told unless it is erased.

        Raises:
            KafkaBroken: the topic of tenants' keys cannot be read now.
        """
        if record.value is None or not is_sealed(record.value):
            return record
        try:
            return replace(record, value=self._keys.opened(record.value))
        except KeyDestroyed:
            return None
        except RecordCorrupt as error:
            place = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
            _log.error("sealed record unreadable", **place, error=str(error))
            return None

    def records(self, records: Iterable[Record]) -> Iterator[Record]:
        """Those of the records that can be read. Raises as `record` does."""
        for each in records:
            opened = self.record(each)
            if opened is not None:
                yield opened

    def poison(self, records: Iterable[Record]) -> Iterator[Record]:
        """The same of poison records, which are sealed where their headers say so. Raises as `record` does."""
        for each in records:
            opened = self.record(each) if is_sealed_poison(each.headers) else each
            if opened is not None:
                yield opened

    def close(self) -> None:
        """Follow the topic of tenants' keys no more."""
        self._keys.close()
