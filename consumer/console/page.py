"""The console's page, made of what its looks told. Pure.

The law: each region stands for itself. What one of them could not be told is said there, and the others are shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from consumer.console.activity import DeedRow, deed_row
from consumer.console.groups import LagView, StuckView, WaitingRow, lag_view, stuck_view, waiting_view
from consumer.console.look import Away
from consumer.console.opening import open_url
from consumer.console.stuck import Found
from consumer.console.supervised import Now, Pace, Process
from consumer.console.tenants import Tenants
from consumer.console.worst import Ailing, Worst
from consumer.control.audit import Deed
from consumer.jobs.conduct import AskedJob
from consumer.jobs.job import State
from consumer.kafka.lag import Behind
from consumer.log.standing import Standing
from consumer.portal.job_view import TONES
from consumer.portal.names import named, shortened
from consumer.portal.pills import Pill, Tone, of_status
from consumer.portal.times import Moment, moment, moment_or_none, span
from consumer.replay.poison import PoisonRecord
from consumer.settings import Settings

JOBS_MOST: Final = 20
_REASONS_MOST: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRow:
    """The processes of a role on this machine: how many there are, and what those lack that are not ready."""

    role: str
    processes: int
    alive: int
    ready: int
    restarts: int
    state: Pill
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TroubleRow:
    """A condition that lasts."""

    role: str
    what: str
    lasts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceView:
    """What is done in a second."""

    events: str
    attempts: str
    accepted: str | None
    over: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NowView:
    """This machine."""

    version: str
    roles: tuple[RoleRow, ...]
    pace: PaceView | None
    troubles: tuple[TroubleRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstRow:
    """A webhook that fails."""

    tenant: str
    brand: str
    open_url: str
    name: str
    host: str
    status: Pill
    failures: int
    answer: str
    since: Moment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstView:
    """See `Worst`."""

    rows: tuple[WorstRow, ...]
    failing: int
    looked: int
    there: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantRow:
    """A tenant under a brand."""

    tenant: str
    brand: str
    webhooks: int
    keys: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantsView:
    """See `Tenants`; `more` match and are not shown."""

    sought: str
    rows: tuple[TenantRow, ...]
    more: int
    there: int
    webhooks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """A job that has not ended."""

    tenant: str
    kind: str
    state: Pill
    sent: int
    created: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class PoisonRow:
    """A poison record: why it is one, and where it lay."""

    reason: str
    detail: str
    source: str
    bytes: int
    at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexView:
    """The log's index."""

    entries: int
    mib: str
    partitions: int
    filling: int
    since: Moment | None
    as_of: Moment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleView:
    """All of it. `away` says by region why there is nothing; a region that is None says nothing else."""

    at: Moment
    token: str
    away: dict[str, str]
    now: NowView | None
    lag: LagView | None
    waiting: tuple[WaitingRow, ...]
    ages: bool
    worst: WorstView | None
    stuck: StuckView | None
    tenants: TenantsView
    jobs: tuple[JobRow, ...]
    jobs_more: bool
    poison: tuple[PoisonRow, ...]
    index: IndexView | None
    deeds: tuple[DeedRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was told. `behind` is of all groups, `jobs` one more than are shown."""

    now: Now | Away
    behind: tuple[Sequence[Behind], Found] | Away
    worst: Worst | Away
    poison: Sequence[PoisonRecord] | Away
    index: Standing | Away
    deeds: Sequence[Deed] | Away
    tenants: Tenants
    sought: str
    jobs: Sequence[AskedJob] = field(default_factory=tuple)


def view_of(seen: Seen, settings: Settings, *, token: str, now_ms: int) -> ConsoleView:
    """The view."""
    away = {
        name: told.why
        for name in ("now", "behind", "worst", "poison", "index", "deeds")
        if isinstance(told := getattr(seen, name), Away)
    }
    ages_s = {} if isinstance(seen.now, Away) else {each.topic: each.oldest_age_s for each in seen.now.told.topics}
    behind = None if isinstance(seen.behind, Away) else seen.behind
    return ConsoleView(
        at=moment(now_ms, now_ms),
        token=token,
        away=away,
        now=None if isinstance(seen.now, Away) else _now(seen.now),
        lag=None if behind is None else lag_view(behind[0], ages_s, settings),
        waiting=() if behind is None else waiting_view(behind[0], ages_s, settings),
        ages=bool(ages_s),
        worst=None if isinstance(seen.worst, Away) else _worst(seen.worst, now_ms),
        stuck=None if behind is None else stuck_view(behind[1], settings),
        tenants=_tenants(seen.tenants, seen.sought),
        jobs=tuple(_job(each, now_ms) for each in seen.jobs[:JOBS_MOST]),
        jobs_more=len(seen.jobs) > JOBS_MOST,
        poison=() if isinstance(seen.poison, Away) else tuple(_poison(each, now_ms) for each in seen.poison),
        index=None if isinstance(seen.index, Away) else _index(seen.index, now_ms),
        deeds=() if isinstance(seen.deeds, Away) else tuple(deed_row(each, now_ms) for each in seen.deeds),
    )


def _now(now: Now) -> NowView:
    roles = dict.fromkeys(each.role for each in now.told.processes)
    return NowView(
        version=now.told.version,
        roles=tuple(_role(role, [each for each in now.told.processes if each.role == role]) for role in roles),
        pace=None if now.pace is None else _pace(now.pace),
        troubles=tuple(
            TroubleRow(role=each.role, what=each.what, lasts=span(each.for_s * 1_000)) for each in now.told.troubles
        ),
    )


def _role(role: str, processes: Sequence[Process]) -> RoleRow:
    alive, ready = sum(each.alive for each in processes), sum(each.ready for each in processes)
    state = Pill(tone=Tone.OK, key="console.ready")
    if ready < len(processes):
        state = Pill(tone=Tone.WARN, key="console.not_ready")
    if alive < len(processes):
        state = Pill(tone=Tone.BAD, key="console.not_alive")
    reasons = dict.fromkeys(reason for each in processes for reason in each.reasons)
    return RoleRow(
        role=role,
        processes=len(processes),
        alive=alive,
        ready=ready,
        restarts=sum(each.restarts for each in processes),
        state=state,
        reasons=tuple(reasons)[:_REASONS_MOST],
    )


def _pace(pace: Pace) -> PaceView:
    return PaceView(
        events=f"{pace.events:,.1f}",
        attempts=f"{pace.attempts:,.1f}",
        accepted=None if pace.accepted is None else f"{100 * pace.accepted:.1f}",
        over=span(pace.over_s * 1_000, rough=True),
    )


def _worst(worst: Worst, now_ms: int) -> WorstView:
    return WorstView(
        rows=tuple(_ailing(each, now_ms) for each in worst.rows),
        failing=worst.failing,
        looked=worst.looked,
        there=worst.there,
    )


def _ailing(ailing: Ailing, now_ms: int) -> WorstRow:
    of, health = ailing.subscription, ailing.health
    names, last = named(of), health.last_status
    said = "" if last is None else last.message
    return WorstRow(
        tenant=of.tenant,
        brand=of.brand,
        open_url=open_url(of.tenant, of.brand),
        name=shortened(names.name),
        host=shortened(names.host),
        status=of_status(of.status),
        failures=health.errors_since_last_success,
        answer=said if last is None or last.code is None else f"{last.code} {said}".strip(),
        since=moment_or_none(health.failing_since_ms, now_ms),
    )


def _tenants(found: Tenants, sought: str) -> TenantsView:
    return TenantsView(
        sought=sought,
        rows=tuple(
            TenantRow(tenant=each.owner.tenant, brand=each.owner.brand, webhooks=each.webhooks, keys=each.keys)
            for each in found.rows
        ),
        more=found.matching - len(found.rows),
        there=found.there,
        webhooks=found.webhooks,
    )


def _job(known: AskedJob, now_ms: int) -> JobRow:
    state: State = known.job.state
    return JobRow(
        tenant=known.asked.owner.tenant,
        kind=f"job.kind.{known.asked.kind}",
        state=Pill(tone=TONES[state], key=f"job.state.{state}"),
        sent=known.job.counts.sent,
        created=moment(known.asked.created_at_ms, now_ms),
    )


def _poison(poison: PoisonRecord, now_ms: int) -> PoisonRow:
    origin = poison.origin
    return PoisonRow(
        reason="" if origin is None else origin.reason,
        detail="" if origin is None else shortened(origin.detail),
        source=str(poison.source or poison.spot),
        bytes=len(poison.record.value or b"") + poison.left_out_bytes,
        at=moment(poison.record.timestamp_ms, now_ms),
    )


def _index(standing: Standing, now_ms: int) -> IndexView:
    return IndexView(
        entries=standing.entries,
        mib=f"{standing.packed_bytes / 1_048_576:,.1f}",
        partitions=standing.partitions,
        filling=standing.filling,
        since=moment_or_none(standing.since_ms, now_ms),
        as_of=moment_or_none(standing.as_of_ms, now_ms),
    )
