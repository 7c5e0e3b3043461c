"""What a command says becomes what a request says: no more, and with null for what is cleared."""

from pathlib import Path

import pytest

from consumer.cli.exits import CommandFailed
from consumer.cli.remote_webhooks import alteration, creation
from consumer.cli.webhook_flags import BeginningFlags, WebhookFlags, changes_of, wishes_of
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
    metadata=["team=a=b", "note="],
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
    "metadata": {"team": "a=b", "note": ""},
}


def created(flags: WebhookFlags, beginning: BeginningFlags | None = None, uid: str | None = None) -> dict[str, object]:
    said = beginning or BeginningFlags()
    wishes = wishes_of(flags, said, tenant="", url="https://a.example/", brand="hookline", uid=uid)
    return dict(creation(wishes, "topics"))


def test_a_creation_says_what_was_said() -> None:
    assert created(WebhookFlags()) == {"url": "https://a.example/"}
    said = BeginningFlags(signing=SigningProfile.HEX, secret="a secret of my own", status="paused")
    assert created(FULL, said, "billing") == {
        "url": "https://a.example/",
        "topics": ["order.*", "user.created"],
        "signing": "hex",
        "secret": "a secret of my own",
        "status": "paused",
        "uid": "billing",
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


def test_files_of_tls_are_read_and_replace_what_there_was(tmp_path: Path) -> None:
    for name in ("certificate", "key", "authorities"):
        (tmp_path / name).write_text(f"-----{name}-----")
    flags = WebhookFlags(client_certificate=str(tmp_path / "certificate"), client_key=str(tmp_path / "key"))
    shown = {"certificate": "-----certificate-----", "key": "-----key-----"}
    assert created(flags)["tls"] == shown
    assert alteration(changes_of(flags, url=None), "topics") == {"tls": shown}
    trusting = WebhookFlags(authorities=str(tmp_path / "authorities"))
    assert created(trusting)["tls"] == {"authorities": "-----authorities-----"}
    assert alteration(changes_of(WebhookFlags(authorities=""), url=None), "topics") == {"tls": None}
    with pytest.raises(CommandFailed, match="cannot be read"):
        created(WebhookFlags(authorities=str(tmp_path / "nowhere")))
