"""API keys: what one is, how it is made, and what can be said of a text without knowing any.

The law: a key is shown once and kept nowhere; what is kept is its SHA-256, which is enough for a key of 190 random
bits and nothing to steal. A key that another one makes holds no scope that its maker does not hold, and never longer;
so neither do all that come from it.

    hk_  0000000000000000  _  00000000000000000000000000000000  1NO7A8
     │          │             │                                    └ CRC-32 of all before it, 6 digits of base 62
     │          │             └ the secret, 32 digits of base 62
     │          └ the id, 16 digits of base 62; it is no secret and names the key everywhere
     └ the brand's key prefix

The checksum lets a scanner of leaked secrets know a key of ours from any other text, and lets a typo be refused
without a look-up. It proves nothing: only the digest does.
"""

import hashlib
import hmac
import re
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, TypeAlias

from consumer.brands.brand import Brand
from consumer.settings import Settings
from consumer.signing.timestamps import rfc3339
from consumer.webhooks import fields
from consumer.webhooks.wrong import Code, Faults, invalid

Entropy: TypeAlias = Callable[[int], bytes]

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ID_DIGITS: Final = 16
_SECRET_DIGITS: Final = 32
_CHECKSUM_DIGITS: Final = 6
# So many more bits than are used that every digit is as likely as any other, to within 2^-60.
_DRAWN_BYTES: Final = 32
_LONGEST_MS: Final = 100 * 365 * 86_400_000
_FORM = re.compile(rf"[a-z0-9_]*([0-9A-Za-z]{{{ID_DIGITS}}})_[0-9A-Za-z]{{{_SECRET_DIGITS + _CHECKSUM_DIGITS}}}")


class Scope(StrEnum):
    """What a key may do: look, change webhooks, send events again, manage keys, see bodies in the log.

    None of them includes another.
    """

    READ = "read"
    WRITE = "write"
    REPLAY = "replay"
    ADMIN = "admin"
    BODIES = "bodies"


USUAL_SCOPES: Final = frozenset({Scope.READ, Scope.WRITE, Scope.REPLAY, Scope.BODIES})
"""What a key may do when nothing else was said, as far as its maker may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as it is kept. Times are epoch milliseconds; `digest` is the SHA-256 of its text.

    `created_by` is the id of the key that made it; None: the operator did.
    """

    id: str
    tenant: str
    brand: str
    name: str
    scopes: frozenset[Scope]
    digest: bytes = field(repr=False)
    created_at_ms: int
    expires_at_ms: int | None = None
    revoked_at_ms: int | None = None
    created_by: str | None = None

    def holds(self, now_ms: int) -> bool:
        """Whether it opens anything now."""
        expired = self.expires_at_ms is not None and now_ms >= self.expires_at_ms
        return self.revoked_at_ms is None and not expired


def mint(
    *,
    tenant: str,
    brand: Brand,
    scopes: Collection[Scope],
    name: str,
    expires_at_ms: int | None,
    now_ms: int,
    entropy: Entropy,
    maker: ApiKey | None = None,
) -> tuple[ApiKey, str]:
    """A new key, and its text, which is to be shown once. `entropy(n)` gives n random bytes.

    `maker` is the key that makes it; None: the operator does. One that is given no end has its maker's.

    Raises:
        FieldInvalid: every field that cannot be.
    """
    latest_ms = None if maker is None else maker.expires_at_ms
    faults = Faults()
    faults.looked(lambda: check_scopes(frozenset(scopes)))
    faults.looked(lambda: _check_end(expires_at_ms, now_ms, latest_ms))
    faults.looked(lambda: fields.check_tenant("tenant", tenant))
    faults.looked(lambda: fields.check_line("name", name))
    faults.tell()
    key_id = _drawn(entropy, ID_DIGITS)
    unchecked = f"{brand.key_prefix}{key_id}_{_drawn(entropy, _SECRET_DIGITS)}"
    text = unchecked + _checksum(unchecked)
    key = ApiKey(
        id=key_id,
        tenant=tenant,
        brand=brand.name,
        name=name,
        scopes=frozenset(scopes),
        digest=digest_of(text),
        created_at_ms=now_ms,
        expires_at_ms=latest_ms if expires_at_ms is None else expires_at_ms,
        created_by=None if maker is None else maker.id,
    )
    return key, text


def usual_scopes(held: frozenset[Scope]) -> frozenset[Scope]:
    """The scopes of a key of which none were asked for, made by one who holds these: never more than those."""
    return USUAL_SCOPES & held or held


def descendants(keys: Collection[ApiKey], key_id: str) -> list[ApiKey]:
    """Those of these keys that this key made, that they made, and so on."""
    made: dict[str | None, list[ApiKey]] = {}
    for key in keys:
        made.setdefault(key.created_by, []).append(key)
    found = list(made.get(key_id, ()))
    for key in found:
        found += made.get(key.id, ())
    return found


def check_scopes(scopes: frozenset[Scope]) -> frozenset[Scope]:
    """At least one. Raises FieldInvalid."""
    if not scopes:
        raise invalid("scopes", Code.EMPTY, f"must not be empty: choose from {', '.join(Scope)}")
    return scopes


def _check_end(expires_at_ms: int | None, now_ms: int, latest_ms: int | None) -> None:
    if expires_at_ms is not None and not now_ms < expires_at_ms <= now_ms + _LONGEST_MS:
        raise invalid("expires_at", Code.OUT_OF_RANGE, "must lie in the future, and within a hundred years")
    if latest_ms is not None and expires_at_ms is not None and expires_at_ms > latest_ms:
        message = f"can be {rfc3339(latest_ms)} at the latest: then the key that makes it ends"
        raise invalid("expires_at", Code.OUT_OF_RANGE, message)


def revoked(key: ApiKey, *, now_ms: int) -> ApiKey:
    """The key, opening nothing any more; one that was revoked already stays as it is."""
    return key if key.revoked_at_ms is not None else replace(key, revoked_at_ms=now_ms)


def parse(text: str) -> str | None:
    """The id of the key that this text claims to be; None when its form or its checksum is wrong."""
    matched = _FORM.fullmatch(text)
    if matched is None:
        return None
    unchecked, checksum = text[:-_CHECKSUM_DIGITS], text[-_CHECKSUM_DIGITS:]
    return matched[1] if _checksum(unchecked) == checksum else None


def digest_of(text: str) -> bytes:
    """The SHA-256 by which a text is compared; any text has one."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def operator(settings: Settings, text: str) -> bool:
    """Whether this is the operator's key; without such a setting nothing is. The time it takes tells nothing."""
    held = settings.operator_key
    expected = "" if held is None else held.get_secret_value()
    return hmac.compare_digest(digest_of(text), digest_of(expected)) and bool(expected)


def _drawn(entropy: Entropy, digits: int) -> str:
    return _base62(int.from_bytes(entropy(_DRAWN_BYTES), "big"), digits)


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode("ascii")), _CHECKSUM_DIGITS)


def _base62(number: int, digits: int) -> str:
    """The last so many digits of the number."""
    written = ""
    for _ in range(digits):
        number, digit = divmod(number, len(_DIGITS))
        written = _DIGITS[digit] + written
    return written
