"""Whatever comes, and however the cache answers: what waits goes on by a view that may be used for it, all of it."""

import random

from hypothesis import given
from hypothesis import strategies as st

from consumer.delivery import asking
from consumer.delivery.tenants import Freshness, Room, Tenants
from consumer.webhooks.reader import Loaded, Many, Unavailable, Unchanged
from tests.deliveries import NOW_MS, subscription, target_of

NAMES = [f"t{number}" for number in range(6)]
STALENESS_MS = 1_000
AWAY = Unavailable(reason="away")
OWN = Unavailable(reason="corrupt", own=True)


class World:
    """Works are (tenant, when it came); a cache that answers late, or not."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.tenants: Tenants[tuple[str, int]] = Tenants(
            Freshness(staleness_ms=STALENESS_MS, memory_for_ms=5_000),
            target_of,
            Room(records=40, waiting_bytes=4_000, view_bytes=3_500),
        )
        self.now_ms = NOW_MS
        self.together: dict[str, str | None] = {}
        self.alone: dict[str, str | None] = {}
        self.waiting: list[tuple[str, int]] = []
        self.away = False

    def come(self, tenant: str) -> None:
        known = self.tenants.look(tenant, self.now_ms)
        if known is not None:
            assert self.now_ms - known.seen_ms <= (5_000 if self.away_lately else STALENESS_MS)
        elif not self.tenants.has_its_share(tenant) and self.tenants.room:
            work = (tenant, self.now_ms)
            self.tenants.park(tenant, work, self.dice.randrange(1, 200), self.now_ms)
            self.waiting.append(work)

    away_lately = False

    def ask(self) -> None:
        together, alone = self.tenants.wanted(self.now_ms)
        assert not (together.keys() | alone.keys()) & (self.together.keys() | self.alone.keys())
        self.together |= together
        self.alone |= alone
        assert len(self.together) <= asking.MOST
        assert len(self.alone) <= 1

    def answer(self, *, well: bool) -> None:
        asked = self.dice.choice([each for each in (self.together, self.alone) if each])
        tenant = self.dice.choice(list(asked))
        version = asked.pop(tenant)
        loaded = Loaded(version="1", subscriptions=(subscription(tenant=tenant),), size=1_000)
        good = loaded if version is None else Unchanged()
        loading = good if well else self.dice.choice((good, AWAY, OWN, Many() if asked is self.together else good))
        in_vain = isinstance(loading, Unavailable)
        self.away_lately |= in_vain
        for work, known in self.tenants.loaded(tenant, loading, self.now_ms):
            assert work[0] == tenant
            allowed_ms = 5_000 + self.now_ms - work[1] if in_vain else STALENESS_MS
            assert work[1] - known.seen_ms <= allowed_ms
            self.waiting.remove(work)
        for work in self.tenants.surplus(tenant):
            self.waiting.remove(work)

    def check(self) -> None:
        parked = [seat.of for seat in self.tenants._asking.seats()]
        assert self.tenants.waiting == len(self.waiting) == sum(len(each.works) for each in parked)
        assert self.tenants.waiting_bytes == sum(each.bytes for each in parked)
        apart = [each for each in parked if each.apart]
        assert self.tenants._apart == sum(len(each.works) for each in apart) <= 20
        assert self.tenants._apart_bytes == sum(each.bytes for each in apart)
        assert len(self.tenants._apart_of) == len(apart)
        assert self.tenants.asking == bool(self.together or self.alone)


@given(seed=st.integers(0, 2**32))
def test_what_waits_goes_on_by_a_view_that_may_be_used_for_it_and_all_of_it_does(seed: int) -> None:
    world = World(seed)
    for _ in range(100):
        world.now_ms += world.dice.choice((0, 1, 50, 400, 3_000))
        for _ in range(world.dice.randrange(4)):
            world.come(world.dice.choice(NAMES))
        world.ask()
        while (world.together or world.alone) and world.dice.random() < 0.6:
            world.answer(well=False)
        if world.dice.random() < 0.05:
            lost = world.dice.choice(NAMES)
            world.tenants.drop_waiting(lambda work, lost=lost: work[0] != lost)  # type: ignore[misc] # lost is bound
            world.waiting = [work for work in world.waiting if work[0] != lost]
        world.check()
    for _ in range(100):
        world.now_ms += 1_001
        world.ask()
        while world.together or world.alone:
            world.answer(well=True)
        world.check()
    assert not world.waiting
    assert len(world.tenants._asking) == 0
