"""What is kept of one webhook for all processes: its state, and each process as it was last heard of.

The law: both hold numbers and names only, so that Redis keeps them as they are (`consumer/standings/script.py`). What
becomes of them is decided in `exchange.py`.
"""

from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Member:
    """One process, as it was last heard of. `hungry_ms`: since when it wants a place and has none; else 0.

    `tat_ms` and `tat_after_ms`: the state's, before and after the permits of its last answer; 0 when it had none.
    """

    seen_ms: float = 0.0
    number: int = 0
    want: int = 0
    wants: int = 0  # and what it would bring forward
    lease: int = 0
    turn_ms: float = 0.0
    hungry_ms: float = 0.0
    pace_per_s: float = 0.0
    slots: int = 0
    waits: int = 0
    blocked: int = 0
    tat_ms: float = 0.0
    tat_after_ms: float = 0.0


@dataclass(slots=True, kw_only=True)
class State:
    """What is kept of one webhook. Times are those of whoever keeps it; 0 is never.

    `tat_ms`: the time of the next permit (the theoretical arrival time of the GCRA). `ahead`: the slots given whose
    time has not come, as of `at_ms`. `telling` counts what was to be told, `told` what was: the odd ones, that it is
    behind.
    """

    at_ms: float = 0.0
    revision: int = -1
    rate_per_s: float = 0.0
    max_concurrency: int = 0
    tat_ms: float = 0.0
    pace_per_s: float = 0.0
    ahead: float = 0.0
    waiting: int = 0
    until_ms: float = 0.0
    blocked: int = 0
    level: int = -1
    open_until_ms: float = 0.0
    early_from_ms: float = 0.0
    failing_ms: float = 0.0
    answered_ms: float = 0.0
    accepted_ms: float = 0.0
    recovered_ms: float = 0.0
    probe: str = ""
    probe_until_ms: float = 0.0
    otherwise_ms: float = 0.0
    telling: int = 0
    told: int = 0
    teller: str = ""
    teller_until_ms: float = 0.0
    members: dict[str, Member] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """What the endpoint takes a second: its rate limit or its pace, whichever is less; 0 where nobody knows."""
        if self.rate_per_s > 0 and self.pace_per_s > 0:
            return min(self.rate_per_s, self.pace_per_s)
        return max(self.rate_per_s, self.pace_per_s)
