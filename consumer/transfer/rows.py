"""The lines of Hookline's own file (`own_file.py`): what each may say, and under which names.

The law: a member that is not declared here is refused, so a file of a newer Hookline is never read in part.
"""

from typing import TypeAlias

import msgspec

from consumer.control.keys import Scope
from consumer.transfer.box import Envelope
from consumer.webhooks.subscription import OnFailure, PayloadFormat, Retries, SigningProfile, Status


class _Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel", tag_field="object"):
    pass


class Sealed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A secret. `key` is the id of the encryption key that opens it."""

    key: str
    sealed: bytes


class Former(Sealed, frozen=True, kw_only=True, rename="camel"):
    """One that a rotation replaced."""

    until_ms: int


class Tls(Sealed, frozen=True, kw_only=True, rename="camel"):
    """A client certificate with its key, and authorities; what is told of them stands beside the seal."""

    certificate_sha256: str = ""
    certificate_until_ms: int | None = None
    authorities_until_ms: int | None = None


class Head(_Row, frozen=True, kw_only=True, tag="export"):
    """The first line. `sealed_for` and `drawn` are an `Envelope`, where it is for another installation."""

    version: int
    exported_at: str
    sealed_for: str | None = None
    drawn: str | None = None

    @property
    def envelope(self) -> Envelope | None:
        """For whom it is sealed; None: for whoever has the same encryption keys."""
        if self.sealed_for is None:
            return None
        return Envelope(public=self.sealed_for, drawn=self.drawn or "")


class WebhookRow(_Row, frozen=True, kw_only=True, tag="webhook"):
    """One webhook, as it is kept."""

    id: str
    tenant: str
    brand: str
    url: str
    signing: SigningProfile
    payload_format: PayloadFormat
    secret: Sealed
    former_secrets: list[Former] = []
    header_names: list[str] = []
    headers: Sealed | None = None
    tls: Tls | None = None
    uid: str | None = None
    product: str | None = None
    name: str = ""
    description: str = ""
    event_types: list[str] = []
    filter: str | None = None
    payload_version: str = "1"
    status: Status = Status.ACTIVE
    status_reason: str = ""
    status_since_ms: int = 0
    timeout_ms: int = 10_000
    retries: Retries = Retries.STANDARD
    rate_per_s: float | None = None
    max_concurrency: int | None = None
    ordering: str = "none"
    on_failure: OnFailure = OnFailure.DEAD_LETTER
    metadata: dict[str, str] = {}
    created_at_ms: int
    updated_at_ms: int


class KeyRow(_Row, frozen=True, kw_only=True, tag="apiKey"):
    """One API key. `digest` is the SHA-256 of its text, which nobody has but its holder."""

    id: str
    tenant: str
    brand: str
    name: str
    scopes: list[Scope]
    digest: bytes
    created_at_ms: int
    expires_at_ms: int | None = None
    revoked_at_ms: int | None = None
    created_by: str | None = None


class End(_Row, frozen=True, kw_only=True, tag="end"):
    """The last line."""

    webhooks: int
    api_keys: int


Row: TypeAlias = Head | WebhookRow | KeyRow | End
