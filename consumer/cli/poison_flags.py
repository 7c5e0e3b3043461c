"""The flags that choose poison records, the same for `list` and `replay`."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from consumer.cli.exits import usage
from consumer.cli.flags import moment
from consumer.events.reasons import PoisonReason
from consumer.replay.poison import PoisonFilters, Spot, spot_of


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class PoisonFlags:
    """Which poison records are meant. A flag may be repeated: any of its values will do."""

    reason: Annotated[list[PoisonReason] | None, Parameter(negative=(), help="Why it is no event.")] = None
    topic: Annotated[list[str] | None, Parameter(negative=(), help="Read from this topic.")] = None
    since: Annotated[
        str | None,
        Parameter(help="Found then or later: 2026-01-31T12:00:00Z, 2026-01-31, or 2h for two hours ago."),
    ] = None
    until: Annotated[str | None, Parameter(help="Found before then.")] = None


def filters_of(flags: PoisonFlags | None, places: Collection[str], now_ms: int) -> PoisonFilters:
    """The filters, durations counted back from now.

    Raises:
        CommandFailed: 64, a moment or a place is none.
    """
    given = flags or PoisonFlags()
    return PoisonFilters(
        spots=frozenset(map(spot, places)),
        reasons=frozenset(given.reason or ()),
        topics=frozenset(given.topic or ()),
        since_ms=moment("--since", given.since, now_ms),
        until_ms=moment("--until", given.until, now_ms),
    )


def spot(text: str) -> Spot:
    """A record's place. Raises CommandFailed: 64, it is none."""
    try:
        return spot_of(text)
    except ValueError as error:
        raise usage(f"{text} is no place of a record: {error}", field="place") from None
