"""How a request that is repeated knows the webhook that it created before. Pure.

The law: a webhook is known by the id that the request drew or, where its customer named it, by the secret that it drew:
another request with the same name for it drew another one.
"""

import hmac
from contextlib import suppress

from consumer.brands.brand import Brand
from consumer.control.work import Work
from consumer.webhooks.keyring import Keyring, SecretUnreadable
from consumer.webhooks.secrets import generate
from consumer.webhooks.subscription import Subscription
from consumer.webhooks.wishes import Wishes


def drawn_id(work: Work) -> str:
    """The id of the webhook that this work creates, where its customer does not name it."""
    return f"wh_{work.name}"


def secret_of(work: Work, was: Subscription, wishes: Wishes, *, brand: Brand, keyring: Keyring) -> str | None:
    """The secret that this work created the webhook with, in the clear; None where it did not."""
    secret = wishes.secret or generate(was.signing, brand, work.entropy())
    if was.id == drawn_id(work):
        return secret
    # Its first work may also be one that changed it: that did not draw its secret.
    return secret if was.works[:1] == (work.name,) and _had(was, secret, keyring) else None


def _had(subscription: Subscription, secret: str, keyring: Keyring) -> bool:
    """Whether this is its secret, or a former one. What cannot be opened was not sealed just now."""
    for sealed in (subscription.secret, *(former.secret for former in subscription.former_secrets)):
        with suppress(SecretUnreadable):
            opened = keyring.open(sealed, tenant=subscription.tenant, subscription_id=subscription.id)
            if hmac.compare_digest(opened, secret.encode()):
                return True
    return False
