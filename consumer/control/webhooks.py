"""Webhooks as a long-lived process reads and writes them: from its directory, and through it.

The law: a write that returns is on the topic, holds, and is in the directory. One that raises changed nothing, except
after `KafkaBroken`, when it may have been written.
"""

import secrets
import time
from collections.abc import Callable
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from typing import Final

from consumer.brands.loader import brand as brand_named
from consumer.control.directory import Directory, Position
from consumer.control.edit import edit
from consumer.control.owner import Owner
from consumer.control.refusal import Conflict, QuotaReached, WebhookUnknown
from consumer.kafka.client import KafkaBroken
from consumer.kafka.topic_writer import Place, TopicWriter
from consumer.kafka.topics import Topics
from consumer.kafka.view import TopicView
from consumer.kafka.writing import NewRecord
from consumer.settings import Settings
from consumer.webhooks import draft
from consumer.webhooks.draft import Changes, Wishes
from consumer.webhooks.history import Deletion, State
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.record import rewrite_of
from consumer.webhooks.subscription import Status, Subscription

_PATIENCE_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """A webhook after an update. `cleared_headers`: its custom headers went, because its host changed."""

    subscription: Subscription
    cleared_headers: bool


class Webhooks:
    """For many threads."""

    def __init__(
        self, settings: Settings, *, keyring: Keyring, directory: Directory, view: TopicView, writer: TopicWriter
    ) -> None:
        self._settings = settings
        self._keyring = keyring
        self._directory = directory
        self._view = view
        self._writer = writer
        self._topic = Topics.of(settings).subscriptions

    def create(self, owner: Owner, wishes: Wishes, *, id: str | None = None) -> tuple[Subscription, str]:  # noqa: A002 # what everybody calls it
        """A new webhook, and its secret in the clear. `wishes` must name the owner's tenant and brand.

        Raises:
            FieldInvalid: the first field that cannot be.
            QuotaReached: the tenant may not have more.
            Conflict: there is, or was, a webhook with this id.
            KafkaBroken: not acknowledged in time; it may have been written.
        """
        assert (wishes.tenant, wishes.brand) == (owner.tenant, owner.brand)
        most = self._settings.max_webhooks
        if most is not None and self._directory.count(owner.tenant) >= most:
            raise QuotaReached(most)
        now_ms = _now_ms()
        created, secret = draft.create(
            wishes,
            brand=brand_named(owner.brand, self._settings.brands_dir),
            keyring=self._keyring,
            now_ms=now_ms,
            new_id=lambda: draft.new_id(now_ms, secrets.token_bytes) if id is None else id,
            entropy=secrets.token_bytes,
            allow_http=self._settings.allow_http,
        )
        if not self._write(created):
            raise Conflict(created.id)
        return created, secret

    def get(self, owner: Owner, id: str) -> Subscription:  # noqa: A002 # same
        """Raises WebhookUnknown."""
        found = self._directory.get(owner, id)
        if found is None:
            raise WebhookUnknown(id)
        return found

    def page(self, owner: Owner, after: Position | None, limit: int) -> tuple[list[Subscription], Position | None]:
        """See `Directory.page`."""
        return self._directory.page(owner, after=after, limit=limit)

    def update(self, owner: Owner, id: str, changes: Changes, *, if_match: int | None = None) -> Updated:  # noqa: A002 # same
        """Change what is given.

        Raises:
            FieldInvalid: the first field that cannot be.
            WebhookUnknown, Mismatch, Conflict: see `edit`.
            KafkaBroken: not acknowledged in time; it may have been written.
        """
        cleared = False

        def make(was: Subscription) -> Subscription:
            nonlocal cleared
            changed = draft.update(
                was,
                changes,
                brand=brand_named(was.brand, self._settings.brands_dir),
                keyring=self._keyring,
                now_ms=_now_ms(),
                entropy=secrets.token_bytes,
                allow_http=self._settings.allow_http,
            )
            cleared = draft.cleared_headers(was, changed, changes)
            return changed

        changed = self._edit(owner, id, make, if_match)
        return Updated(subscription=changed, cleared_headers=cleared)

    def rotate(
        self,
        owner: Owner,
        id: str,  # noqa: A002 # same
        *,
        secret: str | None = None,
        overlap_ms: int | None = None,
        if_match: int | None = None,
    ) -> tuple[Subscription, str]:
        """A new secret, in the clear beside its webhook; None generates one. Raises as `update`."""
        clear = ""

        def make(was: Subscription) -> Subscription:
            nonlocal clear
            rotated, clear = draft.rotate(
                was,
                brand=brand_named(was.brand, self._settings.brands_dir),
                keyring=self._keyring,
                now_ms=_now_ms(),
                entropy=secrets.token_bytes,
                secret=secret,
                overlap_ms=draft.OVERLAP_MS if overlap_ms is None else overlap_ms,
            )
            return rotated

        return self._edit(owner, id, make, if_match), clear

    def pause(self, owner: Owner, id: str, *, if_match: int | None = None) -> Subscription:  # noqa: A002 # same
        """Paused, if it was not. Raises as `edit`, and KafkaBroken."""
        return self._edit(
            owner, id, lambda was: was if was.status is Status.PAUSED else draft.pause(was, now_ms=_now_ms()), if_match
        )

    def resume(self, owner: Owner, id: str, *, if_match: int | None = None) -> Subscription:  # noqa: A002 # same
        """Active, if it was not. Raises as `edit`, and KafkaBroken."""
        return self._edit(
            owner, id, lambda was: was if was.status is Status.ACTIVE else draft.resume(was, now_ms=_now_ms()), if_match
        )

    def delete(self, owner: Owner, id: str, *, if_match: int | None = None) -> None:  # noqa: A002 # same
        """Gone. Raises as `edit`, and KafkaBroken."""
        edit(_Kept(self, owner, id), Deletion.of, if_match=if_match)

    def _edit(
        self,
        owner: Owner,
        id_: str,
        make: Callable[[Subscription], Subscription],
        if_match: int | None,
    ) -> Subscription:
        state = edit(_Kept(self, owner, id_), make, if_match=if_match)
        assert isinstance(state, Subscription)
        return state

    def _write(self, state: State) -> bool:
        """Write and wait until it is in the directory; whether it holds."""
        record = rewrite_of(state)
        until_s = time.monotonic() + _PATIENCE_S
        future = self._writer.write(
            NewRecord(topic=self._topic, key=record.key, value=record.value, headers=record.headers)
        )
        try:
            place: Place = future.result(_PATIENCE_S)
        except NotYet:
            raise KafkaBroken(f"{state.id} was not acknowledged within {_PATIENCE_S:g} s") from None
        if not self._view.reached({place.partition: place.offset + 1}, max(0.0, until_s - time.monotonic())):
            raise KafkaBroken(f"the record of {state.id} was acknowledged and cannot be read back")
        return self._directory.held(place)


@dataclass(frozen=True, slots=True)
class _Kept:
    """One webhook, in the directory."""

    webhooks: Webhooks
    owner: Owner
    id: str

    def read(self) -> Subscription:
        return self.webhooks.get(self.owner, self.id)

    def write(self, state: State) -> bool:
        return self.webhooks._write(state)  # noqa: SLF001 # a part of it


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
