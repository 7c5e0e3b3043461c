"""Redis with the subscriptions' cache and the marks, and the projection that fills it.

The laws are those of the projection's scripts: a bucket has an epoch, a beat that moves every second while it is kept
up to date, and holds all its tenants or is closed. When it cannot be read, or shows what is older, `spells` is told.

The reader on top of it is the real one: it decides what is believed.
"""

from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import redis

from consumer.webhooks import record
from consumer.webhooks.bucket import bucket_of
from consumer.webhooks.history import Deletion, State
from tests.simulation.spells import Spells
from tests.simulation.timeline import Timeline

SILENCE_MS = 10_000
_BEAT_MS = 1_000

Answer = list[bytes | int | list[bytes]]


@dataclass(slots=True)
class _Kept:
    """What Redis holds: epoch, when its beat last moved and to what, and each tenant's webhooks."""

    epoch: int
    began_ms: int
    beat: int = 0
    beat_ms: int = 0
    open: bool = True
    tenants: dict[str, dict[str, bytes]] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)

    def copy(self) -> "_Kept":
        return _Kept(
            self.epoch,
            self.began_ms,
            self.beat,
            self.beat_ms,
            self.open,
            {tenant: dict(each) for tenant, each in self.tenants.items()},
            dict(self.versions),
        )


class Redis:
    """The server. Whether it is up, and which copy of the data it shows."""

    def __init__(self, timeline: Timeline, spells: Spells) -> None:
        self._timeline = timeline
        self._spells = spells
        self._kept = _Kept(epoch=1, began_ms=timeline.now_ms, beat_ms=timeline.now_ms)
        self._truth: dict[str, dict[str, bytes]] = {}
        self._changes: dict[str, int] = {}
        self._epochs = 1
        self._frozen = False
        self._spoiled: set[str] = set()
        self.marks: set[str] = set()
        self.up = True
        self.flushes = 0
        self.failovers = 0

    # ── the projection ───────────────────────────────────────────────────────────────────────────────────────────

    @property
    def takes_writes(self) -> bool:
        """Whether the projection can apply now."""
        return self.up and self._kept.open and not self._frozen

    def apply(self, state: State) -> None:
        """A change that holds."""
        tenant = self._truth.setdefault(state.tenant, {})
        if isinstance(state, Deletion):
            tenant.pop(state.id, None)
        else:
            tenant[state.id] = record.encode(state)
        self._changes[state.tenant] = self._changes.get(state.tenant, 0) + 1
        self._kept.tenants[state.tenant] = dict(tenant)
        self._kept.versions[state.tenant] = self._changes[state.tenant]

    def _beats(self) -> None:
        """The heartbeat, as far as the projection could have moved it by now."""
        kept = self._kept
        if self.takes_writes:
            kept.beat = (self._timeline.now_ms - kept.began_ms) // _BEAT_MS
            kept.beat_ms = kept.began_ms + kept.beat * _BEAT_MS

    # ── what befalls it ──────────────────────────────────────────────────────────────────────────────────────────

    def go_down(self, for_ms: int) -> None:
        """Nobody reaches it for so long."""
        self._beats()
        self.up = False
        self._unread(0, for_ms)
        self._timeline.after(for_ms, self._come_back)

    def flush(self, rebuilt_after_ms: int) -> None:
        """Everything is gone; the projection fills it again under a new epoch."""
        self._epochs += 1
        self.flushes += 1
        self.marks.clear()
        self._kept = _Kept(epoch=self._epochs, began_ms=self._timeline.now_ms, open=False)
        self._unread(0, rebuilt_after_ms)
        self._timeline.after(rebuilt_after_ms, self._rebuild)

    def fall_behind(self, for_ms: int) -> None:
        """The projection stops; what it had written stays readable."""
        self._beats()
        self._frozen = True
        self._unread(SILENCE_MS - _BEAT_MS, for_ms)
        self._timeline.after(for_ms, self._thaw)

    def fail_over(self, lag_ms: int, noticed_after_ms: int) -> None:
        """A replica takes over that is `lag_ms` behind; the projection notices at its next write and rebuilds."""
        self._beats()
        stale = self._kept.copy()
        stale.beat = max(0, stale.beat - lag_ms // _BEAT_MS)
        stale.beat_ms = stale.began_ms + stale.beat * _BEAT_MS
        self._kept = stale
        self.failovers += 1
        self._frozen = True
        now_ms = self._timeline.now_ms
        self._spells.behind(now_ms, now_ms + noticed_after_ms)
        self._unread(0, noticed_after_ms)  # by whoever has seen its newer beat
        self._timeline.after(noticed_after_ms, self._replace)

    def spoil(self, tenant: str, for_ms: int) -> None:
        """One of this tenant's webhooks cannot be decoded for so long."""
        self._spoiled.add(tenant)
        self._timeline.after(for_ms, lambda: self._spoiled.discard(tenant))

    def _unread(self, after_ms: int, until_ms: int) -> None:
        if after_ms < until_ms:
            self._spells.unread(self._timeline.now_ms + after_ms, self._timeline.now_ms + until_ms)

    def _come_back(self) -> None:
        self.up = True

    def _thaw(self) -> None:
        self._frozen = False

    def _replace(self) -> None:
        self._frozen = False
        self.flushes -= 1  # the projection begins a new epoch; what others keep there stays
        self.flush(500)

    def _rebuild(self) -> None:
        if self._kept.open:
            return
        self._kept.began_ms = self._kept.beat_ms = self._timeline.now_ms
        self._kept.open = True
        self._kept.tenants = {tenant: dict(each) for tenant, each in self._truth.items()}
        self._kept.versions = dict(self._changes)

    # ── what is read ─────────────────────────────────────────────────────────────────────────────────────────────

    def read(self, tenant: str, known: str) -> Answer:
        """What scripts.READ answers."""
        kept = self._kept
        if not kept.open:
            return [b"closed"]
        self._beats()
        epoch = f"epoch-{kept.epoch}-{bucket_of(tenant)}"
        full = f"{epoch}:{kept.versions.get(tenant, 0)}"
        answer: Answer = [b"loaded", epoch.encode(), b"%d" % kept.beat]
        answer += [b"%d" % (self._timeline.now_ms - kept.beat_ms), full.encode(), []]
        if tenant in self._spoiled:
            answer[4:] = [full.encode(), [b"spoiled"]]
        elif full == known:
            answer[0] = b"unchanged"
        else:
            answer[5] = list(kept.tenants.get(tenant, {}).values())
        return answer


class Client:
    """As much of redis-py's client as Cache uses, for one process."""

    def __init__(self, server: Redis) -> None:
        self._server = server

    def pipeline(self, *, transaction: bool) -> "_Pipeline":
        """Commands that are sent together."""
        assert not transaction
        return _Pipeline(self._server)


class _Pipeline:
    def __init__(self, server: Redis) -> None:
        self._server = server
        self._writes: list[str] = []
        self._answers: list[Answer | bool] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._answers.clear()

    def execute_command(self, *words: str) -> None:
        """EVAL of scripts.READ, which is all that a reader sends."""
        tenant, known, _ = words[-3:]  # nobody there has many
        self._answers.append(self._server.read(tenant, known))

    def set(self, key: str, value: bytes, *, px: int) -> None:
        """A mark; nothing here lasts long enough for it to expire."""
        del value, px
        self._writes.append(key)

    def exists(self, key: str) -> None:
        """Whether a mark is set."""
        self._answers.append(key in self._server.marks)

    def execute(self) -> list[Answer | bool]:
        """The answers, if it is up."""
        if not self._server.up:
            raise redis.ConnectionError("simulated")
        self._server.marks.update(self._writes)
        return list(self._answers)
