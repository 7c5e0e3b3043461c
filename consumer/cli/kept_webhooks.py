"""The webhooks as Kafka and Redis have them, for a command that an operator runs beside them.

The law: what is returned is so. A write is acknowledged, was the first of its revision and, when a projection runs,
applied by it; where the last is not known, standard error says so. What is another tenant's or brand's is not there.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TypeVar

from consumer.brands.brand import Brand
from consumer.brands.loader import brand as brand_named
from consumer.cli.deeds import tell
from consumer.cli.exits import say
from consumer.cli.reach import installation, with_cache
from consumer.cli.webhook_port import Shown
from consumer.control import writes
from consumer.control.applied import Seen
from consumer.control.edit import edit
from consumer.control.refusal import Conflict, WebhookUnknown
from consumer.control.resource import as_its_brand_shows_it
from consumer.kafka import subscriptions
from consumer.log.health import Health
from consumer.log.store import HealthReader
from consumer.settings import Settings
from consumer.standings.backlog import BacklogReader
from consumer.standings.store import Backlog
from consumer.webhooks.chosen import Chosen
from consumer.webhooks.history import Deletion, State
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.subscription import Subscription

_Next = TypeVar("_Next", Subscription, Deletion)


class KeptWebhooks:
    """Those of one tenant, of one brand, or (None) of all."""

    def __init__(self, settings: Settings, *, tenant: str | None, brand: str | None) -> None:
        self._settings = settings
        self._tenant = tenant
        self._brand = brand

    @cached_property
    def reached(self) -> Settings:
        """The settings, once there is somebody to speak to: looked for when what was asked is known to make sense."""
        return with_cache(installation(self._settings, lambda topics: [topics.subscriptions]))

    @cached_property
    def keyring(self) -> Keyring:
        """What opens their secrets."""
        return Keyring.from_settings(self._settings)

    def brand_of(self, name: str) -> Brand:
        """The brand of this name."""
        return brand_named(name, self._settings.brands_dir)

    def found(self, webhook: str) -> Subscription:
        """One of them.

        Raises:
            WebhookUnknown: it does not exist, or is another's.
        """
        found = writes.find(self.reached, webhook)
        if not self._mine(found):
            raise WebhookUnknown(webhook)
        return found

    def chosen(self, chosen: Chosen) -> list[Subscription]:
        """Those that are meant, oldest first."""
        everybody = subscriptions.read_all(self.reached).values()
        meant = (each for each in everybody if self._mine(each) and chosen.matches(each))
        return sorted(meant, key=lambda each: (each.created_at_ms, each.id))

    def write(self, state: State) -> bool:
        """Write a state of one of them; whether it holds."""
        try:
            seen = writes.write(self.reached, state)
        except Conflict:
            return False
        if seen is not Seen.APPLIED:
            say(f"{state.id} is written, but deliveries may not go by it yet: {seen}")
        return True

    def edited(self, webhook: str, make: Callable[[Subscription], _Next]) -> _Next | Subscription:
        """One of them, changed: see `edit`. Raises as it does."""
        return edit(_Kept(read=partial(self.found, webhook), write=self.write), make)

    def tell(self, action: str, webhook: Subscription, *, made: str = "", given: Iterable[str] = ()) -> None:
        """Tell the audit log what was done to one, or that it was made."""
        target = "" if made else webhook.id
        tenant, brand = webhook.tenant, webhook.brand
        tell(self.reached, action, tenant=tenant, brand=brand, target=target, made=made, fields=given)

    def conditions(self, webhooks: list[str]) -> tuple[Mapping[str, Health], Mapping[str, Backlog]]:
        """How their endpoints do, and what waits for them."""
        with closing(HealthReader(self.reached)) as healths, closing(BacklogReader(self.reached)) as backlogs:
            return healths.read(webhooks), backlogs.read(webhooks)

    def shown_now(self, webhook: Subscription) -> Shown:
        """One as the API shows it, with how its endpoint does."""
        healths, backlogs = self.conditions([webhook.id])
        return self.shown(webhook, healths.get(webhook.id), backlogs.get(webhook.id))

    def shown(self, webhook: Subscription, health: Health | None, backlog: Backlog | None) -> Shown:
        """One as the API shows it."""
        brand = self.brand_of(webhook.brand)
        return as_its_brand_shows_it(webhook, brand, self.keyring, health=health, backlog=backlog)

    def _mine(self, webhook: Subscription) -> bool:
        return self._tenant in {None, webhook.tenant} and self._brand in {None, webhook.brand}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """One webhook, on its topic: see `control.edit.Store`."""

    read: Callable[[], Subscription]
    write: Callable[[State], bool]
