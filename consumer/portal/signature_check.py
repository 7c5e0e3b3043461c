"""The signature of an attempt, computed again: commands for a shell, made for this very request. Pure.

The law: they hold no secret: the shell has it, as SECRET. What they print is to be found in the request's header.
"""

import shlex
from collections.abc import Mapping, Sequence
from typing import Final

from consumer.portal.told import Header, Signature
from consumer.signing.profiles import WEBHOOK_ID, WEBHOOK_TIMESTAMP
from consumer.webhooks.subscription import SigningProfile

BODY: Final = "request-body.bin"
"""What the download of the request's body is called."""
_KEYS: Final[Mapping[str, str]] = {
    SigningProfile.STANDARD: 'printf %s "${SECRET#whsec_}" | base64 -d',
    SigningProfile.HEX: 'printf %s "$SECRET"',
    SigningProfile.SHA256: 'printf %s "$SECRET"',
    SigningProfile.STRIPE: 'printf %s "$SECRET"',
}
_MAC: Final = 'openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key"'
_HEX: Final = f"{_MAC} -hex | sed 's/.* //'"
_BASE64: Final = f"{_MAC} -binary | base64"


def check_of(signature: Signature, headers: Sequence[Header]) -> str | None:
    """The commands; None: this profile needs more than a shell has."""
    if signature.profile not in _KEYS:
        return None
    values = {each.name.lower(): each.value for each in headers}
    before = _before(signature, values)
    body = f"cat {BODY}" if not before else f"{{ printf %s {shlex.quote(before)}; cat {BODY}; }}"
    made = _BASE64 if signature.profile == SigningProfile.STANDARD else _HEX
    key = f"key=$({_KEYS[signature.profile]} | od -An -v -tx1 | tr -d ' \\n')"
    return f"{key}\n{body} | {made}"


def _before(signature: Signature, values: Mapping[str, str]) -> str:
    """What is signed in front of the body."""
    match signature.profile:
        case SigningProfile.STANDARD:
            return f"{values.get(WEBHOOK_ID, '')}.{values.get(WEBHOOK_TIMESTAMP, '')}."
        case SigningProfile.STRIPE:
            stamp = values.get(signature.header.lower(), "").partition(",")[0]
            return f"{stamp.removeprefix('t=')}."
        case _:
            return ""
