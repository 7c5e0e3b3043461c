"""What an import writes: creations and changes, made from what a file holds and what there is. Pure.

The laws:
- imported twice, the second time changes nothing;
- a webhook is found again by its id, which is made of its uid where it has one; it never changes its owner;
- a key that was revoked here stays revoked, whatever the file says: a copy of yesterday opens nothing again;
- what is written is sealed with this installation's first key, or lies as it was under another key of its ring.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

from consumer.control.keys import ApiKey
from consumer.control.reseal import key_ids
from consumer.transfer.box import FILE_KEY
from consumer.transfer.faults import LineFaults
from consumer.webhooks.headers import open_headers
from consumer.webhooks.history import Deletion, State
from consumer.webhooks.keyring import Keyring, SecretUnreadable
from consumer.webhooks.seals import with_seals
from consumer.webhooks.subscription import SealedSecret, Subscription
from consumer.webhooks.tls import TlsWish, open_tls


class Change(StrEnum):
    """What becomes of one row."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One row, and what is to be written for it."""

    line: int
    change: Change
    what: Subscription | ApiKey

    @property
    def is_written(self) -> bool:
        """Whether there is anything to write."""
        return self.change is not Change.UNCHANGED


def webhook(line: int, wanted: Subscription, was: State | None, ring: Keyring, faults: LineFaults) -> Planned | None:
    """What makes this webhook be as the file has it. `ring` opens the file's secrets, and those that there are.

    None: it cannot be, and `faults` tell why.
    """
    try:
        sealed = _resealed(wanted, ring)
        open_headers(sealed, ring)
        ring.open(sealed.secret, tenant=sealed.tenant, subscription_id=sealed.id)
    except SecretUnreadable as error:
        faults.add(line, "secret", str(error))
        return None
    if was is None:
        return Planned(line=line, change=Change.CREATED, what=replace(sealed, revision=1, changes=0))
    if isinstance(was, Deletion):
        again = replace(sealed, revision=was.revision + 1, changes=was.revision)
        return Planned(line=line, change=Change.CREATED, what=again)
    if (was.tenant, was.brand) != (wanted.tenant, wanted.brand):
        faults.add(line, "id", "is that of a webhook of another tenant or brand here")
        return None
    if is_same(was, sealed, ring):
        return Planned(line=line, change=Change.UNCHANGED, what=was)
    return Planned(line=line, change=Change.UPDATED, what=following(was, sealed))


def following(was: Subscription, wanted: Subscription) -> Subscription:
    """The next revision of this webhook, which is as it is wanted."""
    return replace(
        wanted,
        revision=was.revision + 1,
        changes=was.revision,
        updated_at_ms=max(was.updated_at_ms, wanted.updated_at_ms),
        works=was.works,
        unblocks=was.unblocks,
    )


def api_key(line: int, wanted: ApiKey, was: ApiKey | None, faults: LineFaults) -> Planned | None:
    """What makes this key be as the file has it. None: it cannot be, and `faults` tell why."""
    if was is None:
        return Planned(line=line, change=Change.CREATED, what=wanted)
    if (was.tenant, was.brand, was.digest) != (wanted.tenant, wanted.brand, wanted.digest):
        faults.add(line, "id", "is that of another key here")
        return None
    if was.revoked_at_ms is not None:
        wanted = replace(wanted, revoked_at_ms=was.revoked_at_ms)
    return Planned(line=line, change=Change.UNCHANGED if was == wanted else Change.UPDATED, what=wanted)


def is_same(one: Subscription, other: Subscription, ring: Keyring) -> bool:
    """Whether both tell the same of a webhook: their secrets are compared as they open, for a seal is drawn anew."""
    if _without_seals(one) != _without_seals(other):
        return False
    try:
        return _texts(one, ring) == _texts(other, ring)
    except SecretUnreadable:
        return False  # what is there opens no more, and is written again


def counts(planned: Mapping[str, list[Planned]]) -> dict[str, dict[str, int]]:
    """How many rows of each kind go each way."""
    return {
        kind: {change.value: sum(each.change is change for each in rows) for change in Change}
        for kind, rows in planned.items()
    }


def _resealed(webhook: Subscription, ring: Keyring) -> Subscription:
    """With no secret under the file's own key."""
    if FILE_KEY not in key_ids(webhook):
        return webhook

    def again(sealed: SealedSecret) -> SealedSecret:
        plain = ring.open(sealed, tenant=webhook.tenant, subscription_id=webhook.id)
        return ring.seal(plain, tenant=webhook.tenant, subscription_id=webhook.id)

    return with_seals(webhook, again)


def _without_seals(webhook: Subscription) -> Subscription:
    nothing = SealedSecret(key_id="", sealed=b"")
    return replace(
        webhook,
        secret=nothing,
        former_secrets=(),
        sealed_headers=None,
        tls=None if webhook.tls is None else replace(webhook.tls, sealed=nothing),
        revision=0,
        changes=0,
        updated_at_ms=0,
        works=(),
        unblocks=(),
        metadata=tuple(sorted(webhook.metadata)),
    )


_Texts: TypeAlias = tuple[bytes, tuple[tuple[int, bytes], ...], dict[str, str], TlsWish | None]


def _texts(webhook: Subscription, ring: Keyring) -> _Texts:
    def opened(sealed: SealedSecret) -> bytes:
        return ring.open(sealed, tenant=webhook.tenant, subscription_id=webhook.id)

    former = tuple((each.until_ms, opened(each.secret)) for each in webhook.former_secrets)
    return opened(webhook.secret), former, open_headers(webhook, ring), open_tls(webhook, ring)
