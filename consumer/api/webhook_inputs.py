"""A webhook as JSON, asked for: how one is to be, what is to change, and what is to be done with it.

Python has `event_types` where a brand's JSON has `topics` or `events`: `brand_models` adds it.
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, JsonValue

from consumer.api.model import Asked, Chosen
from consumer.brands.brand import PayloadFormat, Retries, SigningProfile
from consumer.control.cursor import MAX_LENGTH
from consumer.webhooks.fields import (
    MAX_CONCURRENCY,
    MAX_OVERLAP_MS,
    MAX_RATE_PER_S,
    MAX_TIMEOUT_MS,
    MIN_RATE_PER_S,
    MIN_TIMEOUT_MS,
)
from consumer.webhooks.subscription import OnFailure, Status


class WebhookTlsInput(Asked):
    """TLS of the webhook's own, as PEM. Replaced whole: what is left out is taken away."""

    certificate: Annotated[
        str | None,
        Field(
            description="The client certificate that requests show, and behind it those that lead to its authority. "
            "It is not shown again.",
            examples=[None],
        ),
    ] = None
    key: Annotated[
        str | None,
        Field(description="Its private key, without a passphrase. It is not shown again.", examples=[None]),
    ] = None
    authorities: Annotated[
        str | None,
        Field(
            description="The authorities that the endpoint's certificate is checked against, instead of public ones.",
            examples=[None],
        ),
    ] = None


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
    ordering: Annotated[
        str | None,
        Field(
            description="One after the other, as they were published: none, key (the events of one key), or a path as "
            "in data.order_id (the events with one value there). A failing one keeps those behind it waiting. "
            "Null: none.",
            examples=["key"],
        ),
    ] = None
    on_failure: Annotated[
        OnFailure | None,
        Field(
            strict=False,
            description="With an ordering: what becomes of a key whose delivery is given up. dead_letter: that one is "
            "dead-lettered, and the key goes on. block: the key stops, and nothing of it is sent, until you unblock "
            "it. Null: dead_letter.",
            examples=["dead_letter"],
        ),
    ] = None
    retries: Annotated[Retries | None, Chosen] = None
    payload_format: Annotated[PayloadFormat | None, Chosen] = None
    tls: Annotated[
        WebhookTlsInput | None,
        Field(description="A client certificate, and authorities of your own. Null: neither.", examples=[None]),
    ] = None
    metadata: Annotated[
        dict[str, str] | None,
        Field(
            description="Notes of yours, at most 20 and 2048 bytes together. Replaced whole.",
            examples=[{"team": "billing"}],
        ),
    ] = None


class WebhookPut(WebhookInput):
    """A webhook as it is to be."""

    url: Annotated[str, Field(description="The endpoint, https.", examples=["https://example.com/hooks"])]
    signing: Annotated[
        SigningProfile | None, Field(strict=False, description="How requests are signed. Default: the brand's way.")
    ] = None
    status: Annotated[
        Literal["active", "paused"] | None, Field(description="A new one may begin paused. Default: active.")
    ] = None


class WebhookCreate(WebhookPut):
    """A webhook to be created."""

    uid: Annotated[
        str | None,
        Field(
            description="What you call it: 1 to 128 letters, digits and . _ : -. Yours alone, and not to be changed.",
            examples=["billing"],
        ),
    ] = None


class WebhookUpdate(WebhookInput):
    """What to change; what is not given stays as it is."""

    url: Annotated[str | None, Field(description="The endpoint. Another host clears the custom headers.")] = None
    status: Annotated[Literal["active", "paused"] | None, Field(description="To pause, or to resume.")] = None


class Unblocking(Asked):
    """What becomes of the deliveries that stopped their keys."""

    head: Annotated[
        Literal["retry", "drop"],
        Field(
            description="retry: it is tried once more, and its key goes on when it is accepted. drop: it is "
            "dead-lettered as `blocked`, and its key goes on."
        ),
    ]
    delivery: Annotated[
        str | None,
        Field(
            description="The id of the one that is meant, as the event webhook.blocked tells it. Null: all that have "
            "stopped their keys by now.",
        ),
    ] = None


class WebhookQuery(Asked):
    """A page of those that are meant; what is given must all hold."""

    model_config = ConfigDict(strict=False)

    status: Annotated[Status | None, Field(description="In this state.")] = None
    product: Annotated[str | None, Field(description="Of this product.")] = None
    url: Annotated[str | None, Field(max_length=2_048, description="With this in its URL, in any case.")] = None
    limit: Annotated[int, Field(ge=1, le=100, description="How many on a page.")] = 20
    cursor: Annotated[str | None, Field(max_length=MAX_LENGTH, description="nextCursor of the page before.")] = None


class SecretRotation(Asked):
    """How to rotate."""

    overlap_seconds: Annotated[
        int | None,
        Field(
            json_schema_extra={"minimum": 0, "maximum": MAX_OVERLAP_MS // 1_000},
            description="How long the old secret goes on signing beside the new one, where the signature has room "
            "for both. Default: 24 hours. Those before it go on until their own end; 0 ends all of them now.",
        ),
    ] = None


class OwnSecret(Asked):
    """Where a customer may bring one."""

    secret: Annotated[str | None, Field(description="Your own secret. Default: a new one is generated.")] = None


class TestEvent(Asked):
    """Which event to send."""

    __test__ = False  # pytest takes it for a test by its name

    type: Annotated[str, Field(description="An event type of the catalogue.")] = "webhook.test"
    data: Annotated[
        dict[str, JsonValue] | None, Field(description="What the event tells, at most 64 KiB. Default: a sample of it.")
    ] = None
