"""Every metric that Hookline exposes, declared once.

The law: what is exposed is declared here, what is declared here is in the table of docs/operating.md (`make docs`
writes it), and no label ever holds the name of a tenant or of a webhook. Every series of a process has the labels
`role` and `slot` in front of its own.
"""

from collections.abc import Mapping
from typing import Final

from consumer.telemetry.metric import Kind, Metric, counter, gauge, histogram, one_of

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
TURN_S: Final = (0.001, 0.01, 0.1, 0.25, 0.5, 1.1, 2.5, 5.0, 10.0, 30.0)  # one above what a loop rests

_PLACE: Final = ("topic", "partition")
_FOLLOWING: Final = (*DELIVERING, "log")

ALL: Final = (
    # What an operator asks first
    gauge(
        "hookline_oldest_unfinished_age_seconds",
        DELIVERING,
        "Age of the oldest record that was begun and has not ended, by its record time.",
        *_PLACE,
    ),
    gauge(
        "hookline_records_unstarted",
        _FOLLOWING,
        "Records of a partition that were not begun: the backlog, to scale by. As of a few seconds ago.",
        *_PLACE,
    ),
    gauge(
        "hookline_records_unfinished", DELIVERING, "Records of a partition that were begun and have not ended.", *_PLACE
    ),
    gauge(
        "hookline_commit_map_chars",
        DELIVERING,
        "Length of what a commit tells beside its offset; a broker takes 4095.",
        *_PLACE,
    ),
    gauge("hookline_retry_overdue_seconds", DELIVERING, "How long the delivery that is due longest waits to be begun."),
    histogram(
        "hookline_delivery_latency_seconds",
        DELIVERING,
        "From an event's record time until its endpoint accepted it: at its first attempt without a wait, or later.",
        LATENCY_S,
        "path",
    ),
    # Events and deliveries
    counter(
        "hookline_events_total",
        DELIVERING,
        "What records of the event topics came to.",
        ("outcome",),
        one_of("matched", "no_subscribers", "poison", "tombstone"),
    ),
    counter(
        "hookline_attempts_total",
        DELIVERING,
        "Attempts that ended, by what follows and by what the endpoint answered.",
        ("outcome", "code"),
        (("delivered", "2xx"), ("retry", "5xx"), ("retry", "timeout"), ("dead", "410")),
    ),
    histogram(
        "hookline_attempt_duration_seconds",
        DELIVERING,
        "How long an attempt took, from its request to its answer, by what follows.",
        ATTEMPT_S,
        "outcome",
    ),
    gauge("hookline_deliveries_waiting", DELIVERING, "Deliveries that wait in this process for their lanes."),
    gauge("hookline_deliveries_in_flight", DELIVERING, "Requests that are under way."),
    gauge("hookline_deliveries_held", DELIVERING, "Records of the delay topics that are held until they are due."),
    gauge(
        "hookline_lanes",
        DELIVERING,
        "Webhooks of which deliveries wait or are under way here, by how their endpoints do.",
        "state",
    ),
    counter(
        "hookline_connections_total",
        DELIVERING,
        "Answered requests, by whether they went over a connection that was open already.",
        ("reused",),
        one_of("true", "false"),
    ),
    counter(
        "hookline_spills_total", DELIVERING, "Deliveries that wait in a delay topic, without an attempt.", ("tier",)
    ),
    counter("hookline_ordered_total", DELIVERING, "Deliveries of ordered webhooks, written to the ordered topic."),
    counter("hookline_dead_letters_total", DELIVERING, "Deliveries that became dead letters.", ("reason",)),
    counter("hookline_poison_total", DELIVERING, "Records that are no events.", ("reason",)),
    counter(
        "hookline_dropped_total",
        DELIVERING,
        "Deliveries that came to nothing, for a reason.",
        ("reason",),
        one_of("deleted", "paused", "repeat", "succeeded_late", "erased"),
    ),
    counter("hookline_suspensions_total", DELIVERING, "Webhooks suspended by an answer."),
    counter("hookline_keys_blocked_total", DELIVERING, "Keys of ordered webhooks that stopped."),
    counter("hookline_stubs_total", DELIVERING, "Records too large for a topic of ours, written without their bytes."),
    counter("hookline_filters_given_up_total", DELIVERING, "Events sent although a filter was too costly to be asked."),
    counter("hookline_standings_asked_total", DELIVERING, "Reports to Redis of webhooks that are limited or failing."),
    counter("hookline_standings_unanswered_total", DELIVERING, "Such reports that had no answer in time."),
    counter(
        "hookline_traced_attempts_total",
        DELIVERING,
        "Attempts that were traced, by what became of their spans.",
        ("outcome",),
        one_of("exported", "full", "not_taken"),
    ),
    counter(
        "hookline_bugs_total",
        EVERY,
        "Exceptions of ours that were contained, by where.",
        ("boundary",),
        one_of("decode", "match", "render", "sign", "submit", "answer", "log", "jobs", "telemetry"),
    ),
    # Kafka
    counter("hookline_commits_total", _FOLLOWING, "Offset commits that were accepted."),
    counter("hookline_commits_failed_total", _FOLLOWING, "Offset commits that failed.", ("error",)),
    histogram("hookline_commit_latency_seconds", _FOLLOWING, "From a commit's request to its answer.", BROKER_S),
    histogram(
        "hookline_produce_latency_seconds",
        (*DELIVERING, "log", "projection"),
        "From a record to its acknowledgement; of attempts from a commit's wish to the acknowledgement of all before.",
        BROKER_S,
        "producer",
    ),
    counter("hookline_produce_failed_total", EVERY, "Records that had to be written again.", ("error",)),
    counter(
        "hookline_unsent_total",
        DELIVERING,
        "Requests that came to nothing because the egress proxy is broken. They are no attempts.",
    ),
    counter("hookline_offset_gaps_total", _FOLLOWING, "Times that a log did not hold the next record any more."),
    gauge("hookline_partitions_assigned", _FOLLOWING, "Partitions that this process reads."),
    counter(
        "hookline_rebalances_total",
        DELIVERING,
        "Times that partitions came or went.",
        ("kind",),
        one_of("assigned", "revoked", "lost"),
    ),
    # The cache, the log, jobs
    gauge("hookline_leader", LEADING, "Whether this process leads: 1 or 0."),
    gauge(
        "hookline_projection_lag_seconds",
        ("projection",),
        "For how long the cache has not had all changes of webhooks. Of the process that leads.",
    ),
    counter("hookline_subscriptions_applied_total", ("projection",), "Records of webhooks applied to the cache."),
    counter("hookline_buckets_rebuilt_total", ("projection",), "Parts of the cache that were lost and filled again."),
    counter("hookline_attempts_folded_total", ("log",), "Attempts counted in the health of their webhooks."),
    counter("hookline_attempts_indexed_again_total", ("log",), "Attempts read once more for the delivery log."),
    counter("hookline_suspensions_announced_total", ("log",), "Suspensions told to their tenants."),
    counter("hookline_failures_told_total", ("log",), "Times that tenants were told that an endpoint fails, or not."),
    gauge(
        "hookline_webhooks",
        ("log",),
        "Webhooks tried within a day, by how their last attempt ended: failing or accepting.",
        "state",
    ),
    gauge(
        "hookline_webhook_certificates",
        ("log",),
        "Active webhooks of which a certificate ended, or ends within 14 days, as each process knows: ended or ending.",
        "state",
    ),
    # The API
    counter("hookline_api_requests_total", ("api",), "Requests to the API and its pages.", ("method", "route", "code")),
    histogram("hookline_api_duration_seconds", ("api",), "How long a request to the API took.", ATTEMPT_S, "route"),
    # The processes
    gauge("hookline_outage_seconds", EVERY, "How long a condition has lasted; 0 while it does not.", "what"),
    histogram(
        "hookline_loop_turn_seconds",
        EVERY,
        "How long a turn of a process's loop took, with what it waits for when there is nothing to do.",
        TURN_S,
    ),
    counter("process_cpu_seconds_total", EVERY, "Processor time used."),
    gauge("process_resident_memory_bytes", EVERY, "Memory held."),
    gauge("process_open_fds", EVERY, "Open file descriptors."),
    gauge("process_start_time_seconds", EVERY, "When the process began, in seconds since 1970."),
    gauge("hookline_process_up", (), "Whether a process runs: 1 or 0."),
    gauge("hookline_process_ready", (), "Whether a process does what it is for: 1 or 0."),
    gauge("hookline_snapshot_age_seconds", (), "How long ago a running process last told how it does."),
    counter("hookline_process_starts_total", (), "Times that a process was started."),
    counter("hookline_process_exits_total", (), "Times that a process ended by itself, by its exit code.", ("code",)),
    Metric(
        name="hookline_build_info",
        kind=Kind.INFO,
        help="Which Hookline this is, and on what it runs.",
        labels=("version", "python", "librdkafka"),
    ),
)

BY_NAME: Final[Mapping[str, Metric]] = {metric.name: metric for metric in ALL}
