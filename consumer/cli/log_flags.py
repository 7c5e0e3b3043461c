"""The flags that choose rows of the log, the same for all that list it. They are the API's parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from cyclopts import Parameter

from consumer.delivery.delivery import Trigger

Asked: TypeAlias = Mapping[str, list[str] | str]
"""Parameters of the API's lists, by their names there."""

_Several = list[str] | None


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class LogFlags:
    """Which rows are meant. A flag may be repeated: any of its values will do."""

    webhook: Annotated[_Several, Parameter(negative=(), help="Of this webhook.")] = None
    outcome: Annotated[
        list[Literal["delivered", "retry", "dead"]] | None, Parameter(negative=(), help="What came of it.")
    ] = None
    code: Annotated[_Several, Parameter(negative=(), help="Answered so: 503, 5xx, or none for no answer.")] = None
    reason: Annotated[_Several, Parameter(negative=(), help="Failed, or given up, for this, as in timeout.")] = None
    type: Annotated[_Several, Parameter(negative=(), help="Of this event type, or prefix.*.")] = None
    event: Annotated[_Several, Parameter(negative=(), help="Of the event of this id, the webhook-id.")] = None
    trigger: Annotated[list[Trigger] | None, Parameter(negative=(), help="Made for this.")] = None
    job: Annotated[_Several, Parameter(negative=(), help="Of this job.")] = None
    since: Annotated[
        str | None, Parameter(help="Made then or later: 2026-01-31T12:00:00Z, 2026-01-31, or 2h for two hours ago.")
    ] = None
    until: Annotated[str | None, Parameter(help="Made before then.")] = None
    slower_than_ms: Annotated[int | None, Parameter(help="Took longer than this.")] = None
    contains: Annotated[str | None, Parameter(help="This text is in the request's or the answer's body.")] = None


def asked_of(flags: LogFlags | None, *, contains: str | None = None, status: bool = False) -> Asked:
    """The parameters. `status`: those of the list of deliveries, which has a status where attempts have an outcome."""
    given = flags or LogFlags()
    outcome: list[str] = [_STATUSES[each] if status else each for each in given.outcome or ()]
    asked: dict[str, list[str] | str | None] = {
        "webhook": given.webhook,
        "status" if status else "outcome": outcome,
        "code": given.code,
        "reason": given.reason,
        "type": given.type,
        "event": given.event,
        "trigger": [each.value for each in given.trigger or ()],
        "job": given.job,
        "since": given.since,
        "until": given.until,
        "slowerThanMs": None if given.slower_than_ms is None else str(given.slower_than_ms),
        "contains": contains or given.contains,
    }
    return {name: value for name, value in asked.items() if value}


_STATUSES = {"delivered": "delivered", "retry": "retrying", "dead": "failed"}
