"""The webhook as JSON: what the API answers and the command line prints.

The law: a secret is in it only where the caller puts it, and the values of the customer's headers never are.
"""

from typing import Final, cast

import msgspec

from consumer.json import Json
from consumer.signing.timestamps import rfc3339
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.secrets import public_key
from consumer.webhooks.subscription import SigningProfile, Subscription

HIDDEN: Final = "[hidden]"
_EVERY_TYPE: Final = "*"


def resource(subscription: Subscription, *, secret: str | None = None) -> dict[str, Json]:
    """The webhook in camelCase, times as RFC 3339 with milliseconds and Z.

    `secret` is the one in the clear, right after it was made. Under ed25519 its public key is shown instead, which is
    all that a receiver needs.
    """
    filter_json = subscription.filter_json
    shown: dict[str, Json] = {
        "id": subscription.id,
        "object": "webhook",
        "name": subscription.name,
        "description": subscription.description,
        "url": subscription.url,
        "topics": list(subscription.event_types) or [_EVERY_TYPE],
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
    opened = keyring.open(subscription.secret, tenant=subscription.tenant, subscription_id=subscription.id)
    return resource(subscription, secret=opened.decode())
