"""Which of a tenant's subscriptions want an event.

The laws: a match costs the same whether the tenant has one subscription or a million, but for those it returns; each
subscription is returned at most once, in the order given; and the filters of a tenant share a bounded number of steps
for an event, whatever they and its payload are: each has the same, so what one is leaves the others what they had.

A subscription without a product wants the events of all products. PAUSED never matches. SUSPENDED does: that is
Hookline's doing, so its deliveries are not dropped but end as dead letters.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from consumer.events.document import parsed
from consumer.events.event import Event
from consumer.json import Json
from consumer.webhooks.filter import MOST_STEPS, Filter, compile_filter
from consumer.webhooks.pattern import Effort
from consumer.webhooks.subscription import Status, Subscription

ANY: Final = "*"
_ANY_BELOW: Final = ".*"
# Event types are the producers' words and may be endless; what is remembered of them must not be. Of a tenant who names
# many types it is twice as many as he names: so those have room beside others that come.
_REMEMBERED: Final = 1_024
_LONGEST_REMEMBERED: Final = 256
_FEWEST_STEPS: Final = 1_000  # which a filter has, however many there are

# Product, then pattern: an exact type, or the prefix before `.*`.
_Index: TypeAlias = dict[tuple[str | None, str], list[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """Who wants a type of a product: all of `subscriptions`, unless some have filters, which `filters` then holds.

    `steps` is what each filter may take.
    """

    subscriptions: tuple[Subscription, ...]
    filters: tuple[Filter | None, ...] | None
    steps: int


class Matcher:
    """The compiled subscriptions of one tenant. Belongs to one thread.

    `given_up`: how many filters had too few steps, and were not told of yet.
    """

    def __init__(self, subscriptions: Sequence[Subscription]) -> None:
        """Compile.

        Raises:
            FilterInvalid: a filter that was never checked; `draft` and `record` let none through.
        """
        self._subscriptions = tuple(subscriptions)
        self._by_id = {subscription.id: subscription for subscription in subscriptions}
        self._filters = tuple(
            compile_filter(each.filter_json) if each.filter_json is not None else None for each in subscriptions
        )
        self._exact: _Index = defaultdict(list)
        self._below: _Index = defaultdict(list)
        self._any: dict[str | None, list[int]] = defaultdict(list)
        for number, subscription in enumerate(self._subscriptions):
            if subscription.status is not Status.PAUSED:
                self._enter(number, subscription)
        self._longest_prefix = max((len(prefix) for _, prefix in self._below), default=-1)
        self._plans: dict[tuple[str, str | None], _Plan] = {}
        self._remembered = max(_REMEMBERED, 2 * len(self._exact))
        self.given_up = 0

    def __len__(self) -> int:
        return len(self._subscriptions)

    def by_id(self, subscription_id: str) -> Subscription | None:
        """The subscription of this id, paused ones too."""
        return self._by_id.get(subscription_id)

    def match(self, event: Event) -> Sequence[Subscription]:
        """The subscriptions that want the event. Its payload is read only when a filter has to see it."""
        plan = self._plans.get((event.type, event.product)) or self._plan(event.type, event.product)
        if plan.filters is None:
            return plan.subscriptions
        data = parsed(event.data)
        return tuple(
            subscription
            for subscription, wanted in zip(plan.subscriptions, plan.filters, strict=True)
            if wanted is None or self._wants(wanted, data, plan.steps)
        )

    def take_given_up(self) -> int:
        """How many filters had too few steps since this was last asked: their webhooks got the event."""
        given_up, self.given_up = self.given_up, 0
        return given_up

    def _wants(self, wanted: Filter, data: Json, steps: int) -> bool:
        effort = Effort(steps)
        wants = wanted.matches(data, effort)
        self.given_up += effort.is_spent
        return wants

    def _enter(self, number: int, subscription: Subscription) -> None:
        product = subscription.product
        for pattern in subscription.event_types or (ANY,):
            if pattern == ANY:
                self._any[product].append(number)
            elif pattern.endswith(_ANY_BELOW):
                self._below[product, pattern.removesuffix(_ANY_BELOW)].append(number)
            else:
                self._exact[product, pattern].append(number)

    def _plan(self, event_type: str, product: str | None) -> _Plan:
        found = sorted({number for numbers in self._candidates(event_type, product) for number in numbers})
        filters = tuple(self._filters[number] for number in found)
        number = sum(each is not None for each in filters)
        plan = _Plan(
            subscriptions=tuple(self._subscriptions[number] for number in found),
            filters=filters if number else None,
            steps=max(_FEWEST_STEPS, MOST_STEPS // max(1, number)),
        )
        if len(event_type) <= _LONGEST_REMEMBERED:
            if len(self._plans) >= self._remembered:
                self._plans.clear()
            self._plans[event_type, product] = plan
        return plan

    def _candidates(self, event_type: str, product: str | None) -> Iterator[Sequence[int]]:
        for wanted in {None, product}:
            yield self._any.get(wanted, ())
            yield self._exact.get((wanted, event_type), ())
            dot = event_type.find(".")
            while 0 <= dot <= self._longest_prefix:
                yield self._below.get((wanted, event_type[:dot]), ())
                dot = event_type.find(".", dot + 1)
