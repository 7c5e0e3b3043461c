"""Webhooks by way of Kafka: read from their topic and written to it, as their operator does.

The law: what a command changes is told to the audit log when it is written, and shown as the API shows it. A wish that
cannot be is refused with all that is wrong with it, before anything is written.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import fields

from consumer.cli.exits import say, usage
from consumer.cli.kept_webhooks import KeptWebhooks
from consumer.cli.webhook_port import CLEARED, DEFAULT_BRAND, Shown
from consumer.control import canary, writes
from consumer.control.by_uid import check_kept
from consumer.control.endpoint import check_for_operator
from consumer.control.one_attempt import OneAttempt
from consumer.control.refusal import Conflict, UidTaken, WebhookUnknown
from consumer.control.resource import resource
from consumer.control.trial import Trials, shown
from consumer.data_keys.keys import TenantKeys
from consumer.data_keys.sealing import patient
from consumer.kafka.writing import write_now
from consumer.log.health import NO_HEALTH
from consumer.log.query import View
from consumer.log.reading import LogReader
from consumer.log.stats_resource import PERIODS, SHARED_OF, asked, told
from consumer.log.stats_store import StatsReader
from consumer.settings import Settings
from consumer.standings.store import Backlog
from consumer.webhooks import draft, rotation
from consumer.webhooks.cache import CacheUnavailable
from consumer.webhooks.chosen import Chosen
from consumer.webhooks.history import Deletion
from consumer.webhooks.labels import check_uid, id_of
from consumer.webhooks.subscription import Status, Subscription
from consumer.webhooks.wishes import KEPT, Changes, Wishes, as_changes, checked, checked_changes
from consumer.webhooks.wrong import Faults


class DirectWebhooks:
    """The webhooks of one tenant, of one brand, or (None) of all."""

    def __init__(self, settings: Settings, *, tenant: str | None, brand: str | None) -> None:
        self._settings = settings
        self._tenant = tenant
        self._brand = brand
        self._kept = KeptWebhooks(settings, tenant=tenant, brand=brand)

    @property
    def tenant(self) -> str:
        """Whose webhooks are created.

        Raises:
            CommandFailed: 64, it was not said.
        """
        if self._tenant is None:
            raise usage("give --tenant, whose webhook it is", field="--tenant")
        return self._tenant

    @property
    def brand(self) -> str:
        """Under which brand they are created."""
        return DEFAULT_BRAND if self._brand is None else self._brand

    def create(self, wishes: Wishes) -> Shown:
        """See `WebhookPort`; the brand's test event is not sent from here."""
        settings, now_ms, uid = self._settings, _now_ms(), wishes.uid
        brand = self._kept.brand_of(wishes.brand)
        faults = Faults()
        faults.looked(lambda: _checked(wishes.url, settings, self.tenant))
        faults.looked(lambda: checked(wishes, brand, allow_http=settings.allow_http))
        faults.tell()
        created, clear = draft.create(
            wishes,
            brand=brand,
            keyring=self._kept.keyring,
            now_ms=now_ms,
            new_id=lambda: draft.new_id(now_ms, secrets.token_bytes),
            entropy=secrets.token_bytes,
            allow_http=settings.allow_http,
            after=0 if uid is None else writes.ended_at(self._kept.reached, id_of(wishes.tenant, brand.name, uid)),
        )
        canary.ensure(self._kept.reached, self._kept.keyring)
        if not self._kept.write(created):
            raise Conflict(created.id) if uid is None else UidTaken(uid)
        self._kept.tell("createWebhook", created, made=created.id)
        return resource(created, secret=clear, health=NO_HEALTH, backlog=Backlog(), list_field=brand.api.list_field)

    def put(self, wishes: Wishes) -> Shown:
        """See `WebhookPort`."""
        assert wishes.uid is not None
        check_uid(wishes.uid)
        brand = self._kept.brand_of(wishes.brand)
        id_ = id_of(wishes.tenant, brand.name, wishes.uid)
        try:
            was = self._kept.found(id_)
        except WebhookUnknown:
            return self.create(wishes)
        check_kept(was, wishes, self._kept.keyring)
        return self.update(id_, as_changes(wishes, brand))

    def listed(self, chosen: Chosen) -> Iterator[Shown]:
        """See `WebhookPort`."""
        found = self._kept.chosen(chosen)
        healths, backlogs = self._kept.conditions([each.id for each in found])
        return (self._kept.shown(each, healths.get(each.id), backlogs.get(each.id)) for each in found)

    def show(self, webhook: str) -> Shown:
        """See `WebhookPort`."""
        return self._kept.shown_now(self._kept.found(webhook))

    def stats(self, webhook: str, period: str) -> Shown:
        """See `WebhookPort`."""
        over, now_ms, found = PERIODS[period], _now_ms(), self._kept.found(webhook)
        query = asked(webhook, over, now_ms)
        with closing(StatsReader(self._kept.reached)) as kept, closing(LogReader(self._kept.reached)) as lists:
            parts = kept.read(webhook)
            try:
                page = lists.page(View.ATTEMPTS, tenant=found.tenant, brand=found.brand, query=query, limit=SHARED_OF)
            except CacheUnavailable:
                page = None
        return told(webhook, over, parts, page, now_ms)

    def update(self, webhook: str, changes: Changes) -> Shown:
        """See `WebhookPort`."""
        faults, url, found = Faults(), changes.url, self._kept.found(webhook)
        if url is not KEPT:
            faults.looked(lambda: _checked(url, self._settings, found.tenant))
        allow_http = self._settings.allow_http
        faults.looked(lambda: checked_changes(found, changes, self._kept.brand_of(found.brand), allow_http=allow_http))
        faults.tell()
        cleared = False

        def make(was: Subscription) -> Subscription:
            nonlocal cleared
            changed = draft.update(
                was,
                changes,
                brand=self._kept.brand_of(was.brand),
                keyring=self._kept.keyring,
                now_ms=_now_ms(),
                entropy=secrets.token_bytes,
                allow_http=self._settings.allow_http,
            )
            cleared = draft.cleared_headers(was, changed, changes)
            if changes.headers is not KEPT or changes.tls is not KEPT:
                canary.ensure(self._kept.reached, self._kept.keyring)
            return changed

        changed = self._kept.edited(webhook, make)
        given = (each.name for each in fields(changes) if getattr(changes, each.name) is not KEPT)
        self._kept.tell("updateWebhook", changed, given=given)
        if cleared:
            say(CLEARED)
        return self._kept.shown_now(changed)

    def rotate(self, webhook: str, *, secret: str | None, overlap_ms: int | None) -> Shown:
        """See `WebhookPort`."""
        clear = ""

        def make(was: Subscription) -> Subscription:
            nonlocal clear
            rotated, clear = rotation.rotate(
                was,
                brand=self._kept.brand_of(was.brand),
                keyring=self._kept.keyring,
                now_ms=_now_ms(),
                entropy=secrets.token_bytes,
                secret=secret,
                overlap_ms=rotation.OVERLAP_MS if overlap_ms is None else overlap_ms,
            )
            canary.ensure(self._kept.reached, self._kept.keyring)
            return rotated

        rotated = self._kept.edited(webhook, make)
        self._kept.tell("rotateWebhookSecret", rotated)
        healths, backlogs = self._kept.conditions([webhook])
        return resource(
            rotated,
            secret=clear,
            health=healths.get(webhook),
            backlog=backlogs.get(webhook),
            list_field=self._kept.brand_of(rotated.brand).api.list_field,
        )

    def try_out(self, webhook: str, event_type: str) -> Shown:
        """See `WebhookPort`."""
        reached = self._kept.reached
        tried = self._kept.found(webhook)
        with closing(TenantKeys(reached, self._kept.keyring)) as keys:
            one_attempt = OneAttempt(
                reached,
                self._kept.keyring,
                lambda record: write_now(reached, [record]),
                sealing=patient(reached, keys),
            )
            trial = Trials(reached, one_attempt).try_out(tried, event_type)
        self._kept.tell("testWebhook", tried)
        return shown(trial)

    def pause(self, webhook: str) -> Shown:
        """See `WebhookPort`."""
        return self._set(webhook, Status.PAUSED, lambda was: draft.pause(was, now_ms=_now_ms()))

    def resume(self, webhook: str) -> Shown:
        """See `WebhookPort`."""
        return self._set(webhook, Status.ACTIVE, lambda was: draft.resume(was, now_ms=_now_ms()))

    def unblock(self, webhook: str, *, drop: bool, delivery: str | None) -> Shown:
        """See `WebhookPort`."""
        delivery_id = delivery or ""
        unblocked = self._kept.edited(
            webhook, lambda was: draft.unblock(was, drop=drop, delivery_id=delivery_id, now_ms=_now_ms())
        )
        self._kept.tell("unblockWebhook", unblocked)
        return self._kept.shown_now(unblocked)

    def delete(self, webhook: str) -> Shown:
        """See `WebhookPort`."""
        deleted = self._kept.found(webhook)
        self._kept.edited(webhook, Deletion.of)
        self._kept.tell("deleteWebhook", deleted)
        return {"id": webhook, "object": "webhook", "deleted": True}

    def _set(self, webhook: str, status: Status, change: Callable[[Subscription], Subscription]) -> Shown:
        turned = self._kept.edited(webhook, lambda was: was if was.status is status else change(was))
        self._kept.tell("pauseWebhook" if status is Status.PAUSED else "resumeWebhook", turned)
        return self._kept.shown_now(turned)


def _checked(url: str, settings: Settings, tenant: str) -> None:
    notice = check_for_operator(url, settings, tenant=tenant)
    if notice is not None:
        say(notice)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
