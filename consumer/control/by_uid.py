"""A webhook by the name that its customer gave it: made, or made so, by one request.

The law: afterwards there is the webhook as the request says, whoever else asked at the same moment. What the request
does not say is as a new webhook has it, but for two things that are nobody's to lose by a repetition: its status, which
stays, and its secret.
"""

import hmac
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from consumer.brands.brand import Brand
from consumer.control.edit import TRIES
from consumer.control.owner import Owner
from consumer.control.refusal import Conflict, Mismatch, UidTaken, WebhookUnknown
from consumer.control.resource import opened_secret
from consumer.control.webhooks import Webhooks
from consumer.control.work import Work
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.labels import id_of
from consumer.webhooks.subscription import Subscription
from consumer.webhooks.wishes import Wishes, as_changes
from consumer.webhooks.wrong import Code, Faults, Wrong

_NEVER: Final = 0  # no webhook's revision


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """What came of it. `secret`: it was created, and this is its secret in the clear."""

    subscription: Subscription
    secret: str | None = field(default=None, repr=False)
    cleared_headers: bool = False


def put(
    webhooks: Webhooks,
    keyring: Keyring,
    brand: Brand,
    wishes: Wishes,
    *,
    if_match: Collection[int] | None = None,
    work: Work | None = None,
) -> Put:
    """Make the webhook of `wishes.uid`, or change it to what is wished. See `Webhooks` for what this raises."""
    owner = Owner(tenant=wishes.tenant, brand=wishes.brand)
    assert wishes.uid is not None
    id_ = id_of(owner.tenant, owner.brand, wishes.uid)
    for _ in range(TRIES):
        try:
            was = webhooks.get(owner, id_)
        except WebhookUnknown:
            if if_match is not None:
                raise Mismatch(id_, _NEVER) from None
            try:
                created, secret = webhooks.create(owner, wishes, work=work)
            except UidTaken:
                continue  # somebody created it at the same moment
            return Put(subscription=created, secret=secret)
        if work is not None and (made := webhooks.created_by(work, was, wishes)) is not None:
            return Put(subscription=was, secret=made)
        check_kept(was, wishes, keyring)
        try:
            updated = webhooks.update(owner, id_, as_changes(wishes, brand), if_match=if_match, work=work)
        except WebhookUnknown:
            continue  # it was deleted at the same moment
        return Put(subscription=updated.subscription, cleared_headers=updated.cleared_headers)
    raise Conflict(id_)


def check_kept(was: Subscription, wishes: Wishes, keyring: Keyring) -> None:
    """Whether what cannot be changed is what it was. Raises FieldInvalid."""
    faults = Faults()
    if wishes.signing not in {None, was.signing}:
        message = f"is {was.signing} since its creation: leave it out, or create another webhook"
        faults.add(Wrong(field="signing", code=Code.FIXED, message=message))
    secret = wishes.secret
    if secret is not None and not hmac.compare_digest(secret.encode(), opened_secret(was, keyring).encode()):
        message = "is not the one that signs: leave it out, and rotate it"
        faults.add(Wrong(field="secret", code=Code.FIXED, message=message))
    faults.tell()
