"""A webhook that came from elsewhere, by what is wished of it: created, or changed to be so. Pure but for the entropy.

The laws: it goes by the rules that hold for every webhook, its secret's too; and a webhook that is here already keeps
its secret and its signing profile: a file that names others is refused (`control/by_uid.py: check_kept`).
"""

from consumer.brands.brand import Brand
from consumer.control.by_uid import check_kept
from consumer.transfer.plan import Change, Planned, is_same
from consumer.webhooks import draft
from consumer.webhooks.history import State
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.secrets import Entropy
from consumer.webhooks.subscription import Subscription
from consumer.webhooks.wishes import Wishes, as_changes


def planned(
    line: int,
    wishes: Wishes,
    was: State | None,
    *,
    brand: Brand,
    keyring: Keyring,
    now_ms: int,
    entropy: Entropy,
    allow_http: bool,
) -> Planned:
    """What makes the webhook of `wishes.uid` be so.

    Raises:
        FieldInvalid: every field that cannot be.
        SecretUnreadable: the secret of the webhook that is there cannot be opened.
    """
    if isinstance(was, Subscription):
        check_kept(was, wishes, keyring)
        changed = draft.update(
            was,
            as_changes(wishes, brand),
            brand=brand,
            keyring=keyring,
            now_ms=now_ms,
            entropy=entropy,
            allow_http=allow_http,
        )
        change = Change.UNCHANGED if is_same(was, changed, keyring) else Change.UPDATED
        return Planned(line=line, change=change, what=was if change is Change.UNCHANGED else changed)
    created, _ = draft.create(
        wishes,
        brand=brand,
        keyring=keyring,
        now_ms=now_ms,
        new_id=lambda: draft.new_id(now_ms, entropy),
        entropy=entropy,
        allow_http=allow_http,
        after=0 if was is None else was.revision,
    )
    return Planned(line=line, change=Change.CREATED, what=created)
