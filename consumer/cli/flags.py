"""The flags that several commands share."""

from typing import Annotated, TypeAlias

from cyclopts import Parameter

from consumer.cli.exits import usage

Limit: TypeAlias = Annotated[int | None, Parameter(help="At most so many. Default: all.")]


def checked_limit(limit: int | None) -> int | None:
    """The limit itself, None for none.

    Raises:
        CommandFailed: 64, it is not above 0.
    """
    if limit is not None and limit < 1:
        raise usage("--limit is a number above 0", field="--limit")
    return limit
