"""The delivery log as JSON: what may be asked of it, and what is told of a delivery and of an attempt."""

from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field

from consumer.api.model import Asked, Explanation, Page, Time, Told
from consumer.brands.brand import SigningProfile
from consumer.control.cursor import MAX_LENGTH
from consumer.delivery.delivery import Trigger
from consumer.delivery.outcome import DeathReason
from consumer.log.bodies import SHORTEST
from consumer.log.resource import FAILURES

_MOST: Final = 50
_REASONS: Final = ", ".join([*FAILURES, *DeathReason])


def _some(description: str) -> Any:  # noqa: ANN401 # what a field's default is to mypy, as pydantic has it
    return Field(default_factory=list, max_length=_MOST, description=description)


class Sought(Asked):
    """Which are meant. Values of one parameter are alternatives; different ones must all hold."""

    model_config = ConfigDict(strict=False)

    webhook: list[str] = _some("Of this webhook.")
    code: list[str] = _some("Answered so: 503, 5xx, or none for no answer.")
    reason: list[str] = _some(f"Failed, or given up, for this: one of {_REASONS}.")
    type: list[str] = _some("Of this event type, or prefix.*.")
    event: list[str] = _some("Of the event of this id, as in the header webhook-id.")
    trigger: list[Trigger] = _some("Made for this.")
    job: list[str] = _some("Of this job.")
    since: Annotated[
        str | None, Field(description="Made then or later: RFC 3339, a date (midnight UTC), or 2h for two hours ago.")
    ] = None
    until: Annotated[str | None, Field(description="Made before then.")] = None
    slower_than_ms: Annotated[int | None, Field(ge=0, le=65_534, description="Took longer than this.")] = None
    contains: Annotated[
        str | None,
        Field(
            min_length=SHORTEST,
            max_length=256,
            description="This text is in the request's or the answer's body. Needs the scope bodies, and looks at "
            "20,000 records or for 3 seconds a page: searchedTo says how far it came.",
        ),
    ] = None


class AttemptsSought(Sought):
    """Which attempts."""

    outcome: list[Literal["delivered", "retry", "dead"]] = _some("What came of it.")


class DeliveriesSought(Sought):
    """Which deliveries, by their latest attempt."""

    status: list[Literal["delivered", "retrying", "failed"]] = _some("How it stands.")


class _Part(Asked):
    limit: Annotated[int, Field(ge=1, le=100, description="How many on a page.")] = 20
    cursor: Annotated[str | None, Field(max_length=MAX_LENGTH, description="nextCursor of the page before.")] = None
    after: Annotated[
        str | None,
        Field(max_length=MAX_LENGTH, description="latestCursor of an earlier page: only newer ones, the oldest first."),
    ] = None


class AttemptQuery(AttemptsSought, _Part):
    """A page of them."""

    model_config = ConfigDict(strict=False)


class DeliveryQuery(DeliveriesSought, _Part):
    """A page of them."""

    model_config = ConfigDict(strict=False)


class ExportQuery(AttemptsSought):
    """What is exported, and how."""

    model_config = ConfigDict(strict=False)

    format: Annotated[Literal["csv", "jsonl"], Field(description="CSV with a head, or a JSON object a line.")] = "csv"


class _Tried(Told):
    next_attempt_at: Annotated[Time | None, Field(description="Not before then; null: no other, or it is due.")]
    overdue: Annotated[
        bool | None,
        Field(
            description=(
                "The next attempt is late by more than 30 seconds. Null, of an attempt alone: it was due by then, and "
                "its delivery tells whether it was made."
            )
        ),
    ]


class AttemptRow(_Tried):
    """An attempt in a list."""

    id: str
    object: Literal["attempt"]
    delivery: str
    webhook: str
    event_id: str
    type: str
    number: int
    trigger: str
    outcome: str
    status: Annotated[int | None, Field(description="The HTTP status; null: no answer came.")]
    failure: Annotated[str | None, Field(description="Why no answer came.")]
    reason: Annotated[str | None, Field(description="Why the delivery was given up with it.")]
    elapsed_ms: int | None
    at: Time


class DeliveryRow(_Tried):
    """A delivery in a list."""

    id: str
    object: Literal["delivery"]
    webhook: str
    event_id: str
    type: str
    status: str
    trigger: str
    attempts: int
    first_attempt_at: Time | None
    reason: str | None
    job: str | None
    last_attempt: AttemptRow | None


class Delivery(DeliveryRow):
    """A delivery with its attempts, the first one first."""

    replay_of: Annotated[
        str | None,
        Field(description="The delivery whose event this one sends again, where that is known: the log lists it."),
    ]
    explanation: Explanation | None
    attempts_kept: Annotated[list[AttemptRow], Field(description="Those that the log still lists.")]


class Header(Told):
    """One header line."""

    name: str
    value: str


class _WithBody(Told):
    body: Annotated[str | None, Field(description="Null without the scope bodies, or where it is not kept.")]
    body_encoding: Literal["utf-8", "base64"] | None
    body_bytes: Annotated[int | None, Field(description="Null where the log does not have it.")]
    body_kept: Annotated[
        Literal["whole", "redacted", "none", "erased", "locked"],
        Field(
            description="What the log has of it, as whoever runs this decided: whole; redacted: parts of the event's "
            "data are [redacted] here, and were sent; none: it is not kept; erased: its tenant was erased, and it can "
            "never be read again; locked: it is sealed, and whoever runs this lacks what opens it."
        ),
    ]
    cut: Annotated[bool, Field(description="Only the first 64 KiB are here; the download has all that is kept.")]


class RequestSent(_WithBody):
    """The request, as it was sent."""

    method: Literal["POST"]
    headers: Annotated[list[Header], Field(description="Values of your own headers are [redacted].")]
    content_type: str


class ResponseGot(_WithBody):
    """The answer, as it came."""

    status: int
    headers: list[Header]
    truncated: Annotated[bool, Field(description="There was more than the 16 KiB that are kept.")]


class TimingTold(Told):
    """Where the time went; null where it did not come to that or is not known."""

    dns_ms: float | None
    connect_ms: float | None
    tls_ms: float | None
    first_byte_ms: Annotated[float | None, Field(description="From the request's begin to the answer's first byte.")]
    total_ms: float | None
    new_connection: bool | None


class SignatureTold(Told):
    """What a receiver has to check."""

    profile: SigningProfile
    header: str
    signed_content: Annotated[str, Field(description="What was signed; names in braces are headers, or parts of one.")]
    signed_with: Annotated[
        Literal["current", "both"], Field(description="The secret of then; both while a rotation overlapped.")
    ]


class Planned(Told):
    """A try that follows if the one before it fails."""

    number: int
    not_before: Time


class Attempt(_Tried):
    """An attempt, with all that the log holds of it."""

    id: str
    object: Literal["attempt"]
    delivery: str
    webhook: str
    event_id: str
    type: str
    product: str | None
    event_at: Time
    number: int
    trigger: str
    job: str | None
    outcome: str
    status: int | None
    failure: str | None
    reason: str | None
    elapsed_ms: float | None
    at: Time
    url: str
    request: RequestSent
    response: ResponseGot | None
    timing: TimingTold
    signature: Annotated[SignatureTold | None, Field(description="Null: nothing was signed.")]
    schedule: list[Planned]
    explanation: Explanation | None
    kept_until: Annotated[
        Time | None,
        Field(description="Request and answer can be read until then, at least. Null: for longer than anybody knows."),
    ]
    curl: Annotated[
        str | None, Field(description="A shell command that sends the same bytes again, where the log has them.")
    ]


class LogPage(Page):
    """A page of the log."""

    latest_cursor: Annotated[str, Field(description="For `after`: what is newer than this page.")]
    as_of: Annotated[Time | None, Field(description="Every attempt that ended before is in; null: not known.")]
    indexed_from: Annotated[Time | None, Field(description="The log reaches back so far; null: there is none.")]
    searched_to: Annotated[Time | None, Field(description="The page ended because enough was looked at, back to here.")]
