"""Secrets under a new encryption key: what becomes of one webhook, and which keys its secrets need. Pure.

The law: a webhook sealed again is the same webhook. Its secrets and headers open to the same texts, nothing that its
customer sees has changed but the revision, and everything in it is sealed with the ring's first key.
"""

from dataclasses import replace

from consumer.webhooks.keyring import Keyring
from consumer.webhooks.seals import seals, with_seals
from consumer.webhooks.subscription import SealedSecret, Subscription


def key_ids(subscription: Subscription) -> frozenset[str]:
    """The encryption keys without which this webhook cannot be delivered."""
    return frozenset(each.key_id for each in seals(subscription))


def resealed(subscription: Subscription, keyring: Keyring, *, now_ms: int) -> Subscription:
    """The next revision, sealed with the ring's first key; the webhook itself where it is already.

    A rotated secret whose time is over is dropped: it signs nothing any more, and its key may be gone.

    Raises:
        SecretUnreadable: the ring does not hold the key of a secret, or it was tampered with.
    """
    if key_ids(subscription) <= {keyring.sealing_id}:
        return subscription

    def again(sealed: SealedSecret) -> SealedSecret:
        if sealed.key_id == keyring.sealing_id:
            return sealed
        plain = keyring.open(sealed, tenant=subscription.tenant, subscription_id=subscription.id)
        return keyring.seal(plain, tenant=subscription.tenant, subscription_id=subscription.id)

    kept = tuple(each for each in subscription.former_secrets if now_ms < each.until_ms)
    following = replace(
        subscription, former_secrets=kept, changes=subscription.revision, revision=subscription.revision + 1
    )
    return with_seals(following, again)
