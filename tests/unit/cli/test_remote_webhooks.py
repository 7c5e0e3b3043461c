"""What a command says becomes what a request says: no more, and with null for what is cleared."""

import pytest

from consumer.cli.remote_webhooks import alteration, creation
from consumer.cli.webhook_flags import WebhookFlags, changes_of, wishes_of
from consumer.webhooks.subscription import OnFailure, PayloadFormat, Retries, SigningProfile
from consumer.webhooks.wrong import FieldInvalid

FULL = WebhookFlags(
    event=["order.*", "user.created"],
    product="shop",
    name="Orders",
    description="All of them",
    payload_format=PayloadFormat.EVENT,
    retries=Retries.NONE,
    timeout_ms=5_000,
    header=["X-Team: blue"],
    filter_json='{"total": [{"numeric": [">", 5]}]}',
    rate_per_s=2.5,
    max_concurrency=3,
    ordering="data.order_id",
    on_failure=OnFailure.BLOCK,
)
SAID = {
    "product": "shop",
    "name": "Orders",
    "description": "All of them",
    "payloadFormat": "event",
    "retries": "none",
    "requestConfig": {"timeoutMs": 5_000, "headers": {"X-Team": "blue"}},
    "filter": {"total": [{"numeric": [">", 5]}]},
    "rateLimit": 2.5,
    "maxConcurrency": 3,
    "ordering": "data.order_id",
    "onFailure": "block",
}


def created(
    flags: WebhookFlags, *, signing: SigningProfile | None = None, secret: str | None = None
) -> dict[str, object]:
    wishes = wishes_of(flags, tenant="", url="https://a.example/", brand="hookline", signing=signing, secret=secret)
    return dict(creation(wishes, "topics"))


def test_a_creation_says_what_was_said() -> None:
    assert created(WebhookFlags()) == {"url": "https://a.example/"}
    full = created(FULL, signing=SigningProfile.HEX, secret="a secret of my own")
    assert full == {
        "url": "https://a.example/",
        "topics": ["order.*", "user.created"],
        "signing": "hex",
        "secret": "a secret of my own",
        **SAID,
    }


def test_an_update_says_what_was_said() -> None:
    assert alteration(changes_of(FULL, url=None), "events") == {"events": ["order.*", "user.created"], **SAID}
    assert alteration(changes_of(WebhookFlags(), url="https://b.example/"), "topics") == {"url": "https://b.example/"}


def test_what_is_given_empty_is_cleared() -> None:
    empty = WebhookFlags(
        product="",
        name="",
        description="",
        header=[""],
        filter_json="",
        rate_per_s=0,
        max_concurrency=0,
    )
    assert alteration(changes_of(empty, url=None), "topics") == {
        "product": None,
        "name": "",
        "description": "",
        "requestConfig": {"headers": {}},
        "filter": None,
        "rateLimit": None,
        "maxConcurrency": None,
    }


@pytest.mark.parametrize("text", ["{", '{"a": 1}', '{"a": [NaN]}', "[]"])
def test_a_filter_that_could_not_travel_is_refused_as_ever(text: str) -> None:
    with pytest.raises(FieldInvalid) as caught:
        created(WebhookFlags(filter_json=text))
    assert caught.value.field == "filter"
