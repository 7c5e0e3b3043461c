"""The signature of an attempt, checked again: commands for a shell, made for this very request. Pure.

The laws: they hold no secret: the shell has it, as SECRET, or PUBLIC_KEY where that is enough. With a secret they print
what is to be found in the request's header; with a public key openssl says whether the header's signature fits.
"""

import re
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
_SIGNED: Final = re.compile("v1a,([A-Za-z0-9+/]{86}==)")
_PUBLIC: Final = "MCowBQYDK2VwAyEA"
"""How the DER of an Ed25519 public key begins, in base64: its 32 bytes follow."""
_PEM: Final = 'printf "%s\\n" "-----BEGIN PUBLIC KEY-----" "$key" "-----END PUBLIC KEY-----" > "$at/key"'
_VERIFIED: Final = 'openssl pkeyutl -verify -pubin -inkey "$at/key" -rawin -in "$at/signed" -sigfile "$at/signature"'


def check_of(signature: Signature, headers: Sequence[Header]) -> str | None:
    """The commands; None: of this profile nobody knows any."""
    values = {each.name.lower(): each.value for each in headers}
    before = _before(signature, values)
    body = f"cat {BODY}" if not before else f"{{ printf %s {shlex.quote(before)}; cat {BODY}; }}"
    if signature.profile == SigningProfile.ED25519:
        signed = _SIGNED.findall(values.get(signature.header.lower(), ""))
        return _with_public_key(body, signed) if signed else None
    if signature.profile not in _KEYS:
        return None
    made = _BASE64 if signature.profile == SigningProfile.STANDARD else _HEX
    key = f"key=$({_KEYS[signature.profile]} | od -An -v -tx1 | tr -d ' \\n')"
    return f"{key}\n{body} | {made}"


def _with_public_key(body: str, signatures: Sequence[str]) -> str:
    """OpenSSL reads all three from files: they are put into a folder of their own, which is removed."""
    lines = ["at=$(mktemp -d)", f'key="{_PUBLIC}${{PUBLIC_KEY#whpk_}}"', _PEM, f'{body} > "$at/signed"']
    for each in signatures:
        lines += [f'printf %s {each} | base64 -d > "$at/signature"', _VERIFIED]
    return "\n".join([*lines, 'rm -r "$at"'])


def _before(signature: Signature, values: Mapping[str, str]) -> str:
    """What is signed in front of the body."""
    match signature.profile:
        case SigningProfile.STANDARD | SigningProfile.ED25519:
            return f"{values.get(WEBHOOK_ID, '')}.{values.get(WEBHOOK_TIMESTAMP, '')}."
        case SigningProfile.STRIPE:
            stamp = values.get(signature.header.lower(), "").partition(",")[0]
            return f"{stamp.removeprefix('t=')}."
        case _:
            return ""
