"""Every webhook there is: the fold of the subscriptions topic by the rule of versions, in memory.

The law: what is found here is what the projection would make of the same records, in whatever order the partitions
came; and an owner finds its own webhooks only.
"""

import threading
from bisect import bisect_left, bisect_right, insort
from collections import OrderedDict, defaultdict
from typing import Final, TypeAlias

import structlog

from consumer.control.owner import Owner
from consumer.events.event import Record
from consumer.kafka.topic_writer import Place
from consumer.webhooks.history import Lost, State, apply
from consumer.webhooks.record import state_of
from consumer.webhooks.subscription import Subscription
from consumer.wire import RecordCorrupt

_log = structlog.get_logger("webhooks")

Position: TypeAlias = tuple[int, str]
"""Where a webhook stands among its owner's: when it was created (ms since 1970), and its id."""

_REMEMBERED: Final = 10_000


class Directory:
    """May be used by several threads; `apply` by one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._states: dict[str, State] = {}
        self._order: dict[Owner, list[Position]] = defaultdict(list)
        self._counts: dict[str, int] = defaultdict(int)
        self._lost: OrderedDict[Place, None] = OrderedDict()

    def apply(self, record: Record) -> None:
        """Take the next record of its partition. One that is no subscription is logged, and passed over."""
        try:
            incoming = state_of(record.key, record.value, record.headers)
        except RecordCorrupt as error:
            _log.error("not a subscription", partition=record.partition, offset=record.offset, error=str(error))
            return
        with self._lock:
            was = self._states.get(incoming.id)
            result = apply(was, incoming)
            if isinstance(result, Lost):
                self._lost[Place(partition=record.partition, offset=record.offset)] = None
                if len(self._lost) > _REMEMBERED:
                    self._lost.popitem(last=False)
                return
            if isinstance(was, Subscription):
                self._leave(was)
            self._states[incoming.id] = incoming
            if isinstance(incoming, Subscription):
                self._enter(incoming)

    def get(self, owner: Owner, id: str) -> Subscription | None:  # noqa: A002 # what everybody calls it
        """One of this owner's webhooks."""
        with self._lock:
            state = self._states.get(id)
        return state if isinstance(state, Subscription) and _owner(state) == owner else None

    def page(self, owner: Owner, *, after: Position | None, limit: int) -> tuple[list[Subscription], Position | None]:
        """At most `limit` of an owner's webhooks after `after`, oldest first; and where to go on, if there are more."""
        with self._lock:
            order = self._order.get(owner, [])
            begin = 0 if after is None else bisect_right(order, after)
            found = [self._states[id_] for _, id_ in order[begin : begin + limit]]
            more = begin + limit < len(order)
            last = order[begin + limit - 1] if more else None
        return [each for each in found if isinstance(each, Subscription)], last

    def count(self, tenant: str) -> int:
        """How many webhooks the tenant has, under all brands."""
        with self._lock:
            return self._counts.get(tenant, 0)

    def held(self, place: Place) -> bool:
        """Whether the record at this place held, of the last 10,000 that did not. It must have been applied."""
        with self._lock:
            return place not in self._lost

    def _enter(self, subscription: Subscription) -> None:
        insort(self._order[_owner(subscription)], _position(subscription))
        self._counts[subscription.tenant] += 1

    def _leave(self, subscription: Subscription) -> None:
        order = self._order[_owner(subscription)]
        del order[bisect_left(order, _position(subscription))]
        self._counts[subscription.tenant] -= 1


def _owner(subscription: Subscription) -> Owner:
    return Owner(tenant=subscription.tenant, brand=subscription.brand)


def _position(subscription: Subscription) -> Position:
    return subscription.created_at_ms, subscription.id
