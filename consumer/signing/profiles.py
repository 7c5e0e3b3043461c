"""Signing profiles: the headers by which a receiver knows that a request is ours and unchanged.

The law: a signature covers the exact bytes sent, every attempt is signed afresh, and no secret leaves this module.

    standard   webhook-signature: v1,<base64>        HMAC-SHA256 over id.timestamp.body   (standardwebhooks.com)
    ed25519    webhook-signature: v1a,<base64>       Ed25519 over id.timestamp.body       (standardwebhooks.com)
    hex        <header>: <hex>                       HMAC-SHA256 over body
    sha256     <header>: sha256=<hex>                HMAC-SHA256 over body
    stripe     <header>: t=<s>,v1=<hex>              HMAC-SHA256 over timestamp.body      (docs.stripe.com/webhooks)

Profiles that can carry several signatures sign with every secret they are given, the first being the current one.
"""

import binascii
import hashlib
from collections.abc import Sequence
from typing import Final, Protocol, TypeAlias

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consumer.webhooks.secrets import PRIVATE_PREFIX, SEED_BYTES, STANDARD_PREFIX
from consumer.webhooks.subscription import SigningProfile

HttpHeaders: TypeAlias = tuple[tuple[str, str], ...]

WEBHOOK_ID: Final = "webhook-id"
WEBHOOK_TIMESTAMP: Final = "webhook-timestamp"
WEBHOOK_SIGNATURE: Final = "webhook-signature"

_BLOCK_BYTES: Final = 64  # SHA-256's
_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))


class SecretUnusableError(ValueError):
    """The secret does not fit its signing profile. The message names what is expected and never the secret."""


class Scheme(Protocol):
    """One profile with its keys. `timestamp` is the attempt's time in epoch seconds, as text."""

    def headers(self, webhook_id: str, timestamp: str, body: bytes) -> HttpHeaders:
        """The headers this profile adds to a request, webhook-id included."""


def scheme(profile: SigningProfile, secrets: Sequence[str], *, header: str) -> Scheme:
    """Make ready to sign with `secrets`, the current one first. `header` is used by hex, sha256 and stripe.

    Raises:
        SecretUnusableError: a secret does not fit the profile.
    """
    used = keys(profile, secrets)
    match profile:
        case SigningProfile.STANDARD:
            return _Standard([_Mac(key) for key in used])
        case SigningProfile.ED25519:
            return _Ed25519([Ed25519PrivateKey.from_private_bytes(seed) for seed in used])
        case SigningProfile.HEX:
            return _BodyMac(_Mac(used[0]), header, "")
        case SigningProfile.SHA256:
            return _BodyMac(_Mac(used[0]), header, "sha256=")
        case SigningProfile.STRIPE:
            return _Stripe([_Mac(key) for key in used], header)


def keys(profile: SigningProfile, secrets: Sequence[str]) -> tuple[bytes, ...]:
    """What the profile signs with, of these secrets: keys of HMAC, and of ed25519 the seeds.

    Raises:
        SecretUnusableError: a secret does not fit the profile.
    """
    match profile:
        case SigningProfile.STANDARD:
            return tuple([_standard_key(secret) for secret in secrets])
        case SigningProfile.ED25519:
            return tuple([_seed(secret) for secret in secrets])
        case SigningProfile.HEX | SigningProfile.SHA256:
            return (secrets[0].encode(),)
        case SigningProfile.STRIPE:
            return tuple([secret.encode() for secret in secrets])


def _standard_key(secret: str) -> bytes:
    """The HMAC key of a `whsec_…` secret."""
    key = _decoded(secret, STANDARD_PREFIX)
    if not key:
        raise SecretUnusableError("the profile standard needs a secret of the form whsec_ followed by base64")
    return key


def _seed(secret: str) -> bytes:
    """The 32 bytes of a `whsk_…` secret."""
    key = _decoded(secret, PRIVATE_PREFIX)
    if len(key) != SEED_BYTES:
        raise SecretUnusableError("the profile ed25519 needs a private key of the form whsk_ followed by base64")
    return key


def _decoded(secret: str, prefix: str) -> bytes:
    """What follows the prefix, decoded; empty when it is not of this form."""
    if not secret.startswith(prefix):
        return b""
    try:
        return binascii.a2b_base64(secret.removeprefix(prefix), strict_mode=True)
    except ValueError:
        return b""


class _Mac:
    """HMAC-SHA256 under one key (RFC 2104): `hmac.HMAC` without what Python adds to each message.

    The key's two blocks are hashed once, for a subscription and not for an attempt.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        block = (key if len(key) <= _BLOCK_BYTES else hashlib.sha256(key).digest()).ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(block.translate(_INNER)).copy
        self._outer = hashlib.sha256(block.translate(_OUTER)).copy

    def of(self, head: bytes, body: bytes) -> bytes:
        """The MAC of these two as one message."""
        inner, outer = self._inner(), self._outer()
        inner.update(head)
        inner.update(body)
        outer.update(inner.digest())
        return outer.digest()


class _Standard:
    def __init__(self, macs: Sequence[_Mac]) -> None:
        self._macs = macs

    def headers(self, webhook_id: str, timestamp: str, body: bytes) -> HttpHeaders:
        head = f"{webhook_id}.{timestamp}.".encode()
        signatures = [
            "v1," + binascii.b2a_base64(mac.of(head, body), newline=False).decode("ascii") for mac in self._macs
        ]
        return (
            (WEBHOOK_ID, webhook_id),
            (WEBHOOK_TIMESTAMP, timestamp),
            (WEBHOOK_SIGNATURE, " ".join(signatures)),
        )


class _Ed25519:
    def __init__(self, keys: Sequence[Ed25519PrivateKey]) -> None:
        self._keys = keys

    def headers(self, webhook_id: str, timestamp: str, body: bytes) -> HttpHeaders:
        signed = b"%b.%b.%b" % (webhook_id.encode(), timestamp.encode(), body)
        signatures = [
            "v1a," + binascii.b2a_base64(key.sign(signed), newline=False).decode("ascii") for key in self._keys
        ]
        return (
            (WEBHOOK_ID, webhook_id),
            (WEBHOOK_TIMESTAMP, timestamp),
            (WEBHOOK_SIGNATURE, " ".join(signatures)),
        )


class _BodyMac:
    """hex and sha256: one signature over the body alone, so only the current secret can sign."""

    def __init__(self, mac: _Mac, header: str, before: str) -> None:
        self._mac = mac
        self._header = header
        self._before = before

    def headers(self, webhook_id: str, timestamp: str, body: bytes) -> HttpHeaders:
        del timestamp
        return (WEBHOOK_ID, webhook_id), (self._header, self._before + self._mac.of(b"", body).hex())


class _Stripe:
    def __init__(self, macs: Sequence[_Mac], header: str) -> None:
        self._macs = macs
        self._header = header

    def headers(self, webhook_id: str, timestamp: str, body: bytes) -> HttpHeaders:
        head = f"{timestamp}.".encode()
        fields = ["t=" + timestamp, *("v1=" + mac.of(head, body).hex() for mac in self._macs)]
        return (WEBHOOK_ID, webhook_id), (self._header, ",".join(fields))
