"""What may be said aloud.

The law: a value leaves this module only as something a log may hold. Values under a secret-bearing name, SecretStr,
credentials inside URLs and anything that looks like a signing secret come out as `***`; objects of unknown type come
out as their type's name, because a repr can hold anything.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import TypeAlias

from pydantic import SecretBytes, SecretStr

Plain: TypeAlias = bool | int | float | str | list["Plain"] | dict[str, "Plain"] | None

HIDDEN = "***"
_MAX_DEPTH = 6
_SECRET_NAME = re.compile(
    r"secret|passw|authorization|signature|cookie|credential|sasl|sealed|header|private|token|key_material"
    r"|(^|[_-])(api|encryption|signing)?[_-]?keys?$",
    re.IGNORECASE,
)
# `record_key` and the like are Kafka's, and names nothing secret; `key_id` never matched.
_HARMLESS_NAME = re.compile(r"^((record|message|kafka)_key|header_names|secret_id)$", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^\s/]+(?=@)"  # credentials in a URL: redis://user:password@host
    r"|\b(?P<prefix>whsec_|whsk_|Bearer |Basic )[A-Za-z0-9+/=_.~-]+"
    r"|(?P<key>[A-Za-z0-9]{16}_)[A-Za-z0-9]{38}\b",  # an API key, its id left (`control.keys` draws it)
    re.IGNORECASE,
)


def is_secret_name(name: str) -> bool:
    """Whether a field of this name is hidden whatever it holds."""
    return _SECRET_NAME.search(name) is not None and _HARMLESS_NAME.match(name) is None


def scrubbed(text: str) -> str:
    """The text with credentials of URLs, `whsec_…`, `whsk_…`, `Bearer …`, `Basic …` and API keys hidden."""
    return _SECRET_TEXT.sub(lambda match: f"{match['scheme'] or match['prefix'] or match['key']}{HIDDEN}", text)


def sayable(name: str, value: object, depth: int = 0) -> Plain:
    """The value under this name as a log may hold it: plain JSON types only."""
    if is_secret_name(name) or isinstance(value, SecretStr | SecretBytes):
        return HIDDEN
    if isinstance(value, Enum):
        return str(value.value)
    if value is None or isinstance(value, bool | int | float):
        return value
    text = _text(value)
    return scrubbed(text) if text is not None else _container(name, value, depth)


def _text(value: object) -> str | None:
    match value:
        case str():
            return value
        case bytes() | bytearray() | memoryview():
            return f"<{len(value)} bytes>"
        case BaseException():
            return f"{type(value).__name__}: {value}"
        case datetime():
            return value.isoformat()
        case Path():
            return str(value)
        case _:
            return None


def _container(name: str, value: object, depth: int) -> Plain:
    if depth < _MAX_DEPTH:
        if isinstance(value, Mapping):
            return {str(key): sayable(str(key), item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [sayable(name, item, depth + 1) for item in value]
    return f"<{type(value).__name__}>"
