"""The API's JSON, as OpenAPI tells it and as requests are checked against it.

The law: a request with a member that is not here, or of another type, is refused whole. What values may be is for
`webhooks.draft` to say. Answers are not built from these models but from `control.resource`, and a test holds both
against each other.

Python has `event_types` where a brand's JSON has `topics` or `events`: see `WebhookModels`.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from consumer.brands.brand import PayloadFormat, Retries, SigningProfile
from consumer.control.cursor import MAX_LENGTH
from consumer.control.keys import Scope
from consumer.delivery.outcome import DeathReason
from consumer.webhooks.fields import (
    MAX_CONCURRENCY,
    MAX_OVERLAP_MS,
    MAX_RATE_PER_S,
    MAX_TIMEOUT_MS,
    MIN_RATE_PER_S,
    MIN_TIMEOUT_MS,
)
from consumer.webhooks.subscription import Status

Chosen = Field(strict=False)
"""An enumeration is written as its text."""

_Object = dict[str, object]
_Anything = object
_Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-01-31T12:00:00.000Z"])]


class Asked(BaseModel):
    """Part of a request."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True)


class Told(BaseModel):
    """Part of an answer."""

    model_config = ConfigDict(alias_generator=to_camel)


class Page(Told):
    """A list, or a part of it."""

    next_cursor: Annotated[str | None, Field(description="Where the next page begins; null: this is the last.")]


class ObjectPage(Page):
    """The same under brands whose answers stand alone."""

    object: Literal["list"]


# ── the webhook ──────────────────────────────────────────────────────────────────────────────────────────────────────


class WebhookRequestConfigInput(Asked):
    """How requests to the endpoint are made."""

    timeout_ms: Annotated[
        int | None,
        Field(
            description="How long the endpoint may take: 1000 to 30000.",
            json_schema_extra={"minimum": MIN_TIMEOUT_MS, "maximum": MAX_TIMEOUT_MS},
            examples=[10_000],
        ),
    ] = None
    headers: Annotated[
        dict[str, str] | None,
        Field(
            description="Sent with each request, at most 10. In an update they replace all there were; "
            "[hidden] keeps the value that a header of this name has.",
            examples=[{}],
        ),
    ] = None


class WebhookInput(Asked):
    """What both a creation and an update may say."""

    name: Annotated[str | None, Field(description="For people: one line.")] = None
    description: Annotated[str | None, Field(description="For people.")] = None
    request_config: WebhookRequestConfigInput | None = None
    product: Annotated[str | None, Field(description="Only events of this product; null means of all.")] = None
    filter: Annotated[
        dict[str, object] | None,
        Field(
            description="A pattern that an event's data must match: for each field a list of values it may have, or "
            "of rules (prefix, suffix, equals-ignore-case, wildcard, anything-but, numeric, exists); $or lists "
            "alternatives. Null: no filter.",
            examples=[{"amount": [{"numeric": [">", 100]}]}],
        ),
    ] = None
    rate_limit: Annotated[
        float | None,
        Field(
            description="Requests a second, at most: 0.000278 (one an hour) to 100000; null sets no limit.",
            json_schema_extra={"minimum": MIN_RATE_PER_S, "maximum": MAX_RATE_PER_S},
            examples=[50],
        ),
    ] = None
    max_concurrency: Annotated[
        int | None,
        Field(
            description="Requests at once, at most: 1 to 1024; null leaves it to the operator.",
            json_schema_extra={"minimum": 1, "maximum": MAX_CONCURRENCY},
            examples=[8],
        ),
    ] = None
    retries: Annotated[Retries | None, Chosen] = None
    payload_format: Annotated[PayloadFormat | None, Chosen] = None


class WebhookCreate(WebhookInput):
    """A webhook to be created."""

    url: Annotated[str, Field(description="The endpoint, https.", examples=["https://example.com/hooks"])]
    signing: Annotated[
        SigningProfile | None, Field(strict=False, description="How requests are signed. Default: the brand's way.")
    ] = None


class WebhookUpdate(WebhookInput):
    """What to change; what is not given stays as it is."""

    url: Annotated[str | None, Field(description="The endpoint. Another host clears the custom headers.")] = None
    status: Annotated[Literal["active", "paused"] | None, Field(description="To pause, or to resume.")] = None


class SecretRotation(Asked):
    """How to rotate."""

    overlap_seconds: Annotated[
        int | None,
        Field(
            json_schema_extra={"minimum": 0, "maximum": MAX_OVERLAP_MS // 1_000},
            description="How long the old secret goes on signing beside the new one, where the signature has room "
            "for both. Default: 24 hours.",
        ),
    ] = None


class OwnSecret(Asked):
    """Where a customer may bring one."""

    secret: Annotated[str | None, Field(description="Your own secret. Default: a new one is generated.")] = None


class TestEvent(Asked):
    """Which event to send."""

    __test__ = False  # pytest takes it for a test by its name

    type: Annotated[str, Field(description="An event type of the catalogue.")] = "webhook.test"


class WebhookRequestConfig(Told):
    """How requests to the endpoint are made."""

    timeout_ms: Annotated[int, Field(ge=1_000, le=30_000)]
    headers: Annotated[dict[str, str], Field(description="Their values are never shown: they may be credentials.")]


class WebhookLastStatus(Told):
    """How the last attempt ended."""

    code: Annotated[int | None, Field(description="Null when no HTTP answer came.")]
    message: str
    timestamp: _Time


class WebhookHealth(Told):
    """What the attempts tell of the endpoint. Null is not known, or not yet."""

    avg_response_time: Annotated[float | None, Field(description="Milliseconds.")]
    consecutive_failures: int | None
    errors_since_last_success: int | None
    last_response_time: Annotated[float | None, Field(description="Milliseconds.")]
    last_success_at: _Time | None
    last_status: WebhookLastStatus | None


class Webhook(Told):
    """A webhook."""

    id: Annotated[str, Field(examples=["wh_01890a5d3c7e0123456789abcdef"])]
    object: Literal["webhook"]
    name: str
    description: str
    url: str
    status: Annotated[Status, Field(description="Suspended by us, after its endpoint failed for long or was gone.")]
    status_reason: str | None
    request_config: WebhookRequestConfig
    version: Annotated[str, Field(description="Of the payloads.")]
    tenant: str
    product: str | None
    brand: str
    signing: SigningProfile
    payload_format: PayloadFormat
    retries: Retries
    filter: _Object | None
    rate_limit: float | None
    max_concurrency: int | None
    health: WebhookHealth
    last_status: Annotated[WebhookLastStatus | None, Field(description="The one in `health`.")]
    created_at: _Time
    updated_at: _Time
    public_key: Annotated[str | None, Field(description="Under ed25519: what verifies.")] = None


class WebhookDeleteResponse(Told):
    """A webhook that is gone."""

    id: str
    deleted: Literal[True]
    object: Literal["webhook"]


class TestResult(Told):
    """What came of a test event."""

    __test__ = False  # same

    status: Annotated[int | None, Field(description="The endpoint's answer; null when none came.")]
    body: Annotated[str, Field(description="What it answered, at most 16 KiB of it.")]
    elapsed_ms: float
    error: Annotated[str | None, Field(description="Why it would not count as delivered.")]


# ── event types, dead letters, keys ──────────────────────────────────────────────────────────────────────────────────


class EventType(Told):
    """An event type that may be chosen."""

    object: Literal["event_type"]
    type: str
    description: str
    sample: Annotated[_Anything, Field(description="The data of one such event.")]
    schema_: Annotated[_Object, Field(alias="schema", description="JSON Schema 2020-12 of the data.")]


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
    attempts: int
    replays: Annotated[int, Field(description="How often it was replayed before it came here.")]
    last_status: int | None
    first_attempt_at: _Time | None
    last_attempt_at: _Time | None
    failed_at: _Time


class Sought(Asked):
    """Which dead letters are meant; what is given must all hold."""

    type: Annotated[str | None, Field(description="Of this event type, or prefix.*.")] = None
    reason: Annotated[DeathReason | None, Field(strict=False, description="Of this reason.")] = None
    since: Annotated[
        str | None, Field(description="Failed then or later: RFC 3339, a date (midnight UTC), or 2h for two hours ago.")
    ] = None
    until: Annotated[str | None, Field(description="Failed before then.")] = None


class DeadLetterQuery(Sought):
    """A page of them."""

    model_config = ConfigDict(strict=False)

    webhook: Annotated[str | None, Field(description="Of this webhook.")] = None
    limit: Annotated[int, Field(ge=1, le=100, description="How many on a page.")] = 20
    cursor: Annotated[str | None, Field(max_length=MAX_LENGTH, description="nextCursor of the page before.")] = None

    @property
    def sought(self) -> list[str | None]:
        """What a cursor belongs to."""
        return [self.webhook, self.type, self.reason, self.since, self.until]


class DeadLetterReplay(Asked):
    """How to replay one."""

    again: Annotated[bool, Field(description="Also if it was replayed before.")] = False
    dry_run: Annotated[bool, Field(description="Only say what would be done.")] = False


class DeadLettersReplay(Sought, DeadLetterReplay):
    """Which of a webhook's dead letters to replay, and how."""


class ReplaySummary(Told):
    """What came of a replay."""

    matched: int
    replayed: int
    skipped: Annotated[dict[str, int], Field(description="How many were not replayed, by reason.")]
    dry_run: bool
    complete: Annotated[bool, Field(description="False: there are more than one request does; ask again for the rest.")]


class KeyCreate(Asked):
    """A key to be made."""

    name: str = ""
    scopes: Annotated[
        list[Annotated[Scope, Chosen]] | None,
        Field(
            description="Default: read, write and replay, as far as the key that makes it holds them; or what it holds."
        ),
    ] = None
    expires_at: Annotated[
        str | None, Field(description="RFC 3339; null: when the key that makes it ends, which is also the latest.")
    ] = None


class Key(Told):
    """An API key."""

    id: str
    key: Annotated[str | None, Field(description="The key itself: shown once, when it was made.")] = None
    object: Literal["key"]
    name: str
    tenant: str
    brand: str
    scopes: list[Scope]
    status: Literal["active", "expired", "revoked"]
    created_at: _Time
    created_by: Annotated[str | None, Field(description="The key that made it; null: the operator did.")]
    expires_at: _Time | None
    revoked_at: _Time | None
    last_used_at: _Time | None
