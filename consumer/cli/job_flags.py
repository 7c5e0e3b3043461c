"""The flags by which something is sent again: which deliveries, of which time, and at what pace."""

from dataclasses import dataclass
from typing import Annotated, Literal

from cyclopts import Parameter

from consumer.cli.exits import usage
from consumer.cli.job_port import Pace
from consumer.jobs.job import LEAST_PER_S, MOST_PER_S, USUAL_PER_S

Several = list[str] | None


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFlags:
    """Which deliveries are meant, at their latest attempt. A flag may be repeated: any of its values will do."""

    delivery: Annotated[Several, Parameter(negative=(), help="This one, by its id; no other flag that chooses.")] = None
    status: Annotated[
        list[Literal["delivered", "retrying", "failed"]] | None,
        Parameter(negative=(), help="That stand so. Default: failed. Accepted ones need --again."),
    ] = None
    code: Annotated[Several, Parameter(negative=(), help="Answered so: 503, 5xx, or none for no answer.")] = None
    reason: Annotated[Several, Parameter(negative=(), help="Failed, or given up, for this, as in timeout.")] = None
    type: Annotated[Several, Parameter(negative=(), help="Of this event type, or prefix.*.")] = None
    since: Annotated[
        str | None,
        Parameter(help="Last tried then or later: 2026-01-31T12:00:00Z, 2026-01-31, or 2h for two hours ago."),
    ] = None
    until: Annotated[str | None, Parameter(help="Last tried before then.")] = None


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class PaceFlags:
    """How fast a job goes, and whether it sends what was accepted, or only counts."""

    again: Annotated[bool, Parameter(negative=(), help="Also what was accepted, or was sent again before.")] = False
    rate: Annotated[
        int | None, Parameter(help=f"So many a second, {LEAST_PER_S} to {MOST_PER_S}. Default: {USUAL_PER_S}.")
    ] = None
    dry_run: Annotated[bool, Parameter(negative=(), help="Only count: the job waits to be started.")] = False


def pace_of(flags: PaceFlags | None) -> Pace:
    """The pace. Raises CommandFailed: 64, the rate is none."""
    given = flags or PaceFlags()
    if given.rate is not None and not LEAST_PER_S <= given.rate <= MOST_PER_S:
        raise usage(f"--rate is a number a second, {LEAST_PER_S} to {MOST_PER_S}", field="--rate")
    return Pace(again=given.again, rate_per_s=given.rate, dry_run=given.dry_run)
