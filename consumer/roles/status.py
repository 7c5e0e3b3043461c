"""How Hookline does on this machine, for people and scripts: what `/status` answers and `hookline status` shows. Pure.

The law: every number is one of /metrics, or their sum; so what a person sees is what an alert sees.
"""

from collections import defaultdict
from collections.abc import Iterator

import msgspec

from consumer.roles.overview import Life, Overview
from consumer.roles.supervision import Member
from consumer.webhooks.certificate_ends import Ending


class Process(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One process. `reasons` say why it is not ready; what it has not told, or has not, is None."""

    role: str
    slot: int
    pid: int
    running: bool
    reasons: list[str]
    restarts: int
    silent_for_s: float | None
    memory_bytes: float | None
    cpu_s: float | None
    partitions: float | None
    leads: bool | None


class Topic(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One topic that is read. Of a delay topic what is unfinished waits on purpose."""

    topic: str
    unstarted: float
    unfinished: float
    oldest_age_s: float


class Deliveries(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is under way. `overdue_s`: for how long the delivery that is due longest has waited to be begun."""

    waiting: float
    in_flight: float
    held_until_due: float
    overdue_s: float


class Trouble(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A condition that lasts."""

    role: str
    slot: int
    what: str
    for_s: float


class Status(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All of it. The counts are since each process began, by their words; those of 0 are left out."""

    version: str
    ready: bool
    alive: bool
    reasons: list[str]
    processes: list[Process]
    topics: list[Topic]
    deliveries: Deliveries
    attempts: dict[str, float]
    lanes: dict[str, float]
    webhooks: dict[str, float]
    events: dict[str, float]
    poison: dict[str, float]
    dead_letters: dict[str, float]
    dropped: dict[str, float]
    troubles: list[Trouble]
    certificates: dict[str, float] = msgspec.field(default_factory=dict)


def status_of(overview: Overview, now_s: float) -> Status:
    """The status of all processes now."""
    lacks, silent, sums = overview.lacks(), overview.silent(now_s), _Sums(overview)
    return Status(
        version=overview.build.get("version", ""),
        ready=not lacks,
        alive=not silent,
        reasons=[*lacks, *silent],
        processes=[_process(member, life, now_s) for member, life in overview.lives.items()],
        topics=list(_topics(sums)),
        deliveries=Deliveries(
            waiting=sums.of("hookline_deliveries_waiting"),
            in_flight=sums.of("hookline_deliveries_in_flight"),
            held_until_due=sums.of("hookline_deliveries_held"),
            overdue_s=sums.most("hookline_retry_overdue_seconds"),
        ),
        attempts=sums.by("hookline_attempts_total"),
        lanes=sums.by("hookline_lanes"),
        webhooks=sums.by("hookline_webhooks"),
        events=sums.by("hookline_events_total"),
        poison=sums.by("hookline_poison_total"),
        dead_letters=sums.by("hookline_dead_letters_total"),
        dropped=sums.by("hookline_dropped_total"),
        troubles=[
            Trouble(role=str(member.role), slot=member.slot, what=words[0], for_s=round(value, 1))
            for member, name, words, value in sums.all()
            if name == "hookline_outage_seconds" and value > 0
        ],
        # Each process of `log` tells of all webhooks.
        certificates={
            word: most for word in sorted(Ending) if (most := sums.most("hookline_webhook_certificates", word))
        },
    )


def _process(member: Member, life: Life, now_s: float) -> Process:
    told = {} if life.snapshot is None else {name: value for name, words, value in life.snapshot.values if not words}
    return Process(
        role=str(member.role),
        slot=member.slot,
        pid=life.pid,
        running=life.runs,
        reasons=list(life.lacks),
        restarts=max(0, life.starts - 1),
        silent_for_s=round(life.silent_s(now_s), 1) if life.runs else None,
        memory_bytes=told.get("process_resident_memory_bytes"),
        cpu_s=told.get("process_cpu_seconds_total"),
        partitions=told.get("hookline_partitions_assigned"),
        leads=None if "hookline_leader" not in told else told["hookline_leader"] == 1,
    )


def _topics(sums: "_Sums") -> Iterator[Topic]:
    unstarted = sums.by("hookline_records_unstarted", zeros=True)
    unfinished = sums.by("hookline_records_unfinished", zeros=True)
    for topic in sorted({*unstarted, *unfinished}):
        yield Topic(
            topic=topic,
            unstarted=unstarted.get(topic, 0),
            unfinished=unfinished.get(topic, 0),
            oldest_age_s=sums.most("hookline_oldest_unfinished_age_seconds", topic),
        )


class _Sums:
    """The numbers that all processes told last."""

    def __init__(self, overview: Overview) -> None:
        self._lives = overview.lives

    def all(self) -> Iterator[tuple[Member, str, tuple[str, ...], float]]:
        """Each of those that are gauges or counters."""
        for member, life in self._lives.items():
            if life.snapshot is not None:
                for name, words, value in life.snapshot.values:
                    yield member, name, words, value

    def of(self, metric: str) -> float:
        """The sum of these."""
        return sum(value for _, name, _, value in self.all() if name == metric)

    def most(self, metric: str, *first: str) -> float:
        """The largest of them, of those whose first labels are these."""
        found = (value for _, name, words, value in self.all() if name == metric and words[: len(first)] == first)
        return round(max(found, default=0.0), 1)

    def by(self, metric: str, *, zeros: bool = False) -> dict[str, float]:
        """Their sums by the first of their labels."""
        sums: defaultdict[str, float] = defaultdict(float)
        for _, name, words, value in self.all():
            if name == metric:
                sums[words[0]] += value
        return {word: value for word, value in sorted(sums.items()) if value or zeros}
