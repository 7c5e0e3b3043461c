"""An API key as a record on the state topic: Avro, single-object encoding, under the key `key:<id>`.

The law: what was encoded is decoded equal, and whatever else is found under such a key is refused.
"""

from dataclasses import asdict
from typing import Final

from consumer.control.keys import ApiKey, Scope
from consumer.kafka.state_kind import StateKind
from consumer.schemas import avro_history
from consumer.wire import RecordCorrupt, WireFormat

_KEY: Final = StateKind(b"key:")
API_KEY: Final = WireFormat(avro_history("ApiKey"))


def record_key(key_id: str) -> bytes:
    """Under which the record of an API key is written."""
    return _KEY.key_of(key_id)


def id_of(record_key: bytes | None) -> str | None:
    """The API key's id, where the record is one's; None for the other kinds of the state topic."""
    return _KEY.name_of(record_key)


def encode(key: ApiKey) -> bytes:
    """The record's value."""
    return API_KEY.encode(asdict(key) | {"scopes": sorted(key.scopes)})


def decode(value: bytes, key_id: str) -> ApiKey:
    """Read the value of the record of this id.

    Raises:
        RecordCorrupt: it is not this encoding, has a scope that is not known, or belongs to another id.
    """
    row = API_KEY.decode(value)
    try:
        key = ApiKey(**row | {"scopes": frozenset(Scope(each) for each in row["scopes"])})
    except ValueError as error:
        raise RecordCorrupt(str(error)) from None
    if key.id != key_id:
        raise RecordCorrupt("its key is not its id")
    return key
