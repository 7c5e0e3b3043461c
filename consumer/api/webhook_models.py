"""A webhook as JSON, shown: what it is, how it does, and what came of a test event.

Python has `event_types` where a brand's JSON has `topics` or `events`: `brand_models` adds it.
"""

from typing import Annotated, Literal

from pydantic import Field

from consumer.api.model import Explanation, Time, Told
from consumer.brands.brand import PayloadFormat, Retries, SigningProfile
from consumer.webhooks.subscription import OnFailure, Status

_Object = dict[str, object]  # under a name: a webhook has a member `object`


class WebhookTls(Told):
    """Which TLS of its own a webhook has, and until when."""

    certificate_sha256: Annotated[
        str | None, Field(description="Of the client certificate (DER), in hex; null where there is none.")
    ]
    certificate_expires_at: Annotated[Time | None, Field(description="When the client certificate ends.")]
    authorities_expire_at: Annotated[
        Time | None, Field(description="When the first of the authorities ends; null where there are none.")
    ]


class WebhookRequestConfig(Told):
    """How requests to the endpoint are made."""

    timeout_ms: Annotated[int, Field(ge=1_000, le=30_000)]
    headers: Annotated[dict[str, str], Field(description="Their values are never shown: they may be credentials.")]


class WebhookLastStatus(Told):
    """How the last attempt ended."""

    code: Annotated[int | None, Field(description="Null when no HTTP answer came.")]
    message: str
    timestamp: Time


class WebhookHealth(Told):
    """What the attempts tell of the endpoint. A count of null is not known just now; any other null: not yet."""

    avg_response_time: Annotated[float | None, Field(description="Milliseconds.")]
    consecutive_failures: int | None
    errors_since_last_success: int | None
    last_response_time: Annotated[float | None, Field(description="Milliseconds.")]
    last_success_at: Time | None
    last_status: WebhookLastStatus | None


class WebhookBacklog(Told):
    """What waits for its turn: because of the limits, the endpoint's pace, or because it cannot be reached."""

    waiting: Annotated[int, Field(description="About how many deliveries; retries after an attempt are not counted.")]
    until: Annotated[Time | None, Field(description="About when the last of them is delivered; null when none waits.")]
    blocked_keys: Annotated[
        int, Field(description="How many keys of its ordering have stopped. What waits in them is not counted.")
    ]


class Webhook(Told):
    """A webhook."""

    id: Annotated[str, Field(examples=["wh_01890a5d3c7e0123456789abcdef"])]
    object: Literal["webhook"]
    uid: Annotated[str | None, Field(description="What you call it.")]
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
    ordering: Annotated[str, Field(description="none, key, or a path as in data.order_id.")]
    metadata: Annotated[dict[str, str], Field(description="Notes of yours.")]
    tls: Annotated[WebhookTls | None, Field(description="Its own client certificate and authorities; null: neither.")]
    previous_secret_until: Annotated[
        Time | None,
        Field(
            description="When the last secret that a rotation replaced stops signing beside the newest, or has stopped."
        ),
    ]
    on_failure: Annotated[OnFailure, Field(description="What becomes of a key whose delivery is given up.")]
    health: WebhookHealth
    backlog: Annotated[WebhookBacklog | None, Field(description="Null is not known.")]
    last_status: Annotated[WebhookLastStatus | None, Field(description="The one in `health`.")]
    created_at: Time
    updated_at: Time
    public_key: Annotated[str | None, Field(description="Under ed25519: what verifies.")] = None


class WebhookDeleteResponse(Told):
    """A webhook that is gone."""

    id: str
    deleted: Literal[True]
    object: Literal["webhook"]


class TestResult(Told):
    """What came of a test event."""

    __test__ = False  # pytest takes it for a test by its name

    status: Annotated[int | None, Field(description="The endpoint's answer; null when none came.")]
    body: Annotated[str, Field(description="What it answered, at most 16 KiB of it.")]
    elapsed_ms: float
    error: Annotated[str | None, Field(description="Why it would not count as delivered.")]
    attempt_id: Annotated[str | None, Field(description="What the log knows it by.")]
    explanation: Explanation | None
