"""What becomes of a candidate: a delivery to be sent, or a reason why not. Pure.

The law: the rule of chains is that of `replay.plan`. A recovery passes over its third row: its source has just found
that nobody accepted the event and that it waits nowhere, which is newer than any count.
"""

from typing import TypeAlias

from consumer.delivery.delivery import Trigger, delivery_id
from consumer.jobs.candidate import Candidate
from consumer.jobs.job import Asked, Kind
from consumer.replay.generations import Generations
from consumer.replay.plan import Chains, Planned, sent_again

Plan: TypeAlias = Planned | str
"""What to write; or why nothing is, as one of `Skip` or of `replay.plan.SkipReason`."""


class Planner:
    """Plans one job. What `generations` tell rises as the job writes."""

    def __init__(self, asked: Asked, generations: Generations) -> None:
        self._asked = asked
        self._trigger = Trigger(asked.kind.value)
        self._chains = Chains(
            generations=generations.of,
            senders=generations.senders,
            most=asked.most,
            again=asked.again or asked.kind is Kind.RECOVER,
            run=asked.id,
        )

    def plan(self, candidate: Candidate, now_ms: int) -> Plan:
        """Decide on one candidate."""
        if candidate.skip is not None:
            return candidate.skip.value
        webhook = self._asked.webhook
        chain = delivery_id(candidate.event, webhook)
        refused = self._chains.refusal(chain, candidate.replays)
        if refused is not None:
            return refused.value
        delivery = sent_again(
            candidate.event,
            webhook,
            replay := self._chains.give(chain, now_ms),
            body=candidate.body,
            content_type=candidate.content_type,
            order=candidate.order,
            trigger=self._trigger,
        )
        return Planned(replay=replay, delivery=delivery, place=self._asked.place)

    def settled(self) -> None:
        """What was planned is written, and the generations say so; or it was not, and may be planned again."""
        self._chains.settled()
