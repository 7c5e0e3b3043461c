"""Every metric that Hookline exposes, declared once.

The law: what is exposed is declared here, what is declared here is in the table of docs/operating.md (`make docs`
writes it), and no label ever holds the name of a tenant or of a webhook. Every series of a process has the labels
`role` and `slot` in front of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

DELIVERING: Final = ("deliver", "retry")
LEADING: Final = ("projection", "jobs")
EVERY: Final = ("projection", "deliver", "retry", "log", "jobs", "api")

ATTEMPT_S: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 30.0)
LATENCY_S: Final = (
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    300.0,
    1_800.0,
    7_200.0,
    86_400.0,
)
BROKER_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
TURN_S: Final = (0.001, 0.01, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Kind(StrEnum):
    """As Prometheus calls them. An info is a gauge of 1 whose labels are what it tells."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """`roles` have it; none: the supervisor, of its processes or of itself. `bounds` are a histogram's.

    A counter of `roles` is told from their start on, as 0, for each of its `words`: a counter that appears with its
    first increase hides that increase from `increase()`. A `words` of () is a counter without labels.
    """

    name: str
    kind: Kind
    help: str
    roles: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    words: tuple[tuple[str, ...], ...] = ()


def _counter(
    name: str,
    roles: tuple[str, ...],
    help_: str,
    labels: tuple[str, ...] = (),
    words: tuple[tuple[str, ...], ...] | None = None,
) -> Metric:
    told = words if words is not None else (() if labels else ((),))
    return Metric(name=name, kind=Kind.COUNTER, help=help_, roles=roles, labels=labels, words=told)


def _gauge(name: str, roles: tuple[str, ...], help_: str, *labels: str) -> Metric:
    return Metric(name=name, kind=Kind.GAUGE, help=help_, roles=roles, labels=labels)


def _histogram(name: str, roles: tuple[str, ...], help_: str, bounds: tuple[float, ...], *labels: str) -> Metric:
    return Metric(name=name, kind=Kind.HISTOGRAM, help=help_, roles=roles, labels=labels, bounds=bounds)


def _words(*words: str) -> tuple[tuple[str, ...], ...]:
    return tuple((word,) for word in words)


_PLACE: Final = ("topic", "partition")
_FOLLOWING: Final = (*DELIVERING, "log")

ALL: Final = (
    # What an operator asks first
    _gauge(
        "hookline_oldest_unfinished_age_seconds",
        DELIVERING,
        "Age of the oldest record that was begun and has not ended, by its record time.",
        *_PLACE,
    ),
    _gauge(
        "hookline_records_unstarted",
        _FOLLOWING,
        "Records of a partition that were not begun: the backlog, to scale by. As of a few seconds ago.",
        *_PLACE,
    ),
    _gauge(
        "hookline_records_unfinished", DELIVERING, "Records of a partition that were begun and have not ended.", *_PLACE
    ),
    _gauge(
        "hookline_commit_map_chars",
        DELIVERING,
        "Length of what a commit tells beside its offset; a broker takes 4095.",
        *_PLACE,
    ),
    _gauge(
        "hookline_retry_overdue_seconds", DELIVERING, "How long the delivery that is due longest waits to be begun."
    ),
    _histogram(
        "hookline_delivery_latency_seconds",
        DELIVERING,
        "From an event's record time until its endpoint accepted it: at its first attempt without a wait, or later.",
        LATENCY_S,
        "path",
    ),
    # Events and deliveries
    _counter(
        "hookline_events_total",
        DELIVERING,
        "What records of the event topics came to.",
        ("outcome",),
        _words("matched", "no_subscribers", "poison", "tombstone"),
    ),
    _counter(
        "hookline_attempts_total",
        DELIVERING,
        "Attempts that ended, by what follows and by what the endpoint answered.",
        ("outcome", "code"),
        (("delivered", "2xx"), ("retry", "5xx"), ("retry", "timeout"), ("dead", "410")),
    ),
    _histogram(
        "hookline_attempt_duration_seconds",
        DELIVERING,
        "How long an attempt took, from its request to its answer, by what follows.",
        ATTEMPT_S,
        "outcome",
    ),
    _gauge("hookline_deliveries_waiting", DELIVERING, "Deliveries that wait in this process for their lanes."),
    _gauge("hookline_deliveries_in_flight", DELIVERING, "Requests that are under way."),
    _gauge("hookline_deliveries_held", DELIVERING, "Records of the delay topics that are held until they are due."),
    _gauge(
        "hookline_lanes",
        DELIVERING,
        "Webhooks of which deliveries wait or are under way here, by how their endpoints do.",
        "state",
    ),
    _counter(
        "hookline_connections_total",
        DELIVERING,
        "Answered requests, by whether they went over a connection that was open already.",
        ("reused",),
        _words("true", "false"),
    ),
    _counter(
        "hookline_spills_total", DELIVERING, "Deliveries that wait in a delay topic, without an attempt.", ("tier",)
    ),
    _counter("hookline_ordered_total", DELIVERING, "Deliveries of ordered webhooks, written to the ordered topic."),
    _counter("hookline_dead_letters_total", DELIVERING, "Deliveries that became dead letters.", ("reason",)),
    _counter("hookline_poison_total", DELIVERING, "Records that are no events.", ("reason",)),
    _counter(
        "hookline_dropped_total",
        DELIVERING,
        "Deliveries that came to nothing, for a reason.",
        ("reason",),
        _words("deleted", "paused", "repeat", "succeeded_late"),
    ),
    _counter("hookline_suspensions_total", DELIVERING, "Webhooks suspended by an answer."),
    _counter("hookline_keys_blocked_total", DELIVERING, "Keys of ordered webhooks that stopped."),
    _counter("hookline_stubs_total", DELIVERING, "Records too large for a topic of ours, written without their bytes."),
    _counter(
        "hookline_filters_given_up_total", DELIVERING, "Events sent although a filter was too costly to be asked."
    ),
    _counter("hookline_standings_asked_total", DELIVERING, "Reports to Redis of webhooks that are limited or failing."),
    _counter("hookline_standings_unanswered_total", DELIVERING, "Such reports that had no answer in time."),
    _counter(
        "hookline_traced_attempts_total",
        DELIVERING,
        "Attempts that were traced, by what became of their spans.",
        ("outcome",),
        _words("exported", "full", "not_taken"),
    ),
    _counter(
        "hookline_bugs_total",
        EVERY,
        "Exceptions of ours that were contained, by where.",
        ("boundary",),
        _words("decode", "match", "render", "sign", "submit", "answer", "log", "jobs", "telemetry"),
    ),
    # Kafka
    _counter("hookline_commits_total", _FOLLOWING, "Offset commits that were accepted."),
    _counter("hookline_commits_failed_total", _FOLLOWING, "Offset commits that failed.", ("error",)),
    _histogram("hookline_commit_latency_seconds", _FOLLOWING, "From a commit's request to its answer.", BROKER_S),
    _histogram(
        "hookline_produce_latency_seconds",
        (*DELIVERING, "log", "projection"),
        "From a record to its acknowledgement; of attempts from a commit's wish to the acknowledgement of all before.",
        BROKER_S,
        "producer",
    ),
    _counter("hookline_produce_failed_total", EVERY, "Records that had to be written again.", ("error",)),
    _counter(
        "hookline_unsent_total",
        DELIVERING,
        "Requests that came to nothing because the egress proxy is broken. They are no attempts.",
    ),
    _counter("hookline_offset_gaps_total", _FOLLOWING, "Times that a log did not hold the next record any more."),
    _gauge("hookline_partitions_assigned", _FOLLOWING, "Partitions that this process reads."),
    _counter(
        "hookline_rebalances_total",
        DELIVERING,
        "Times that partitions came or went.",
        ("kind",),
        _words("assigned", "revoked", "lost"),
    ),
    # The cache, the log, jobs
    _gauge("hookline_leader", LEADING, "Whether this process leads: 1 or 0."),
    _gauge(
        "hookline_projection_lag_seconds",
        ("projection",),
        "For how long the cache has not had all changes of webhooks. Of the process that leads.",
    ),
    _counter("hookline_subscriptions_applied_total", ("projection",), "Records of webhooks applied to the cache."),
    _counter("hookline_buckets_rebuilt_total", ("projection",), "Parts of the cache that were lost and filled again."),
    _counter("hookline_attempts_folded_total", ("log",), "Attempts counted in the health of their webhooks."),
    _counter("hookline_attempts_indexed_again_total", ("log",), "Attempts read once more for the delivery log."),
    _counter("hookline_suspensions_announced_total", ("log",), "Suspensions told to their tenants."),
    _counter("hookline_failures_told_total", ("log",), "Times that tenants were told that an endpoint fails, or not."),
    _gauge(
        "hookline_webhooks",
        ("log",),
        "Webhooks tried within a day, by how their last attempt ended: failing or accepting.",
        "state",
    ),
    _gauge(
        "hookline_webhook_certificates",
        ("log",),
        "Active webhooks of which a certificate ended, or ends within 14 days, as each process knows: ended or ending.",
        "state",
    ),
    # The API
    _counter(
        "hookline_api_requests_total", ("api",), "Requests to the API and its pages.", ("method", "route", "code")
    ),
    _histogram("hookline_api_duration_seconds", ("api",), "How long a request to the API took.", ATTEMPT_S, "route"),
    # The processes
    _gauge("hookline_outage_seconds", EVERY, "How long a condition has lasted; 0 while it does not.", "what"),
    _histogram(
        "hookline_loop_turn_seconds",
        EVERY,
        "How long a turn of a process's loop took, with what it waits for when there is nothing to do.",
        TURN_S,
    ),
    _counter("process_cpu_seconds_total", EVERY, "Processor time used."),
    _gauge("process_resident_memory_bytes", EVERY, "Memory held."),
    _gauge("process_open_fds", EVERY, "Open file descriptors."),
    _gauge("process_start_time_seconds", EVERY, "When the process began, in seconds since 1970."),
    _gauge("hookline_process_up", (), "Whether a process runs: 1 or 0."),
    _gauge("hookline_process_ready", (), "Whether a process does what it is for: 1 or 0."),
    _gauge("hookline_snapshot_age_seconds", (), "How long ago a running process last told how it does."),
    _counter("hookline_process_starts_total", (), "Times that a process was started."),
    _counter("hookline_process_exits_total", (), "Times that a process ended by itself, by its exit code.", ("code",)),
    Metric(
        name="hookline_build_info",
        kind=Kind.INFO,
        help="Which Hookline this is, and on what it runs.",
        labels=("version", "python", "librdkafka"),
    ),
)

BY_NAME: Final[Mapping[str, Metric]] = {metric.name: metric for metric in ALL}

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
