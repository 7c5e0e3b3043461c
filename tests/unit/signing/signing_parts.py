"""Events, brands and subscriptions for the signing tests."""

import base64
import json
from dataclasses import replace

from consumer.brands.brand import Brand
from consumer.brands.loader import brand
from consumer.events.event import Event
from consumer.signing.request import Request
from consumer.signing.signer import Signer
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.subscription import FormerSecret, PayloadFormat, SealedSecret, SigningProfile, Subscription

NOW_MS = 1_790_000_000_500
KEYRING = Keyring({"k1": b"\x01" * 32})
STANDARD_SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
OLD_STANDARD_SECRET = "whsec_" + base64.b64encode(b"o" * 32).decode()
SEED_SECRET = "whsk_" + base64.b64encode(b"e" * 32).decode()
OLD_SEED_SECRET = "whsk_" + base64.b64encode(b"f" * 32).decode()
PLAIN_SECRET = "plain string ü"

SECRETS = {
    SigningProfile.STANDARD: STANDARD_SECRET,
    SigningProfile.ED25519: SEED_SECRET,
    SigningProfile.HEX: PLAIN_SECRET,
    SigningProfile.SHA256: PLAIN_SECRET,
    SigningProfile.STRIPE: PLAIN_SECRET,
}

EVENT = Event(
    id="evt.1/2",
    type="feedback.created",
    tenant="acme",
    product=None,
    time_ms=1_773_930_600_000,
    data=b'{"id": 1.50, "text":"caf\\u00e9 \xc3\xa9"}',
    topic="events",
    partition=0,
    offset=7,
    timestamp_ms=1_773_930_600_000,
)

HOOKLINE = brand("hookline")


def subscription(
    profile: SigningProfile = SigningProfile.STANDARD,
    *,
    secret: str | None = None,
    previous: str | None = None,
    until_ms: int = 0,
    headers: dict[str, str] | None = None,
    payload_format: PayloadFormat = PayloadFormat.STANDARD,
) -> Subscription:
    def sealed(plain: str) -> SealedSecret:
        return KEYRING.seal(plain.encode(), tenant="acme", subscription_id="wh_1")

    return Subscription(
        id="wh_1",
        tenant="acme",
        brand="hookline",
        url="https://endpoint.test/hook",
        secret=sealed(secret or SECRETS[profile]),
        signing=profile,
        payload_format=payload_format,
        created_at_ms=1,
        updated_at_ms=1,
        former_secrets=(FormerSecret(secret=sealed(previous), until_ms=until_ms),) if previous else (),
        header_names=tuple(headers or ()),
        sealed_headers=sealed(json.dumps(headers)) if headers else None,
        timeout_ms=4_000,
    )


def signed(asked: Subscription, *, under: Brand = HOOKLINE, event: Event = EVENT, now_ms: int = NOW_MS) -> Request:
    signer = Signer(asked, under, KEYRING)
    body, content_type = signer.body(event)
    return signer.request(event=event, body=body, content_type=content_type, now_ms=now_ms)


def received(request: Request) -> dict[str, str]:
    """The headers as a receiver reads them: names in lower case, each once."""
    headers = {name.lower(): value for name, value in request.headers}
    assert len(headers) == len(request.headers)
    return headers


def flipped(body: bytes) -> bytes:
    return body[:-1] + bytes([body[-1] ^ 1])


def branded(name: str, *, secret: str = PLAIN_SECRET, event: Event = EVENT) -> Request:
    """A request as that company's customers get it."""
    under = brand(name)
    asked = replace(
        subscription(under.signing, secret=secret, payload_format=under.payload_format),
        timeout_ms=under.timeout_ms,
    )
    return signed(asked, under=under, event=event)
