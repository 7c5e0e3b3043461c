"""A subscription as a record on the compacted topic and in the cache: Avro, single-object encoding.

The law: what was encoded is decoded equal, and whatever else is found there is refused, never guessed at.

A deletion has no value; the headers `hookline-tenant` and `hookline-changes` (decimal) route it to its tenant's bucket
and version it. `hookline-work` names the request that made it, if that had an Idempotency-Key.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any, Final, cast

from consumer.events.event import RecordHeaders
from consumer.schemas import avro_history
from consumer.webhooks import works
from consumer.webhooks.fields import MAX_CONCURRENCY, MAX_RATE_PER_S, MAX_TIMEOUT_MS, MIN_RATE_PER_S, MIN_TIMEOUT_MS
from consumer.webhooks.filter import FilterInvalid, compile_filter
from consumer.webhooks.history import Deletion, State
from consumer.webhooks.ordering import is_ordering
from consumer.webhooks.subscription import (
    FormerSecret,
    OnFailure,
    PayloadFormat,
    Retries,
    SealedSecret,
    SealedTls,
    SigningProfile,
    Status,
    Subscription,
    Unblock,
)
from consumer.wire import RecordCorrupt, WireFormat

TENANT_HEADER: Final = "hookline-tenant"
CHANGES_HEADER: Final = "hookline-changes"
WORK_HEADER: Final = "hookline-work"

SUBSCRIPTION: Final = WireFormat(avro_history("Subscription"))
_FIELDS = tuple(each.name for each in fields(Subscription))
_SEALED = ("secret", "sealed_headers")
_TLS = tuple(each.name for each in fields(SealedTls))
_LAST_MS: Final = 253_402_300_799_999  # the last millisecond of the year 9999
_MOST_REVISIONS: Final = 2**31 - 2  # the next one is still an Avro int
# What is computed from a number stays within bounds because the number does.
_BOUNDS: Final[Mapping[str, tuple[float, float]]] = {
    "created_at_ms": (0, _LAST_MS),
    "updated_at_ms": (0, _LAST_MS),
    "status_since_ms": (0, _LAST_MS),
    "timeout_ms": (MIN_TIMEOUT_MS, MAX_TIMEOUT_MS),
    "rate_per_s": (MIN_RATE_PER_S, MAX_RATE_PER_S),
    "max_concurrency": (1, MAX_CONCURRENCY),
    "revision": (1, _MOST_REVISIONS),
    "changes": (0, _MOST_REVISIONS),
}


_CHANGES: Final = re.compile("[0-9]{1,10}")


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
    return _subscription(SUBSCRIPTION.decode(value))


def deletion_headers(deletion: Deletion) -> RecordHeaders:
    """The headers of a deletion's record."""
    headers = ((TENANT_HEADER, deletion.tenant.encode()), (CHANGES_HEADER, str(deletion.changes).encode()))
    return headers if deletion.work is None else (*headers, (WORK_HEADER, deletion.work.encode()))


def state_of(key: bytes | None, value: bytes | None, headers: RecordHeaders) -> State:
    """Read a record of the subscriptions topic.

    Raises:
        RecordCorrupt: neither a subscription under its own id nor a deletion with its headers.
    """
    subscription_id = _text(key, "key")
    if value is not None:
        subscription = decode(value)
        if subscription.id != subscription_id:
            raise RecordCorrupt("its key is not its id")
        return subscription
    found = dict(headers)
    tenant = _text(found.get(TENANT_HEADER), TENANT_HEADER)
    changes = _text(found.get(CHANGES_HEADER), CHANGES_HEADER)
    if not _CHANGES.fullmatch(changes) or int(changes) > _MOST_REVISIONS:
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


def _subscription(row: Mapping[str, Any]) -> Subscription:
    """Build it, and hold that its filter compiles: a matcher must never meet one that does not."""
    values = dict(row)
    for name, (least, most) in _BOUNDS.items():
        if row[name] is not None and not least <= row[name] <= most:  # NaN is not
            raise RecordCorrupt(f"its {name} is out of range")
    for name in _SEALED:
        values[name] = None if row[name] is None else SealedSecret(**row[name])
    try:
        values["signing"] = SigningProfile(row["signing"])
        values["payload_format"] = PayloadFormat(row["payload_format"])
        values["status"] = Status(row["status"])
        values["retries"] = Retries(row["retries"])
        values["on_failure"] = OnFailure(row["on_failure"])
        if row["filter_json"] is not None:
            compile_filter(row["filter_json"])
        if not is_ordering(row["ordering"]):
            raise RecordCorrupt("its ordering is not one that this version knows")
        if len(row["works"]) > works.MOST or not all(map(works.is_name, row["works"])):
            raise RecordCorrupt("its works are not names of requests")
    except FilterInvalid:
        raise RecordCorrupt("its filter is not one that this version knows") from None
    except ValueError as error:
        raise RecordCorrupt(str(error)) from None
    if not all(0 <= former["until_ms"] <= _LAST_MS for former in row["former_secrets"]):
        raise RecordCorrupt("the end of a former secret is out of range")
    values["former_secrets"] = tuple(
        FormerSecret(secret=SealedSecret(**former["secret"]), until_ms=former["until_ms"])
        for former in row["former_secrets"]
    )
    values["event_types"] = tuple(row["event_types"])
    values["header_names"] = tuple(row["header_names"])
    values["works"] = tuple(row["works"])
    values["unblocks"] = tuple(map(_unblock, row["unblocks"]))
    values["metadata"] = tuple(row["metadata"].items())
    values["tls"] = None if row["tls"] is None else _tls(row["tls"])
    return Subscription(**values)


def _tls(row: Mapping[str, Any]) -> SealedTls:
    until = (row["certificate_until_ms"], row["authorities_until_ms"])
    if not all(each is None or 0 <= each <= _LAST_MS for each in until):
        raise RecordCorrupt("the end of a certificate of it is out of range")
    return SealedTls(**dict(row) | {"sealed": SealedSecret(**row["sealed"])})


def _unblock(row: Mapping[str, Any]) -> Unblock:
    if not 0 <= row["at_ms"] <= _LAST_MS:
        raise RecordCorrupt("when a key of it was let go on is out of range")
    return Unblock(**row)


def _text(value: bytes | None, what: str) -> str:
    if not value:
        raise RecordCorrupt(f"its {what} is missing")
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise RecordCorrupt(f"its {what} is not UTF-8") from None
