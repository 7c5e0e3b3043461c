"""The tenants this process knows, and the work that waits for those it does not.

The laws:
- work is matched only against a view that the cache was asked for after the work came, or at most the staleness bound
  before. However long the cache takes, what was waiting when it was asked may use its answer. Not knowing is never
  "no subscribers";
- while the cache cannot answer, a view younger than `memory_for_ms` is used: of one tenant where it cannot answer for
  that one, of every tenant once it answered nothing at all. A view that was in use until then is used at once, an older
  one when this has lasted for `PATIENCE_MS`: a moment without the cache brings no webhook back that was deleted before;
- what a view lacks is gone only where the view was asked for so long after that the cache cannot have been behind: who
  wrote a delivery may have known its webhook before the cache did;
- what waits is bounded in records and in bytes. Of a tenant that holds up nobody but itself, because it alone cannot be
  read or because reading it alone takes its time, only a share waits here; of all such tenants together half.

Whom the cache is asked for, and when: `asking.py`.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeAlias, TypeVar

from consumer.delivery.asking import AGAIN_MS, Asking, Seat
from consumer.delivery.target import Target
from consumer.delivery.views import View, Views
from consumer.webhooks.reader import Loaded, Many, Unavailable, Unchanged
from consumer.webhooks.subscription import Subscription

Loading: TypeAlias = Loaded | Unchanged | Unavailable | Many
Work = TypeVar("Work")

PATIENCE_MS: Final = 5_000
"""So long the cache cannot answer before a view is used that was not in use until then."""

_SHARE: Final = 4  # of what may wait, a tenant that holds up nobody but itself has one part in so many


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """`staleness_ms` bounds a view while the cache answers, `memory_for_ms` while it does not.

    `behind_ms`: what the cache answers may be so old, for it is believed while nobody keeps it up to date.
    """

    staleness_ms: int
    memory_for_ms: int
    behind_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """So much may wait for tenants, and so much the views may weigh."""

    records: int
    waiting_bytes: int
    view_bytes: int


class _Parked(Generic[Work]):
    """What waits for one tenant, with when it came and its bytes, in this order. `apart`: it holds up nobody else."""

    __slots__ = ("apart", "bytes", "works")

    def __init__(self) -> None:
        self.works: deque[tuple[int, int, Work]] = deque()
        self.bytes = 0
        self.apart = False


class Tenants(Generic[Work]):
    """`Work` is whatever waits for a tenant; it is given back in order, with the view to be used for it."""

    def __init__(self, freshness: Freshness, factory: Callable[[Subscription], Target], room: Room) -> None:
        self._freshness = freshness
        self._factory = factory
        self._room = room
        self._views = Views(room.view_bytes)
        self._asking: Asking[_Parked[Work]] = Asking(soon_ms=freshness.staleness_ms / 4)
        self._apart_of: dict[str, Seat[_Parked[Work]]] = {}
        self._doubt_lasts = False  # whether nobody had answered for so long when nobody did last
        self._apart = 0  # how many records wait for tenants that are apart, and how many bytes
        self._apart_bytes = 0
        self.waiting = 0
        self.waiting_bytes = 0

    @property
    def room(self) -> int:
        """How many more records may wait."""
        return 0 if self.waiting_bytes >= self._room.waiting_bytes else max(0, self._room.records - self.waiting)

    def look(self, tenant: str, now_ms: int) -> View | None:
        """The tenant's webhooks if they may be used for work that comes now. Asks for a newer view in good time."""
        view = self._views.get(tenant)
        if view is None:
            return None
        age_ms = now_ms - view.seen_ms
        if age_ms * 2 > self._freshness.staleness_ms and not self._serves(tenant, view, now_ms):
            return None
        view.used_ms = now_ms
        return view

    def newest(self, tenant: str, given: View, now_ms: int) -> View:
        """The view for work that waited and was `given` one: that, or a newer one."""
        view = self._views.get(tenant) or given
        view.used_ms = now_ms
        return view

    def view(self, tenant: str) -> View | None:
        """The newest view of the tenant, however old."""
        return self._views.get(tenant)

    def has_its_share(self, tenant: str) -> bool:
        """Whether more work of this tenant is not to wait here.

        Where the cache as a whole cannot be read everything waits: elsewhere it would wait for the same.
        """
        seat = self._asking.get(tenant)
        return seat is not None and self._has_its_share(seat.of)

    def park(self, tenant: str, work: Work, size: int, now_ms: int) -> Seat[_Parked[Work]]:
        """Keep work, of so many bytes, until the tenant's webhooks may be used."""
        seat = self._asking.wait(tenant, _Parked)
        parked = seat.of
        parked.works.append((now_ms, size, work))
        self._count(parked, 1, size)
        return seat

    def is_sure(self, view: View, since_ms: int) -> bool:
        """Whether what it lacks of that time is gone."""
        return view.seen_ms > since_ms + self._freshness.behind_ms

    def is_crowded(self, tenant: str) -> bool:
        """Whether so much of this tenant waits that more of it would keep others from being taken in."""
        seat = self._asking.get(tenant)
        if seat is None:
            return False
        return self._has_its_share(seat.of) or self._is_a_share(seat.of)

    def park_for_newer(self, tenant: str, work: Work, size: int, now_ms: int, *, after_ms: int = AGAIN_MS[0]) -> None:
        """Keep work until a newer view of the tenant has come. The cache is asked for it in a moment."""
        seat = self.park(tenant, work, size, now_ms)
        if seat.is_free:
            self._asking.later(seat, now_ms + after_ms)

    def wanted(self, now_ms: int) -> tuple[dict[str, str | None], dict[str, str | None]]:
        """The tenants to ask the cache for now, with the version known: those to be read together, and each alone."""
        together, alone = self._asking.turn(now_ms, lambda tenant: self._is_wanted(tenant, now_ms))
        return self._versions(together), self._versions(alone)

    def loaded(self, tenant: str, loading: Loading, now_ms: int) -> list[tuple[Work, View]]:
        """Take the cache's answer in; the work that can go on now, and by which view."""
        seat = self._asking.answered(tenant, now_ms)
        if seat is None:
            return []
        view = self._views.get(tenant)
        if isinstance(loading, Unavailable) and loading.away:
            return self._nobody_answered(seat, view, now_ms)
        self._asking.is_back(in_doubt=isinstance(loading, Unavailable))
        match loading:
            case Loaded():
                used_ms = 0 if view is None else view.used_ms
                view = View(loading, seat.asked_ms, self._factory)
                view.used_ms = used_ms
                self._views.put(tenant, view)
            case Unchanged() if view is not None:
                view.seen_ms = seat.asked_ms
                self._views.renewed(tenant)
            case Many():
                self._set_apart(seat, apart=True)
                self._asking.alone(seat)
                return []
            case Unchanged() | Unavailable():
                return self._in_vain(seat, view, now_ms, own=isinstance(loading, Unavailable) and loading.own)
        return self._served(seat, view)

    def surplus(self, tenant: str) -> Iterable[Work]:
        """What must not wait here any more for this tenant, since it has come to hold up nobody but itself."""
        seat = self._asking.get(tenant)
        while seat is not None and seat.of.works and self._is_over(seat.of):
            _, size, work = seat.of.works.pop()
            self._count(seat.of, -1, -size)
            yield work

    def wake_ms(self) -> int | None:
        """When the next tenant is to be asked for again."""
        return self._asking.wake_ms()

    @property
    def asking(self) -> bool:
        """Whether an answer of the cache is awaited."""
        return bool(self._asking)

    def drop_waiting(self, keep: Callable[[Work], bool]) -> None:
        """Forget waiting work that is no longer ours."""
        for seat in self._asking.seats():
            self._take(seat, lambda work: not keep(work))

    def give_up(self, is_meant: Callable[[Work], bool]) -> list[Work]:
        """The work meant, of tenants that hold up nobody but themselves: it waits here no longer."""
        given: list[Work] = []
        for seat in self._apart_of.values():
            given += self._take(seat, is_meant)
        return given

    # ── what a view may be used for ──────────────────────────────────────────────────────────────────────────────

    def _serves(self, tenant: str, view: View, now_ms: int) -> bool:
        """Whether a view that grows old may be used for work that comes now."""
        if now_ms - view.seen_ms <= self._freshness.staleness_ms:
            if self._is_used(tenant, now_ms):
                self._asking.renew(tenant, _Parked)
            return True
        seat = self._asking.get(tenant)
        if not self._is_remembered(view, self._asking.doubted_ms(seat), now_ms):
            return False
        if self._asking.is_away:
            self._asking.renew(tenant, _Parked)  # one of those that are used is asked for
            return True
        return seat is not None and seat.in_vain > 0

    def _is_used(self, tenant: str, now_ms: int) -> bool:
        """Whether anybody used the tenant's view a moment ago, so that the next one will be wanted soon."""
        view = self._views.get(tenant)
        return view is not None and now_ms - view.used_ms <= self._freshness.staleness_ms

    def _is_wanted(self, tenant: str, now_ms: int) -> bool:
        """Whether a view that is to be renewed still is; nothing waits for it."""
        used = self._is_used(tenant, now_ms)
        if not used and tenant in self._apart_of:
            self._set_apart(self._apart_of[tenant], apart=False)
        return used

    def _is_remembered(self, view: View, doubted_ms: int | None, now_ms: int) -> bool:
        """Whether a view will do while the cache cannot answer, as it could not since `doubted_ms`."""
        if doubted_ms is None or now_ms - view.seen_ms > self._freshness.memory_for_ms:
            return False
        # One that is in use is as old as the bound allows when it is asked for again.
        was_in_use = view.seen_ms >= doubted_ms - 2 * self._freshness.staleness_ms
        return was_in_use or now_ms - doubted_ms >= PATIENCE_MS

    # ── what an answer sets free ─────────────────────────────────────────────────────────────────────────────────

    def _nobody_answered(self, seat: Seat[_Parked[Work]], view: View | None, now_ms: int) -> list[tuple[Work, View]]:
        """The cache answered nothing at all: what waits goes on where a view may be used, more once this lasts."""
        was_away, lasted = self._asking.is_away, self._doubt_lasts
        self._asking.went_away(seat, now_ms)
        freed = self._in_vain(seat, view, now_ms, own=False)
        self._doubt_lasts = self._asking.in_doubt_for_ms(now_ms) >= PATIENCE_MS
        for each in () if was_away and self._doubt_lasts is lasted else self._asking.seats():
            remembered = self._views.get(each.tenant)
            if remembered is not None and self._is_remembered(remembered, self._asking.doubted_ms(each), now_ms):
                freed += [(work, remembered) for work in self._take(each, lambda _: True)]
        return freed

    def _in_vain(
        self, seat: Seat[_Parked[Work]], view: View | None, now_ms: int, *, own: bool
    ) -> list[tuple[Work, View]]:
        self._asking.in_vain(seat, now_ms, own=own)
        self._set_apart(seat, apart=own)
        if view is None or not self._is_remembered(view, self._asking.doubted_ms(seat), now_ms):
            return []
        return [(work, view) for work in self._take(seat, lambda _: True)]

    def _served(self, seat: Seat[_Parked[Work]], view: View) -> list[tuple[Work, View]]:
        """What came in time for this view goes on. For what came later the cache is asked again."""
        free: list[tuple[Work, View]] = []
        parked = seat.of
        self._set_apart(seat, apart=False)
        seat.in_vain = 0
        while parked.works and parked.works[0][0] <= view.seen_ms + self._freshness.staleness_ms:
            _, size, work = parked.works.popleft()
            self._count(parked, -1, -size)
            free.append((work, view))
        seat.waits = bool(parked.works)
        if seat.waits:
            self._asking.again(seat)
        else:
            self._asking.forget(seat)
        return free

    # ── how much waits ───────────────────────────────────────────────────────────────────────────────────────────

    def _has_its_share(self, parked: _Parked[Work]) -> bool:
        if not parked.apart:
            return False
        room = self._room
        return (
            self._is_a_share(parked) or self._apart >= room.records // 2 or self._apart_bytes >= room.waiting_bytes // 2
        )

    def _is_a_share(self, parked: _Parked[Work]) -> bool:
        """Whether one tenant's part of the room is taken."""
        return len(parked.works) >= self._room.records // _SHARE or parked.bytes >= self._room.waiting_bytes // _SHARE

    def _is_over(self, parked: _Parked[Work]) -> bool:
        if not parked.apart:
            return False
        room = self._room
        return (
            len(parked.works) > room.records // _SHARE
            or parked.bytes > room.waiting_bytes // _SHARE
            or self._apart > room.records // 2
            or self._apart_bytes > room.waiting_bytes // 2
        )

    def _set_apart(self, seat: Seat[_Parked[Work]], *, apart: bool) -> None:
        parked = seat.of
        if parked.apart is apart:
            return
        parked.apart = apart
        if apart:
            self._apart_of[seat.tenant] = seat
        else:
            del self._apart_of[seat.tenant]
        sign = 1 if apart else -1
        self._apart += sign * len(parked.works)
        self._apart_bytes += sign * parked.bytes

    def _count(self, parked: _Parked[Work], records: int, size: int) -> None:
        """So many records more wait for a tenant, of so many bytes."""
        parked.bytes += size
        self.waiting += records
        self.waiting_bytes += size
        if parked.apart:
            self._apart += records
            self._apart_bytes += size

    def _take(self, seat: Seat[_Parked[Work]], is_meant: Callable[[Work], bool]) -> list[Work]:
        taken: list[Work] = []
        kept: deque[tuple[int, int, Work]] = deque()
        for parked in seat.of.works:
            if is_meant(parked[2]):
                taken.append(parked[2])
                self._count(seat.of, -1, -parked[1])
            else:
                kept.append(parked)
        seat.of.works = kept
        seat.waits = bool(kept)
        return taken

    def _versions(self, seats: Iterable[Seat[_Parked[Work]]]) -> dict[str, str | None]:
        views = ((seat.tenant, self._views.get(seat.tenant)) for seat in seats)
        return {tenant: None if view is None else view.version for tenant, view in views}
