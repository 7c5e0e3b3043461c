"""What the topics state and jobs have of one tenant: the fold of its records, of every kind that names one. Pure.

The laws:
- the last record of a key is the truth about it, and one without a value is none;
- links that were ended one by one go only together with an end of all of them: else one would open again;
- a job that has not ended is left to the role that runs it: it ends with its webhook, and goes by itself.

Marks of replays and of poison name deliveries by a hash and records by their place. They name no tenant, and stay.
"""

from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from consumer.control import errands, key_record, portal_ends
from consumer.control.owner import Owner
from consumer.control.portal_link_ids import OVER_MS
from consumer.events.event import Record
from consumer.jobs.record import asked_of, decode_asked, decode_job, forgotten, job_of
from consumer.kafka.writing import NewRecord
from consumer.telemetry.bugs import decoded
from consumer.wire import RecordCorrupt

_log = structlog.get_logger("erasure")

_Name = TypeVar("_Name", str, bytes)


@dataclass(slots=True, kw_only=True)
class Traces:
    """Of one tenant. `keys` are the ids of API keys, `idempotency`, `links` the keys of records; `ends` by brand."""

    tenant: str
    keys: set[str] = field(default_factory=set)
    idempotency: set[bytes] = field(default_factory=set)
    links: set[bytes] = field(default_factory=set)
    ends: dict[str, int] = field(default_factory=dict)
    _asked: set[str] = field(default_factory=set)
    _ended: set[str] = field(default_factory=set)

    def apply(self, record: Record) -> None:
        """The next record of its partition. One that cannot be read is told of, and is nobody's."""
        if record.key is None:
            return
        try:
            decoded(record, self._apply, record.key, record.value)
        except RecordCorrupt as error:
            _log.error("not erased", partition=record.partition, offset=record.offset, error=str(error))

    @property
    def jobs(self) -> list[str]:
        """The tenant's jobs that have ended."""
        return sorted(self._asked & self._ended)

    @property
    def unfinished(self) -> list[str]:
        """The tenant's jobs that have not ended."""
        return sorted(self._asked - self._ended)

    def brands_to_end(self, known: frozenset[str]) -> list[str]:
        """The brands under which links may still open something."""
        return sorted(known - self.ends.keys())

    def ends_over(self, now_ms: int) -> list[str]:
        """The brands whose end nobody needs any more: what it ended would be over by itself."""
        return sorted(brand for brand, at_ms in self.ends.items() if now_ms > at_ms + OVER_MS)

    def records(self, topic: str, now_ms: int) -> list[NewRecord]:
        """What deletes all that can go, but for the jobs."""
        over = [
            portal_ends.record_key(Owner(tenant=self.tenant, brand=brand), None) for brand in self.ends_over(now_ms)
        ]
        names = [*map(key_record.record_key, sorted(self.keys)), *sorted(self.idempotency), *sorted(self.links), *over]
        return [NewRecord(topic=topic, key=name, value=None) for name in names]

    def job_records(self, topic: str) -> tuple[list[NewRecord], list[NewRecord]]:
        """What deletes the jobs that have ended: the first of these before the others."""
        pairs = [forgotten(topic, job) for job in self.jobs]
        return [asked for asked, _ in pairs], [job for _, job in pairs]

    def _apply(self, key: bytes, value: bytes | None) -> None:
        if (key_id := key_record.id_of(key)) is not None:
            mine = value is not None and key_record.decode(value, key_id).tenant == self.tenant
            self._put(self.keys, key_id, mine=mine)
        elif errands.is_one(key):
            self._put(self.idempotency, key, mine=value is not None and errands.decode(value).tenant == self.tenant)
        elif portal_ends.is_one(key):
            self._apply_end(key, None if value is None else portal_ends.decode(value))
        elif (job_id := asked_of(key)) is not None:
            mine = value is not None and decode_asked(value, job_id).owner.tenant == self.tenant
            self._put(self._asked, job_id, mine=mine)
        elif (job_id := job_of(key)) is not None:
            self._put(self._ended, job_id, mine=value is not None and decode_job(value, job_id).ended)

    def _apply_end(self, key: bytes, end: portal_ends.PortalEnd | None) -> None:
        if end is None:
            self.links.discard(key)
            self.ends = {
                brand: at_ms
                for brand, at_ms in self.ends.items()
                if portal_ends.record_key(Owner(tenant=self.tenant, brand=brand), None) != key
            }
        elif end.tenant == self.tenant and end.link is None:
            self.ends[end.brand] = end.ended_at_ms
        elif end.tenant == self.tenant:
            self.links.add(key)

    @staticmethod
    def _put(kept: set[_Name], name: _Name, *, mine: bool) -> None:
        if mine:
            kept.add(name)
        else:
            kept.discard(name)
