"""A data key as a record on the topic of tenants' keys: Avro, under `data-key:<id>`.

The laws: it is bound to its tenant and its id, so that none can be put in another's place; an id has 8 random bytes,
and names one key for ever; a record without a value says that the key was destroyed.
"""

from dataclasses import dataclass, field
from typing import Final

from consumer.data_keys.data_key import KEY_BYTES
from consumer.kafka.sealed import KEY_ID_BYTES
from consumer.kafka.state_kind import StateKind
from consumer.kafka.writing import NewRecord
from consumer.schemas import avro_history
from consumer.webhooks.keyring import Keyring, SecretUnreadable
from consumer.webhooks.subscription import SealedSecret
from consumer.wire import RecordCorrupt, WireFormat

DATA_KEY: Final = WireFormat(avro_history("DataKey"))
_KIND: Final = StateKind(b"data-key:")


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedKey:
    """A data key as it lies on the topic. `id` is 16 hex digits."""

    id: str
    tenant: str
    created_at_ms: int
    sealed: SealedSecret = field(repr=False)


def sealed_key(keyring: Keyring, *, key_id: str, tenant: str, secret: bytes, created_at_ms: int) -> SealedKey:
    """A key of these 32 bytes, sealed with the ring's first key."""
    sealed = keyring.seal(secret, tenant=tenant, subscription_id=_bound_to(key_id))
    return SealedKey(id=key_id, tenant=tenant, created_at_ms=created_at_ms, sealed=sealed)


def secret_of(keyring: Keyring, key: SealedKey) -> bytes:
    """The 32 bytes.

    Raises:
        SecretUnreadable: the ring does not open it, or it is of another tenant or id.
    """
    secret = keyring.open(key.sealed, tenant=key.tenant, subscription_id=_bound_to(key.id))
    if len(secret) != KEY_BYTES:
        raise SecretUnreadable(key.sealed.key_id, f"it has {len(secret)} bytes instead of {KEY_BYTES}")
    return secret


def record_of(topic: str, key: SealedKey) -> NewRecord:
    """The record that holds it."""
    value = DATA_KEY.encode(
        {
            "id": key.id,
            "tenant": key.tenant,
            "created_at_ms": key.created_at_ms,
            "key_id": key.sealed.key_id,
            "sealed": key.sealed.sealed,
        }
    )
    return NewRecord(topic=topic, key=_KIND.key_of(key.id), value=value)


def destroyed(topic: str, key_id: str) -> NewRecord:
    """The record that destroys it."""
    return _KIND.forgotten(topic, key_id)


def id_of(record_key: bytes | None) -> str | None:
    """The id of the key that a record is about; None where it is about none.

    What is no id is none: it would never be found again by a record that it sealed.
    """
    name = _KIND.name_of(record_key)
    if name is None or len(name) != 2 * KEY_ID_BYTES or any(each not in "0123456789abcdef" for each in name):
        return None
    return name


def decode(value: bytes, key_id: str) -> SealedKey:
    """What the record of this id holds.

    Raises:
        RecordCorrupt: it is no data key, or of another id.
    """
    row = DATA_KEY.decode(value)
    if row["id"] != key_id:
        raise RecordCorrupt("its key is not its id")
    return SealedKey(
        id=key_id,
        tenant=row["tenant"],
        created_at_ms=row["created_at_ms"],
        sealed=SealedSecret(key_id=row["key_id"], sealed=row["sealed"]),
    )


def _bound_to(key_id: str) -> str:
    return f"data-key:{key_id}"
