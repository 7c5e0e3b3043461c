"""The lanes that a process knows, their origins, and the shares of their tenants.

The law: one lane for each subscription and URL, one origin for each scheme, host and port, however they are written,
one share for each tenant; and no more of them are remembered than need be: a lane is forgotten only while nothing of it
is queued or under way and its breaker is closed.
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

from consumer.delivery.breaker import Breaker
from consumer.delivery.lane import Lane, Place
from consumer.delivery.limit import Origin, Share
from consumer.webhooks.subscription import Subscription

_REMEMBERED = 50_000
_PORTS = {"https": ":443", "http": ":80"}


class Lanes:
    """Iterates over the lanes.

    `in_flight` is what the process may have under way, `tenant_in_flight` what one tenant may; `breaker_times_ms` see
    `Breaker`.
    """

    def __init__(self, in_flight: int, tenant_in_flight: int, breaker_times_ms: tuple[int, ...]) -> None:
        self._in_flight = in_flight
        self._tenant_in_flight = tenant_in_flight
        self._breaker_times_ms = breaker_times_ms
        self._lanes: dict[tuple[str, str], Lane] = {}
        self._origins: dict[str, Origin] = {}
        self._shares: dict[str, Share] = {}

    def __iter__(self) -> Iterator[Lane]:
        return iter(self._lanes.values())

    def of(self, subscription: Subscription) -> Lane:
        """Its lane, a new one where there is none."""
        key = (subscription.id, subscription.url)
        lane = self._lanes.get(key)
        if lane is None:
            origin, share = self._origin(subscription.url), self._share(subscription.tenant)
            lane = self._lanes[key] = Lane(origin, share, Breaker(self._breaker_times_ms))
        return lane

    def forget_idle(self) -> None:
        """Where there are many, forget those of which nothing need be remembered."""
        if len(self._lanes) <= _REMEMBERED:
            return
        idle = [
            key
            for key, lane in self._lanes.items()
            if lane.place is Place.IDLE and not lane.queue and not lane.flying and lane.breaker.closed
        ]
        for key in idle:
            del self._lanes[key]
        used = {holder for lane in self._lanes.values() for holder in lane.holders}
        self._origins = {name: origin for name, origin in self._origins.items() if origin in used}
        self._shares = {tenant: share for tenant, share in self._shares.items() if share in used}

    def _share(self, tenant: str) -> Share:
        share = self._shares.get(tenant)
        if share is None:
            share = self._shares[tenant] = Share(self._tenant_in_flight)
        return share

    def _origin(self, url: str) -> Origin:
        parts = urlsplit(url)
        place = parts.netloc.lower().removesuffix(_PORTS.get(parts.scheme, "")).replace(".:", ":").removesuffix(".")
        name = f"{parts.scheme}://{place}"
        origin = self._origins.get(name)
        if origin is None:
            # No origin may hold more than half of the process.
            origin = self._origins[name] = Origin(max(1, self._in_flight // 2))
        return origin
