"""Which metric tells what a counter of this process counts. Pure.

The law: each counter is told by one metric, or stands among those that are told otherwise.
"""

from collections.abc import Mapping
from typing import Final

COUNTED: Final[Mapping[str, tuple[str, str | None]]] = {
    "matched": ("hookline_events_total", "matched"),
    "dropped{no_subscribers}": ("hookline_events_total", "no_subscribers"),
    "dropped{tombstone}": ("hookline_events_total", "tombstone"),
    "poison": ("hookline_events_total", "poison"),
    "dropped": ("hookline_dropped_total", None),
    "rebalances": ("hookline_rebalances_total", None),
    "traced": ("hookline_traced_attempts_total", None),
    "bugs": ("hookline_bugs_total", None),
    "commits_failed": ("hookline_commits_failed_total", None),
    "produce_failed": ("hookline_produce_failed_total", None),
    "ordered": ("hookline_ordered_total", None),
    "suspended": ("hookline_suspensions_total", None),
    "keys_blocked": ("hookline_keys_blocked_total", None),
    "stubs": ("hookline_stubs_total", None),
    "filters_given_up": ("hookline_filters_given_up_total", None),
    "standings_asked": ("hookline_standings_asked_total", None),
    "standings_unanswered": ("hookline_standings_unanswered_total", None),
    "commits": ("hookline_commits_total", None),
    "unsent": ("hookline_unsent_total", None),
    "offset_gaps": ("hookline_offset_gaps_total", None),
    "subscriptions_applied": ("hookline_subscriptions_applied_total", None),
    "buckets_rebuilt": ("hookline_buckets_rebuilt_total", None),
    "attempts_folded": ("hookline_attempts_folded_total", None),
    "attempts_indexed_again": ("hookline_attempts_indexed_again_total", None),
    "suspensions_announced": ("hookline_suspensions_announced_total", None),
    "failures_told": ("hookline_failures_told_total", None),
}
"""What the counters are called as metrics: by a counter's name, with its reason where that decides, the metric and the
word of its label. A word of None is the counter's reason, or no label where it has none."""

TOLD_OTHERWISE: Final = frozenset(
    {"events", "attempts", "deliveries_delivered", "retries", "spills", "handed_over", "dead_letters"}
)
"""Counters that are no metrics: what they count is told with more words by metrics that deliveries count themselves."""


def counted(name: str) -> tuple[str, tuple[str, ...]] | None:
    """The metric and the labels of a counter, `name` or `name{reason}`; None for one that is told otherwise."""
    if name in COUNTED:
        metric, word = COUNTED[name]
        return metric, () if word is None else (word,)
    count, _, rest = name.partition("{")
    if count not in COUNTED:
        return None
    metric, word = COUNTED[count]
    return metric, (rest.removesuffix("}") if word is None else word,)
