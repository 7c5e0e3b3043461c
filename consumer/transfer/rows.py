"""A webhook and an API key as rows of Hookline's own file (`own_file.py`). Pure.

The law: what is written is read back equal, and a row is read only where a record could hold what it says.
"""

import re
from collections.abc import Iterator
from typing import Final, TypeAlias

import msgspec

from consumer.control.keys import ApiKey, Scope
from consumer.transfer.box import Envelope
from consumer.transfer.faults import LineFaults
from consumer.webhooks import record
from consumer.webhooks.labels import id_of
from consumer.webhooks.subscription import (
    FormerSecret,
    OnFailure,
    PayloadFormat,
    Retries,
    SealedSecret,
    SealedTls,
    SigningProfile,
    Status,
    Subscription,
)
from consumer.webhooks.url import stored_url
from consumer.wire import RecordCorrupt

_WEBHOOK_ID: Final = re.compile("wh_[0-9a-f]{28}")
_KEY_ID: Final = re.compile("[0-9A-Za-z]{16}")
_DIGEST_BYTES: Final = 32


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


def webhook_row(webhook: Subscription) -> WebhookRow:
    """Its row."""
    headers = webhook.sealed_headers
    return WebhookRow(
        id=webhook.id,
        tenant=webhook.tenant,
        brand=webhook.brand,
        url=webhook.url,
        signing=webhook.signing,
        payload_format=webhook.payload_format,
        secret=_sealed(webhook.secret),
        former_secrets=[
            Former(key=each.secret.key_id, sealed=each.secret.sealed, until_ms=each.until_ms)
            for each in webhook.former_secrets
        ],
        header_names=list(webhook.header_names),
        headers=None if headers is None else _sealed(headers),
        tls=None if webhook.tls is None else _tls_row(webhook.tls),
        uid=webhook.uid,
        product=webhook.product,
        name=webhook.name,
        description=webhook.description,
        event_types=list(webhook.event_types),
        filter=webhook.filter_json,
        payload_version=webhook.payload_version,
        status=webhook.status,
        status_reason=webhook.status_reason,
        status_since_ms=webhook.status_since_ms,
        timeout_ms=webhook.timeout_ms,
        retries=webhook.retries,
        rate_per_s=webhook.rate_per_s,
        max_concurrency=webhook.max_concurrency,
        ordering=webhook.ordering,
        on_failure=webhook.on_failure,
        metadata=dict(webhook.metadata),
        created_at_ms=webhook.created_at_ms,
        updated_at_ms=webhook.updated_at_ms,
    )


def _tls_row(tls: SealedTls) -> Tls:
    return Tls(
        key=tls.sealed.key_id,
        sealed=tls.sealed.sealed,
        certificate_sha256=tls.certificate_sha256,
        certificate_until_ms=tls.certificate_until_ms,
        authorities_until_ms=tls.authorities_until_ms,
    )


def _tls_of(row: Tls) -> SealedTls:
    return SealedTls(
        sealed=_unsealed(row),
        certificate_sha256=row.certificate_sha256,
        certificate_until_ms=row.certificate_until_ms,
        authorities_until_ms=row.authorities_until_ms,
    )


def webhook_of(row: WebhookRow, line: int, faults: LineFaults, *, allow_http: bool) -> Iterator[Subscription]:
    """The webhook, where nothing is wrong with it: nothing else than a record may hold. Raises FieldInvalid."""
    if not _WEBHOOK_ID.fullmatch(row.id):
        faults.add(line, "id", "is no webhook's id")
        return
    if row.uid is not None and row.id != id_of(row.tenant, row.brand, row.uid):
        faults.add(line, "uid", "is not the one that this id was made of, with this tenant and brand")
        return
    webhook = Subscription(
        id=row.id,
        tenant=row.tenant,
        brand=row.brand,
        url=stored_url(row.url, allow_http=allow_http),
        secret=_unsealed(row.secret),
        signing=row.signing,
        payload_format=row.payload_format,
        created_at_ms=row.created_at_ms,
        updated_at_ms=row.updated_at_ms,
        product=row.product,
        name=row.name,
        description=row.description,
        event_types=tuple(row.event_types),
        filter_json=row.filter,
        former_secrets=tuple(
            FormerSecret(secret=_unsealed(each), until_ms=each.until_ms) for each in row.former_secrets
        ),
        payload_version=row.payload_version,
        status=row.status,
        status_reason=row.status_reason,
        header_names=tuple(row.header_names),
        sealed_headers=None if row.headers is None else _unsealed(row.headers),
        tls=None if row.tls is None else _tls_of(row.tls),
        timeout_ms=row.timeout_ms,
        retries=row.retries,
        rate_per_s=row.rate_per_s,
        max_concurrency=row.max_concurrency,
        status_since_ms=row.status_since_ms,
        ordering=row.ordering,
        on_failure=row.on_failure,
        uid=row.uid,
        metadata=tuple(row.metadata.items()),
    )
    try:
        yield record.decode(record.encode(webhook))
    except (RecordCorrupt, ValueError, OverflowError, UnicodeEncodeError) as error:
        faults.add(line, "", str(error))


def key_row(key: ApiKey) -> KeyRow:
    """Its row."""
    return KeyRow(
        id=key.id,
        tenant=key.tenant,
        brand=key.brand,
        name=key.name,
        scopes=sorted(key.scopes),
        digest=key.digest,
        created_at_ms=key.created_at_ms,
        expires_at_ms=key.expires_at_ms,
        revoked_at_ms=key.revoked_at_ms,
        created_by=key.created_by,
    )


def key_of(row: KeyRow, line: int, faults: LineFaults) -> Iterator[ApiKey]:
    """The API key, where nothing is wrong with it."""
    if not _KEY_ID.fullmatch(row.id):
        faults.add(line, "id", "is no API key's id")
    elif len(row.digest) != _DIGEST_BYTES:
        faults.add(line, "digest", f"is not the base64 of {_DIGEST_BYTES} bytes")
    elif not row.scopes:
        faults.add(line, "scopes", "is empty")
    else:
        yield ApiKey(
            id=row.id,
            tenant=row.tenant,
            brand=row.brand,
            name=row.name,
            scopes=frozenset(row.scopes),
            digest=row.digest,
            created_at_ms=row.created_at_ms,
            expires_at_ms=row.expires_at_ms,
            revoked_at_ms=row.revoked_at_ms,
            created_by=row.created_by,
        )


def _sealed(secret: SealedSecret) -> Sealed:
    return Sealed(key=secret.key_id, sealed=secret.sealed)


def _unsealed(row: Sealed) -> SealedSecret:
    return SealedSecret(key_id=row.key, sealed=row.sealed)
