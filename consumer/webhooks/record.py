"""A subscription as a record on the compacted topic and in the cache: Avro, single-object encoding.

The law: what was encoded is decoded equal, and whatever else is found there is refused, never guessed at.

A deletion has no value; the headers `hookline-tenant` and `hookline-changes` (decimal) route it to its tenant's bucket
and version it. `hookline-work` names the request that made it, if that had an Idempotency-Key.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any, Final, Protocol, TypeVar, cast

from consumer.events.event import RecordHeaders
from consumer.schemas import avro_history
from consumer.webhooks import works
from consumer.webhooks.history import Deletion, State
from consumer.webhooks.row import MOST_REVISIONS, Words, judged
from consumer.webhooks.subscription import FormerSecret, SealedSecret, SealedTls, Subscription, Unblock
from consumer.wire import RecordCorrupt, WireFormat

TENANT_HEADER: Final = "hookline-tenant"
CHANGES_HEADER: Final = "hookline-changes"
WORK_HEADER: Final = "hookline-work"
_NOT_ITS_ID: Final = "its key is not its id"

SUBSCRIPTION: Final = WireFormat(avro_history("Subscription"))
_FIELDS = tuple(each.name for each in fields(Subscription))
_SEALED = ("secret", "sealed_headers")
_LISTS = ("event_types", "header_names", "works")
_TLS = tuple(each.name for each in fields(SealedTls))
_CHANGES: Final = re.compile("[0-9]{1,10}")


class _Named(Protocol):
    @property
    def id(self) -> str: ...


Named = TypeVar("Named", bound=_Named)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """A record to produce to the subscriptions topic: a winner, behind the write that lost to it."""

    key: bytes
    value: bytes | None
    headers: RecordHeaders


def encode(subscription: Subscription) -> bytes:
    """The record's value."""
    row = {name: _row(getattr(subscription, name)) for name in _FIELDS}
    return SUBSCRIPTION.encode(row | {"metadata": dict(subscription.metadata)})


def is_current(value: bytes) -> bool:
    """Whether a record's value is of the schema that is written now."""
    return value.startswith(SUBSCRIPTION.head)


def decode(value: bytes) -> Subscription:
    """Read a record's value.

    Raises:
        RecordCorrupt: not this encoding, of an unknown schema, truncated, or with values that cannot be.
    """
    row = SUBSCRIPTION.decode(value)
    return _subscription(row, judged(row))


def read(value: bytes) -> Mapping[str, Any]:
    """The same, as a row whose values were judged.

    Raises:
        RecordCorrupt: see `decode`.
    """
    row = SUBSCRIPTION.decode(value)
    judged(row)
    return row


def deletion_headers(deletion: Deletion) -> RecordHeaders:
    """The headers of a deletion's record."""
    headers = ((TENANT_HEADER, deletion.tenant.encode()), (CHANGES_HEADER, str(deletion.changes).encode()))
    return headers if deletion.work is None else (*headers, (WORK_HEADER, deletion.work.encode()))


def state_of(key: bytes | None, value: bytes | None, headers: RecordHeaders) -> State:
    """Read a record of the subscriptions topic.

    Raises:
        RecordCorrupt: neither a subscription under its own id nor a deletion with its headers.
    """
    return read_under_id(decode, key, value, headers)


def read_under_id(
    read: Callable[[bytes], Named], key: bytes | None, value: bytes | None, headers: RecordHeaders
) -> Named | Deletion:
    """What `read` makes of the value of a record of the subscriptions topic, or the deletion that it is.

    Raises:
        RecordCorrupt: neither a subscription under its own id nor a deletion with its headers.
    """
    if value is None:
        return deletion_of(key, headers)
    subscription_id = id_of(key)
    found = read(value)
    if found.id != subscription_id:
        raise RecordCorrupt(_NOT_ITS_ID)
    return found


def id_of(key: bytes | None) -> str:
    """Which subscription a record is about.

    Raises:
        RecordCorrupt: its key does not tell.
    """
    return _text(key, "key")


def deletion_of(key: bytes | None, headers: RecordHeaders) -> Deletion:
    """Read a record of the subscriptions topic that has no value.

    Raises:
        RecordCorrupt: its headers are not those of a deletion.
    """
    subscription_id = id_of(key)
    found = dict(headers)
    tenant = _text(found.get(TENANT_HEADER), TENANT_HEADER)
    changes = _text(found.get(CHANGES_HEADER), CHANGES_HEADER)
    if not _CHANGES.fullmatch(changes) or int(changes) > MOST_REVISIONS:
        raise RecordCorrupt(f"{CHANGES_HEADER} is not a revision's number")
    work = _text(found[WORK_HEADER], WORK_HEADER) if WORK_HEADER in found else None
    if work is not None and not works.is_name(work):
        raise RecordCorrupt(f"{WORK_HEADER} is not a request's name")
    return Deletion(id=subscription_id, tenant=tenant, changes=int(changes), revision=int(changes) + 1, work=work)


def rewrite_of(winner: State) -> Rewrite:
    """The state as a record to produce."""
    if isinstance(winner, Deletion):
        return Rewrite(key=winner.id.encode(), value=None, headers=deletion_headers(winner))
    return Rewrite(key=winner.id.encode(), value=encode(winner), headers=())


def _row(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, SealedSecret):
        return {"key_id": value.key_id, "sealed": value.sealed}
    if isinstance(value, SealedTls):
        told = {name: getattr(value, name) for name in _TLS}
        return told | {"sealed": _row(value.sealed)}
    if isinstance(value, FormerSecret):
        return {"secret": _row(value.secret), "until_ms": value.until_ms}
    if isinstance(value, Unblock):
        return {"at_ms": value.at_ms, "drop": value.drop, "delivery_id": value.delivery_id}
    return [_row(each) for each in cast("Sequence[object]", value)] if isinstance(value, tuple) else value


def _subscription(row: Mapping[str, Any], words: Words) -> Subscription:
    values = dict(row) | words._asdict()
    for name in _SEALED:
        values[name] = None if row[name] is None else SealedSecret(**row[name])
    values["former_secrets"] = tuple(
        FormerSecret(secret=SealedSecret(**former["secret"]), until_ms=former["until_ms"])
        for former in row["former_secrets"]
    )
    for name in _LISTS:
        values[name] = tuple(row[name])
    values["unblocks"] = tuple(Unblock(**each) for each in row["unblocks"])
    values["metadata"] = tuple(row["metadata"].items())
    tls = row["tls"]
    values["tls"] = None if tls is None else SealedTls(**dict(tls) | {"sealed": SealedSecret(**tls["sealed"])})
    return Subscription(**values)


def _text(value: bytes | None, what: str) -> str:
    if not value:
        raise RecordCorrupt(f"its {what} is missing")
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise RecordCorrupt(f"its {what} is not UTF-8") from None
