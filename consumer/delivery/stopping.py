"""A key that stops: the head of an ordered webhook with `onFailure: block`, once it is given up. Pure.

    given up ─► stopped, in its place ─► looked at ─┬► stays
                     ▲                   (every     ├► tried, once ─► accepted: its key goes on
                     └─ failed ──────────  5 s)  ───┤
                                                    ├► dropped: dead-lettered, and its key goes on
                                                    └► its webhook is suspended, and dead-lettered with all that waits

The laws:
- no later event of the key is sent before the head was accepted, or its customer has dropped it, or the webhook is
  suspended;
- a stop ends: nobody's lasts longer than a delivery may wait (`HOOKLINE_WAIT_FOR`), nor beyond twice that since the
  delivery was due, for the log keeps it no longer; and where a partition is crowded with what waits none lasts at all.
  So a key that nobody cares for costs the others a bounded place for a bounded time;
- a customer's word (try it, drop it) is for what had stopped before he said it. Said of one delivery it is for that
  one, and to drop it holds also when it stops later.
"""

from enum import Enum, auto
from typing import Final

from consumer.delivery.delivery import Delivery
from consumer.delivery.outcome import DeathReason
from consumer.webhooks.subscription import OnFailure, Subscription, Unblock

LOOK_EVERY_MS: Final = 5_000
SUSPENDS: Final = "a key of its order has stopped, and was not let go on in time"

_OF_ITSELF: Final = frozenset(
    {DeathReason.EXHAUSTED, DeathReason.EXPIRED, DeathReason.RETRIES_NONE, DeathReason.WAITED}
)


class Fate(Enum):
    """What becomes of a stopped head now."""

    STAYS = auto()
    TRIED = auto()
    DROPPED = auto()
    SUSPENDS = auto()


def stops(subscription: Subscription, reason: DeathReason) -> bool:
    """Whether a head that is given up for this reason stops its key: not where the whole webhook is at its end."""
    return subscription.on_failure is OnFailure.BLOCK and reason in _OF_ITSELF


def fate(delivery: Delivery, subscription: Subscription, now_ms: int, *, stays_for_ms: int, crowded: bool) -> Fate:
    """What becomes of a head that stopped at `delivery.stopped_ms`; `crowded`: its partition is, with what waits."""
    stopped_ms = now_ms if delivery.stopped_ms is None else delivery.stopped_ms
    if subscription.on_failure is not OnFailure.BLOCK:
        return Fate.DROPPED
    if (decision := decided(subscription, delivery.id, stopped_ms)) is not None:
        return Fate.DROPPED if decision.drop else Fate.TRIED
    if crowded or now_ms >= min(stopped_ms + stays_for_ms, delivery.first_due_ms + 2 * stays_for_ms):
        return Fate.SUSPENDS
    return Fate.STAYS


def decided(subscription: Subscription, delivery_id: str, stopped_ms: int) -> Unblock | None:
    """What its customer said last that counts for the delivery that stopped then; None: nothing yet."""
    said = reversed(subscription.unblocks)
    return next((each for each in said if _is_for(each, delivery_id, stopped_ms)), None)


def _is_for(unblock: Unblock, delivery_id: str, stopped_ms: int) -> bool:
    if unblock.delivery_id and unblock.delivery_id != delivery_id:
        return False
    return unblock.at_ms > stopped_ms or (unblock.drop and bool(unblock.delivery_id))
