"""What a customer writes on a webhook for his own use: a name that is his, and notes.

The law: a `uid` names one webhook of its owner at a time. The webhook's id is made of it, so two creations under one
uid are two writes of one webhook, of which the rule of versions lets one hold. Pure.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Final

from consumer import text
from consumer.webhooks.wrong import Code, invalid

MAX_UID_LENGTH: Final = 128
MAX_METADATA: Final = 20
MAX_METADATA_NAME_LENGTH: Final = 64
MAX_METADATA_BYTES: Final = 2_048
"""Names and values together, in UTF-8: every process that delivers has them in memory."""

_UID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_ID_DIGITS: Final = 28


def id_of(tenant: str, brand: str, uid: str) -> str:
    """The id of the webhook of this name. Every part is framed by its length."""
    parts = (tenant.encode(), brand.encode(), uid.encode())
    framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return f"wh_{hashlib.sha256(framed).hexdigest()[:_ID_DIGITS]}"


def check_uid(uid: str) -> str:
    """One that fits into a path as it is. Raises FieldInvalid."""
    if not _UID.fullmatch(uid):
        raise invalid(
            "uid",
            Code.MALFORMED,
            f"must be 1 to {MAX_UID_LENGTH} letters, digits and . _ : -, beginning with a letter or a digit",
        )
    return uid


def check_metadata(metadata: Mapping[str, str]) -> Mapping[str, str]:
    """A few lines of text under names. Raises FieldInvalid."""
    if len(metadata) > MAX_METADATA:
        raise invalid("metadata", Code.TOO_MANY, f"has {len(metadata)} names, more than the {MAX_METADATA} allowed")
    for name, value in metadata.items():
        if not name or len(name) > MAX_METADATA_NAME_LENGTH:
            raise invalid("metadata", Code.TOO_LONG if name else Code.EMPTY, "names have 1 to 64 characters")
        if not text.is_line(name) or not text.is_line(value):
            raise invalid(
                "metadata", Code.FORBIDDEN_CHARACTER, "names and values are one line each, without control characters"
            )
    size = sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items())
    if size > MAX_METADATA_BYTES:
        raise invalid("metadata", Code.TOO_LONG, f"is {size} bytes, more than the {MAX_METADATA_BYTES} allowed")
    return metadata
