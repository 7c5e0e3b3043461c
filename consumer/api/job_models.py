"""What is sent again, as JSON: what may be asked for, and what is told of a job."""

from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field

from consumer.api.model import Asked, Time, Told
from consumer.control.cursor import MAX_LENGTH
from consumer.jobs.job import LEAST_PER_S, MOST_CHOSEN, MOST_PER_S, TYPES, USUAL_PER_S, Kind, Skip, State
from consumer.jobs.reasons import TABLE
from consumer.replay.plan import Place

_MOST: Final = 50
_STATES: Final = tuple(state for state in State if state is not State.REFUSED)
_MOMENT: Final = "RFC 3339, a date (midnight UTC), or 2h for two hours ago."


def _some(description: str) -> Any:  # noqa: ANN401 # what a field's default is to mypy, as pydantic has it
    return Field(default_factory=list, max_length=_MOST, description=description)


class Resend(Asked):
    """How one is sent again."""

    again: Annotated[bool, Field(description="Also if it was accepted, or was sent again before.")] = False
    now: Annotated[
        bool,
        Field(
            description="Make one attempt and wait for its answer, also of a webhook that is paused or suspended. It "
            "is tried once, and nothing of it is held against the webhook."
        ),
    ] = False


class _Run(Asked):
    again: Annotated[
        bool, Field(description="Also what was accepted, or was sent again before; and beside a job that is the same.")
    ] = False
    rate_per_s: Annotated[
        int, Field(ge=LEAST_PER_S, le=MOST_PER_S, description="So many are sent a second, at most.")
    ] = USUAL_PER_S
    dry_run: Annotated[bool, Field(description="Only count: the job waits to be started.")] = False


class ReplayFilter(Asked):
    """Deliveries at their latest attempt. Values of one member are alternatives; different ones must all hold."""

    status: Annotated[
        list[Literal["delivered", "retrying", "failed"]],
        Field(
            default_factory=lambda: ["failed"],
            min_length=1,
            max_length=3,
            description="How they stand. Left out: failed. Accepted ones are sent with `again` only.",
        ),
    ]
    code: list[str] = _some("Answered so: 503, 5xx, or none for no answer.")
    reason: list[str] = _some("Failed, or given up, for this: the words of the log's lists.")
    type: list[str] = _some("Of this event type, or prefix.*.")
    since: Annotated[str | None, Field(description=f"The latest attempt began then or later: {_MOMENT}")] = None
    until: Annotated[str | None, Field(description="The latest attempt began before then.")] = None


class Replay(_Run):
    """Which of a webhook's deliveries are sent again, and how. Give `deliveries` or `filter`, and not both."""

    deliveries: Annotated[
        list[str] | None, Field(min_length=1, max_length=MOST_CHOSEN, description="The ids of deliveries.")
    ] = None
    filter: ReplayFilter | None = None
    position: Annotated[
        Place,
        Field(strict=False, description="Of an ordered webhook: before what waits of its key, or after it."),
    ] = Place.BEFORE


class Recovery(_Run):
    """What a webhook missed, and how it is sent."""

    since: Annotated[str, Field(description=f"Events that came then or later: {_MOMENT}")]
    until: Annotated[str | None, Field(description="Events that came before then. Null: until now.")] = None
    types: Annotated[
        list[str] | None,
        Field(
            max_length=_MOST,
            description="Of these event types, or prefix.*, of those that the webhook wants. Null: all that it wants.",
        ),
    ] = None


class JobQuery(Asked):
    """A page of jobs."""

    model_config = ConfigDict(strict=False)

    webhook: Annotated[str | None, Field(max_length=256, description="Of this webhook.")] = None
    state: Annotated[
        Literal["counting", "counted", "running", "paused", "done", "canceled", "failed"] | None,
        Field(description="That are so."),
    ] = None
    limit: Annotated[int, Field(ge=1, le=100, description="How many on a page.")] = 20
    cursor: Annotated[str | None, Field(max_length=MAX_LENGTH, description="nextCursor of the page before.")] = None


class JobCounts(Told):
    """How many. Null: nobody can say just now."""

    looked: Annotated[int, Field(description="Were looked at.")]
    matched: Annotated[int, Field(description="Are what was asked for.")]
    sent: Annotated[int, Field(description="Were sent; of a count, nothing was.")]
    raced: Annotated[int, Field(description="Of those sent: may come twice, for they were under way already.")]
    delivered: Annotated[int | None, Field(description="Of those sent: were accepted.")]
    failing: Annotated[int | None, Field(description="Of those sent: were tried, and will be tried again.")]
    failed: Annotated[int | None, Field(description="Of those sent: were given up.")]
    skipped: Annotated[
        dict[str, int], Field(description=f"Matched and were not sent, by reason: {', '.join(Skip)}, or others.")
    ]
    types: Annotated[
        dict[str, int],
        Field(description=f"Matched and were sent, or would be, by event type: of the first {TYPES} types."),
    ]


class JobFilter(Told):
    """What was asked for, by the names of the request. What does not belong to the kind is not there."""

    deliveries: Annotated[int | None, Field(description="So many were named.")] = None
    status: list[str] | None = None
    code: list[str] | None = None
    reason: list[str] | None = None
    type: list[str] | None = None
    types: list[str] | None = None


class JobSample(Told):
    """One of those that are sent."""

    delivery: Annotated[str | None, Field(description="Null: the event was never tried.")]
    event_id: str
    type: str
    at: Time


class Job(Told):
    """Deliveries or events that are sent again, counted and at a pace."""

    id: str
    object: Literal["job"]
    kind: Annotated[Kind, Field(description="The trigger of the deliveries that it makes.")]
    webhook: str
    filter: JobFilter
    since: Time | None
    until: Time | None
    again: bool
    rate_per_s: int
    state: Annotated[str, Field(description=f"One of {', '.join(_STATES)}.")]
    reason: Annotated[
        str | None, Field(description=f"Why it is so: one of {', '.join(each.code for each in TABLE.values())}.")
    ]
    detail: Annotated[str | None, Field(description="The same in words, and what to do.")]
    other: Annotated[str | None, Field(description="The job that stands in its way.")]
    counts: JobCounts
    counted: Annotated[JobCounts | None, Field(description="What the count found, where it was counted first.")]
    reached_at: Annotated[Time | None, Field(description="It has come to what was logged then.")]
    progress: Annotated[
        float,
        Field(description="0 to 1: of what was counted, of the time that was asked for, or of what there is to read."),
    ]
    remaining_seconds: Annotated[int | None, Field(description="How long it takes from now on, about.")]
    sample: Annotated[list[JobSample], Field(description="Some of them, five at most.")]
    made: Annotated[list[str], Field(description="The ids of the new deliveries, where they are five at most.")]
    created_by: Annotated[str, Field(description="An API key's id, or operator.")]
    created_at: Time
    started_at: Time | None
    finished_at: Time | None
