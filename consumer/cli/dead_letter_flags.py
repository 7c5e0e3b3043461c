"""The flags that choose dead letters, the same for `list` and `replay`."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from consumer.cli.flags import moment
from consumer.delivery.outcome import DeathReason
from consumer.replay.filters import Filters
from consumer.webhooks.fields import check_choice

_Several = list[str] | None


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterFlags:
    """Which dead letters are meant. A flag may be repeated: any of its values will do."""

    webhook: Annotated[_Several, Parameter(negative=(), help="Of this webhook.")] = None
    tenant: Annotated[_Several, Parameter(negative=(), help="Of this tenant.")] = None
    type: Annotated[_Several, Parameter(negative=(), help="Of this event type, or prefix.*.")] = None
    reason: Annotated[list[DeathReason] | None, Parameter(negative=(), help="Why it failed for good.")] = None
    since: Annotated[
        str | None, Parameter(help="Failed then or later: 2026-01-31T12:00:00Z, 2026-01-31, or 2h for two hours ago.")
    ] = None
    until: Annotated[str | None, Parameter(help="Failed before then.")] = None


def filters_of(flags: DeadLetterFlags | None, ids: Collection[str], now_ms: int) -> Filters:
    """The filters, durations counted back from now.

    Raises:
        CommandFailed: 64, a moment is none.
        FieldInvalid: no event could have such a type.
    """
    given = flags or DeadLetterFlags()
    return Filters(
        ids=frozenset(ids),
        webhooks=frozenset(given.webhook or ()),
        tenants=frozenset(given.tenant or ()),
        types=tuple(check_choice("type", each) for each in given.type or ()),
        reasons=frozenset(given.reason or ()),
        since_ms=moment("--since", given.since, now_ms),
        until_ms=moment("--until", given.until, now_ms),
    )
