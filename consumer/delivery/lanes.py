"""The lanes that a process knows, their origins, and the shares of their tenants.

The laws:
- one lane for each subscription and URL, one origin for each scheme, host and port, however they are written, one
  share for each tenant;
- whatever is done turn by turn, or four times a second, meets only the lanes that are busy, and each other lane once
  for each time that it was: neither grows with the lanes there are;
- a lane that is not busy is forgotten, with its origin and its share when it was their last. What it knows of its
  endpoint is worth half a minute. What keeps its requests back, and what its breaker has against it, are worth as long
  as `Lane.kept_until_ms` says. Of either kind so many are remembered, the ones that were busy last.

```
          stir                   half a minute, or too many                 kept_until_ms, or too many
  busy ◄──────── (any)   idle ──────────────────────────────► kept back ──────────────────────────────► forgotten
    └── settle ──────────►│                                       ▲ only with something to keep, else forgotten
```
"""

import heapq
from collections import OrderedDict
from collections.abc import Callable, KeysView
from itertools import count
from typing import Final
from urllib.parse import urlsplit

from consumer.delivery.breaker import Breaker, Early
from consumer.delivery.lane import Lane
from consumer.delivery.limit import Origin, Share
from consumer.webhooks.subscription import Subscription

IDLE_MS: Final = 30_000
IDLE_MOST: Final = 5_000  # 2 KB each
_EARLY_SHARE: Final = 8  # of what may be under way, early probes have one part in so many
_PORTS = {"https": ":443", "http": ":80"}


class Lanes:
    """`in_flight` is what the process may have under way, `tenant_in_flight` what one tenant may.

    Of large bodies one tenant may have `tenant_bulk_bytes` under way. `breaker_times_ms`: see `Breaker`. `forgotten`
    hears of each lane that is forgotten.
    """

    def __init__(
        self,
        in_flight: int,
        tenant_in_flight: int,
        breaker_times_ms: tuple[int, ...],
        *,
        tenant_bulk_bytes: int,
        forgotten: Callable[[Lane], None],
    ) -> None:
        self._forgotten = forgotten
        self._in_flight = in_flight
        self._tenant_in_flight = tenant_in_flight
        self._tenant_bulk_bytes = tenant_bulk_bytes
        self._breaker_times_ms = breaker_times_ms
        self._early = Early(max(1, in_flight // _EARLY_SHARE))
        self._lanes: dict[tuple[str, str], Lane] = {}
        # The lane of a subscription and a URL, where there is one.
        self.known: Callable[[tuple[str, str]], Lane | None] = self._lanes.get
        self._origins: dict[str, Origin] = {}
        self._shares: dict[str, Share] = {}
        self._busy: dict[Lane, None] = {}
        self._idle: OrderedDict[Lane, int] = OrderedDict()  # since when, longest first
        self._kept: list[tuple[float, int, Lane]] = []
        self._order = count()

    def __len__(self) -> int:
        return len(self._lanes)

    @property
    def holders(self) -> int:
        """How many origins and shares are known."""
        return len(self._origins) + len(self._shares)

    @property
    def busy(self) -> KeysView[Lane]:
        """The lanes of which anything is queued or under way, and some that were so a moment ago."""
        return self._busy.keys()

    def of(self, subscription: Subscription) -> Lane:
        """Its lane, a new one where there is none."""
        key = (subscription.id, subscription.url)
        lane = self._lanes.get(key)
        if lane is None:
            origin, share = self._origin(subscription.url), self._share(subscription.tenant)
            lane = self._lanes[key] = Lane(key, origin, share, Breaker(self._breaker_times_ms, self._early))
            for holder in lane.holders:
                holder.lanes += 1
            self.stir(lane)
        return lane

    def stir(self, lane: Lane) -> None:
        """Something of this lane is queued, and it is not among the busy ones (`lane.listed`)."""
        lane.listed = True
        lane.kept_ms = 0.0
        self._idle.pop(lane, None)
        self._busy[lane] = None

    def settle(self, now_ms: int) -> None:
        """What is busy no longer is idle from now on; what need not be remembered is forgotten."""
        for lane in [lane for lane in self._busy if not lane.is_busy]:
            del self._busy[lane]
            lane.listed = False
            self._idle[lane] = now_ms
        while self._idle:
            lane, since_ms = next(iter(self._idle.items()))
            if len(self._idle) <= IDLE_MOST and now_ms - since_ms < IDLE_MS:
                break
            del self._idle[lane]
            self._keep(lane, now_ms)
        while self._kept and (self._kept[0][0] <= now_ms or len(self._kept) > IDLE_MOST):
            until_ms, _, lane = heapq.heappop(self._kept)
            if lane.kept_ms != until_ms:
                continue  # it was busy since
            if until_ms > now_ms:
                self._forget(lane)
            else:
                self._keep(lane, now_ms)  # what others told of it meanwhile may be worth remembering for longer

    def _keep(self, lane: Lane, now_ms: int) -> None:
        lane.kept_ms = lane.kept_until_ms
        if lane.kept_ms > now_ms:
            heapq.heappush(self._kept, (lane.kept_ms, next(self._order), lane))
        else:
            self._forget(lane)

    def _forget(self, lane: Lane) -> None:
        lane.kept_ms = 0.0  # it may stand among the kept twice, until the same time
        del self._lanes[lane.key]
        self._forgotten(lane)
        lane.share.lanes -= 1
        if not lane.share.lanes:
            del self._shares[lane.share.tenant]
        lane.origin.lanes -= 1
        if not lane.origin.lanes:
            del self._origins[lane.origin.name]

    def _share(self, tenant: str) -> Share:
        share = self._shares.get(tenant)
        if share is None:
            share = self._shares[tenant] = Share(tenant, self._tenant_in_flight, self._tenant_bulk_bytes)
        return share

    def _origin(self, url: str) -> Origin:
        parts = urlsplit(url)
        place = parts.netloc.lower().removesuffix(_PORTS.get(parts.scheme, "")).replace(".:", ":").removesuffix(".")
        name = f"{parts.scheme}://{place}"
        origin = self._origins.get(name)
        if origin is None:
            # No origin may hold more than half of the process.
            origin = self._origins[name] = Origin(name, parts.hostname or "", max(1, self._in_flight // 2))
        return origin
