"""Which portal links were ended before their time: the fold of the state topic's `portal:` and `portal-link:` records.

The laws:
- what a link opened ends with the next request, in every process: the record is read before the request is answered;
- an end reaches the owner's own links only, and nothing brings a link back;
- a record that cannot be read ends every link of its key's, rather than leave one open.

    portal:<brand>:<tenant>     every link of the owner's that was made until then
    portal-link:<link>          one link
"""

import threading
from dataclasses import asdict, dataclass
from typing import Final

import structlog

from consumer.control.owner import Owner
from consumer.control.portal_link_ids import OVER_MS, made_at_ms
from consumer.events.event import Record
from consumer.kafka.state_kind import StateKind
from consumer.schemas import avro_history
from consumer.telemetry.bugs import decoded
from consumer.wire import RecordCorrupt, WireFormat

_log = structlog.get_logger("portal")

PORTAL_END: Final = WireFormat(avro_history("PortalEnd"))
_ALL: Final = b"portal:"
_ONE: Final = StateKind(b"portal-link:")
_FOR_EVER: Final = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalEnd:
    """An end: of one link, or of all that the owner made until then."""

    tenant: str
    brand: str
    link: str | None
    ended_at_ms: int


def record_key(owner: Owner, link: str | None) -> bytes:
    """Under which an end is written."""
    return _ALL + f"{owner.brand}:{owner.tenant}".encode() if link is None else _ONE.key_of(link)


def is_one(key: bytes) -> bool:
    """Whether the record of this key is an end."""
    return key.startswith((_ALL, _ONE.prefix))


def encode(end: PortalEnd) -> bytes:
    """The record's value."""
    return PORTAL_END.encode(asdict(end))


def decode(value: bytes) -> PortalEnd:
    """Read the value of such a record. Raises RecordCorrupt: it is none."""
    return PortalEnd(**PORTAL_END.decode(value))


class PortalEnds:
    """May be used by several threads; `apply` and `forget` by one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until_ms: dict[bytes, int] = {}
        self._links: dict[str, Owner | None] = {}

    def apply(self, record: Record) -> None:
        """Take a record of the state topic; those of other kinds are passed over."""
        key = record.key or b""
        if not is_one(key):
            return
        end = _read(record)
        with self._lock:
            if (link := _ONE.name_of(key)) is not None:
                if record.value is None:
                    self._links.pop(link, None)
                else:
                    self._links[link] = None if end is None else Owner(tenant=end.tenant, brand=end.brand)
            elif record.value is None:
                self._until_ms.pop(key, None)
            else:
                until_ms = _FOR_EVER if end is None else end.ended_at_ms
                self._until_ms[key] = max(until_ms, self._until_ms.get(key, 0))

    def forget(self) -> None:
        """Begin anew: the topic is another one."""
        with self._lock:
            self._until_ms.clear()
            self._links.clear()

    def ended(self, owner: Owner, link: str) -> bool:
        """Whether this link of the owner's was ended."""
        return made_at_ms(link) <= self._until_ms.get(record_key(owner, None), -1) or link in self._links

    def of(self, owner: Owner) -> list[str]:
        """The links of this owner's that were ended one by one."""
        with self._lock:
            return [link for link, whose in self._links.items() if whose == owner]

    def over(self, owner: Owner, now_ms: int) -> list[str]:
        """Those of them that would have ended by themselves: nothing has to know of them any more."""
        return [link for link in self.of(owner) if made_at_ms(link) < now_ms - OVER_MS]


def _read(record: Record) -> PortalEnd | None:
    if record.value is None:
        return None
    try:
        return decoded(record, decode, record.value)
    except RecordCorrupt as error:
        _log.error("not an end of portal links", partition=record.partition, offset=record.offset, error=str(error))
        return None
