"""Dead letters as JSON: which are meant, what is told of one, and what came of a replay."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from consumer.api.model import Asked, Explanation, Time, Told
from consumer.control.cursor import MAX_LENGTH
from consumer.delivery.outcome import DeathReason
from consumer.replay.plan import Place


class DeadLetter(Told):
    """A delivery that failed for good."""

    id: str
    object: Literal["dead_letter"]
    event_id: str
    webhook: Annotated[str, Field(description="The id of the webhook that it was for.")]
    url: str
    type: str
    product: str | None
    reason: Annotated[str, Field(description=f"One of {', '.join(DeathReason)}.")]
    detail: str
    explanation: Explanation | None
    attempts: int
    replays: Annotated[int, Field(description="How often it was replayed before it came here.")]
    last_status: int | None
    first_attempt_at: Time | None
    last_attempt_at: Time | None
    failed_at: Time


class Sought(Asked):
    """Which dead letters are meant; what is given must all hold."""

    type: Annotated[str | None, Field(description="Of this event type, or prefix.*.")] = None
    reason: Annotated[DeathReason | None, Field(strict=False, description="Of this reason.")] = None
    since: Annotated[
        str | None, Field(description="Failed then or later: RFC 3339, a date (midnight UTC), or 2h for two hours ago.")
    ] = None
    until: Annotated[str | None, Field(description="Failed before then.")] = None


class DeadLetterPage(Sought):
    """A page of them."""

    model_config = ConfigDict(strict=False)

    limit: Annotated[int, Field(ge=1, le=100, description="How many on a page.")] = 20
    cursor: Annotated[str | None, Field(max_length=MAX_LENGTH, description="nextCursor of the page before.")] = None

    @property
    def sought(self) -> list[str | None]:
        """What a cursor belongs to."""
        return [self.type, self.reason, self.since, self.until]


class DeadLetterQuery(DeadLetterPage):
    """The same, of all webhooks or of one."""

    webhook: Annotated[str | None, Field(description="Of this webhook.")] = None


class DeadLetterReplay(Asked):
    """How to replay one."""

    again: Annotated[bool, Field(description="Also if it was replayed before.")] = False
    dry_run: Annotated[bool, Field(description="Only say what would be done.")] = False
    position: Annotated[
        Place,
        Field(
            strict=False,
            description="Of an ordered webhook: before what waits of its key, or after it. Several of one key go in "
            "the order in which they became dead letters.",
        ),
    ] = Place.BEFORE


class DeadLettersReplay(Sought, DeadLetterReplay):
    """Which of a webhook's dead letters to replay, and how."""


class ReplaySummary(Told):
    """What came of a replay."""

    matched: int
    replayed: int
    skipped: Annotated[dict[str, int], Field(description="How many were not replayed, by reason.")]
    dry_run: bool
    complete: Annotated[bool, Field(description="False: there are more than one request does; ask again for the rest.")]
