"""The views of tenants' webhooks that this process has.

The law: of the views those used longest ago are forgotten first, when all of them together weigh more than they may.
The newest one always stays, however large its tenant.
"""

from collections import OrderedDict
from collections.abc import Callable

from consumer.delivery.target import Target
from consumer.events.event import Event
from consumer.webhooks.reader import Loaded
from consumer.webhooks.subscription import Subscription


class View:
    """One tenant's webhooks as of `seen_ms`: when the cache was asked for them, not when its answer came."""

    __slots__ = (
        "_factory",
        "_suspended",
        "_targets",
        "is_suspended",
        "matcher",
        "seen_ms",
        "size",
        "used_ms",
        "version",
    )

    def __init__(self, loaded: Loaded, seen_ms: int, factory: Callable[[Subscription], Target]) -> None:
        self.version = loaded.version
        self.size = loaded.size
        self.seen_ms = seen_ms
        self.used_ms = seen_ms
        self._factory = factory
        self.matcher = loaded.matcher
        self._targets: dict[str, Target] = {}
        self._suspended: set[str] = set()
        # Whether this process suspended a webhook since the view was loaded, by its id.
        self.is_suspended: Callable[[str], bool] = self._suspended.__contains__

    def match(self, event: Event) -> list[Target]:
        """The targets of an event, active and suspended ones."""
        found: list[Target] = []
        known = self._targets
        for subscription in self.matcher.match(event):
            found.append(known.get(subscription.id) or self._target(subscription))  # noqa: PERF401 # one, mostly
        return found

    def target(self, subscription_id: str) -> Target | None:
        """One webhook, whatever its status; None when it was deleted."""
        subscription = self.matcher.by_id(subscription_id)
        return None if subscription is None else self._target(subscription)

    def suspend(self, subscription_id: str) -> bool:
        """Take it as suspended until the cache says so itself. False when it was already taken so."""
        if subscription_id in self._suspended:
            return False
        self._suspended.add(subscription_id)
        return True

    def _target(self, subscription: Subscription) -> Target:
        target = self._targets.get(subscription.id)
        if target is None:
            target = self._targets[subscription.id] = self._factory(subscription)
        return target


class Views:
    """By tenant, the longest unrenewed first. `most_bytes` is what they may weigh, as `Loaded.size` has it."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._views: OrderedDict[str, View] = OrderedDict()
        # The newest view of a tenant, however old.
        self.get: Callable[[str], View | None] = self._views.get
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._views)

    def put(self, tenant: str, view: View) -> None:
        """In place of any other of this tenant; what was not needed for longest goes, where there is no room."""
        before = self._views.pop(tenant, None)
        self.bytes += view.size - (0 if before is None else before.size)
        self._views[tenant] = view
        while self.bytes > self._most_bytes and len(self._views) > 1:
            _, oldest = self._views.popitem(last=False)
            self.bytes -= oldest.size

    def renewed(self, tenant: str) -> None:
        """The tenant's view is as new as any: only what is used is renewed."""
        self._views.move_to_end(tenant)
