import base64
import itertools
import json

from consumer.brands.loader import brand
from consumer.control.resource import resource, with_public_key
from consumer.webhooks import draft
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.placeholders import HIDDEN
from consumer.webhooks.subscription import SigningProfile, Subscription
from consumer.webhooks.wishes import Wishes

KEYRING = Keyring({"k1": bytes(32)})
_numbers = itertools.count(1)


def entropy(size: int) -> bytes:
    return next(_numbers).to_bytes(size, "big")


def made(wishes: Wishes) -> tuple[Subscription, str]:
    return draft.create(
        wishes,
        brand=brand(wishes.brand),
        keyring=KEYRING,
        now_ms=1_769_860_800_000,
        new_id=lambda: "wh_1",
        entropy=entropy,
    )


def test_the_resource_is_complete_and_in_camel_case() -> None:
    subscription, secret = made(
        Wishes(
            tenant="acme",
            url="https://a.example/hook",
            brand="hookline",
            event_types=("order.*",),
            headers={"X-Team": "s3cret-value"},
            filter_json='{"amount":[{"numeric":[">",5]}]}',
            rate_per_s=2.5,
        )
    )
    shown = resource(subscription, secret=secret)
    assert shown == {
        "id": "wh_1",
        "object": "webhook",
        "uid": None,
        "name": "",
        "description": "",
        "url": "https://a.example/hook",
        "topics": ["order.*"],
        "status": "active",
        "statusReason": None,
        "requestConfig": {"timeoutMs": 10_000, "headers": {"X-Team": HIDDEN}},
        "version": "1",
        "tenant": "acme",
        "product": None,
        "brand": "hookline",
        "signing": "standard",
        "payloadFormat": "standard",
        "retries": "standard",
        "filter": {"amount": [{"numeric": [">", 5]}]},
        "rateLimit": 2.5,
        "maxConcurrency": None,
        "ordering": "none",
        "metadata": {},
        "tls": None,
        "previousSecretUntil": None,
        "onFailure": "dead_letter",
        "health": {
            "avgResponseTime": None,
            "consecutiveFailures": None,
            "errorsSinceLastSuccess": None,
            "lastResponseTime": None,
            "lastSuccessAt": None,
            "lastStatus": None,
        },
        "backlog": None,
        "lastStatus": None,
        "createdAt": "2026-01-31T12:00:00.000Z",
        "updatedAt": "2026-01-31T12:00:00.000Z",
        "secret": secret,
    }
    assert "s3cret-value" not in json.dumps(shown)


def test_without_types_it_says_that_it_receives_all() -> None:
    subscription, _ = made(Wishes(tenant="acme", url="https://a.example/", brand="hookline"))
    assert resource(subscription)["topics"] == ["*"]


def test_a_secret_is_shown_only_where_it_is_given() -> None:
    subscription, secret = made(Wishes(tenant="acme", url="https://a.example/", brand="featurebase"))
    assert "secret" not in resource(subscription)
    assert secret not in json.dumps(with_public_key(subscription, KEYRING))


def test_ed25519_shows_its_public_key_and_never_its_private_one() -> None:
    wishes = Wishes(tenant="acme", url="https://a.example/", brand="hookline", signing=SigningProfile.ED25519)
    subscription, secret = made(wishes)
    shown = resource(subscription, secret=secret)
    public = shown["publicKey"]
    assert isinstance(public, str)
    assert public.startswith("whpk_")
    assert len(base64.b64decode(public.removeprefix("whpk_"))) == 32
    assert "secret" not in shown
    assert with_public_key(subscription, KEYRING) == shown
