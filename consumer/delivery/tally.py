"""What a process's attempts came to, in more words than the counters have: for whoever watches the process.

The law: nothing here decides anything, and an attempt costs less than a microsecond of it.
"""

from typing import Final

from consumer.delivery.answer import OURS, Answer, Failure, FailureKind
from consumer.delivery.delivery import Delivery, Trigger
from consumer.delivery.outcome import DeathReason
from consumer.events.reasons import PoisonReason
from consumer.telemetry.buckets import Buckets
from consumer.telemetry.catalogue import ATTEMPT_S, LATENCY_S

DELIVERED: Final = "delivered"
RETRIED: Final = "retry"
DEAD: Final = "dead"
HANDED_OVER: Final = "handed_over"

_OWN_CLASS: Final = frozenset({410, 429})
_CODES: Final = {status: str(status) if status in _OWN_CLASS else f"{status // 100}xx" for status in range(100, 600)}
_KINDS: Final = {
    kind: {FailureKind.CONNECT: "refused"}.get(kind, "ours" if kind in OURS else str(kind)) for kind in FailureKind
}


def code_of(answer: Answer) -> str:
    """The class of an answer, one of a few words: a status of its own, the class of a status, or why there is none."""
    if isinstance(answer, Failure):
        return _KINDS[answer.kind]
    return _CODES.get(answer.status, "protocol")


class Tally:
    """Filled by the core, read by its shell."""

    def __init__(self, tiers: tuple[str, ...] = ()) -> None:
        """`tiers` are the delay topics' names."""
        self.attempts: dict[tuple[str, str], int] = {}
        self.durations = {outcome: Buckets(ATTEMPT_S) for outcome in (DELIVERED, RETRIED, DEAD)}
        self.first = Buckets(LATENCY_S)
        self.later = Buckets(LATENCY_S)
        self.reused = 0
        self.connected = 0
        self.spills = dict.fromkeys(tiers, 0)
        # Told as 0 from the start: who alerts on an increase would miss the first.
        self.dead_letters: dict[str, int] = dict.fromkeys(DeathReason, 0)
        self.poison: dict[str, int] = dict.fromkeys(PoisonReason, 0)

    def attempted(self, outcome: str, answer: Answer) -> None:
        """An attempt has ended, and this follows."""
        key = (outcome, code_of(answer))
        self.attempts[key] = self.attempts.get(key, 0) + 1
        if outcome is HANDED_OVER:
            return  # it is still under way
        self.durations[outcome].observe(answer.elapsed_ms / 1_000)
        timing = answer.timing
        if timing.first_byte_ms is not None:
            if timing.connect_ms is None:
                self.reused += 1
            else:
                self.connected += 1

    def accepted(self, now_ms: int, delivery: Delivery) -> None:
        """Its endpoint accepted it now. What was sent again on purpose says nothing of how long deliveries take."""
        if delivery.trigger == Trigger.EVENT:
            path = self.later if delivery.attempts or delivery.spills else self.first
            path.observe((now_ms - delivery.event.timestamp_ms) / 1_000)

    def spilled(self, tier: str) -> None:
        """A delivery waits in this delay topic, without an attempt."""
        self.spills[tier] = self.spills.get(tier, 0) + 1
