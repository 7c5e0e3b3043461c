"""A webhook's own TLS: the certificate by which its requests show who sends them, and the authorities that they trust.

The laws:
- a certificate's key is sealed with it, like a signing secret, and shown to nobody again; what is told is which
  certificate it is, and when it ends;
- authorities of its own replace the system's: an endpoint whose certificate a public authority signed is refused then;
- what passes here, OpenSSL takes; and no signature or check that it asks for costs a process more than a moment.
"""

import hashlib
import os
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.webhooks.keyring import Keyring
from consumer.webhooks.subscription import SealedTls, Subscription
from consumer.webhooks.wrong import Code, check_each, invalid

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

CERTIFICATE: Final = "tls.certificate"
KEY: Final = "tls.key"
AUTHORITIES: Final = "tls.authorities"
MOST_CERTIFICATES: Final = 8
MOST_LENGTH: Final = 32_768
_RSA_BITS: Final = range(2_048, 4_097)
_RSA_EXPONENT: Final = 65_537
_CURVES: Final = frozenset({"secp256r1", "secp384r1", "secp521r1"})
_KINDS: Final = "RSA with 2048 to 4096 bits, P-256, P-384, P-521 or Ed25519"


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsWish:
    """What a customer asks for, as PEM; "" is none. `certificate` is followed by those that lead to its authority."""

    certificate: str = ""
    key: str = field(default="", repr=False)
    authorities: str = ""


def check_tls(wish: TlsWish | None) -> TlsWish | None:
    """The same; None where nothing is asked for.

    Raises:
        FieldInvalid: of each member that cannot be. Nothing of it is repeated.
    """
    if wish is None or wish == TlsWish():
        return None
    check_each((lambda: _check_identity(wish), lambda: _check_authorities(wish.authorities)))
    return wish


def seal_tls(
    wish: TlsWish | None, keyring: Keyring, *, tenant: str, subscription_id: str, nonce: bytes, now_ms: int
) -> SealedTls | None:
    """What was checked, sealed, with what may be told of it.

    Raises:
        FieldInvalid: a certificate has ended by now.
    """
    if wish is None:
        return None
    certificates, authorities = (
        _certificates(CERTIFICATE, wish.certificate),
        _certificates(AUTHORITIES, wish.authorities),
    )
    certificate_until_ms = _until_ms(certificates[:1])
    authorities_until_ms = _until_ms(authorities)
    for name, until_ms in ((CERTIFICATE, certificate_until_ms), (AUTHORITIES, authorities_until_ms)):
        if until_ms is not None and until_ms <= now_ms:
            ended = datetime.fromtimestamp(until_ms / 1_000, UTC).date()
            raise invalid(name, Code.OUT_OF_RANGE, f"ended on {ended}: give one that is valid")
    return SealedTls(
        sealed=keyring.seal(msgspec.json.encode(wish), tenant=tenant, subscription_id=subscription_id, nonce=nonce),
        certificate_sha256=_digest(certificates[0]) if certificates else "",
        certificate_until_ms=certificate_until_ms,
        authorities_until_ms=authorities_until_ms,
    )


def open_tls(subscription: Subscription, keyring: Keyring) -> TlsWish | None:
    """What its requests need, in the clear.

    Raises:
        SecretUnreadable: its key is missing, or it was changed.
    """
    if subscription.tls is None:
        return None
    plain = keyring.open(subscription.tls.sealed, tenant=subscription.tenant, subscription_id=subscription.id)
    return msgspec.json.decode(plain, type=TlsWish)


def show(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Have connections that are made with this context from now on show this certificate.

    Those made before keep theirs.

    OpenSSL's binding reads files only: this one is in memory, and gone afterwards.

    Raises:
        ssl.SSLError: it takes the two not, or not together.
    """
    with os.fdopen(os.memfd_create("hookline-tls"), "wb") as file:
        file.write(f"{certificate}\n{key}\n".encode())
        file.flush()
        context.load_cert_chain(f"/proc/self/fd/{file.fileno()}")


def _check_identity(wish: TlsWish) -> None:
    if bool(wish.certificate) is not bool(wish.key):
        name = KEY if wish.certificate else CERTIFICATE
        raise invalid(name, Code.MISSING, "certificate and key are given together")
    if not wish.certificate:
        return
    _certificates(CERTIFICATE, wish.certificate)
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - not for each process

    if len(wish.key) > MOST_LENGTH:
        raise invalid(KEY, Code.TOO_LONG, f"is longer than {MOST_LENGTH} characters")
    try:
        public = load_pem_private_key(wish.key.encode(), password=None).public_key()
    except (ValueError, TypeError):
        raise invalid(KEY, Code.MALFORMED, "must be one private key as PEM, without a passphrase") from None
    except Exception:  # noqa: BLE001 - UnsupportedAlgorithm, of whatever release; nothing of it may be repeated
        raise invalid(KEY, Code.NOT_A_CHOICE, f"is of a kind that is not taken: use {_KINDS}") from None
    _check_kind(KEY, public)
    try:
        show(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), wish.certificate, wish.key)
    except ssl.SSLError:
        raise invalid(KEY, Code.MALFORMED, "is not the key of the certificate, or one that TLS cannot use") from None


def _check_authorities(authorities: str) -> None:
    if not _certificates(AUTHORITIES, authorities):
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=authorities)
    except ssl.SSLError:
        raise invalid(AUTHORITIES, Code.MALFORMED, "are not certificates that TLS can use") from None


def _certificates(name: str, pem: str) -> "list[x509.Certificate]":
    """Those in this text, at least one where there is any. Raises FieldInvalid."""
    if not pem:
        return []
    from cryptography import x509  # noqa: PLC0415 - it takes 10 MB, and most processes write no webhook

    if len(pem) > MOST_LENGTH:
        raise invalid(name, Code.TOO_LONG, f"is longer than {MOST_LENGTH} characters")
    if "PRIVATE KEY" in pem:
        raise invalid(name, Code.MALFORMED, "has a private key in it: that is given as the key, and nowhere else")
    try:
        certificates = x509.load_pem_x509_certificates(pem.encode())
        publics = [each.public_key() for each in certificates]
    except Exception:  # noqa: BLE001 - ValueError, UnsupportedAlgorithm and what it has besides; nothing is repeated
        raise invalid(name, Code.MALFORMED, "must be certificates as PEM, as in -----BEGIN CERTIFICATE-----") from None
    if len(certificates) > MOST_CERTIFICATES:
        raise invalid(name, Code.TOO_MANY, f"has {len(certificates)} certificates: at most {MOST_CERTIFICATES}")
    for public in publics:
        _check_kind(name, public)
    return certificates


def _check_kind(name: str, public: "PublicKeyTypes") -> None:
    """A key of any size may be written down; the loop of a process would stand still for a large one."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: PLC0415 - as above

    match public:
        case rsa.RSAPublicKey():
            fits = public.key_size in _RSA_BITS and public.public_numbers().e == _RSA_EXPONENT
        case ec.EllipticCurvePublicKey():
            fits = public.curve.name in _CURVES
        case _:
            fits = isinstance(public, ed25519.Ed25519PublicKey)
    if not fits:
        raise invalid(name, Code.NOT_A_CHOICE, f"has a key of a kind that is not taken: use {_KINDS}")


def _until_ms(certificates: "list[x509.Certificate]") -> int | None:
    """When the first of them ends."""
    return min((int(each.not_valid_after_utc.timestamp() * 1_000) for each in certificates), default=None)


def _digest(certificate: "x509.Certificate") -> str:
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415 - as above

    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
