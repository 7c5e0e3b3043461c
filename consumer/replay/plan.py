"""Which dead letters are replayed, and as what. Pure.

The law: the replays of one (event, webhook) form one chain, numbered from 1, and each number is given once. A chain is
named by the id of its original delivery, which every later dead letter of it leads back to, so that the limit counts
the chain and not its last link.

    dead letter of   its replays   chain's generation   asked for        becomes
    the original     0             0                    replay           generation 1
    the original     0             1                    replay           nothing: already replayed
    generation 1     1             1                    replay           generation 2
    the original     0             1                    replay --again   generation 2

A replay's id is H(chain, generation), so the same generation made twice would be the same delivery, which every reader
of the delay topics drops as a repeat.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from consumer.delivery.delivery import DeadLetter, Delivery, Trigger, delivery_id, replay_id
from consumer.kafka.records import Replay
from consumer.webhooks.subscription import Status

_SPILL_TIER = 0


class SkipReason(StrEnum):
    """Why a dead letter is not replayed."""

    ALREADY_REPLAYED = "already_replayed"  # it, or another one of its chain in the same run; `--again` lifts the first
    LIMIT = "replay_limit"  # HOOKLINE_MAX_REPLAYS
    DELETED = "webhook_deleted"
    PAUSED = "webhook_paused"  # it would be dropped on arrival
    SUSPENDED = "webhook_suspended"  # it would be dead-lettered on arrival
    STUB = "payload_left_out"  # it was too large for the topic: publish the event anew


class Place(StrEnum):
    """Where a replay of an ordered webhook stands: before what waits of its key, or after it."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What to write, both or neither: the chain's generation to the state topic, the delivery to the spill topic.

    One with an order goes to the ordered topic, to its `place` there.
    """

    replay: Replay
    delivery: Delivery
    place: Place = Place.BEFORE


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Nothing is written."""

    reason: SkipReason


Plan: TypeAlias = Planned | Skipped


class Planner:
    """Plans one run. `generations` are the chains' as the state topic has them, `statuses` those of the webhooks."""

    def __init__(
        self,
        *,
        generations: Mapping[str, int],
        statuses: Mapping[str, Status],
        max_replays: int,
        again: bool = False,
        place: Place = Place.BEFORE,
    ) -> None:
        self._place = place
        self._generations = generations
        self._statuses = statuses
        self._max_replays = max_replays
        self._again = again
        self._planned: set[str] = set()

    def plan(self, dead_letter: DeadLetter, now_ms: int) -> Plan:
        """Decide on one dead letter."""
        delivery = dead_letter.delivery
        chain = chain_of(delivery)
        generation = self._generations.get(chain, 0)
        reason = SkipReason.STUB if dead_letter.left_out_bytes else self._refusal(delivery, chain, generation)
        if reason is not None:
            return Skipped(reason=reason)
        self._planned.add(chain)
        replay = Replay(delivery_id=chain, generation=generation + 1, at_ms=now_ms)
        return Planned(replay=replay, delivery=_replayed(delivery, replay), place=self._place)

    def _refusal(self, delivery: Delivery, chain: str, generation: int) -> SkipReason | None:
        status = self._statuses.get(delivery.subscription_id)
        if chain in self._planned or (generation > delivery.replays and not self._again):
            return SkipReason.ALREADY_REPLAYED
        if generation >= self._max_replays:
            return SkipReason.LIMIT
        if status is None:
            return SkipReason.DELETED
        if status is Status.PAUSED:
            return SkipReason.PAUSED
        if status is Status.SUSPENDED:
            return SkipReason.SUSPENDED
        return None


def chain_of(delivery: Delivery) -> str:
    """The id of the original delivery, whichever replay of it this is."""
    return delivery_id(delivery.event, delivery.subscription_id)


def _replayed(delivery: Delivery, replay: Replay) -> Delivery:
    """A first try, due now, of the same event and the same body for the same webhook."""
    replayed_by = replay_id(replay.delivery_id, replay.generation)
    # Made anew and not changed: what an earlier way left in it, whatever that comes to be, must not travel on.
    return Delivery(
        id=delivery_id(delivery.event, delivery.subscription_id, replayed_by),
        event=delivery.event,
        subscription_id=delivery.subscription_id,
        body=delivery.body,
        content_type=delivery.content_type,
        replay_id=replayed_by,
        replays=replay.generation,
        tier=_SPILL_TIER,
        first_due_ms=replay.at_ms,
        trigger=Trigger.REPLAY,
        order=delivery.order,
    )
