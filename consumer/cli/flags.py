"""The flags that several commands share."""

from typing import Annotated, TypeAlias

from cyclopts import Parameter

from consumer.cli.exits import usage
from consumer.replay.filters import moment_ms

Id: TypeAlias = Annotated[str, Parameter(help="Its id.")]
Limit: TypeAlias = Annotated[int | None, Parameter(help="At most so many. Default: all.")]


def checked_limit(limit: int | None) -> int | None:
    """The limit itself, None for none.

    Raises:
        CommandFailed: 64, it is not above 0.
    """
    if limit is not None and limit < 1:
        raise usage("--limit is a number above 0", field="--limit")
    return limit


def moment(flag: str, text: str | None, now_ms: int) -> int | None:
    """A moment as epoch milliseconds, durations counted back from now; None for none.

    Raises:
        CommandFailed: 64, it is none.
    """
    if text is None:
        return None
    try:
        return moment_ms(text, now_ms)
    except ValueError as error:
        raise usage(f"{flag} {error}", field=flag) from None
