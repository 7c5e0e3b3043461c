"""The secrets that sign: how they are made, and which of a customer's own are accepted.

The law: a secret made here comes from 32 bytes of the entropy given, and no message repeats a secret.

    standard             whsec_<base64 of 24-64 bytes>     (standardwebhooks.com: 192 to 512 bits)
    ed25519              whsk_<base64 of the 32-byte seed>, public part whpk_<base64 of 32 bytes>
    hex, sha256, stripe  the brand's prefix and 43 characters; a customer's own is any string of 16 characters or more

A customer's own secret has a floor: whoever sees one request may try out secrets on its signature, as fast as he can
count. It cannot be told whether a text was drawn or thought of; one that is short, or the same few characters over and
over, was not drawn.
"""

import base64
import binascii
from collections.abc import Callable
from typing import Final, TypeAlias, assert_never

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from consumer import text
from consumer.brands.brand import Brand
from consumer.webhooks.placeholders import holds_placeholder
from consumer.webhooks.subscription import SigningProfile
from consumer.webhooks.wrong import Code, FieldInvalid, invalid

Entropy: TypeAlias = Callable[[int], bytes]

STANDARD_PREFIX: Final = "whsec_"
PRIVATE_PREFIX: Final = "whsk_"
PUBLIC_PREFIX: Final = "whpk_"
MIN_STANDARD_BYTES: Final = 24
MAX_STANDARD_BYTES: Final = 64
SEED_BYTES: Final = 32
MIN_OWN_LENGTH: Final = 16
MAX_OWN_LENGTH: Final = 512
MIN_DIFFERENT: Final = 8

# A rotated secret goes on signing beside its successor only where a request can carry two signatures.
OVERLAPPING: Final = frozenset({SigningProfile.STANDARD, SigningProfile.ED25519, SigningProfile.STRIPE})


def generate(profile: SigningProfile, brand: Brand, entropy: Entropy) -> str:
    """A new secret for a profile. `entropy(n)` gives n random bytes."""
    drawn = entropy(SEED_BYTES)
    match profile:
        case SigningProfile.STANDARD:
            return STANDARD_PREFIX + base64.b64encode(drawn).decode("ascii")
        case SigningProfile.ED25519:
            return PRIVATE_PREFIX + base64.b64encode(drawn).decode("ascii")
        case SigningProfile.HEX | SigningProfile.SHA256 | SigningProfile.STRIPE:
            return brand.secret_prefix + base64.urlsafe_b64encode(drawn).rstrip(b"=").decode("ascii")
        case _:
            assert_never(profile)


def check_secret(secret: str, profile: SigningProfile) -> str:
    """Check a customer's own secret.

    Raises:
        FieldInvalid: of the field `secret`, naming the form the profile needs.
    """
    if holds_placeholder(secret):
        raise _invalid(Code.PLACEHOLDER, "stands for a secret that is not shown: write the secret, or leave it out")
    match profile:
        case SigningProfile.STANDARD:
            key = _decoded(secret, STANDARD_PREFIX)
            if not MIN_STANDARD_BYTES <= len(key) <= MAX_STANDARD_BYTES:
                raise _invalid(
                    Code.MALFORMED,
                    f"must be {STANDARD_PREFIX} and base64 of {MIN_STANDARD_BYTES} to {MAX_STANDARD_BYTES} bytes",
                )
            _check_varied(key, "bytes")
        case SigningProfile.ED25519:
            _check_varied(_seed(secret), "bytes")
        case SigningProfile.HEX | SigningProfile.SHA256 | SigningProfile.STRIPE:
            _check_any(secret)
        case _:
            assert_never(profile)
    return secret


def public_key(secret: str) -> str:
    """The `whpk_` part of a `whsk_` secret, for its receiver.

    Raises:
        FieldInvalid: it is not such a secret.
    """
    key = Ed25519PrivateKey.from_private_bytes(_seed(secret)).public_key()
    public = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return PUBLIC_PREFIX + base64.b64encode(public).decode("ascii")


def _seed(secret: str) -> bytes:
    seed = _decoded(secret, PRIVATE_PREFIX)
    if len(seed) != SEED_BYTES:
        raise _invalid(Code.MALFORMED, f"must be {PRIVATE_PREFIX} and base64 of a {SEED_BYTES}-byte seed")
    return seed


def _check_any(secret: str) -> None:
    if len(secret) < MIN_OWN_LENGTH:
        raise _invalid(Code.TOO_SHORT, f"must be at least {MIN_OWN_LENGTH} characters: a short one can be guessed")
    if len(secret) > MAX_OWN_LENGTH:
        raise _invalid(Code.TOO_LONG, f"must be at most {MAX_OWN_LENGTH} characters")
    if not text.is_line(secret):
        raise _invalid(Code.FORBIDDEN_CHARACTER, "must be one line without control or direction characters")
    _check_varied(secret, "characters")


def _check_varied(key: str | bytes, of: str) -> None:
    if len(set(key)) < MIN_DIFFERENT:
        raise _invalid(Code.GUESSABLE, f"must have at least {MIN_DIFFERENT} different {of}: this one can be guessed")


def _decoded(secret: str, prefix: str) -> bytes:
    """What follows the prefix, or nothing where it is not of that form."""
    if not secret.startswith(prefix):
        return b""
    try:
        return base64.b64decode(secret.removeprefix(prefix), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _invalid(code: Code, message: str) -> FieldInvalid:
    return invalid("secret", code, message)
