"""A new secret for a webhook, and which of its former ones go on signing beside it.

The law: the secret in the clear is returned once and kept nowhere, and each former one signs until the end that its own
rotation gave it, or until a rotation without an overlap.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from consumer.brands.brand import Brand
from consumer.webhooks import draft, fields, secrets
from consumer.webhooks.keyring import NONCE_BYTES, Keyring
from consumer.webhooks.secrets import OVERLAPPING, Entropy
from consumer.webhooks.subscription import FormerSecret, Subscription
from consumer.webhooks.wrong import Code, Faults, invalid

OVERLAP_MS: Final = 24 * 3_600_000
MOST_FORMER_SECRETS: Final = 4
"""Which sign beside the newest: more signatures than these no receiver has to read."""


def rotate(
    subscription: Subscription,
    *,
    brand: Brand,
    keyring: Keyring,
    now_ms: int,
    entropy: Entropy,
    secret: str | None = None,
    overlap_ms: int = OVERLAP_MS,
) -> tuple[Subscription, str]:
    """The next revision with a new secret, and that secret in the clear; None generates one.

    Where a request can carry several signatures the old secret goes on signing beside it for `overlap_ms`. Those before
    it sign until the end that their own rotation gave them. Without an overlap all of them end at once.

    Raises:
        FieldInvalid: the customer's own secret does not fit the profile, the overlap is too long, or too many overlap.
    """
    signing = subscription.signing
    faults = Faults()
    if secret is not None:
        faults.checked(partial(secrets.check_secret, profile=signing), secret)
    faults.checked(fields.check_overlap_ms, overlap_ms)
    former: tuple[FormerSecret, ...] = ()
    if signing in OVERLAPPING and overlap_ms > 0:
        replaced = FormerSecret(secret=subscription.secret, until_ms=now_ms + overlap_ms)
        former = (replaced, *(each for each in subscription.former_secrets if now_ms < each.until_ms))
        faults.looked(partial(_check_former, former))
    faults.tell()
    new = secrets.generate(signing, brand, entropy) if secret is None else secret
    rotated = replace(
        draft.following(subscription, now_ms),
        secret=keyring.seal(
            new.encode(), tenant=subscription.tenant, subscription_id=subscription.id, nonce=entropy(NONCE_BYTES)
        ),
        former_secrets=former,
    )
    return rotated, new


def _check_former(former: Sequence[FormerSecret]) -> None:
    if len(former) > MOST_FORMER_SECRETS:
        raise invalid(
            "overlap_seconds",
            Code.TOO_MANY,
            f"{MOST_FORMER_SECRETS} former secrets sign beside the present one: wait until one of them has ended, or "
            "write 0, which ends all of them at once",
        )
