"""The subscription (public name: webhook), as kept on the compacted topic and in the cache.

The law: a Subscription holds no secret in the clear. Secrets are sealed (AES-256-GCM, AAD tenant + subscription)
before one is built and opened only where a request is signed.
"""

from dataclasses import dataclass
from enum import StrEnum

from consumer.brands.brand import PayloadFormat, Retries, SigningProfile

__all__ = [
    "FormerSecret",
    "OnFailure",
    "PayloadFormat",
    "Retries",
    "SealedSecret",
    "SealedTls",
    "SigningProfile",
    "Status",
    "Subscription",
    "Unblock",
]


class Status(StrEnum):
    """`paused` is the customer's choice: its events are dropped. `suspended` is Hookline's: they are dead-lettered."""

    ACTIVE = "active"
    PAUSED = "paused"
    SUSPENDED = "suspended"


class OnFailure(StrEnum):
    """What becomes of an ordered webhook's key when its head is given up.

    `dead_letter`: the head is dead-lettered, and the key goes on. `block`: the key stops (`delivery/stopping.py`).
    """

    DEAD_LETTER = "dead_letter"
    BLOCK = "block"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unblock:
    """What a customer said of his stopped keys: `drop` their heads, or try them once more.

    Of one delivery, or (`delivery_id` is empty) of all that had stopped by then.
    """

    at_ms: int
    drop: bool
    delivery_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSecret:
    """A secret encrypted at rest. `sealed` is nonce (12 bytes), ciphertext, tag; `key_id` names the key."""

    key_id: str
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedTls:
    """A client certificate with its key, and authorities of the webhook's own, either of which it may not have.

    `sealed` opens to a `TlsWish` (`webhooks/tls.py`). In the clear is which certificate it is ("" for none), when it
    ends, and when the first of the authorities does.
    """

    sealed: SealedSecret
    certificate_sha256: str = ""
    certificate_until_ms: int | None = None
    authorities_until_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerSecret:
    """A secret that a rotation replaced: until then it signs beside the newer ones."""

    secret: SealedSecret
    until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One tenant's wish to receive events at one endpoint.

    `event_types`: exact names, `prefix.*` (any depth) or `*`; empty means `*`.
    `revision` grows by one with each write; a write names the one it changes (`changes`, 0 for a creation).
    `payload_version` is the API's `version`. `headers` values may be secrets too: they are sealed together
    (`sealed_headers` opens to a JSON object of name to value). `status_since_ms` is when the status became what it is,
    0 where that was not kept. `former_secrets` are the newest first. `ordering`: see `webhooks/ordering.py`;
    `works`: see `webhooks/works.py`; `uid` and `metadata`: see `webhooks/labels.py`.
    """

    id: str
    tenant: str
    brand: str
    url: str
    secret: SealedSecret
    signing: SigningProfile
    payload_format: PayloadFormat
    created_at_ms: int
    updated_at_ms: int
    product: str | None = None
    name: str = ""
    description: str = ""
    event_types: tuple[str, ...] = ()
    filter_json: str | None = None
    former_secrets: tuple[FormerSecret, ...] = ()
    payload_version: str = "1"
    status: Status = Status.ACTIVE
    status_reason: str = ""
    header_names: tuple[str, ...] = ()
    sealed_headers: SealedSecret | None = None
    timeout_ms: int = 10_000
    retries: Retries = Retries.STANDARD
    rate_per_s: float | None = None
    max_concurrency: int | None = None
    revision: int = 1
    changes: int = 0
    status_since_ms: int = 0
    ordering: str = "none"
    works: tuple[str, ...] = ()
    on_failure: OnFailure = OnFailure.DEAD_LETTER
    unblocks: tuple[Unblock, ...] = ()
    uid: str | None = None
    metadata: tuple[tuple[str, str], ...] = ()
    tls: SealedTls | None = None
