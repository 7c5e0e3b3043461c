"""What is counted: the one list of names, in the glossary's words, for the pure rooms and for the shell.

The law: whatever is counted is named here, and what is named here is counted somewhere and explained in
docs/operating.md. Literals, not an enumeration: mypy checks them, and the hot path pays for a dictionary only.
"""

from typing import Literal, TypeAlias

Count: TypeAlias = Literal[
    # The delivery processes'
    "events",
    "matched",
    "attempts",
    "deliveries_delivered",
    "ordered",
    "retries",
    "spills",
    "handed_over",
    "unsent",
    "dead_letters",
    "suspended",
    "keys_blocked",
    "poison",
    "stubs",
    "filters_given_up",
    "standings_asked",
    "standings_unanswered",
    "rebalances",
    # Traces
    "traced",
    # What was contained, by its boundary
    "bugs",
    # Kafka's; the failed ones with a reason
    "commits",
    "commits_failed",
    "produce_failed",
    "offset_gaps",
    # The projection's
    "subscriptions_applied",
    "buckets_rebuilt",
    # The log's
    "attempts_folded",
    "attempts_indexed_again",
    "suspensions_announced",
    "failures_told",
]

Dropped: TypeAlias = Literal["no_subscribers", "deleted", "paused", "tombstone", "repeat", "succeeded_late", "erased"]
"""The reasons of `dropped`: why a record, or one delivery of it, came to nothing."""


def reasoned(name: Count | Literal["dropped"], reason: str) -> str:
    """A counter's name where it has reasons: `name{reason}`."""
    return f"{name}{{{reason}}}"
