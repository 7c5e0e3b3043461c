"""A webhook as a row of Hookline's own file, and back. Pure.

The law: what is written is read back equal, and a row is read only where a record could hold what it says.
"""

import re
from collections.abc import Iterator
from typing import Final

from consumer.transfer.faults import LineFaults
from consumer.transfer.rows import Former, Sealed, Tls, WebhookRow
from consumer.webhooks import record
from consumer.webhooks.labels import id_of
from consumer.webhooks.subscription import FormerSecret, SealedSecret, SealedTls, Subscription
from consumer.webhooks.url import stored_url
from consumer.wire import RecordCorrupt

_WEBHOOK_ID: Final = re.compile("wh_[0-9a-f]{28}")


def webhook_row(webhook: Subscription) -> WebhookRow:
    """The row of a webhook."""
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


def _sealed(secret: SealedSecret) -> Sealed:
    return Sealed(key=secret.key_id, sealed=secret.sealed)


def _unsealed(row: Sealed) -> SealedSecret:
    return SealedSecret(key_id=row.key, sealed=row.sealed)
