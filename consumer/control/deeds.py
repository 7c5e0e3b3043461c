"""The audit log, read: the newest deeds first, a page at a time.

The laws:
- an owner sees what was done to it, and nothing else; what an operator's command did is told to it as the operator's;
- a page looks at no more than LOOKED_AT_MOST records and for no longer than LOOKED_FOR_S, and says where to go on; so
  whoever looks for something rare costs each request little. One look at a time in a process.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from consumer.control.audit import COMMAND, OPERATOR, PARTITION, Deed, decode
from consumer.events.event import Record
from consumer.json import Json
from consumer.kafka.client import KafkaBroken
from consumer.kafka.ranges import Item, Part, RangeReader
from consumer.kafka.topics import Topics
from consumer.settings import Settings
from consumer.shares import Busy
from consumer.signing.timestamps import rfc3339
from consumer.telemetry.bugs import decoded
from consumer.wire import RecordCorrupt

_log = structlog.get_logger("audit")

LOOKED_AT_MOST: Final = 20_000
LOOKED_FOR_S: Final = 2.0
_AT_A_TIME: Final = 1_000
_PATIENCE_S: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which deeds are meant. None: all; of `brand`, also those that are about every brand.

    `to_operator`: who looks is told by whose hand a command was given.
    """

    tenant: str | None = None
    brand: str | None = None
    by: str | None = None
    action: str | None = None
    target: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    to_operator: bool = False

    def matches(self, deed: Deed) -> bool:
        """Whether it is one of them."""
        by = by_told(deed, to_operator=self.to_operator)
        return (
            self.tenant in {None, deed.tenant}
            and (self.brand is None or deed.brand in {"", self.brand})
            and self.by in {None, by, _kind(by)}
            and self.action in {None, deed.action}
            and (self.target is None or self.target in {deed.target, deed.made})
            and (self.since_ms is None or deed.at_ms >= self.since_ms)
            and (self.until_ms is None or deed.at_ms < self.until_ms)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Deeds, the newest first. `before`: go on with those before this offset; None: there are no more."""

    found: list[Deed]
    before: int | None


class Log(Protocol):
    """The topic's partition. See `RangeReader`."""

    def extent(self, partition: int) -> tuple[int, int]: ...

    def read(
        self, partition: int, first: int, *, most: int, before: int | None = None, keep: Callable[[Record], Item]
    ) -> Part[Item]: ...


class Deeds:
    """For many threads, one after the other."""

    def __init__(self, log: Log, *, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._monotonic_s = monotonic_s
        self._looking = threading.Lock()

    def page(self, sought: Sought, *, before: int | None, limit: int) -> Page:
        """Some of those that are meant.

        Raises:
            Busy: others look.
            KafkaBroken: the topic is not there, or cannot be read.
        """
        if not self._looking.acquire(timeout=_PATIENCE_S):
            raise Busy("others look at the audit log", own=False, retry_after_s=2)
        try:
            return self._page(sought, before, limit)
        finally:
            self._looking.release()

    def _page(self, sought: Sought, before: int | None, limit: int) -> Page:
        begin, end = self._log.extent(PARTITION)
        at = end if before is None else min(before, end)
        until_s, least = self._monotonic_s() + LOOKED_FOR_S, at - LOOKED_AT_MOST
        found: list[Deed] = []
        while at > begin and at > least:
            first = max(begin, at - _AT_A_TIME)
            part = self._log.read(PARTITION, first, most=_AT_A_TIME, before=at, keep=_deed)
            if part.end < at and not part.at_end:
                raise KafkaBroken("the audit log could not be read: Kafka fell silent")
            for offset, deed in reversed(part.kept):
                if deed is None or not sought.matches(deed):
                    continue
                found.append(deed)
                if len(found) == limit:
                    return Page(found=found, before=offset if offset > begin else None)
            at = first
            if self._monotonic_s() >= until_s:
                break
        return Page(found=found, before=at if at > begin else None)


def deeds_of(settings: Settings) -> Deeds:
    """On Kafka. Nothing is connected yet."""
    return Deeds(RangeReader(settings, Topics.of(settings).audit))


def told(deed: Deed, *, to_operator: bool = False) -> dict[str, Json]:
    """A deed as JSON. Of which tenant it is is told to operators, who see those of all."""
    whose: dict[str, Json] = {"tenant": deed.tenant, "brand": deed.brand or None} if to_operator else {}
    return {
        "id": deed.id,
        "object": "audit_entry",
        **whose,
        "at": rfc3339(deed.at_ms),
        "by": by_told(deed, to_operator=to_operator),
        "action": deed.action,
        "target": deed.target or None,
        "made": deed.made or None,
        "fields": [*deed.fields],
        "requestId": deed.request_id or None,
        "user": deed.user or None,
    }


def by_told(deed: Deed, *, to_operator: bool) -> str:
    """Who did it. To customers an operator's command is the operator's."""
    return deed.by if to_operator or _kind(deed.by) != COMMAND else OPERATOR


def _kind(by: str) -> str:
    return by.partition(":")[0]


def _deed(record: Record) -> tuple[int, Deed | None]:
    """Its offset and what it tells; a record that is no deed is logged with its place, and is none."""
    if record.value is None:
        return record.offset, None
    try:
        return record.offset, decoded(record, decode, record.value)
    except RecordCorrupt as error:
        _log.error("not a deed", partition=record.partition, offset=record.offset, error=str(error))
        return record.offset, None
