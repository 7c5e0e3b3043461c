"""Which signature a request carries, read from its headers: what a receiver checks, and over which bytes. Pure."""

import re
from dataclasses import dataclass
from typing import Final

from consumer.brands.brand import Brand
from consumer.signing.profiles import WEBHOOK_SIGNATURE, HttpHeaders
from consumer.signing.signer import signature_header
from consumer.webhooks.subscription import SigningProfile

_WEBHOOKS: Final = frozenset({SigningProfile.STANDARD, SigningProfile.ED25519})
"""Standard Webhooks: their header has one name under every brand."""
_FORMS: Final[dict[SigningProfile, re.Pattern[str]]] = {
    SigningProfile.STANDARD: re.compile("v1,"),
    SigningProfile.ED25519: re.compile("v1a,"),
    SigningProfile.HEX: re.compile("[0-9a-f]{64}$"),
    SigningProfile.SHA256: re.compile("sha256="),
    SigningProfile.STRIPE: re.compile("t=[0-9]+,v1="),
}
SIGNED_CONTENT: Final[dict[SigningProfile, str]] = {
    SigningProfile.STANDARD: "{webhook-id}.{webhook-timestamp}.{body}",
    SigningProfile.ED25519: "{webhook-id}.{webhook-timestamp}.{body}",
    SigningProfile.HEX: "{body}",
    SigningProfile.SHA256: "{body}",
    SigningProfile.STRIPE: "{t}.{body}",
}
"""What a signature of each profile is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """`over` says what was signed. `signatures` is how many there are: two while a rotation overlaps."""

    profile: SigningProfile
    header: str
    over: str
    signatures: int


def signature_of(headers: HttpHeaders, brand: Brand) -> Signature | None:
    """The signature among a request's headers; None where there is none of a profile that is known."""
    lowered = {name.lower(): value for name, value in headers}
    for profile, form in _FORMS.items():
        header = WEBHOOK_SIGNATURE if profile in _WEBHOOKS else signature_header(profile, brand)
        value = lowered.get(header.lower())
        if value is not None and form.match(value):
            return Signature(
                profile=profile, header=header, over=SIGNED_CONTENT[profile], signatures=_number(profile, value)
            )
    return None


def _number(profile: SigningProfile, value: str) -> int:
    match profile:
        case SigningProfile.STANDARD | SigningProfile.ED25519:
            return len(value.split())
        case SigningProfile.STRIPE:
            return value.count(",v1=")
        case SigningProfile.HEX | SigningProfile.SHA256:
            return 1
