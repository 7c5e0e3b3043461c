"""What a process's attempts came to, in more words than the counters have: for whoever watches the process.

The law: nothing here decides anything, and an attempt costs less than a microsecond of it.
"""

from typing import Final

from consumer.delivery.answer import OURS, Answer, Failure, FailureKind, Timing
from consumer.delivery.delivery import Delivery, Trigger
from consumer.delivery.outcome import GONE, TOO_MANY, DeathReason
from consumer.events.reasons import PoisonReason
from consumer.telemetry.buckets import Buckets
from consumer.telemetry.catalogue import ATTEMPT_S, LATENCY_S

DELIVERED: Final = "delivered"
RETRIED: Final = "retry"
DEAD: Final = "dead"
HANDED_OVER: Final = "handed_over"

_ACCEPTED: Final = (DELIVERED, "2xx")
_OWN_CLASS: Final = frozenset({GONE, TOO_MANY})
_CODES: Final = {status: str(status) if status in _OWN_CLASS else f"{status // 100}xx" for status in range(100, 600)}
_KINDS: Final = {
    kind: {FailureKind.CONNECT: "refused"}.get(kind, "ours" if kind in OURS else str(kind)) for kind in FailureKind
}


def code_of(answer: Answer) -> str:
    """The class of an answer, one of a few words: a status of its own, the class of a status, or why there is none."""
    if isinstance(answer, Failure):
        return _KINDS[answer.kind]
    return _CODES.get(answer.status, "protocol")


_EVENT: Final = Trigger.EVENT  # Python 3.11 takes longer to find a member than to compare it


class Tally:
    """Filled by the core, read by its shell.

    What was accepted is gathered and observed together: `gathered` before anything is read.
    """

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
        self._took_s: list[float] = []
        self._first_s: list[float] = []
        self._later_s: list[float] = []

    def attempted(self, outcome: str, answer: Answer) -> None:
        """An attempt has ended, and this follows."""
        key = (outcome, code_of(answer))
        self.attempts[key] = self.attempts.get(key, 0) + 1
        if outcome is HANDED_OVER:
            return  # it is still under way
        self.durations[outcome].observe(answer.elapsed_ms / 1_000)
        self._connected(answer.timing)

    def accepted(self, now_ms: int, delivery: Delivery, answer: Answer) -> None:
        """An attempt has ended now: its endpoint accepted it.

        What was sent again on purpose says nothing of how long deliveries take.
        """
        self._took_s.append(answer.elapsed_ms / 1_000)
        timing = answer.timing
        if timing.first_byte_ms is not None and timing.connect_ms is None:
            self.reused += 1  # nearly always
        else:
            self._connected(timing)
        if delivery.trigger == _EVENT:
            path = self._later_s if delivery.attempts or delivery.spills else self._first_s
            path.append((now_ms - delivery.event.timestamp_ms) / 1_000)

    def gathered(self) -> None:
        """Observe what was accepted since the last call."""
        if not self._took_s:
            return
        self.attempts[_ACCEPTED] = self.attempts.get(_ACCEPTED, 0) + len(self._took_s)
        for buckets, values in (
            (self.durations[DELIVERED], self._took_s),
            (self.first, self._first_s),
            (self.later, self._later_s),
        ):
            buckets.observe_all(values)
            values.clear()

    def _connected(self, timing: Timing) -> None:
        if timing.first_byte_ms is not None:
            if timing.connect_ms is None:
                self.reused += 1
            else:
                self.connected += 1

    def spilled(self, tier: str) -> None:
        """A delivery waits in this delay topic, without an attempt."""
        self.spills[tier] = self.spills.get(tier, 0) + 1
