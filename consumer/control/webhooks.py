"""An owner's webhooks, as a long-lived process serves them: created, found, listed, changed.

The law: what is returned holds. What raises changed nothing, except after `KafkaBroken`, when it may have been written.
"""

import secrets
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from consumer.brands.brand import Brand
from consumer.brands.loader import brand as brand_named
from consumer.control.created_webhook import drawn_id, secret_of
from consumer.control.directory import ALL, Directory
from consumer.control.edit import edit
from consumer.control.order import Position
from consumer.control.owner import Owner, owner_of
from consumer.control.quota import Quota
from consumer.control.refusal import Conflict, UidTaken
from consumer.control.topic_store import Kept, TopicStore
from consumer.control.work import Work
from consumer.settings import Settings
from consumer.webhooks import draft, rotation, works
from consumer.webhooks.chosen import Chosen
from consumer.webhooks.history import Deletion
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.labels import id_of
from consumer.webhooks.secrets import generate
from consumer.webhooks.subscription import Status, Subscription
from consumer.webhooks.wishes import Changes, Wishes, checked, checked_changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """A webhook after an update. `cleared_headers`: its custom headers went, because its origin changed."""

    subscription: Subscription
    cleared_headers: bool


class Webhooks:
    """For many threads. An owner's brand must exist.

    Whatever changes a webhook takes `if_match`, the revisions it may be at, or None for any. It raises `Mismatch` where
    the webhook is at another, `Conflict` where it lost to other writes again and again, `WebhookUnknown` and
    `KafkaBroken`. It takes `work`, too, that of a request that may have been tried before: what it has done is found.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        keyring: Keyring,
        directory: Directory,
        store: TopicStore,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._settings = settings
        self._keyring = keyring
        self._directory = directory
        self._store = store
        self._now_ms = now_ms
        self._quota = Quota(directory, most=settings.max_webhooks)

    def create(self, owner: Owner, wishes: Wishes, *, work: Work | None = None) -> tuple[Subscription, str]:
        """A new webhook of its owner, and its secret in the clear; or the one that this work created before.

        Raises:
            FieldInvalid: every field that cannot be.
            QuotaReached: the tenant may not have more.
            UidTaken: there is a webhook with this uid.
            Conflict: this work created one before, which was deleted since.
            KafkaBroken: not acknowledged in time; it may have been written.
        """
        assert (wishes.tenant, wishes.brand) == (owner.tenant, owner.brand)
        now_ms = self._now_ms()
        if work is not None and wishes.secret is None:
            profile = wishes.signing or self._brand(owner).signing
            wishes = replace(wishes, secret=generate(profile, self._brand(owner), work.entropy()))
        id_ = draft.new_id(now_ms, secrets.token_bytes) if work is None else drawn_id(work)
        if wishes.uid is not None:
            id_ = id_of(owner.tenant, owner.brand, wishes.uid)
        was = self._directory.get(owner, id_)
        created, secret = draft.create(
            wishes,
            brand=self._brand(owner),
            keyring=self._keyring,
            now_ms=now_ms,
            new_id=lambda: id_,
            entropy=secrets.token_bytes,
            allow_http=self._settings.allow_http,
            after=0 if wishes.uid is None else self._directory.ended_at(id_),
        )
        created = created if work is None else works.signed(created, work.name)
        if was is None:
            with self._quota.creating(owner, id_):
                if self._store.write(created):
                    return created, secret
            was = self._directory.get(owner, id_)
        if was is not None and work is not None and self.created_by(work, was, wishes) is not None:
            return was, secret
        raise Conflict(id_) if wishes.uid is None else UidTaken(wishes.uid)

    def created_by(self, work: Work, was: Subscription, wishes: Wishes) -> str | None:
        """The secret that this work created the webhook with, in the clear; None where it did not."""
        return secret_of(work, was, wishes, brand=self._brand(owner_of(was)), keyring=self._keyring)

    def check(self, owner: Owner, wishes: Wishes) -> None:
        """Whether such a webhook could be created. Raises FieldInvalid: every field that cannot be."""
        checked(wishes, self._brand(owner), allow_http=self._settings.allow_http)

    def check_changes(self, owner: Owner, id: str, changes: Changes) -> None:  # noqa: A002 # same
        """Whether the webhook could be changed so. Raises FieldInvalid: every field that cannot be; WebhookUnknown."""
        checked_changes(self.get(owner, id), changes, self._brand(owner), allow_http=self._settings.allow_http)

    def get(self, owner: Owner, id: str) -> Subscription:  # noqa: A002 # same
        """One of the owner's webhooks. Raises WebhookUnknown."""
        return self._store.find(owner, id)

    @property
    def everybody(self) -> Directory:
        """All owners' webhooks: for the operator, and for nobody else."""
        return self._directory

    def applied(self, id: str) -> bool:  # noqa: A002 # same
        """Whether deliveries go by what was written of this webhook last. Asked right after a write."""
        return self._store.applied(id)

    def page(
        self, owner: Owner, after: Position | None, limit: int, chosen: Chosen = ALL
    ) -> tuple[list[Subscription], Position | None]:
        """See `Directory.page`."""
        return self._directory.page(owner, after=after, limit=limit, chosen=chosen)

    def changed_by(self, work: Work | None, owner: Owner, id: str) -> Subscription | None:  # noqa: A002 # same
        """The webhook as it is now, where this work has changed it before: then nothing of the request is checked."""
        found = None if work is None else self._directory.get(owner, id)
        return found if found is not None and work is not None and work.name in found.works else None

    def update(
        self,
        owner: Owner,
        id: str,  # noqa: A002 # same
        changes: Changes,
        *,
        if_match: Collection[int] | None = None,
        work: Work | None = None,
    ) -> Updated:
        """Change what is given, and leave the rest as it is. Raises FieldInvalid too."""
        cleared = False

        def make(was: Subscription) -> Subscription:
            nonlocal cleared
            changed = draft.update(
                was,
                changes,
                brand=self._brand(owner),
                keyring=self._keyring,
                now_ms=self._now_ms(),
                entropy=secrets.token_bytes,
                allow_http=self._settings.allow_http,
            )
            cleared = draft.cleared_headers(was, changed, changes)
            return changed

        return Updated(subscription=self._edit(owner, id, make, if_match, work), cleared_headers=cleared)

    def rotate(
        self,
        owner: Owner,
        id: str,  # noqa: A002 # same
        *,
        secret: str | None = None,
        overlap_ms: int | None = None,
        if_match: Collection[int] | None = None,
        work: Work | None = None,
    ) -> tuple[Subscription, str]:
        """A new secret, in the clear; None generates one. `overlap_ms` None is a day. Raises FieldInvalid too.

        The secret that is generated for a work is the same in every try.
        """
        if secret is None:
            entropy = secrets.token_bytes if work is None else work.entropy()
            secret = generate(self.get(owner, id).signing, self._brand(owner), entropy)

        def make(was: Subscription) -> Subscription:
            rotated, _ = rotation.rotate(
                was,
                brand=self._brand(owner),
                keyring=self._keyring,
                now_ms=self._now_ms(),
                entropy=secrets.token_bytes,
                secret=secret,
                overlap_ms=rotation.OVERLAP_MS if overlap_ms is None else overlap_ms,
            )
            return rotated

        return self._edit(owner, id, make, if_match, work), secret

    def pause(
        self,
        owner: Owner,
        id: str,  # noqa: A002 # same
        *,
        if_match: Collection[int] | None = None,
        work: Work | None = None,
    ) -> Subscription:
        """Deliver nothing to it until it is resumed."""

        def make(was: Subscription) -> Subscription:
            return was if was.status is Status.PAUSED else draft.pause(was, now_ms=self._now_ms())

        return self._edit(owner, id, make, if_match, work)

    def resume(
        self,
        owner: Owner,
        id: str,  # noqa: A002 # same
        *,
        if_match: Collection[int] | None = None,
        work: Work | None = None,
    ) -> Subscription:
        """Deliver to it again, after a pause or a suspension."""

        def make(was: Subscription) -> Subscription:
            return was if was.status is Status.ACTIVE else draft.resume(was, now_ms=self._now_ms())

        return self._edit(owner, id, make, if_match, work)

    def unblock(
        self,
        owner: Owner,
        id: str,  # noqa: A002 # same
        *,
        drop: bool,
        delivery_id: str = "",
        if_match: Collection[int] | None = None,
        work: Work | None = None,
    ) -> Subscription:
        """Let its stopped keys go on, all of them or that of one delivery: their heads are dropped, or tried again."""

        def make(was: Subscription) -> Subscription:
            return draft.unblock(was, drop=drop, delivery_id=delivery_id, now_ms=self._now_ms())

        return self._edit(owner, id, make, if_match, work)

    def delete(
        self,
        owner: Owner,
        id: str,  # noqa: A002 # same
        *,
        if_match: Collection[int] | None = None,
        work: Work | None = None,
    ) -> None:
        """End it. Its deliveries under way are dropped."""
        if work is None or not self._directory.deleted_by(owner, id, work.name):
            edit(Kept(store=self._store, owner=owner, id=id), Deletion.of, if_match=if_match, work=work)

    def _edit(
        self,
        owner: Owner,
        id_: str,
        make: Callable[[Subscription], Subscription],
        if_match: Collection[int] | None,
        work: Work | None,
    ) -> Subscription:
        return edit(Kept(store=self._store, owner=owner, id=id_), make, if_match=if_match, work=work)

    def _brand(self, owner: Owner) -> Brand:
        return brand_named(owner.brand, self._settings.brands_dir)
