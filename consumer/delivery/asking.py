"""Which tenants the cache is asked for, and in which order.

```
             renew                     turn, if somebody used the view lately
   (none) ─────────► RENEWED ────────────────────────────────────┐
     │                  │ wait                                    ▼       answered
     │ wait             ▼                         turn          ASKED ───────────────► (none)
     └──────────────► WAITING ─────────────────────────────────► │  ▲   or WAITING, when more came to wait meanwhile
                        ▲  ▲ due                 answered in vain │  │
                        │  └────────── LATER ◄────────────────────┤  │
                        │                                         │ has many
                        │                              turn       ▼  │
                        └──────── ASKED_ALONE ◄─────────────── ALONE ┘
```

The laws:
- a tenant has one seat here, however much waits for it, and is asked for once at a time;
- no more are under way than the cache has answered within a moment lately; whoever comes later waits in order;
- tenants for which work waits come before those whose view is merely to be renewed, and these are not asked for when
  nobody has used the view lately;
- a tenant with many webhooks is read alone, one after the other, and takes no place from those with few;
- while nobody answers at all (`went_away`), one tenant at a time is asked for, after longer and longer times: so it is
  found that somebody does again, and until then nobody is asked for in vain;
- a turn costs what it asks for, not what waits.
"""

import heapq
from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from itertools import count
from typing import Final, Generic, TypeVar

Asked = TypeVar("Asked")

LEAST: Final = 50
MOST: Final = 1_000
_ALONE_MOST: Final = 1
_LESS: Final = 0.99  # of the places, for an answer that came late; one turn's answers may be a hundred
_MORE: Final = 0.1
_NEW_MS: Final = 5_000  # when nobody asked for so long, what there was before tells nothing of now
AGAIN_MS: Final = (100, 250, 500, 1_000)
"""How long after an answer that was none it is asked again: after the first one, the second, and so on."""


class Stage(Enum):
    """Where a tenant stands."""

    RENEWED = auto()  # nothing waits for it; its view is growing old
    WAITING = auto()
    LATER = auto()  # the last answer was none
    ASKED = auto()
    ALONE = auto()  # has many webhooks, and waits for being read alone
    ASKED_ALONE = auto()


class Seat(Generic[Asked]):
    """One tenant's seat. `of` is whatever its owner keeps for it."""

    __slots__ = ("again_ms", "asked_ms", "doubted_ms", "in_vain", "of", "stage", "tenant", "waits")

    def __init__(self, tenant: str, of: Asked) -> None:
        self.tenant = tenant
        self.of = of
        self.stage: Stage | None = None
        self.asked_ms = 0
        self.again_ms = 0
        self.in_vain = 0  # how many answers were none, one after the other
        self.doubted_ms = 0  # when the first of them was asked for
        self.waits = False  # whether work waits for it

    @property
    def under_way(self) -> bool:
        """Whether an answer is awaited."""
        return self.stage is Stage.ASKED or self.stage is Stage.ASKED_ALONE

    @property
    def is_free(self) -> bool:
        """Whether it may be put off: no answer is awaited, and it does not stand in the line of those read alone."""
        return self.stage is Stage.WAITING or self.stage is Stage.LATER


class Asking(Generic[Asked]):
    """The tenants that are, or are to be, asked for. `soon_ms` is how soon an answer is to come."""

    def __init__(self, soon_ms: float) -> None:
        self._soon_ms = soon_ms
        self._seats: dict[str, Seat[Asked]] = {}
        self._waiting: deque[Seat[Asked]] = deque()
        self._renewed: deque[Seat[Asked]] = deque()
        self._alone: deque[Seat[Asked]] = deque()
        self._later: list[tuple[int, int, Seat[Asked]]] = []
        self._order = count()
        self._most = 200.0
        self._under_way = 0
        self._alone_under_way = 0
        self._away = 0  # how many answers in a row nobody gave
        self._again_ms = 0  # until then nobody is asked for, if so
        self._doubted_ms: int | None = None  # since when there was no good answer, except for reasons of one tenant
        self._doubted_last_ms = 0

    def __bool__(self) -> bool:
        """Whether an answer is awaited."""
        return self._under_way > 0 or self._alone_under_way > 0

    def __len__(self) -> int:
        return len(self._seats)

    @property
    def is_away(self) -> bool:
        """Whether nobody answered the last question."""
        return self._away > 0

    def went_away(self, seat: Seat[Asked], now_ms: int) -> None:
        """Nobody answered."""
        self._again_ms = now_ms + AGAIN_MS[min(self._away, len(AGAIN_MS) - 1)]
        self._away += 1
        self._doubt(seat, now_ms)

    def is_back(self, *, in_doubt: bool) -> None:
        """Somebody answered. `in_doubt`: it was no good answer."""
        self._away = 0
        if not in_doubt:
            self._doubted_ms = None

    def in_vain(self, seat: Seat[Asked], now_ms: int, *, own: bool) -> None:
        """There was no good answer for it, for a reason of its `own` or not: it is asked for again, later and later."""
        self.later(seat, now_ms + AGAIN_MS[min(seat.in_vain, len(AGAIN_MS) - 1)])
        if not seat.in_vain:
            seat.doubted_ms = seat.asked_ms
        seat.in_vain += 1
        if not own:
            self._doubt(seat, now_ms)

    def doubted_ms(self, seat: Seat[Asked] | None) -> int | None:
        """Since when there has been no good answer for this tenant, or for any; None when the last ones were good."""
        own_ms = seat.doubted_ms if seat is not None and seat.in_vain else None
        known_ms = [each for each in (own_ms, self._doubted_ms) if each is not None]
        return min(known_ms, default=None)

    def in_doubt_for_ms(self, now_ms: int) -> int:
        """For how long there has been no good answer for any tenant."""
        return 0 if self._doubted_ms is None else now_ms - self._doubted_ms

    def get(self, tenant: str) -> Seat[Asked] | None:
        """The tenant's seat, if it has one."""
        return self._seats.get(tenant)

    def seats(self) -> list[Seat[Asked]]:
        """All of them. Not for what is done turn by turn."""
        return list(self._seats.values())

    def renew(self, tenant: str, of: Callable[[], Asked]) -> None:
        """A newer view of this tenant is wanted, and nothing waits for it."""
        if tenant not in self._seats:
            seat = self._seats[tenant] = Seat(tenant, of())
            self._put_renewed(seat)

    def wait(self, tenant: str, of: Callable[[], Asked]) -> Seat[Asked]:
        """Work waits for this tenant from now on."""
        seat = self._seats.get(tenant)
        if seat is None:
            seat = self._seats[tenant] = Seat(tenant, of())
        seat.waits = True
        if seat.stage is None or seat.stage is Stage.RENEWED:
            self._put_waiting(seat)
        return seat

    def later(self, seat: Seat[Asked], again_ms: int) -> None:
        """Not before then: as it does not wait for an answer, nor is read alone."""
        if seat.stage is Stage.LATER and seat.again_ms >= again_ms:
            return
        seat.stage, seat.again_ms = Stage.LATER, again_ms
        heapq.heappush(self._later, (again_ms, next(self._order), seat))

    def alone(self, seat: Seat[Asked]) -> None:
        """It has many webhooks: it is read alone."""
        seat.stage = Stage.ALONE
        self._alone.append(seat)

    def again(self, seat: Seat[Asked]) -> None:
        """As one for which work waits, behind those that wait already."""
        self._put_waiting(seat)

    def forget(self, seat: Seat[Asked]) -> None:
        """It needs no seat any more."""
        seat.stage = None
        del self._seats[seat.tenant]

    def answered(self, tenant: str, now_ms: int) -> Seat[Asked] | None:
        """An answer for this tenant came. Its seat, for which the caller decides; None when it was not asked for."""
        seat = self._seats.get(tenant)
        if seat is None or not seat.under_way:
            return None
        if seat.stage is Stage.ASKED_ALONE:
            self._alone_under_way -= 1
        else:
            self._under_way -= 1
            late = now_ms - seat.asked_ms > self._soon_ms
            self._most = max(LEAST, self._most * _LESS) if late else min(MOST, self._most + _MORE)
        seat.stage = None
        return seat

    def turn(self, now_ms: int, used_lately: Callable[[str], bool]) -> tuple[list[Seat[Asked]], list[Seat[Asked]]]:
        """Whom to ask for now: those to be read together, and those to be read alone."""
        while self._later and self._later[0][0] <= now_ms:
            again_ms, _, seat = heapq.heappop(self._later)
            if seat.stage is Stage.LATER and seat.again_ms == again_ms:
                (self._put_waiting if seat.waits else self._put_renewed)(seat)
        asked: list[Seat[Asked]] = []
        if self._away and now_ms < self._again_ms:
            return [], []
        most = 1 if self._away else self._most
        for queue, stage in ((self._waiting, Stage.WAITING), (self._renewed, Stage.RENEWED)):
            while queue and self._under_way < most:
                seat = queue.popleft()
                if seat.stage is not stage:
                    continue
                if stage is Stage.RENEWED and not used_lately(seat.tenant):
                    self.forget(seat)
                    continue
                seat.stage, seat.asked_ms = Stage.ASKED, now_ms
                self._under_way += 1
                asked.append(seat)
        alone: list[Seat[Asked]] = []
        while self._alone and self._alone_under_way < _ALONE_MOST and not self._away:
            seat = self._alone.popleft()
            seat.stage, seat.asked_ms = Stage.ASKED_ALONE, now_ms
            self._alone_under_way += 1
            alone.append(seat)
        return asked, alone

    def wake_ms(self) -> int | None:
        """When the next one is to be asked for again."""
        later_ms = self._later[0][0] if self._later else None
        if not (self._away and (self._waiting or self._renewed)):
            return later_ms
        return self._again_ms if later_ms is None else min(later_ms, self._again_ms)

    def _doubt(self, seat: Seat[Asked], now_ms: int) -> None:
        if self._doubted_ms is None or now_ms - self._doubted_last_ms > _NEW_MS:
            self._doubted_ms = seat.asked_ms
        self._doubted_last_ms = now_ms

    def _put_renewed(self, seat: Seat[Asked]) -> None:
        seat.stage = Stage.RENEWED
        self._renewed.append(seat)

    def _put_waiting(self, seat: Seat[Asked]) -> None:
        seat.stage = Stage.WAITING
        self._waiting.append(seat)
