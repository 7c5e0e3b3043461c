"""Very many tenants at once: deliveries go on from the first second, at the pace of the look-ups.

A core, an endpoint that answers within a turn, and a cache that takes 60 µs a tenant, a hundred in one round trip, all
in time that passes turn by turn. Each event is of another tenant, round and round: every view is as old as can be when
its tenant's turn comes again.
"""

from collections import deque
from dataclasses import replace

import pytest

from consumer.delivery.core import Core
from consumer.delivery.offsets import Position
from consumer.delivery.tenants import Freshness
from consumer.events.event import Event
from consumer.roles.tenant_lookup import AT_ONCE
from consumer.webhooks.reader import Loaded, Unchanged
from tests.deliveries import NOW_MS, event, limits, record_at, response, rules, subscription, target_of

PLACE = ("events", 0)
LOOK_UP_MS = 0.06
FRESHNESS = Freshness(staleness_ms=500, memory_for_ms=3_600_000)
TURN_MS = 5
SECOND = 1_000 // TURN_MS
MOST_A_TURN = TURN_MS / LOOK_UP_MS


class World:
    """`tenants` whose events come as fast as there is room for them."""

    def __init__(self, tenants: int) -> None:
        self._tenants = tenants
        of_limits = limits(in_flight=1_024, queued=8_192, lane_concurrency=32)
        made = replace(rules(of_limits=of_limits), freshness=FRESHNESS)
        self._core = Core(made, decode=lambda record: self._event(record.offset), target=target_of)
        self._core.assigned({PLACE: Position(0)})
        self._now_ms = NOW_MS
        self._offset = 0
        self._asked: deque[dict[str, str | None]] = deque()
        self._free_ms = 0.0  # when the cache is done with what it reads

    def _event(self, offset: int) -> Event:
        return event(f"e{offset}", tenant=f"t{offset % self._tenants}", offset=offset)

    def turn(self) -> int:
        """One turn of the shell; returns how many were delivered."""
        self._now_ms += TURN_MS
        self._answer()
        room = min(500, self._core.room)
        self._core.records(
            self._now_ms,
            [record_at(PLACE, offset, self._now_ms) for offset in range(self._offset, self._offset + room)],
        )
        self._offset += room
        delivered = 0
        while sent := self._next():
            for token in sent:
                self._core.answered(self._now_ms, token, response())
            delivered += len(sent)
        return delivered

    def _next(self) -> list[int]:
        step = self._core.next(self._now_ms, self._now_ms)
        if step.load:
            asked = list(step.load.items())
            if not self._asked:
                self._free_ms = max(self._free_ms, float(self._now_ms))
            self._asked += (dict(asked[start : start + AT_ONCE]) for start in range(0, len(asked), AT_ONCE))
        return [token for token, _ in step.send]

    def _answer(self) -> None:
        """What the cache has answered by now: it reads one round trip after the other."""
        while self._asked and self._free_ms + len(self._asked[0]) * LOOK_UP_MS <= self._now_ms:
            wanted = self._asked.popleft()
            self._free_ms += len(wanted) * LOOK_UP_MS
            for tenant, version in wanted.items():
                webhook = subscription(tenant, tenant=tenant, url=f"https://{tenant}.example/")
                loaded = Loaded(version="1", subscriptions=(webhook,), size=4_000)
                self._core.loaded(self._now_ms, tenant, loaded if version is None else Unchanged())


@pytest.mark.parametrize(("tenants", "tenths"), [(30_000, 15), (100_000, 10)])
def test_deliveries_go_on_from_the_first_second_at_the_pace_of_the_look_ups(tenants: int, tenths: int) -> None:
    world = World(tenants)
    delivered = [sum(world.turn() for _ in range(SECOND // 10)) for _ in range(tenths)]
    allowed = MOST_A_TURN * SECOND / 10
    assert min(delivered) >= 0.8 * allowed
    assert sum(delivered) >= 0.95 * allowed * len(delivered)
