"""An API key as JSON: what the API answers and the command line prints.

The law: the key itself is in it only where the caller puts it, right after it was made; its digest never is.
"""

from enum import StrEnum

from consumer.control.keys import ApiKey
from consumer.json import Json
from consumer.signing.timestamps import rfc3339


class Standing(StrEnum):
    """Whether a key opens anything, and why not."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


def standing(key: ApiKey, now_ms: int) -> Standing:
    """What a key is now. One that was revoked stays so, expired or not."""
    if key.revoked_at_ms is not None:
        return Standing.REVOKED
    return Standing.ACTIVE if key.holds(now_ms) else Standing.EXPIRED


def resource(key: ApiKey, *, now_ms: int, last_used_ms: int | None = None, text: str | None = None) -> dict[str, Json]:
    """The key in camelCase, times as RFC 3339 with milliseconds and Z. `text` is the key itself, right behind its id.

    `createdBy` is the id of the key that made it; null: the operator did. `lastUsedAt` is true to a minute; null where
    the key was never used, or nobody knows.
    """
    return {
        "id": key.id,
        **({} if text is None else {"key": text}),
        "object": "key",
        "name": key.name,
        "tenant": key.tenant,
        "brand": key.brand,
        "scopes": [scope.value for scope in sorted(key.scopes)],
        "status": standing(key, now_ms).value,
        "createdAt": rfc3339(key.created_at_ms),
        "createdBy": key.created_by,
        "expiresAt": _time(key.expires_at_ms),
        "revokedAt": _time(key.revoked_at_ms),
        "lastUsedAt": _time(last_used_ms),
    }


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else rfc3339(at_ms)
