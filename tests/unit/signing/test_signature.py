"""The signature that the log tells of is the one that was sent, under every profile and brand."""

import base64

import pytest

from consumer.brands.loader import load_brands
from consumer.signing.profiles import scheme
from consumer.signing.signature import signature_of
from consumer.signing.signer import signature_header
from consumer.webhooks.secrets import OVERLAPPING
from consumer.webhooks.subscription import SigningProfile

KEY = base64.b64encode(bytes(32)).decode()
SECRETS = {SigningProfile.STANDARD: f"whsec_{KEY}", SigningProfile.ED25519: f"whsk_{KEY}"}


@pytest.mark.parametrize("brand", sorted(load_brands()))
@pytest.mark.parametrize("profile", SigningProfile)
def test_each_is_known_by_its_header(profile: SigningProfile, brand: str) -> None:
    of = load_brands()[brand]
    header = signature_header(profile, of)
    secret = SECRETS.get(profile, "s" * 32)
    for number in (1, 2) if profile in OVERLAPPING else (1,):
        signed = scheme(profile, [secret] * number, header=header).headers("evt_1", "1700000000", b"{}")
        found = signature_of((("content-type", "application/json"), *signed), of)
        assert found is not None
        assert (found.profile, found.signatures) == (profile, number)
        assert found.header.lower() in {name.lower() for name, _ in signed}
        assert found.over.endswith("{body}")


def test_a_request_without_one_has_none() -> None:
    assert signature_of((("webhook-signature", "odd"),), load_brands()["hookline"]) is None
