"""An API key as a row of Hookline's own file, and back. Pure.

The law: what is written is read back equal, and a row is read only where a record could hold what it says.
"""

import re
from collections.abc import Iterator
from typing import Final

from consumer.control.keys import ApiKey
from consumer.transfer.faults import LineFaults
from consumer.transfer.rows import KeyRow

_KEY_ID: Final = re.compile("[0-9A-Za-z]{16}")
_DIGEST_BYTES: Final = 32


def key_row(key: ApiKey) -> KeyRow:
    """The row of an API key."""
    return KeyRow(
        id=key.id,
        tenant=key.tenant,
        brand=key.brand,
        name=key.name,
        scopes=sorted(key.scopes),
        digest=key.digest,
        created_at_ms=key.created_at_ms,
        expires_at_ms=key.expires_at_ms,
        revoked_at_ms=key.revoked_at_ms,
        created_by=key.created_by,
    )


def key_of(row: KeyRow, line: int, faults: LineFaults) -> Iterator[ApiKey]:
    """The API key, where nothing is wrong with it."""
    if not _KEY_ID.fullmatch(row.id):
        faults.add(line, "id", "is no API key's id")
    elif len(row.digest) != _DIGEST_BYTES:
        faults.add(line, "digest", f"is not the base64 of {_DIGEST_BYTES} bytes")
    elif not row.scopes:
        faults.add(line, "scopes", "is empty")
    else:
        yield ApiKey(
            id=row.id,
            tenant=row.tenant,
            brand=row.brand,
            name=row.name,
            scopes=frozenset(row.scopes),
            digest=row.digest,
            created_at_ms=row.created_at_ms,
            expires_at_ms=row.expires_at_ms,
            revoked_at_ms=row.revoked_at_ms,
            created_by=row.created_by,
        )
