"""Every profile is accepted by a verifier that we did not write, and refused by it after one flipped byte."""

import base64
import json
import time

import pytest
import standardwebhooks
import stripe
import svix
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from gidgethub import ValidationFailure, sansio

from consumer.signing.request import Request
from consumer.webhooks.secrets import public_key
from consumer.webhooks.subscription import SigningProfile
from tests.unit.signing.signing_parts import (
    OLD_SEED_SECRET,
    OLD_STANDARD_SECRET,
    PLAIN_SECRET,
    SEED_SECRET,
    STANDARD_SECRET,
    flipped,
    received,
    signed,
    subscription,
)


def now_ms() -> int:
    return int(time.time() * 1_000)  # these verifiers look at the clock


def other_signature(signature: str) -> str:
    """One character of the encoded signature changed."""
    at = len(signature) - 6
    return signature[:at] + ("A" if signature[at] != "A" else "B") + signature[at + 1 :]


@pytest.mark.parametrize("secret", [STANDARD_SECRET, OLD_STANDARD_SECRET], ids=["current", "previous"])
def test_standardwebhooks_and_svix_accept_standard(secret: str) -> None:
    asked = subscription(previous=OLD_STANDARD_SECRET, until_ms=now_ms() + 60_000)
    request = signed(asked, now_ms=now_ms())
    headers = received(request)
    renamed = {name.replace("webhook-", "svix-"): value for name, value in headers.items()}
    assert standardwebhooks.Webhook(secret).verify(request.body, headers) == json.loads(request.body)
    svix.Webhook(secret).verify(request.body, renamed)  # raises unless it accepts

    spoiled = " ".join(map(other_signature, headers["webhook-signature"].split(" ")))
    for body, changes in (
        (flipped(request.body), {}),
        (request.body, {"webhook-signature": spoiled}),
        (request.body, {"webhook-id": headers["webhook-id"] + "x"}),
    ):
        with pytest.raises(standardwebhooks.WebhookVerificationError):
            standardwebhooks.Webhook(secret).verify(body, headers | changes)
    with pytest.raises(svix.webhooks.WebhookVerificationError):
        svix.Webhook(secret).verify(flipped(request.body), renamed)


def verify_ed25519(secret: str, request: Request, body: bytes) -> None:
    """As standardwebhooks.com says: id.timestamp.body under the whpk_ key, any v1a signature may match."""
    headers = received(request)
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key(secret).removeprefix("whpk_")))
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    for versioned in headers["webhook-signature"].split(" "):
        version, _, signature = versioned.partition(",")
        assert version == "v1a"
        try:
            key.verify(base64.b64decode(signature), content)
        except InvalidSignature:
            continue
        return
    raise InvalidSignature


@pytest.mark.parametrize("secret", [SEED_SECRET, OLD_SEED_SECRET], ids=["current", "previous"])
def test_cryptography_accepts_ed25519(secret: str) -> None:
    asked = subscription(SigningProfile.ED25519, previous=OLD_SEED_SECRET, until_ms=now_ms() + 60_000)
    request = signed(asked, now_ms=now_ms())
    verify_ed25519(secret, request, request.body)
    with pytest.raises(InvalidSignature):
        verify_ed25519(secret, request, flipped(request.body))


@pytest.mark.parametrize("secret", [PLAIN_SECRET, "older string"], ids=["current", "previous"])
def test_stripe_accepts_stripe(secret: str) -> None:
    asked = subscription(SigningProfile.STRIPE, previous="older string", until_ms=now_ms() + 60_000)
    request = signed(asked, now_ms=now_ms())
    header = received(request)["hookline-signature"]
    body = request.body.decode()
    assert stripe.WebhookSignature.verify_header(body, header, secret, tolerance=60)
    spoiled = ",".join(part if part.startswith("t=") else other_signature(part) for part in header.split(","))
    for changed, signature in ((flipped(request.body).decode(), header), (body, spoiled)):
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.WebhookSignature.verify_header(changed, signature, secret, tolerance=60)


def test_gidgethub_accepts_sha256() -> None:
    request = signed(subscription(SigningProfile.SHA256))
    signature = received(request)["x-signature-256"]
    sansio.validate_event(request.body, signature=signature, secret=PLAIN_SECRET)
    for body, header in ((flipped(request.body), signature), (request.body, other_signature(signature))):
        with pytest.raises(ValidationFailure):
            sansio.validate_event(body, signature=header, secret=PLAIN_SECRET)
