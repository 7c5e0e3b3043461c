"""The webhook as JSON: what the API answers and the command line prints.

The law: a secret is in it only where the caller puts it or the brand shows it always, and the values of the customer's
headers never are.
"""

from typing import Final, cast

import msgspec

from consumer.brands.brand import Brand
from consumer.json import Json
from consumer.log.health import Health
from consumer.signing.timestamps import rfc3339
from consumer.standings.store import Backlog
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.placeholders import HIDDEN
from consumer.webhooks.secrets import public_key
from consumer.webhooks.subscription import SealedTls, SigningProfile, Subscription

_EVERY_TYPE: Final = "*"
_UNKNOWN: Final[dict[str, Json]] = {
    "avgResponseTime": None,
    "consecutiveFailures": None,
    "errorsSinceLastSuccess": None,
    "lastResponseTime": None,
    "lastSuccessAt": None,
    "lastStatus": None,
}


def resource(
    subscription: Subscription,
    *,
    secret: str | None = None,
    health: Health | None = None,
    backlog: Backlog | None = None,
    list_field: str = "topics",
) -> dict[str, Json]:
    """The webhook in camelCase, times as RFC 3339 with milliseconds and Z.

    `secret` is the one in the clear, right after it was made. Under ed25519 its public key is shown instead, which is
    all that a receiver needs. `health` of None is not known, nor is `backlog` of None.
    """
    filter_json = subscription.filter_json
    told = _UNKNOWN if health is None else _health(health)
    shown: dict[str, Json] = {
        "id": subscription.id,
        "object": "webhook",
        "uid": subscription.uid,
        "name": subscription.name,
        "description": subscription.description,
        "url": subscription.url,
        list_field: list(subscription.event_types) or [_EVERY_TYPE],
        "status": subscription.status.value,
        "statusReason": subscription.status_reason or None,
        "requestConfig": {
            "timeoutMs": subscription.timeout_ms,
            "headers": dict.fromkeys(subscription.header_names, HIDDEN),
        },
        "version": subscription.payload_version,
        "tenant": subscription.tenant,
        "product": subscription.product,
        "brand": subscription.brand,
        "signing": subscription.signing.value,
        "payloadFormat": subscription.payload_format.value,
        "retries": subscription.retries.value,
        "filter": None if filter_json is None else cast("Json", msgspec.json.decode(filter_json)),
        "rateLimit": subscription.rate_per_s,
        "maxConcurrency": subscription.max_concurrency,
        "ordering": subscription.ordering,
        "metadata": dict(subscription.metadata),
        "tls": None if subscription.tls is None else _tls(subscription.tls),
        "previousSecretUntil": _time(max((each.until_ms for each in subscription.former_secrets), default=None)),
        "onFailure": subscription.on_failure.value,
        "health": told,
        "backlog": None if backlog is None else _backlog(backlog),
        "lastStatus": told["lastStatus"],  # Featurebase's clients look for it here
        "createdAt": rfc3339(subscription.created_at_ms),
        "updatedAt": rfc3339(subscription.updated_at_ms),
    }
    if secret is not None:
        if subscription.signing is SigningProfile.ED25519:
            shown["publicKey"] = public_key(secret)
        else:
            shown["secret"] = secret
    return shown


def with_public_key(subscription: Subscription, keyring: Keyring) -> dict[str, Json]:
    """The webhook and, under ed25519, its public key.

    Raises:
        SecretUnreadable: the key that sealed its secret is not in the ring.
    """
    if subscription.signing is not SigningProfile.ED25519:
        return resource(subscription)
    return resource(subscription, secret=opened_secret(subscription, keyring))


def as_its_brand_shows_it(
    subscription: Subscription,
    brand: Brand,
    keyring: Keyring,
    *,
    health: Health | None = None,
    backlog: Backlog | None = None,
) -> dict[str, Json]:
    """The webhook as it is read at any time: with its secret where the brand's customers may read it.

    Raises:
        SecretUnreadable: the key that sealed its secret is not in the ring.
    """
    always = brand.api.secret == "readable"  # noqa: S105 # a habit, no secret
    readable = always or subscription.signing is SigningProfile.ED25519
    secret = opened_secret(subscription, keyring) if readable else None
    return resource(subscription, secret=secret, health=health, backlog=backlog, list_field=brand.api.list_field)


def opened_secret(subscription: Subscription, keyring: Keyring) -> str:
    """The secret in the clear.

    Raises:
        SecretUnreadable: the key that sealed it is not in the ring.
    """
    opened = keyring.open(subscription.secret, tenant=subscription.tenant, subscription_id=subscription.id)
    return opened.decode()


def _health(health: Health) -> dict[str, Json]:
    last = health.last_status
    return {
        "avgResponseTime": _rounded(health.avg_response_ms),
        "consecutiveFailures": health.consecutive_failures,
        "errorsSinceLastSuccess": health.errors_since_last_success,
        "lastResponseTime": _rounded(health.last_response_ms),
        "lastSuccessAt": _time(health.last_success_at_ms),
        "lastStatus": None
        if last is None
        else {"code": last.code, "message": last.message, "timestamp": rfc3339(last.at_ms)},
    }


def _tls(tls: SealedTls) -> dict[str, Json]:
    return {
        "certificateSha256": tls.certificate_sha256 or None,
        "certificateExpiresAt": _time(tls.certificate_until_ms),
        "authoritiesExpireAt": _time(tls.authorities_until_ms),
    }


def _backlog(backlog: Backlog) -> dict[str, Json]:
    until = rfc3339(backlog.until_ms) if backlog.waiting else None
    return {"waiting": backlog.waiting, "until": until, "blockedKeys": backlog.blocked}


def _rounded(elapsed_ms: float | None) -> float | None:
    return None if elapsed_ms is None else round(elapsed_ms, 1)


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else rfc3339(at_ms)
