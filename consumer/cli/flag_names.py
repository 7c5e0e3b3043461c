"""What the command line calls the fields of the model. Pure."""

from collections.abc import Mapping
from typing import Final

_FLAGS: Final[Mapping[str, str]] = {
    "event_types": "--event",
    "expires_at": "--expires",
    "headers": "--header",
    "overlap_seconds": "--overlap",
    "payload_format": "--format",
    "scopes": "--scope",
}


def flag_of(field: str) -> str:
    """The flag that says this field of the model."""
    name = field.partition(".")[0]
    return _FLAGS.get(name) or "--" + name.replace("_", "-")
