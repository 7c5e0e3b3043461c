"""Every webhook there is: the fold of the subscriptions topic by the rule of versions, in memory.

The law: what is found here is what `webhooks.history` makes of the same records, in whatever order the partitions
came; and an owner finds its own webhooks only.

Each webhook is kept as the value of its record and decoded when it is asked for (18 µs). As objects 100,000 of them
took 168 MB, twice as much, and Python's collector 150 ms to walk through.
"""

import threading
from collections import OrderedDict, defaultdict, deque
from dataclasses import dataclass
from typing import Final, TypeAlias

import structlog

from consumer.control.order import Order, Position
from consumer.control.owner import Owner, owner_of
from consumer.events.event import Record
from consumer.kafka.topic_writer import Place
from consumer.telemetry.bugs import decoded
from consumer.webhooks.certificate_ends import end_ms
from consumer.webhooks.chosen import Chosen
from consumer.webhooks.history import Deletion, Lost, Repeated, State, apply
from consumer.webhooks.record import decode, state_of
from consumer.webhooks.subscription import Subscription
from consumer.wire import RecordCorrupt

_log = structlog.get_logger("webhooks")

_REMEMBERED: Final = 10_000
# Longer than the cache: who creates a webhook anew under its uid must know of the deletion as long as that does.
_GONE_MS: Final = 25 * 3_600_000

_LOOKED_AT: Final = 2_000  # 36 ms
ALL: Final = Chosen()

_Kept: TypeAlias = bytes | Deletion


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gone:
    at_ms: int
    deletion: Deletion


class Directory:
    """May be used by several threads; `apply` and `forget` by one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}
        self._orders: dict[Owner, Order] = {}
        self._counts: dict[str, int] = defaultdict(int)
        self._lost: OrderedDict[Place, None] = OrderedDict()
        self._gone: dict[int, deque[_Gone]] = defaultdict(deque)
        self._certificates: dict[str, int] = {}

    def apply(self, record: Record) -> None:
        """Take the next record of its partition. One that is no subscription is logged, and passed over."""
        try:
            incoming = decoded(record, state_of, record.key, record.value, record.headers)
        except RecordCorrupt as error:
            _log.error("not a subscription", partition=record.partition, offset=record.offset, error=str(error))
            return
        was = _state(self._kept.get(incoming.id))
        result = apply(was, incoming)
        with self._lock:
            if isinstance(result, Lost):
                self._remember_lost(Place(partition=record.partition, offset=record.offset))
            elif not isinstance(result, Repeated):
                self._move(was, incoming)
                self._kept[incoming.id] = _value(incoming, record)
                self._note_certificates(incoming)
            self._forget_gone(record, incoming)

    def forget(self) -> None:
        """Begin anew: the topic is another one."""
        with self._lock:
            for each in (self._kept, self._orders, self._counts, self._lost, self._gone, self._certificates):
                each.clear()

    def get(self, owner: Owner, id: str) -> Subscription | None:  # noqa: A002 # what everybody calls it
        """One of this owner's webhooks."""
        state = _state(self._kept.get(id))
        return state if isinstance(state, Subscription) and owner_of(state) == owner else None

    def find(self, id: str) -> Subscription | None:  # noqa: A002 # same
        """One of anybody's webhooks: for roles, which act for no owner."""
        state = _state(self._kept.get(id))
        return state if isinstance(state, Subscription) else None

    def ended_at(self, id: str) -> int:  # noqa: A002 # same
        """The revision of the deletion that ended a webhook of this id; 0 where there is one, or never was."""
        state = _state(self._kept.get(id))
        return state.revision if isinstance(state, Deletion) else 0

    def deleted_by(self, owner: Owner, id: str, work: str) -> bool:  # noqa: A002 # same
        """Whether this request of the owner's deleted the webhook."""
        state = _state(self._kept.get(id))
        return isinstance(state, Deletion) and (state.tenant, state.work) == (owner.tenant, work)

    def __contains__(self, id: str) -> bool:  # noqa: A002 # same
        """Whether there is such a webhook, anybody's."""
        return isinstance(self._kept.get(id), bytes)

    def page(
        self, owner: Owner, *, after: Position | None, limit: int, chosen: Chosen = ALL
    ) -> tuple[list[Subscription], Position | None]:
        """At most `limit` of an owner's webhooks behind `after`, oldest first; where to go on, if any follow.

        Where some are `chosen` a page looks at 2,000 webhooks at most: it may be short, and not the last.
        """
        looked = limit if not chosen else _LOOKED_AT
        with self._lock:
            order = self._orders.get(owner)
            if order is None:
                return [], None
            positions, more = order.after(after, looked)
            values = [self._kept[id_] for _, id_ in positions]
        found: list[Subscription] = []
        for number, value in enumerate(values, 1):
            if isinstance(value, bytes) and chosen.matches(subscription := decode(value)):
                found.append(subscription)
                if len(found) == limit and (number < len(values) or more):
                    return found, positions[number - 1]
        return found, positions[-1] if more else None

    def count(self, tenant: str) -> int:
        """How many webhooks the tenant has, under all brands."""
        return self._counts.get(tenant, 0)

    def owners(self) -> dict[Owner, int]:
        """Everybody who has webhooks, and how many: for operators, who act for no owner."""
        with self._lock:
            return {owner: len(order) for owner, order in self._orders.items()}

    def ids(self) -> list[str]:
        """Of everybody's webhooks: for operators. A millisecond for 100,000, and nothing is decoded."""
        with self._lock:
            return [id_ for id_, kept in self._kept.items() if isinstance(kept, bytes)]

    def certificate_ends(self) -> dict[str, int]:
        """Of everybody's webhooks that need certificates: when the first one of each ends. Nothing is decoded."""
        with self._lock:
            return dict(self._certificates)

    def held(self, place: Place) -> bool:
        """Whether the record at this place, applied lately, held. The last 10,000 that did not are remembered."""
        return place not in self._lost

    def _move(self, was: State | None, now: State) -> None:
        """Keep the orders and the counts; nothing to do for a change that leaves its webhook where it stands."""
        from_, to = _standing(was), _standing(now)
        if from_ == to:
            return
        if from_ is not None:
            owner, position = from_
            self._orders[owner].remove(position)
            if not self._orders[owner]:
                del self._orders[owner]
            self._counts[owner.tenant] -= 1
            if not self._counts[owner.tenant]:
                del self._counts[owner.tenant]
        if to is not None:
            owner, position = to
            self._orders.setdefault(owner, Order()).add(position)
            self._counts[owner.tenant] += 1

    def _note_certificates(self, now: State) -> None:
        ends_ms = end_ms(now) if isinstance(now, Subscription) else None
        if ends_ms is None:
            self._certificates.pop(now.id, None)
        else:
            self._certificates[now.id] = ends_ms

    def _remember_lost(self, place: Place) -> None:
        self._lost[place] = None
        if len(self._lost) > _REMEMBERED:
            self._lost.popitem(last=False)

    def _forget_gone(self, record: Record, incoming: State) -> None:
        """By the times of the deletion's own partition: another's may be read far ahead of it."""
        gone = self._gone[record.partition]
        if isinstance(incoming, Deletion):
            gone.append(_Gone(at_ms=record.timestamp_ms, deletion=incoming))
        while gone and gone[0].at_ms < record.timestamp_ms - _GONE_MS:
            old = gone.popleft().deletion
            if self._kept.get(old.id) == old:
                del self._kept[old.id]


def _state(kept: _Kept | None) -> State | None:
    return decode(kept) if isinstance(kept, bytes) else kept


def _value(state: State, record: Record) -> _Kept:
    if isinstance(state, Deletion):
        return state
    assert record.value is not None
    return record.value


def _standing(state: State | None) -> tuple[Owner, Position] | None:
    if not isinstance(state, Subscription):
        return None
    return owner_of(state), (state.created_at_ms, state.id)
