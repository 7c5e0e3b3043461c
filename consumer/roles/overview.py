"""What the supervisor knows of its processes: what each told last, and when each began and ended. Pure.

The laws:
- a process's series are there from its first snapshot until `KEPT_S` after its end; those of the one that is started in
  its place follow them, and are never added to them;
- alive is a supervisor none of whose processes has been silent for `SILENT_S` while it runs. Kafka and Redis being away
  silences nobody;
- ready is one all of whose processes run and say so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from consumer.roles.supervision import Member
from consumer.telemetry.catalogue import BY_NAME
from consumer.telemetry.exposition import Labelled, Series, named
from consumer.telemetry.metric import Kind
from consumer.telemetry.snapshot import Labels, Snapshot
from consumer.telemetry.webhook_metrics import OF_WEBHOOKS_BY_NAME

SILENT_S: Final = 60.0
KEPT_S: Final = 60.0  # Prometheus asks once in this time by default
_EXPECTED_EXITS: Final = ("69", "70", "-9", "-11")  # told as 0 from the start, see `Metric.words`
_NOT_RUNNING: Final = "it is not running"
_SAID_NOTHING: Final = "it has said nothing yet"


@dataclass(slots=True, kw_only=True)
class Life:
    """One member, as it was last heard of. Times are monotonic seconds; `ended_s` of None: it runs."""

    pid: int = 0
    started_s: float = 0.0
    ended_s: float | None = None
    heard_s: float | None = None
    snapshot: Snapshot | None = None
    starts: int = 0
    exits: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_EXPECTED_EXITS, 0))

    def silent_s(self, now_s: float) -> float:
        """How long ago it last told anything, or began."""
        return now_s - (self.started_s if self.heard_s is None else self.heard_s)

    @property
    def runs(self) -> bool:
        """Whether the process runs."""
        return self.starts > 0 and self.ended_s is None

    @property
    def lacks(self) -> tuple[str, ...]:
        """Why it is not ready; nothing when it is."""
        if not self.runs:
            return (_NOT_RUNNING,)
        return (_SAID_NOTHING,) if self.snapshot is None or self.heard_s is None else self.snapshot.lacks


class Overview:
    """Owned by one thread."""

    def __init__(self, members: Iterable[Member], build: Mapping[str, str]) -> None:
        """`build` are the labels of `hookline_build_info`."""
        self.lives = {member: Life() for member in members}
        self.build = build
        self.stopping = False

    # ── what happened ────────────────────────────────────────────────────────────────────────────────────────────

    def started(self, now_s: float, member: Member, pid: int) -> None:
        """A member's process was started."""
        life = self.lives[member]
        life.pid, life.started_s, life.ended_s, life.heard_s = pid, now_s, None, None
        life.starts += 1

    def ended(self, now_s: float, member: Member, code: int) -> None:
        """It ended, with this code (negative: the signal that ended it)."""
        life = self.lives[member]
        life.ended_s = now_s
        if not self.stopping:
            life.exits[str(code)] = life.exits.get(str(code), 0) + 1

    def heard(self, now_s: float, member: Member, pid: int, snapshot: Snapshot) -> None:
        """The process told how it does. What comes late, of the one before, is of no use any more."""
        life = self.lives[member]
        if life.pid == pid:
            life.snapshot, life.heard_s = snapshot, now_s

    # ── what follows ─────────────────────────────────────────────────────────────────────────────────────────────

    def silent(self, now_s: float) -> list[str]:
        """The processes that have been silent for too long; none is what being alive takes."""
        return [
            f"{_name(member)}: its loop has been silent for {life.silent_s(now_s):.0f} s"
            for member, life in self.lives.items()
            if life.runs and life.silent_s(now_s) > SILENT_S
        ]

    def lacks(self) -> list[str]:
        """Why this is not ready; nothing when it is."""
        if self.stopping:
            return ["it is stopping"]
        return [f"{_name(member)}: {reason}" for member, life in self.lives.items() for reason in life.lacks]

    def waited_for(self) -> dict[str, list[str]]:
        """The processes that are not ready, by the reason."""
        reasons: dict[str, list[str]] = {}
        for member, life in self.lives.items():
            for reason in life.lacks:
                reasons.setdefault(reason, []).append(_name(member))
        return reasons

    def series(self, now_s: float) -> Series:
        """Every series that there is now."""
        series = Series()
        series.value("hookline_build_info", named(BY_NAME["hookline_build_info"].labels, tuple(self.build.values())), 1)
        for member, life in self.lives.items():
            labels = (("role", str(member.role)), ("slot", str(member.slot)))
            _of_life(series, labels, life, now_s)
            if life.ended_s is None or now_s - life.ended_s <= KEPT_S:
                _of_snapshot(series, labels, life.snapshot)
        return series

    def webhooks(self, now_s: float) -> Series:
        """What there is now of single webhooks. It is apart: see `telemetry/webhook_metrics.py`."""
        series = Series()
        for member, life in self.lives.items():
            if life.snapshot is None or (life.ended_s is not None and now_s - life.ended_s > KEPT_S):
                continue
            for name, words, value in life.snapshot.webhooks:
                own = named(OF_WEBHOOKS_BY_NAME[name].labels, words)
                series.value(name, (("role", str(member.role)), ("slot", str(member.slot)), *own), value)
        return series


def _of_life(series: Series, labels: Labelled, life: Life, now_s: float) -> None:
    series.value("hookline_process_up", labels, life.runs)
    series.value("hookline_process_ready", labels, not life.lacks)
    series.value("hookline_process_starts_total", labels, life.starts)
    if life.runs:
        series.value("hookline_snapshot_age_seconds", labels, round(life.silent_s(now_s), 3))
    for code, number in life.exits.items():
        series.value("hookline_process_exits_total", (*labels, ("code", code)), number)


def _of_snapshot(series: Series, labels: Labelled, snapshot: Snapshot | None) -> None:
    """What a process told. It is of our own release, so what it names is in the catalogue, as it is."""
    if snapshot is None:
        return
    for name, words, value in snapshot.values:
        series.value(name, _labelled(labels, name, words), value)
    for name, words, counts, total in snapshot.histograms:
        assert BY_NAME[name].kind is Kind.HISTOGRAM
        series.histogram(name, _labelled(labels, name, words), counts, total)


def _labelled(labels: Labelled, name: str, words: Labels) -> Labelled:
    return (*labels, *named(BY_NAME[name].labels, words))


def _name(member: Member) -> str:
    return f"{member.role}/{member.slot}"
