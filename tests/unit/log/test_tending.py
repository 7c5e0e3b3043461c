"""Tending a partition's index: what the role left out is read again, and how far a fill and the level go."""

import random
from dataclasses import dataclass, field

import pytest

from consumer.log.entry import Ended, Entry, Trigger, offset_of, pack
from consumer.log.index import Bounds, Index, Kind, Name
from consumer.log.index_keys import Owner
from consumer.log.indexing import Append, Ask, Begin, Cut, Done, Loaded, Prepend, Superseded
from consumer.log.tending import EVERYWHERE_MS, IN_VAIN, SELDOM_MS, Live, Taken, Tending

BOUNDS = Bounds(plain=1_000, eventful=1_000)
OWNER = Owner("acme", "hookline")
LARGE = 10**9


def taken(offset: int, webhook: int = 0, ended: Ended = Ended.DEAD) -> Taken:
    entry = Entry(
        offset=offset, logged_ms=1_000 + offset, begun_ms=1_000, first_ms=1_000, elapsed_ms=1, status=200, failure="",
        number=1, ended=ended, trigger=Trigger.EVENT, truncated=False, tier=None, reason="", delivery="0a" * 16,
        event_type="a", event_id="b",
    )  # fmt: skip
    name = Name(f"wh_{webhook}", Kind.PLAIN if entry.plain else Kind.EVENTFUL)
    return Taken(offset, webhook % 3, name, OWNER, pack(entry))


@dataclass
class Redis:
    """The buckets' indexes."""

    bounds: Bounds = BOUNDS
    indexes: dict[int, Index] = field(default_factory=dict)

    def do(self, asks: list[Ask]) -> list[Done]:
        return [self._do(ask) for ask in asks]

    def _do(self, ask: Ask) -> Done:
        index = self.indexes.setdefault(ask.bucket, Index())
        match ask:
            case Begin():
                return Done(found=index.begin(ask.at), kept={})
            case Append():
                found, names = index.append(ask.known, ask.end, ask.entries, self.bounds), [*ask.entries]
            case Prepend():
                found, names = index.prepend(ask.known, ask.first, ask.entries, self.bounds), [*ask.entries]
            case _:
                found, names = index.cut(ask.known, ask.most), [*ask.most]
        return Done(found=found, kept={name: index.kept(name) for name in names} if found == ask.known else {})

    def loaded(self) -> Loaded:
        there = {bucket: index for bucket, index in self.indexes.items() if index.interval is not None}
        return Loaded(
            intervals={bucket: index.interval for bucket, index in there.items() if index.interval},
            kept={bucket: {name: index.kept(name) for name in index.lists} for bucket, index in there.items()},
        )

    def offsets(self) -> list[int]:
        return sorted(
            offset_of(packed) for index in self.indexes.values() for each in index.lists.values() for packed in each
        )


def tended(redis: Redis, *, end: int = 0, share_bytes: int = LARGE) -> Tending:
    return Tending.loaded(redis.loaded(), end=end, share_bytes=share_bytes, now_ms=0)


def ask(tending: Tending, redis: Redis, now_ms: int = 0) -> list[Ask]:
    asks = [*tending.asked(now_ms)]
    for each in asks:
        if isinstance(each, Append | Prepend):
            assert {name.webhook for name in each.entries} <= tending.owners.keys()
    tending.answered(redis.do(asks))
    return asks


def live(first: int, end: int, *, room: bool = True) -> Live:
    return Live(first=first, end=end, taken=[taken(at) for at in range(first, end)] if room else None, at_end_ms=None)


@dataclass
class Role:
    """Reads a log, loses what it read, and tends its index."""

    chance: random.Random
    log: list[Taken]
    redis: Redis = field(default_factory=Redis)
    end: int = 50
    at: int = 0
    now_ms: int = 0

    def __post_init__(self) -> None:
        self.at = self.chance.randrange(60)
        self.tending = tended(self.redis, end=self.end)

    def turn(self) -> None:
        """Something comes, is handed over or not, and something is done about it."""
        self.now_ms += 300
        self.end = min(len(self.log), self.end + self.chance.randrange(8))
        if self.chance.random() < 0.1:
            self.redis.indexes.pop(self.chance.randrange(3), None)
        if self.at < self.end:
            to = self.chance.randrange(self.at, self.end + 1)
            there = self.log[self.at : to] if self.chance.random() < 0.8 else None
            self.tending.live(Live(first=self.at, end=to, taken=there, at_end_ms=None), self.now_ms)
            self.at = to
        if self.chance.random() < 0.2:
            self.redis.do(self.tending.asked(self.now_ms))  # and no answer
        elif self.chance.random() < 0.9:
            try:
                ask(self.tending, self.redis, self.now_ms)
            except Superseded:
                self.tending = tended(self.redis, end=self.end)
        if not self.tending.asks and self.tending.apart(self.now_ms):
            self.read(9)
        self.fill()

    def read(self, most: int) -> None:
        at = self.tending.indexing.position
        to = max(at, min(self.end, at + most))
        self.tending.take(self.log[at:to], to)

    def fill(self) -> None:
        before = self.tending.fill_from(0)
        if before is not None:
            first = max(0, before - 20)
            self.tending.fill(first, self.log[first:before], logged_ms=1)

    def end_well(self) -> None:
        """Nothing goes wrong any more."""
        self.end = len(self.log)
        for _ in range(40):
            self.now_ms += SELDOM_MS
            ask(self.tending, self.redis, self.now_ms)
            self.read(len(self.log))
            self.fill()
            ask(self.tending, self.redis, self.now_ms)
        ask(self.tending, self.redis, self.now_ms + SELDOM_MS)


def test_what_the_role_left_out_is_read_again() -> None:
    for seed in range(8):
        chance = random.Random(seed)
        role = Role(chance, [taken(offset, chance.randrange(4)) for offset in range(300)])
        for _ in range(120):
            role.turn()
        role.end_well()
        assert role.redis.offsets() == [*range(300)], seed


def test_whose_it_is_that_was_taken_before_a_fill_is_known_behind_it() -> None:
    redis = Redis()
    tending = tended(redis, end=10)
    ask(tending, redis)
    tending.take([taken(10, 0), taken(11, 1)], 12)
    tending.fill(0, [taken(at, 2) for at in range(10)], logged_ms=1)
    assert tending.owners.keys() == {"wh_0", "wh_1", "wh_2"}
    ask(tending, redis)
    assert tending.owners.keys() == {"wh_0", "wh_1"}
    ask(tending, redis)
    assert tending.owners == {}
    assert redis.offsets() == [*range(12)]


def test_what_joins_on_is_not_read_here() -> None:
    redis = Redis()
    tending = tended(redis, end=10)
    tending.live(live(4, 9), 100)
    assert not tending.apart(1_000)  # the role is a moment behind
    assert tending.apart(3_000)
    tending.live(live(9, 14), 3_000)
    assert tending.indexing.position == 14
    assert not tending.apart(60_000)
    tending.live(live(14, 20, room=False), 60_000)
    assert tending.apart(60_000)
    tending.live(live(20, 25), 60_001)  # beyond the gap
    assert tending.indexing.position == 14
    assert tending.apart(60_001)


def test_everything_before_is_in_when_it_says_so() -> None:
    tending = tended(Redis())
    tending.live(Live(first=0, end=5, taken=[taken(at) for at in range(5)], at_end_ms=None), 1_104)
    assert tending.as_of_ms == 1_003  # one more may be dated as the last
    tending.live(Live(first=5, end=5, taken=[], at_end_ms=90_000), 90_000)
    assert tending.as_of_ms == 89_750
    tending.live(live(5, 9, room=False), 99_000)
    assert tending.as_of_ms == 1_003


def test_a_broker_whose_clock_is_behind_is_seen_by_its_records() -> None:
    tending = tended(Redis())
    for offset, later_ms in ((0, 900), (1, 1_200), (2, 90_000)):  # the last one lay there for long
        batch = Live(first=offset, end=offset + 1, taken=[taken(offset)], at_end_ms=None)
        tending.live(batch, 1_000 + offset + later_ms)
    tending.live(Live(first=3, end=3, taken=[], at_end_ms=99_000), 99_000)
    assert tending.as_of_ms == 98_100


def test_a_fill_ends_where_the_log_begins_or_memory_does() -> None:
    redis = Redis()
    tending = tended(redis, end=10)
    assert tending.fill_from(0) is None  # nothing is there yet
    ask(tending, redis)
    assert tending.fill_from(0) == 10
    tending.fill(4, [taken(at) for at in range(4, 10)], logged_ms=5)
    assert tending.fill_from(0) is None  # it is asked
    ask(tending, redis)
    assert tending.fill_from(4) is None
    assert tending.filled
    redis = Redis()
    tending = tended(redis, end=10, share_bytes=600)
    ask(tending, redis)
    tending.fill(5, [taken(at) for at in range(5, 10)], logged_ms=5)
    ask(tending, redis)
    assert tending.fill_from(0) is None


def test_a_fill_ends_when_it_brought_nothing_for_long() -> None:
    redis = Redis(bounds=Bounds(plain=20, eventful=20))
    tending = tended(redis, end=10_000)
    ask(tending, redis)
    parts = 0
    while (before := tending.fill_from(0)) is not None:
        part = [taken(at) for at in range(before - 50, before)]
        wanted = [each for each in part if tending.wants(each.bucket, each.name)]
        assert bool(wanted) == (parts == 0)  # the first one fills the list
        tending.fill(before - 50, wanted, logged_ms=5)
        ask(tending, redis)
        parts += 1
    assert parts == IN_VAIN + 1
    assert len(redis.offsets()) == 20


def test_noisy_webhooks_pay_and_quiet_ones_keep_all() -> None:
    redis = Redis()
    tending = tended(redis, share_bytes=15_000)
    ask(tending, redis)
    tending.take([taken(at, 1 if at % 50 == 0 else 0) for at in range(500)], 500)
    ask(tending, redis)
    assert tending.bytes > 15_000
    tending.level()
    ask(tending, redis)
    assert tending.bytes <= 15_000
    assert redis.indexes[1].kept(Name("wh_1", Kind.EVENTFUL)).entries == 10
    assert 100 < redis.indexes[0].kept(Name("wh_0", Kind.EVENTFUL)).entries < 490
    assert tending.bytes == tended(redis).bytes  # as it is found after a restart


def test_old_lists_are_forgotten() -> None:
    redis = Redis()
    tending = tended(redis)
    ask(tending, redis)
    tending.take([taken(0, 0), taken(1, 1)], 2)
    ask(tending, redis)
    tending.forget(1_001)
    [cut] = tending.asked(0)
    assert cut == Cut(bucket=0, known=tending.indexing.stands[0], most={Name("wh_0", Kind.EVENTFUL): 0})


def test_quiet_buckets_are_asked_now_and_then_and_when_redis_is_in_doubt() -> None:
    redis = Redis()
    tending = tended(redis)
    ask(tending, redis, EVERYWHERE_MS)
    tending.take([taken(0)], 1)
    assert len(ask(tending, redis, EVERYWHERE_MS + 1)) == 1
    assert ask(tending, redis, EVERYWHERE_MS + 2) == []
    assert len(ask(tending, redis, 2 * EVERYWHERE_MS)) == 256
    tending.doubt()
    assert len(ask(tending, redis, 2 * EVERYWHERE_MS + 1)) == 256


def test_where_nothing_is_logged_they_are_asked_seldom() -> None:
    redis = Redis()
    tending = tended(redis)
    began_ms = SELDOM_MS
    assert len(ask(tending, redis, began_ms)) == 256
    assert ask(tending, redis, began_ms + SELDOM_MS - 1) == []
    assert len(ask(tending, redis, began_ms + SELDOM_MS)) == 256
    tending.take([taken(0)], 1)
    assert len(ask(tending, redis, began_ms + SELDOM_MS + EVERYWHERE_MS)) == 256


def test_a_gap_that_is_overlooked_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def overlooked(self: Tending, live: Live, now_ms: int) -> None:
        self.take(live.taken or (), live.end)

    monkeypatch.setattr(Tending, "live", overlooked)
    with pytest.raises(AssertionError):
        test_what_the_role_left_out_is_read_again()
