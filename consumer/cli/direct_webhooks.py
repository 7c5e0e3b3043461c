"""Webhooks by way of Kafka: read from their topic and written to it, as their operator does.

The law: what is returned is so. A write is acknowledged, was the first of its revision and, when a projection runs,
applied by it; where the last is not known, standard error says so.
"""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, fields
from functools import cached_property

from consumer.brands.brand import Brand
from consumer.brands.loader import brand as brand_named
from consumer.cli.deeds import tell
from consumer.cli.exits import say, usage
from consumer.cli.reach import installation, with_cache
from consumer.cli.webhook_port import CLEARED, DEFAULT_BRAND, Shown
from consumer.control import canary, writes
from consumer.control.applied import Seen
from consumer.control.by_uid import check_kept
from consumer.control.edit import edit
from consumer.control.endpoint import check_for_operator
from consumer.control.one_attempt import OneAttempt
from consumer.control.refusal import Conflict, UidTaken, WebhookUnknown
from consumer.control.resource import as_its_brand_shows_it, resource
from consumer.control.trial import Trials, shown
from consumer.json import Json
from consumer.kafka import subscriptions
from consumer.kafka.writing import write_now
from consumer.log.health import NO_HEALTH, Health
from consumer.log.query import View
from consumer.log.reading import LogReader
from consumer.log.stats_resource import PERIODS, SHARED_OF, asked, told
from consumer.log.stats_store import StatsReader
from consumer.log.store import HealthReader
from consumer.settings import Settings
from consumer.standings.backlog import BacklogReader
from consumer.standings.store import Backlog
from consumer.webhooks import draft
from consumer.webhooks.cache import CacheUnavailable
from consumer.webhooks.chosen import Chosen
from consumer.webhooks.history import Deletion, State
from consumer.webhooks.keyring import Keyring
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
        brand = self._branded(wishes.brand)
        faults = Faults()
        faults.looked(lambda: _checked(wishes.url, settings, self.tenant))
        faults.looked(lambda: checked(wishes, brand, allow_http=settings.allow_http))
        faults.tell()
        created, clear = draft.create(
            wishes,
            brand=brand,
            keyring=self._keyring,
            now_ms=now_ms,
            new_id=lambda: draft.new_id(now_ms, secrets.token_bytes),
            entropy=secrets.token_bytes,
            allow_http=settings.allow_http,
            after=0 if uid is None else writes.ended_at(self._reached, id_of(wishes.tenant, brand.name, uid)),
        )
        canary.ensure(self._reached, self._keyring)
        if not _Kept(self, created.id).write(created):
            raise Conflict(created.id) if uid is None else UidTaken(uid)
        self._tell("createWebhook", created, made=created.id)
        return resource(created, secret=clear, health=NO_HEALTH, backlog=Backlog(), list_field=brand.api.list_field)

    def put(self, wishes: Wishes) -> Shown:
        """See `WebhookPort`."""
        assert wishes.uid is not None
        check_uid(wishes.uid)
        brand = self._branded(wishes.brand)
        id_ = id_of(wishes.tenant, brand.name, wishes.uid)
        try:
            was = self.found(id_)
        except WebhookUnknown:
            return self.create(wishes)
        check_kept(was, wishes, self._keyring)
        return self.update(id_, as_changes(wishes, brand))

    def listed(self, chosen: Chosen) -> Iterator[Shown]:
        """See `WebhookPort`."""
        found = sorted(
            (
                each
                for each in subscriptions.read_all(self._reached).values()
                if self._mine(each) and chosen.matches(each)
            ),
            key=lambda each: (each.created_at_ms, each.id),
        )
        healths, backlogs = self._conditions([each.id for each in found])
        return (self._shown(each, healths.get(each.id), backlogs.get(each.id)) for each in found)

    def show(self, webhook: str) -> Shown:
        """See `WebhookPort`."""
        return self._now(self.found(webhook))

    def stats(self, webhook: str, period: str) -> Shown:
        """See `WebhookPort`."""
        over, now_ms, found = PERIODS[period], _now_ms(), self.found(webhook)
        query = asked(webhook, over, now_ms)
        with closing(StatsReader(self._reached)) as kept, closing(LogReader(self._reached)) as lists:
            parts = kept.read(webhook)
            try:
                page = lists.page(View.ATTEMPTS, tenant=found.tenant, brand=found.brand, query=query, limit=SHARED_OF)
            except CacheUnavailable:
                page = None
        return told(webhook, over, parts, page, now_ms)

    def update(self, webhook: str, changes: Changes) -> Shown:
        """See `WebhookPort`."""
        faults, url, found = Faults(), changes.url, self.found(webhook)
        if url is not KEPT:
            faults.looked(lambda: _checked(url, self._settings, found.tenant))
        allow_http = self._settings.allow_http
        faults.looked(lambda: checked_changes(found, changes, self._branded(found.brand), allow_http=allow_http))
        faults.tell()
        cleared = False

        def make(was: Subscription) -> Subscription:
            nonlocal cleared
            changed = draft.update(
                was,
                changes,
                brand=self._branded(was.brand),
                keyring=self._keyring,
                now_ms=_now_ms(),
                entropy=secrets.token_bytes,
                allow_http=self._settings.allow_http,
            )
            cleared = draft.cleared_headers(was, changed, changes)
            if changes.headers is not KEPT or changes.tls is not KEPT:
                canary.ensure(self._reached, self._keyring)
            return changed

        changed = self._edited(webhook, make)
        given = (each.name for each in fields(changes) if getattr(changes, each.name) is not KEPT)
        self._tell("updateWebhook", changed, given=given)
        if cleared:
            say(CLEARED)
        return self._now(changed)

    def rotate(self, webhook: str, *, secret: str | None, overlap_ms: int | None) -> Shown:
        """See `WebhookPort`."""
        clear = ""

        def make(was: Subscription) -> Subscription:
            nonlocal clear
            rotated, clear = draft.rotate(
                was,
                brand=self._branded(was.brand),
                keyring=self._keyring,
                now_ms=_now_ms(),
                entropy=secrets.token_bytes,
                secret=secret,
                overlap_ms=draft.OVERLAP_MS if overlap_ms is None else overlap_ms,
            )
            canary.ensure(self._reached, self._keyring)
            return rotated

        rotated = self._edited(webhook, make)
        self._tell("rotateWebhookSecret", rotated)
        healths, backlogs = self._conditions([webhook])
        return resource(
            rotated,
            secret=clear,
            health=healths.get(webhook),
            backlog=backlogs.get(webhook),
            list_field=self._branded(rotated.brand).api.list_field,
        )

    def try_out(self, webhook: str, event_type: str) -> Shown:
        """See `WebhookPort`."""
        one_attempt = OneAttempt(self._reached, self._keyring, lambda record: write_now(self._reached, [record]))
        trials = Trials(self._reached, one_attempt)
        tried = self.found(webhook)
        trial = trials.try_out(tried, event_type)
        self._tell("testWebhook", tried)
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
        unblocked = self._edited(
            webhook, lambda was: draft.unblock(was, drop=drop, delivery_id=delivery_id, now_ms=_now_ms())
        )
        self._tell("unblockWebhook", unblocked)
        return self._now(unblocked)

    def delete(self, webhook: str) -> Shown:
        """See `WebhookPort`."""
        deleted = self.found(webhook)
        edit(_Kept(self, webhook), Deletion.of)
        self._tell("deleteWebhook", deleted)
        return {"id": webhook, "object": "webhook", "deleted": True}

    def found(self, webhook: str) -> Subscription:
        """One of them as it is kept.

        Raises:
            WebhookUnknown: it does not exist, or is another's.
        """
        found = writes.find(self._reached, webhook)
        if not self._mine(found):
            raise WebhookUnknown(webhook)
        return found

    @cached_property
    def _reached(self) -> Settings:
        """The settings, once there is somebody to speak to: looked for when what was asked is known to make sense."""
        return with_cache(installation(self._settings, lambda topics: [topics.subscriptions]))

    @cached_property
    def _keyring(self) -> Keyring:
        return Keyring.from_settings(self._settings)

    def _mine(self, subscription: Subscription) -> bool:
        return self._tenant in {None, subscription.tenant} and self._brand in {None, subscription.brand}

    def _branded(self, name: str) -> Brand:
        return brand_named(name, self._settings.brands_dir)

    def _set(self, webhook: str, status: Status, change: Callable[[Subscription], Subscription]) -> Shown:
        turned = self._edited(webhook, lambda was: was if was.status is status else change(was))
        self._tell("pauseWebhook" if status is Status.PAUSED else "resumeWebhook", turned)
        return self._now(turned)

    def _tell(self, action: str, webhook: Subscription, *, made: str = "", given: Iterable[str] = ()) -> None:
        target = "" if made else webhook.id
        tenant, brand = webhook.tenant, webhook.brand
        tell(self._reached, action, tenant=tenant, brand=brand, target=target, made=made, fields=given)

    def _edited(self, webhook: str, make: Callable[[Subscription], Subscription]) -> Subscription:
        state = edit(_Kept(self, webhook), make)
        assert isinstance(state, Subscription)
        return state

    def _now(self, subscription: Subscription) -> Shown:
        healths, backlogs = self._conditions([subscription.id])
        return self._shown(subscription, healths.get(subscription.id), backlogs.get(subscription.id))

    def _shown(self, subscription: Subscription, health: Health | None, backlog: Backlog | None) -> dict[str, Json]:
        brand = self._branded(subscription.brand)
        return as_its_brand_shows_it(subscription, brand, self._keyring, health=health, backlog=backlog)

    def _conditions(self, webhooks: list[str]) -> tuple[Mapping[str, Health], Mapping[str, Backlog]]:
        with closing(HealthReader(self._reached)) as healths, closing(BacklogReader(self._reached)) as backlogs:
            return healths.read(webhooks), backlogs.read(webhooks)


@dataclass(frozen=True, slots=True)
class _Kept:
    """One webhook, on its topic."""

    webhooks: DirectWebhooks
    id: str

    def read(self) -> Subscription:
        return self.webhooks.found(self.id)

    def write(self, state: State) -> bool:
        try:
            seen = writes.write(self.webhooks._reached, state)  # noqa: SLF001 # a part of it
        except Conflict:
            return False
        if seen is not Seen.APPLIED:
            say(f"{state.id} is written, but deliveries may not go by it yet: {seen}")
        return True


def _checked(url: str, settings: Settings, tenant: str) -> None:
    notice = check_for_operator(url, settings, tenant=tenant)
    if notice is not None:
        say(notice)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
