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

What a job sends again follows the same rule (`Chains`), whatever it was before: a dead letter, a delivery that was
accepted, or an event that was never tried.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias

from consumer.delivery.delivery import DeadLetter, Delivery, Trigger, delivery_id, replay_id
from consumer.events.event import Event
from consumer.kafka.records import Replay
from consumer.webhooks.subscription import Status

_SPILL_TIER = 0
_NOBODY: Final[Mapping[str, str]] = MappingProxyType({})


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
    """What to write, both or neither: the chain's generation to the jobs topic, the delivery to the spill topic.

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


class Chains:
    """What one run makes of chains: the rule of this module's table.

    `generations` are the chains' as the jobs topic has them, and rise while the run writes. `again` lifts the third
    row of the table, and never sends a chain twice in one run. `senders` tell which job sent a chain last: so the job
    `run` knows its own, also when it was killed in between.
    """

    def __init__(
        self,
        *,
        generations: Mapping[str, int],
        most: int,
        again: bool,
        senders: Mapping[str, str] = _NOBODY,
        run: str | None = None,
    ) -> None:
        self._generations = generations
        self._senders = senders
        self._most = most
        self._again = again
        self._run = run
        self._given: set[str] = set()

    def refusal(self, chain: str, replays: int) -> SkipReason | None:
        """Why a chain, of which the replay numbered `replays` is at hand (0: the original), gets no further one."""
        generation = self._generations.get(chain, 0)
        sent = chain in self._given or (self._run is not None and self._senders.get(chain) == self._run)
        if sent or (generation > replays and not self._again):
            return SkipReason.ALREADY_REPLAYED
        return SkipReason.LIMIT if generation >= self._most else None

    def give(self, chain: str, now_ms: int) -> Replay:
        """The next replay of a chain that was not refused."""
        self._given.add(chain)
        generation = self._generations.get(chain, 0) + 1
        return Replay(delivery_id=chain, generation=generation, at_ms=now_ms, job_id=self._run)

    def settled(self) -> None:
        """What was given until now is written, and `senders` know of it; or it was not, and may be given again."""
        self._given.clear()


class Planner:
    """Plans one run. `generations` are the chains' as the jobs topic has them, `statuses` those of the webhooks."""

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
        self._statuses = statuses
        self._chains = Chains(generations=generations, most=max_replays, again=again)

    def plan(self, dead_letter: DeadLetter, now_ms: int) -> Plan:
        """Decide on one dead letter."""
        delivery = dead_letter.delivery
        chain = chain_of(delivery)
        reason = SkipReason.STUB if dead_letter.left_out_bytes else self._refusal(delivery, chain)
        if reason is not None:
            return Skipped(reason=reason)
        replay = self._chains.give(chain, now_ms)
        return Planned(replay=replay, delivery=_replayed(delivery, replay), place=self._place)

    def _refusal(self, delivery: Delivery, chain: str) -> SkipReason | None:
        if (reason := self._chains.refusal(chain, delivery.replays)) is not None:
            return reason
        match self._statuses.get(delivery.subscription_id):
            case None:
                return SkipReason.DELETED
            case Status.PAUSED:
                return SkipReason.PAUSED
            case Status.SUSPENDED:
                return SkipReason.SUSPENDED
            case Status.ACTIVE:
                return None


def chain_of(delivery: Delivery) -> str:
    """The id of the original delivery, whichever replay of it this is."""
    return delivery_id(delivery.event, delivery.subscription_id)


def sent_again(
    event: Event,
    webhook: str,
    replay: Replay,
    *,
    body: bytes | None,
    content_type: str,
    order: str | None,
    trigger: Trigger,
) -> Delivery:
    """A first try, due now, of this event for this webhook, with the body that was sent before, where one was."""
    replayed_by = replay_id(replay.delivery_id, replay.generation)
    return Delivery(
        id=delivery_id(event, webhook, replayed_by),
        event=event,
        subscription_id=webhook,
        body=body,
        content_type=content_type,
        replay_id=replayed_by,
        replays=replay.generation,
        tier=_SPILL_TIER,
        first_due_ms=replay.at_ms,
        trigger=trigger,
        job_id=replay.job_id,
        order=order,
    )


def _replayed(delivery: Delivery, replay: Replay) -> Delivery:
    # Made anew and not changed: what an earlier way left in it, whatever that comes to be, must not travel on.
    return sent_again(
        delivery.event,
        delivery.subscription_id,
        replay,
        body=delivery.body,
        content_type=delivery.content_type,
        order=delivery.order,
        trigger=Trigger.REPLAY,
    )
