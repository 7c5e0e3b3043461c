import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from standardwebhooks import Webhook

from consumer.brands.loader import brand
from consumer.webhooks import secrets
from consumer.webhooks.subscription import SigningProfile
from consumer.webhooks.wrong import FieldInvalid


def drawn(count: int) -> bytes:
    return bytes(range(count))


@pytest.mark.parametrize("profile", SigningProfile)
def test_a_generated_secret_is_one_we_accept(profile: SigningProfile) -> None:
    secret = secrets.generate(profile, brand("convo"), drawn)
    assert secrets.check_secret(secret, profile) == secret


def test_a_generated_standard_secret_is_accepted_by_the_reference_library() -> None:
    Webhook(secrets.generate(SigningProfile.STANDARD, brand("hookline"), drawn))


def test_the_public_key_belongs_to_the_private_one() -> None:
    secret = secrets.generate(SigningProfile.ED25519, brand("hookline"), drawn)
    public = secrets.public_key(secret)
    assert public.startswith("whpk_")
    signature = Ed25519PrivateKey.from_private_bytes(drawn(32)).sign(b"x")
    Ed25519PublicKey.from_public_bytes(base64.b64decode(public.removeprefix("whpk_"))).verify(signature, b"x")


@pytest.mark.parametrize(
    ("profile", "secret", "form"),
    [
        (SigningProfile.STANDARD, "my own long enough secret", "whsec_"),
        (SigningProfile.STANDARD, base64.b64encode(b"k" * 32).decode(), "whsec_"),
        (SigningProfile.STANDARD, "whsec_" + base64.b64encode(b"k" * 23).decode(), "24 to 64"),
        (SigningProfile.STANDARD, "whsec_" + base64.b64encode(b"k" * 65).decode(), "24 to 64"),
        (SigningProfile.STANDARD, "whsec_no base64 at all, not at all!", "base64"),
        (SigningProfile.STANDARD, "whsec_ä", "base64"),
        (SigningProfile.ED25519, "whsec_" + base64.b64encode(b"k" * 32).decode(), "whsk_"),
        (SigningProfile.ED25519, "whsk_" + base64.b64encode(b"k" * 31).decode(), "32-byte"),
        (SigningProfile.STANDARD, "whsec_" + base64.b64encode(b"abcdefg" * 4).decode(), "8 different bytes"),
        (SigningProfile.ED25519, "whsk_" + base64.b64encode(bytes(32)).decode(), "8 different bytes"),
        (SigningProfile.HEX, "123456789abcdef", "at least 16"),
        (SigningProfile.SHA256, "x" * 513, "at most 512"),
        (SigningProfile.SHA256, "aaaaaaaaaaaaaaaa", "8 different characters"),
        (SigningProfile.STRIPE, "abcdefgabcdefgabcdefg", "8 different characters"),
        (SigningProfile.STRIPE, "\ud800" * 20, "control"),
    ],
)
def test_an_unfit_secret_is_refused_with_its_form_and_not_shown(
    profile: SigningProfile, secret: str, form: str
) -> None:
    with pytest.raises(FieldInvalid) as caught:
        secrets.check_secret(secret, profile)
    assert caught.value.field == "secret"
    assert form in caught.value.message
    assert secret not in str(caught.value)


@pytest.mark.parametrize(
    "secret", ["correct horse battery", "schlüssel-mit-ümlaut", "whsec_anything at all", "abcdefghabcdefgh"]
)
def test_any_string_will_do_where_the_string_is_the_key(secret: str) -> None:
    assert secrets.check_secret(secret, SigningProfile.HEX) == secret
