"""The flags that several commands share."""

from collections.abc import Mapping
from typing import Annotated, Final, TypeAlias

from cyclopts import Parameter

from consumer.cli.exits import usage

Limit: TypeAlias = Annotated[int | None, Parameter(help="At most so many. Default: all.")]


def checked_limit(limit: int | None) -> int | None:
    """The limit itself, None for none.

    Raises:
        CommandFailed: 64, it is not above 0.
    """
    if limit is not None and limit < 1:
        raise usage("--limit is a number above 0")
    return limit


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
