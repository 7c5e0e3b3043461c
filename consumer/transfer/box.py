"""Secrets sealed for one other installation: no secret travels beside the file, and none has to be agreed on.

    its public key   hkx_<id of its encryption key>_<64 hex digits>
    its private key  HKDF(that encryption key, "hookline import"), as X25519 takes it
    the file's key   HKDF(X25519(a key drawn for this file, its public key), "hookline export" and both public keys)

The law: what a public key was given for, only the encryption key opens that it names. Who has the public key can make a
file, and can open none.
"""

import re
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from consumer.webhooks.keyring import Keyring, SecretUnreadable

FILE_KEY: Final = ":file"
"""The id of the file's key: no encryption key of an operator's can have it."""
_IMPORTS: Final = b"hookline import"
_EXPORTS: Final = b"hookline export"
_BYTES: Final = 32
_PUBLIC: Final = re.compile(rf"hkx_([A-Za-z0-9_.-]{{1,64}})_([0-9a-f]{{{2 * _BYTES}}})")
_DRAWN: Final = re.compile(f"[0-9a-f]{{{2 * _BYTES}}}")


class NotAPublicKey(ValueError):  # noqa: N818 # it names a state, as the glossary does
    """A text is no public key of an installation."""

    def __init__(self) -> None:
        super().__init__("is no public key: have `hookline keys public` say it where the file is to be imported")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """For whom a file is sealed, and the public part of the key that was drawn for it, in hex."""

    public: str
    drawn: str


def public_key(keyring: Keyring) -> str:
    """What this installation gives to others who are to seal for it: of its first encryption key."""
    private = _privates(keyring)[keyring.sealing_id]
    return f"hkx_{keyring.sealing_id}_{_raw(private.public_key()).hex()}"


def sealing_for(public: str, drawn: bytes) -> tuple[Keyring, Envelope]:
    """A ring that seals for the installation of this public key. `drawn` are 32 random bytes, used for this file alone.

    Raises:
        NotAPublicKey: the text is none.
    """
    _, theirs = _parsed(public)
    ours = X25519PrivateKey.from_private_bytes(drawn)
    mine = _raw(ours.public_key())
    return Keyring({FILE_KEY: _file_key(ours, theirs, mine, theirs)}), Envelope(public=public, drawn=mine.hex())


def opening(keyring: Keyring, envelope: Envelope) -> Keyring:
    """The ring, which opens what was sealed in this envelope as well.

    Raises:
        SecretUnreadable: it was sealed for an encryption key that the ring does not have.
        NotAPublicKey: the envelope is none.
    """
    key_id, theirs = _parsed(envelope.public)
    private = _privates(keyring).get(key_id)
    if private is None or _raw(private.public_key()) != theirs:
        raise SecretUnreadable(key_id, "the file is sealed for an encryption key that HOOKLINE_ENCRYPTION_KEYS has not")
    if _DRAWN.fullmatch(envelope.drawn) is None:
        raise NotAPublicKey
    drawn = bytes.fromhex(envelope.drawn)
    return keyring.and_also(Keyring({FILE_KEY: _file_key(private, drawn, drawn, theirs)}))


def _privates(keyring: Keyring) -> dict[str, X25519PrivateKey]:
    derived = zip(keyring.ids, keyring.derived(_IMPORTS), strict=True)
    return {key_id: X25519PrivateKey.from_private_bytes(key) for key_id, key in derived}


def _file_key(private: X25519PrivateKey, other: bytes, drawn: bytes, public: bytes) -> bytes:
    try:
        shared = private.exchange(X25519PublicKey.from_public_bytes(other))
    except (ValueError, UnsupportedAlgorithm):  # a point that makes no secret
        raise NotAPublicKey from None
    info = _EXPORTS + drawn + public
    return HKDF(algorithm=SHA256(), length=_BYTES, salt=None, info=info).derive(shared)


def _parsed(public: str) -> tuple[str, bytes]:
    matched = _PUBLIC.fullmatch(public)
    if matched is None:
        raise NotAPublicKey
    return matched[1], bytes.fromhex(matched[2])


def _raw(key: X25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)
