"""What somebody did: the audit log, a record for each deed on the topic `audit`.

The laws:
- a deed is told after it was done, and its doer is answered when Kafka has acknowledged the record: what was answered
  as done is in the log. Where the record is refused the doer is told that it may have been done (`KafkaBroken`), and a
  request with an Idempotency-Key that is sent again tells it again: at least once;
- a deed names what was changed, and holds no secret, no body and no value that anybody wrote.

All of them lie in partition 0: in the order in which they were told.
"""

import secrets
from collections.abc import Callable
from concurrent.futures import TimeoutError as NotYet
from dataclasses import asdict, dataclass
from typing import Final, Protocol

import structlog

from consumer.control.topic_store import Writer
from consumer.kafka.client import KafkaBroken
from consumer.kafka.writing import NewRecord
from consumer.schemas import avro_history
from consumer.wire import RecordCorrupt, WireFormat

_log = structlog.get_logger("audit")

AUDIT: Final = WireFormat(avro_history("Deed"))
PARTITION: Final = 0
OPERATOR: Final = "operator"
COMMAND: Final = "command"
_ID_BYTES: Final = 16
_PATIENCE_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One thing that was done.

    `by` is `key:<id>`, `link:<id>` (of the pages), `operator`, or `command:<user>@<host>`. `action` is the API's name
    of the operation, or a command's; `target` the id of what it was done to, `made` of what came of it, each empty
    where there is none. `fields` are the names of what was given. `user` is who was on the pages, as whoever made the
    link says. `brand` is empty where all are meant. `request_id` is that of the answer, empty for a command.
    """

    id: str
    at_ms: int
    tenant: str
    brand: str
    by: str
    action: str
    target: str = ""
    made: str = ""
    fields: tuple[str, ...] = ()
    request_id: str = ""
    user: str = ""


class Telling(Protocol):
    """Who tells what was done."""

    def tell(self, deed: Deed) -> None:
        """Tell it, and wait. Raises KafkaBroken: it was done, and its record was not acknowledged in time."""


class AuditLog:
    """For many threads. Each deed is a line of the log as well, before it is a record."""

    def __init__(self, topic: str, writer: Writer) -> None:
        self._topic = topic
        self._writer = writer

    def tell(self, deed: Deed) -> None:
        """See `Telling`."""
        _log.info(
            "done",
            tenant=deed.tenant,
            brand=deed.brand,
            by=deed.by,
            action=deed.action,
            target=deed.target,
            made=deed.made,
            fields=list(deed.fields),
            request_id=deed.request_id,
            user=deed.user,
        )
        try:
            self._writer.write(record_of(self._topic, deed)).result(_PATIENCE_S)
        except NotYet:
            raise KafkaBroken(f"the audit log did not acknowledge within {_PATIENCE_S:g} s") from None


def new_id(entropy: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """A name for a deed."""
    return entropy(_ID_BYTES).hex()


def record_of(topic: str, deed: Deed) -> NewRecord:
    """The deed as a record."""
    return NewRecord(topic=topic, key=deed.tenant.encode(), value=encode(deed), partition=PARTITION)


def encode(deed: Deed) -> bytes:
    """The record's value."""
    return AUDIT.encode(asdict(deed))


def decode(value: bytes) -> Deed:
    """Read a record's value. Raises RecordCorrupt: it is no deed."""
    row = AUDIT.decode(value)
    try:
        return Deed(**row | {"fields": tuple(row["fields"])})
    except TypeError as error:
        raise RecordCorrupt(str(error)) from None
