"""Secrets at rest: AES-256-GCM under keys of the operator's, each sealed text bound to its tenant and subscription.

The law: a key is never shown, and a sealed secret opens for the tenant and the subscription it was sealed for only.
The first key seals; all of them open, so that keys can be changed while everything runs.
"""

import base64
import binascii
import os
import re
from collections.abc import Mapping
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from consumer.settings import ConfigurationError, Settings
from consumer.webhooks.subscription import SealedSecret

NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32
_FIELD: Final = "HOOKLINE_ENCRYPTION_KEYS"
_KEY_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_FORM = "write `id:base64 of 32 bytes`, as made by: echo k1:$(head -c 32 /dev/urandom | base64)"


class SecretUnreadable(Exception):  # noqa: N818 # it names a state, as the glossary does
    """The sealed secret cannot be opened: its key is missing, or it was changed or moved. Names the key's id only."""

    def __init__(self, key_id: str, message: str) -> None:
        super().__init__(f"a secret sealed with key {key_id!r} cannot be opened: {message}")
        self.key_id = key_id


class Keyring:
    """The encryption keys, the first of which seals."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """Take keys of 32 bytes by id, at least one."""
        self._keys = dict(keys)
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._sealing = next(iter(keys))

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Read the keys.

        Raises:
            ConfigurationError: there is none, or one is malformed. The message never holds a key.
        """
        if not settings.encryption_keys:
            raise ConfigurationError(_FIELD, f"is not set, and secrets are never kept in the clear: {_FORM}")
        keys: dict[str, bytes] = {}
        for number, entry in enumerate(settings.encryption_keys, start=1):
            key_id, key = _parsed(entry.get_secret_value(), number)
            if key_id in keys:
                raise ConfigurationError(_FIELD, f"entry {number} repeats the id of an earlier one: ids must differ")
            keys[key_id] = key
        return cls(keys)

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self._ciphers)})"

    @property
    def sealing_id(self) -> str:
        """The id of the key that seals."""
        return self._sealing

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys, the sealing one's first."""
        return tuple(self._keys)

    def only(self, key_id: str) -> "Keyring":
        """A ring of one of its keys."""
        return Keyring({key_id: self._keys[key_id]})

    def and_also(self, other: "Keyring") -> "Keyring":
        """A ring that opens with the other's keys too, and seals with the same one as before."""
        others = other._keys  # noqa: SLF001 # of its own kind
        return Keyring({**self._keys, **others, **self._keys})

    def derived(self, purpose: bytes) -> tuple[bytes, ...]:
        """A key of 32 bytes for a purpose of its own from each key of the ring, the sealing one's first (RFC 5869)."""
        return tuple(
            HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=purpose).derive(key)
            for key in self._keys.values()
        )

    def seal(self, plain: bytes, *, tenant: str, subscription_id: str, nonce: bytes | None = None) -> SealedSecret:
        """Encrypt for this tenant and subscription. A nonce is 12 bytes and used once; None draws one."""
        nonce = os.urandom(NONCE_BYTES) if nonce is None else nonce
        if len(nonce) != NONCE_BYTES:
            raise ValueError(f"a nonce has {NONCE_BYTES} bytes")
        ciphertext = self._ciphers[self._sealing].encrypt(nonce, plain, _bound_to(tenant, subscription_id))
        return SealedSecret(key_id=self._sealing, sealed=nonce + ciphertext)

    def open(self, sealed: SealedSecret, *, tenant: str, subscription_id: str) -> bytes:
        """Decrypt.

        Raises:
            SecretUnreadable: the key is not in the ring, or the bytes were tampered with or belong elsewhere.
        """
        cipher = self._ciphers.get(sealed.key_id)
        if cipher is None:
            raise SecretUnreadable(sealed.key_id, f"{_FIELD} does not name that key")
        nonce, ciphertext = sealed.sealed[:NONCE_BYTES], sealed.sealed[NONCE_BYTES:]
        try:
            return cipher.decrypt(nonce, ciphertext, _bound_to(tenant, subscription_id))
        except (InvalidTag, ValueError):  # ValueError: too short to hold a nonce and a tag
            raise SecretUnreadable(sealed.key_id, "it was changed, or sealed for another subscription") from None


def _bound_to(tenant: str, subscription_id: str) -> bytes:
    """Frame both by length: no two pairs give the same bytes."""
    owner = tenant.encode()
    return len(owner).to_bytes(4, "big") + owner + subscription_id.encode()


def _parsed(entry: str, number: int) -> tuple[str, bytes]:
    key_id, colon, encoded = entry.partition(":")
    if not colon or _KEY_ID.fullmatch(key_id) is None:
        raise ConfigurationError(_FIELD, f"entry {number} has no id of letters, digits, _ . or -: {_FORM}")
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ConfigurationError(_FIELD, f"the key {key_id!r} is not base64: {_FORM}") from None
    if len(key) != _KEY_BYTES:
        raise ConfigurationError(_FIELD, f"the key {key_id!r} has {len(key)} bytes instead of {_KEY_BYTES}: {_FORM}")
    return key_id, key
