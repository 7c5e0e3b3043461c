"""The tenants this process knows, and the work that waits for those it does not.

The law: an event is matched only against a view of its tenant's webhooks that is younger than the staleness bound, or,
while the cache cannot answer, younger than `memory_for_ms`; without one it waits here. Not knowing is never "no
subscribers". Of the work that waits, a tenant that alone cannot be read has a share.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from consumer.delivery.target import Target
from consumer.events.event import Event
from consumer.webhooks.reader import Loaded, Unavailable, Unchanged
from consumer.webhooks.subscription import Subscription

Loading: TypeAlias = Loaded | Unchanged | Unavailable
Work = TypeVar("Work")

_ASK_AGAIN_MS = (100, 250, 500, 1_000)
_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """`staleness_ms` bounds a view while the cache answers, `memory_for_ms` while it does not."""

    staleness_ms: int
    memory_for_ms: int


class Known:
    """One tenant's webhooks as of `seen_ms`."""

    __slots__ = ("_factory", "_matcher", "_suspended", "_targets", "seen_ms", "version")

    def __init__(self, loaded: Loaded, seen_ms: int, factory: Callable[[Subscription], Target]) -> None:
        self.version = loaded.version
        self.seen_ms = seen_ms
        self._factory = factory
        self._matcher = loaded.matcher
        self._targets: dict[str, Target] = {}
        self._suspended: set[str] = set()

    def match(self, event: Event) -> list[Target]:
        """The targets of an event, active and suspended ones."""
        return [self._target(subscription) for subscription in self._matcher.match(event)]

    def take_given_up(self) -> int:
        """How many filters were too costly since this was last asked."""
        return self._matcher.take_given_up()

    def target(self, subscription_id: str) -> Target | None:
        """One webhook, whatever its status; None when it was deleted."""
        subscription = self._matcher.by_id(subscription_id)
        return None if subscription is None else self._target(subscription)

    def suspend(self, subscription_id: str) -> bool:
        """Take it as suspended until the cache says so itself. False when it was already taken so."""
        if subscription_id in self._suspended:
            return False
        self._suspended.add(subscription_id)
        return True

    def is_suspended(self, subscription_id: str) -> bool:
        """Whether this process suspended it since it was loaded."""
        return subscription_id in self._suspended

    def _target(self, subscription: Subscription) -> Target:
        target = self._targets.get(subscription.id)
        if target is None:
            target = self._targets[subscription.id] = self._factory(subscription)
        return target


@dataclass(slots=True)
class _Asking(Generic[Work]):
    """A tenant that was asked for: since when, how often in vain, and what waits for it."""

    asked_ms: int = -1  # -1: not under way
    again_ms: int = 0
    in_vain: int = 0
    own_doubt: bool = False  # what could not be read lies with this tenant alone
    waiting: list[Work] = field(default_factory=list)


class Tenants(Generic[Work]):
    """`Work` is whatever waits for a tenant; it is given back in order. `share`: how much of it of one in doubt."""

    def __init__(self, freshness: Freshness, factory: Callable[[Subscription], Target], *, share: int) -> None:
        self._freshness = freshness
        self._share = share
        self._factory = factory
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._asking: dict[str, _Asking[Work]] = {}
        self.waiting = 0

    def look(self, tenant: str, now_ms: int) -> Known | None:
        """The tenant's webhooks if they may be used now. Asks for a newer view in good time."""
        known = self._known.get(tenant)
        if known is None:
            return None
        age_ms = now_ms - known.seen_ms
        if age_ms * 2 <= self._freshness.staleness_ms:
            return known
        asking = self._asking.setdefault(tenant, _Asking())
        if age_ms <= self._freshness.staleness_ms:
            return known
        if asking.in_vain and age_ms <= self._freshness.memory_for_ms:
            return known
        return None

    def known(self, tenant: str) -> Known | None:
        """The newest view of the tenant, however old."""
        return self._known.get(tenant)

    def has_its_share(self, tenant: str) -> bool:
        """Whether more work of this tenant is not to wait here: it alone cannot be read, and much waits already.

        Where the cache as a whole cannot be read everything waits: elsewhere it would wait for the same.
        """
        asking = self._asking.get(tenant)
        return asking is not None and asking.own_doubt and len(asking.waiting) >= self._share

    def park(self, tenant: str, work: Work) -> None:
        """Keep work until the tenant's webhooks may be used."""
        self._asking.setdefault(tenant, _Asking()).waiting.append(work)
        self.waiting += 1

    def park_for_newer(self, tenant: str, work: Work, now_ms: int) -> None:
        """Keep work until a newer view of the tenant has come, asked for in a moment."""
        self.park(tenant, work)
        self._asking[tenant].again_ms = max(self._asking[tenant].again_ms, now_ms + _ASK_AGAIN_MS[0])

    def wanted(self, now_ms: int) -> dict[str, str | None]:
        """The tenants to ask the cache for now, with the version known."""
        wanted: dict[str, str | None] = {}
        for tenant, asking in self._asking.items():
            if asking.asked_ms < 0 and asking.again_ms <= now_ms:
                asking.asked_ms = now_ms
                known = self._known.get(tenant)
                wanted[tenant] = known.version if known else None
        return wanted

    def loaded(self, tenant: str, loading: Loading, now_ms: int) -> list[Work]:
        """Take the cache's answer in; the work that can go on now."""
        asking = self._asking.get(tenant)
        if asking is None or asking.asked_ms < 0:
            return []
        known = self._known.get(tenant)
        match loading:
            case Loaded():
                known = self._known[tenant] = Known(loading, asking.asked_ms, self._factory)
                self._known.move_to_end(tenant)
                self._forget_oldest()
            case Unchanged() if known is not None:
                known.seen_ms = asking.asked_ms
            case Unchanged() | Unavailable():
                asking.again_ms = now_ms + _ASK_AGAIN_MS[min(asking.in_vain, len(_ASK_AGAIN_MS) - 1)]
                asking.in_vain += 1
                asking.own_doubt = isinstance(loading, Unavailable) and loading.own
                asking.asked_ms = -1
                if known is None or now_ms - known.seen_ms > self._freshness.memory_for_ms:
                    return []
                return self._take_waiting(asking)
        del self._asking[tenant]
        return self._take_waiting(asking)

    def wake_ms(self) -> int | None:
        """When the next tenant is to be asked for again."""
        return min((asking.again_ms for asking in self._asking.values() if asking.asked_ms < 0), default=None)

    @property
    def asking(self) -> bool:
        """Whether an answer of the cache is awaited."""
        return any(asking.asked_ms >= 0 for asking in self._asking.values())

    def drop_waiting(self, keep: Callable[[Work], bool]) -> None:
        """Forget waiting work that is no longer ours."""
        for asking in self._asking.values():
            asking.waiting = [work for work in asking.waiting if keep(work)]
        self.waiting = sum(len(asking.waiting) for asking in self._asking.values())

    def give_up(self, is_meant: Callable[[Work], bool]) -> list[Work]:
        """The work meant, of tenants that alone cannot be read: it waits here no longer."""
        given: list[Work] = []
        for asking in self._asking.values():
            if asking.own_doubt:
                given += filter(is_meant, asking.waiting)
                asking.waiting = [work for work in asking.waiting if not is_meant(work)]
        self.waiting -= len(given)
        return given

    def _take_waiting(self, asking: _Asking[Work]) -> list[Work]:
        work, asking.waiting = asking.waiting, []
        self.waiting -= len(work)
        return work

    def _forget_oldest(self) -> None:
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
