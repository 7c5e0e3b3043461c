"""The truth about webhooks: which state was to be seen when.

The law (design 7): a change is sure to be seen by events whose timestamp lies after it was applied plus the time for
which an older view may be in use; from the application on until then either result is correct. That time is short, but
for spells without the cache: see `spells.py`.

Matching is written again here, on purpose: it judges the product's.
"""

from dataclasses import dataclass

from consumer.webhooks.history import Applied, Deletion, State, apply
from consumer.webhooks.subscription import Status, Subscription
from tests.simulation.ledger import Published
from tests.simulation.spells import IN_USE_MS, Spells
from tests.simulation.timeline import START_MS


@dataclass(frozen=True, slots=True)
class Version:
    """A state, from when on it could be seen; None stands for the time before there was one."""

    from_ms: int
    state: State | None


class Webhooks:
    """Every webhook's versions, in the order in which the projection applied them."""

    def __init__(self, spells: Spells) -> None:
        self._spells = spells
        self._versions: dict[str, list[Version]] = {}
        self._tenants: dict[str, list[str]] = {}
        self.tenant_of: dict[str, str] = {}

    def applied(self, now_ms: int, state: State) -> bool:
        """The projection met this record. False when it lost to what is there."""
        versions = self._versions.get(state.id)
        if versions is None:
            versions = self._versions[state.id] = [Version(0, None)]
            self._tenants.setdefault(state.tenant, []).append(state.id)
            self.tenant_of[state.id] = state.tenant
        outcome = apply(versions[-1].state, state)
        if not isinstance(outcome, Applied):
            return False
        versions.append(Version(now_ms, state))
        return True

    def current(self, webhook: str) -> State | None:
        """Its newest state."""
        return self._versions[webhook][-1].state

    def was_dropped(self, webhook: str, delivery_id: str) -> bool:
        """Whether its customer has ever said that this delivery is to let its key go on."""
        states = (version.state for version in self._versions[webhook])
        said = (unblock for state in states if isinstance(state, Subscription) for unblock in state.unblocks)
        return any(each.drop and each.delivery_id in ("", delivery_id) for each in said)

    def is_plain(self, webhook: str) -> bool:
        """Whether it never changed, and has no limit and no order of its own."""
        state = self.current(webhook)
        if len(self._versions[webhook]) > 2 or not isinstance(state, Subscription):  # nothing, then one
            return False
        return state.rate_per_s is None and state.max_concurrency is None and state.ordering == "none"

    def required(self, event: Published, until_ms: int) -> list[str]:
        """The webhooks that every view between the event and then shows to want it."""
        return [
            webhook
            for webhook in self._tenants.get(event.tenant, ())
            if all(wants(version.state, event) for version in self._seen(webhook, event.at_ms, until_ms))
        ]

    def stays_wanted(self, event: Published, webhook: str, until_ms: int) -> bool:
        """Whether no view between the event and then shows it paused or deleted, which ends the promise."""
        return not any(_has_left(version.state) for version in self._seen(webhook, event.at_ms, until_ms))

    def is_allowed(self, event: Published, webhook: str, url: str | None, now_ms: int) -> bool:
        """Whether some view since the event shows that the webhook wants it (at this URL, when one is given)."""
        if self.tenant_of.get(webhook) != event.tenant:
            return False
        seen = self._seen(webhook, event.at_ms, now_ms)
        return any(wants(version.state, event) for version in seen) and (
            url is None or any(isinstance(each.state, Subscription) and each.state.url == url for each in seen)
        )

    def _seen(self, webhook: str, from_ms: int, until_ms: int) -> list[Version]:
        """The versions that a view used between these times may have shown."""
        versions = self._versions[webhook]
        if len(versions) == 2 and versions[1].from_ms <= START_MS:  # the usual one: there at first, and never changed
            return versions[1:]
        hidden = self._spells.hid_news(from_ms, until_ms)
        return [
            version
            for number, version in enumerate(versions)
            if version.from_ms <= until_ms
            and (hidden or number + 1 == len(versions) or versions[number + 1].from_ms + IN_USE_MS >= from_ms)
        ]


def wants(state: State | None, event: Published) -> bool:
    """Whether a webhook in this state wants the event."""
    if not isinstance(state, Subscription) or state.status is Status.PAUSED:
        return False
    if state.product is not None and state.product != event.product:
        return False
    if state.filter_json is not None and f'"{event.kind}"' not in state.filter_json:
        return False
    return not state.event_types or any(_names(pattern, event.type) for pattern in state.event_types)


def _names(pattern: str, event_type: str) -> bool:
    return pattern in ("*", event_type) or (pattern.endswith(".*") and event_type.startswith(pattern[:-1]))


def _has_left(state: State | None) -> bool:
    return isinstance(state, Deletion) or (isinstance(state, Subscription) and state.status is Status.PAUSED)
