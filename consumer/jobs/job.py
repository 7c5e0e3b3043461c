"""A job: what was asked for, and how far it came. Pure.

The law: what is asked (`Asked`) is written by whoever asks, and what became of it (`Job`) by the one process that runs
jobs. So neither ever overwrites the other's.

    asked to count ─► counting ─► counted ── start ─► running ─► done
    asked to run ───────────────────────────────────► running ⇄ paused: by hand, or by itself with a reason
                                                         └── cancel ─► canceled         broken for good ─► failed

A job that is refused is `refused`, and never begins.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from consumer.control.owner import Owner
from consumer.log import answered
from consumer.replay.plan import Place

LEAST_PER_S: Final = 1
MOST_PER_S: Final = 1_000
USUAL_PER_S: Final = 50
MOST_CHOSEN: Final = 1_000
"""How many deliveries a job may be given by their places."""
SAMPLE: Final = 5
TYPES: Final = 20
"""Of so many event types it is told how many were sent of each: of those that came first."""


class Kind(StrEnum):
    """What is sent again. The deliveries that it makes have the same word as their trigger."""

    RESEND = "resend"  # one delivery, or several that were named
    REPLAY = "replay"  # deliveries, by a filter
    RECOVER = "recover"  # events that the webhook missed


class Wish(StrEnum):
    """What is to become of a job, as whoever asked last wants it."""

    COUNT = "count"
    RUN = "run"
    PAUSE = "pause"
    CANCEL = "cancel"


class State(StrEnum):
    """Where a job is."""

    COUNTING = "counting"
    COUNTED = "counted"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELED = "canceled"
    FAILED = "failed"
    REFUSED = "refused"


ENDED: Final = frozenset({State.DONE, State.CANCELED, State.FAILED, State.REFUSED})


class Reason(StrEnum):
    """Why a job is paused, failed or refused."""

    BY_HAND = "by_hand"
    ENDPOINT_FAILS = "endpoint_fails"  # its last 20 attempts failed
    WEBHOOK_PAUSED = "webhook_paused"
    WEBHOOK_SUSPENDED = "webhook_suspended"
    BEHIND = "behind"  # 1,000 of its deliveries have not been tried yet, and none was for a minute
    WEBHOOK_DELETED = "webhook_deleted"  # failed
    TOO_MANY = "too_many"  # failed: more than can be kept in mind. A shorter span is
    KAFKA = "kafka"  # failed: a topic that it needs is gone
    BUG = "bug"  # failed: please report it
    SAME_JOB = "same_job"  # refused: the same is under way as `other`
    ONE_RUNNING = "one_running"  # refused: another one, `other`, runs for this webhook
    TOO_MANY_JOBS = "too_many_jobs"  # refused: the tenant has five unfinished ones


class Skip(StrEnum):
    """Why one of those that were looked at is not sent. The first ones are `replay.plan.SkipReason`s too."""

    ALREADY_REPLAYED = "already_replayed"
    REPLAY_LIMIT = "replay_limit"
    PAYLOAD_LEFT_OUT = "payload_left_out"
    DELIVERED = "delivered"  # it was accepted, and `again` was not asked for
    WAITING = "waiting"  # it waits in a delay topic, or an attempt of it is still to come
    NOT_KEPT = "not_kept"  # its record is gone
    NOT_TOLD = "not_told"  # its record is from before records told where the event lies: it cannot be known again


class Spot(NamedTuple):
    """Where a record lies."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Deliveries by the places of their latest attempts, or of their dead letters."""

    spots: tuple[Spot, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """The webhook's deliveries that match, at their latest attempt; empty fields ask for nothing.

    `statuses` are words of `delivered`, `retrying`, `failed`; `codes` as in `503`, `5xx`, `none`; `reasons` those of
    `FailureKind` and `DeathReason`; `types` event types or `prefix.*`. `since_ms` and `until_ms` (not included) compare
    with when the latest attempt began, of a dead letter with when it was given up.
    """

    statuses: frozenset[str] = frozenset({"failed"})
    codes: frozenset[str] = frozenset()
    reasons: frozenset[str] = frozenset()
    types: tuple[str, ...] = ()
    since_ms: int | None = None
    until_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """The events of the webhook's tenant whose records lie in [since, until), and which it missed (`missed.py`).

    `types` narrow what the webhook itself wants; empty: all that it wants.
    """

    since_ms: int
    until_ms: int
    types: tuple[str, ...] = ()


Subject: TypeAlias = Chosen | Matching | Missed


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for. `number` counts the wishes: the job has heard of the latest when its `heard` is as high.

    `again`: also what was delivered, or is on its way again already. `most` replays of a chain are made at most.
    `created_by` is an API key's id, or `operator`.
    """

    id: str
    owner: Owner
    webhook: str
    kind: Kind
    subject: Subject
    again: bool = False
    rate_per_s: int = USUAL_PER_S
    most: int
    place: Place = Place.BEFORE
    created_by: str
    created_at_ms: int
    wish: Wish
    number: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many were looked at, matched what was asked for, were sent, and were not, by reason.

    `raced` of those sent may be on their way twice: they were missed by what was known, and deliveries went on.
    `types` are those that were sent, or would be, by event type, of TYPES of them.
    """

    looked: int = 0
    matched: int = 0
    sent: int = 0
    raced: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    types: Mapping[str, int] = field(default_factory=dict)


Answered: TypeAlias = answered.Answered
"""What its endpoint made of a job's deliveries: the log's word, for it is the log that counts them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """One of those that a job would send, or has sent. `delivery` is None of an event that was never tried."""

    event_id: str
    event_type: str
    at_ms: int
    delivery: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What became of it. Written by the process that runs jobs, together with what it sends.

    `counted` tells of the count, `counts` of the run. `begins` and `ends` are from where to where it reads each
    partition, as that was when it began (to count, or to run), `position` the next offset of each: all are empty
    before. `made` are the ids of the deliveries that it made, of a job of at most SAMPLE. `other` is the job that it
    was refused for. `attempts`: so many had been logged of it when it was last set going, and failures before that do
    not pause it again.
    """

    id: str
    state: State
    heard: int
    reason: Reason | None = None
    detail: str = ""
    other: str | None = None
    counted: Counts | None = None
    counts: Counts = field(default_factory=Counts)
    begins: Mapping[tuple[str, int], int] = field(default_factory=dict)
    ends: Mapping[tuple[str, int], int] = field(default_factory=dict)
    position: Mapping[tuple[str, int], int] = field(default_factory=dict)
    reached_ms: int | None = None
    sample: tuple[Sampled, ...] = ()
    made: tuple[str, ...] = ()
    attempts: int = 0
    started_at_ms: int | None = None
    finished_at_ms: int | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state in ENDED
