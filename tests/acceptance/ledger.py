"""The checker: what was promised against what happened.

The law: it knows nothing of how Hookline works. A promise is a pair of an event and a subscription with the body it is
owed; it is kept when the receiver accepted it, or when it has exactly one dead letter.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeAlias

from tests.acceptance.receipts import Receipt

Pair: TypeAlias = tuple[str, str]
"""An event, by its webhook-id, and a subscription."""

_NEVER = 10**15  # ms
_SHOWN = 5
_FAILURES_LEAST = 2  # before a success is a recovery
_FAILING_LEAST_MS = 60_000
_SHORTLY_MS = 15_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """What is owed: the body for each pair. `event_tenants` by webhook-id and `tenants` by subscription hold all.

    `copies`: how often an event of this webhook-id is in the log, when that is not once. Each is delivered.
    """

    bodies: Mapping[Pair, bytes]
    event_tenants: Mapping[str, str]
    tenants: Mapping[str, str]
    copies: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Buried:
    """A dead letter."""

    pair: Pair
    delivery_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """An attempt, from the delivery log: it began at `at_ms` and ended at `ended_ms`. The first is number 1."""

    delivery_id: str
    subscription: str
    number: int
    at_ms: int
    ended_ms: int
    answered: bool
    accepted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """A record of a delay topic: after `attempts` attempts nothing may happen before `due_ms`, the broker's clock."""

    delivery_id: str
    attempts: int
    due_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What broke the promise, and what was accepted more than once (pair: how often too many)."""

    lost: frozenset[Pair]
    phantom: frozenset[Pair]
    cross_tenant: frozenset[Pair]
    altered: frozenset[Pair]
    refused_signatures: frozenset[Pair]
    accepted_and_buried: frozenset[Pair]
    buried_twice: frozenset[Pair]
    early: frozenset[tuple[str, int, int]]
    duplicates: Mapping[Pair, int]

    def broken(self) -> str:
        """Each broken part with how often and the first few; empty when the promise was kept.

        Duplicates, and pairs that were both accepted and buried, are for the caller to judge: a crash may cause them.
        """
        parts: dict[str, frozenset[Pair] | frozenset[tuple[str, int, int]]] = {
            "lost": self.lost,
            "phantom": self.phantom,
            "cross-tenant": self.cross_tenant,
            "altered": self.altered,
            "refused signatures": self.refused_signatures,
            "buried twice": self.buried_twice,
            "early": self.early,
        }
        return "; ".join(f"{len(found)} {name}: {shown(found)}" for name, found in parts.items() if found)


def judge(
    promises: Promises,
    receipts: Iterable[Receipt],
    buried: Iterable[Buried] = (),
    tried: Iterable[Tried] = (),
    waited: Iterable[Waited] = (),
) -> Verdict:
    """Hold everything against the promises."""
    arrived: set[Pair] = set()
    accepted: Counter[Pair] = Counter()
    altered: set[Pair] = set()
    refused_signatures: set[Pair] = set()
    for receipt in receipts:
        pair = (receipt.webhook_id, receipt.endpoint)
        arrived.add(pair)
        if receipt.status == HTTPStatus.UNAUTHORIZED:
            refused_signatures.add(pair)
        if receipt.accepted:
            accepted[pair] += 1
        if pair in promises.bodies and receipt.body != promises.bodies[pair]:
            altered.add(pair)
    deliveries: defaultdict[Pair, set[str]] = defaultdict(set)
    for each in buried:
        deliveries[each.pair].add(each.delivery_id)
    invented = (arrived | deliveries.keys()) - promises.bodies.keys()
    cross_tenant = {pair for pair in invented if _is_foreign(pair, promises)}
    return Verdict(
        lost=frozenset(promises.bodies.keys() - accepted.keys() - deliveries.keys()),
        phantom=frozenset(invented - cross_tenant),
        cross_tenant=frozenset(cross_tenant),
        altered=frozenset(altered),
        refused_signatures=frozenset(refused_signatures),
        accepted_and_buried=frozenset(accepted.keys() & deliveries.keys()),
        buried_twice=frozenset(pair for pair, ids in deliveries.items() if len(ids) > promises.copies.get(pair[0], 1)),
        early=_early(tried, waited),
        duplicates={pair: times - 1 for pair, times in accepted.items() if times > 1},
    )


def shown(found: Iterable[object]) -> str:
    """The first few, for a person."""
    ordered = sorted(found, key=str)
    return ", ".join(map(str, ordered[:_SHOWN])) + (", …" if len(ordered) > _SHOWN else "")


def _is_foreign(pair: Pair, promises: Promises) -> bool:
    event, subscription = pair
    owner = promises.tenants.get(subscription)
    return event in promises.event_tenants and owner is not None and promises.event_tenants[event] != owner


def _early(tried: Iterable[Tried], waited: Iterable[Waited]) -> frozenset[tuple[str, int, int]]:
    """Attempts after the first, before anything that waited for them was due: delivery, number, by how many ms.

    A recovery allows it that came after the attempt began that failed.
    """
    due_ms: dict[tuple[str, int], int] = {}
    for wait in waited:
        key = (wait.delivery_id, wait.attempts)
        due_ms[key] = min(wait.due_ms, due_ms.get(key, wait.due_ms))
    by_end = sorted(tried, key=lambda each: each.ended_ms)
    began_ms: dict[tuple[str, int], int] = {}
    for each in by_end:
        began_ms.setdefault((each.delivery_id, each.number), each.at_ms)
    recoveries = _recoveries(by_end)
    found: set[tuple[str, int, int]] = set()
    for each in by_end:
        before = (each.delivery_id, each.number - 1)
        due = due_ms.get(before, _NEVER)
        if each.number == 1 or each.at_ms >= due:
            continue
        since_ms = began_ms.get(before, _NEVER)
        if not any(since_ms <= back_ms <= each.at_ms for back_ms in recoveries[each.subscription]):
            found.add((each.delivery_id, each.number, due - each.at_ms))
    return frozenset(found)


def _recoveries(by_end: Iterable[Tried]) -> defaultdict[str, list[int]]:
    """For each subscription, when its endpoint was seen to be back, as docs/guarantees.md says it.

    It answered after it could not be reached, or accepted something after it had failed for a minute. A request that
    began before may fail after it.
    """
    unanswered_ms: defaultdict[str, deque[int]] = defaultdict(lambda: deque(maxlen=_FAILURES_LEAST))
    streaks: dict[str, tuple[int, int]] = {}  # how many failures in a row, and when the first of them ended
    found: defaultdict[str, list[int]] = defaultdict(list)
    for each in by_end:
        failures, since_ms = streaks.pop(each.subscription, (0, each.ended_ms))
        if not each.accepted:
            streaks[each.subscription] = failures + 1, since_ms
        lately = unanswered_ms[each.subscription]
        if not each.answered:
            lately.append(each.ended_ms)
            continue
        was_away = len(lately) == _FAILURES_LEAST and lately[0] >= each.ended_ms - _SHORTLY_MS
        had_failed = failures >= _FAILURES_LEAST and since_ms <= each.ended_ms - _FAILING_LEAST_MS
        if was_away or (each.accepted and had_failed):
            found[each.subscription].append(each.ended_ms)
    return found
