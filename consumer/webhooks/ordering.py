"""What a webhook's deliveries are kept in order by: nothing, the event's Kafka key, or a field of its data. Pure.

The laws: one event of one webhook has one line, the same whoever computes it; an event without a key has none, and is
delivered as if the webhook had no order.
"""

from functools import lru_cache
from hashlib import blake2b
from typing import Final

import msgspec

from consumer.events.document import parsed
from consumer.json import Json

NONE: Final = "none"
KEY: Final = "key"
IN_DATA: Final = "data."
MAX_LENGTH: Final = 256
MAX_DEPTH: Final = 8

_DIGEST_BYTES: Final = 6


def is_ordering(text: str) -> bool:
    """`none`, `key`, or `data.` and up to eight names of members, none of them empty."""
    if text in (NONE, KEY):
        return True
    names = text.removeprefix(IN_DATA).split(".")
    return text.startswith(IN_DATA) and len(text) <= MAX_LENGTH and len(names) <= MAX_DEPTH and all(names)


def line_of(tenant: str, subscription_id: str, ordering: str, key: bytes | None, data: bytes) -> str | None:
    """The line of an event with this Kafka key and data.

    It has 12 hex digits each for the tenant, the webhook and the key.
    """
    value = key if ordering == KEY else _value(ordering, data)
    if value is None:
        return None
    return _of_webhook(tenant, subscription_id) + _short(len(ordering).to_bytes(4, "big") + ordering.encode() + value)


@lru_cache(maxsize=1_024)
def _of_webhook(tenant: str, subscription_id: str) -> str:
    return _short(tenant.encode()) + _short(subscription_id.encode())


def _value(ordering: str, data: bytes) -> bytes | None:
    """The text, number or truth that stands at the path, as JSON."""
    found: Json = parsed(data)
    for name in ordering.removeprefix(IN_DATA).split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    if found is None or isinstance(found, dict | list):
        return None
    return found.encode() if isinstance(found, str) else b"\0" + _written(found)


def _written(found: Json) -> bytes:
    """A number or a truth: 1 and 1.0 are two keys, as they are two texts."""
    try:
        return msgspec.json.encode(found)
    except (msgspec.ValidationError, OverflowError, ValueError):
        return repr(found).encode()


def _short(value: bytes) -> str:
    return blake2b(value, digest_size=_DIGEST_BYTES).hexdigest()
