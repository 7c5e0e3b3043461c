"""A partition's log, an index that loses and forgets, and readers that die: does a list ever differ from the topic?

The law that is checked after each step: every list of the index holds exactly its attempts of the topic with offsets
from its interval's beginning, or its floor, to its interval's end.

One seed decides everything.
"""

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from consumer.log.entry import Ended, Entry, Trigger, logged_of, moved, offset_of, pack
from consumer.log.index import Bounds, Index, Interval, Kind, Name
from consumer.log.indexing import Append, Ask, Begin, Cut, Indexing, Prepend, Superseded
from consumer.log.level import Size, cuts

BUCKETS: Final = 3
STEPS: Final = 120
_WEBHOOKS: Final = 7
_CHUNK: Final = 25
_ENTRY: Final = Entry(
    offset=0, logged_ms=1_000, begun_ms=990, first_ms=990, elapsed_ms=9, status=200, failure="", number=1,
    ended=Ended.DELIVERED,
    trigger=Trigger.EVENT, truncated=False, tier=None, reason="", delivery="00" * 16, event_type="a",
    event_id="b",
)  # fmt: skip


class Differs(Exception):  # noqa: N818 # it names a state
    """A list of the index is not what the topic says."""


@dataclass
class World:
    """`log` is one partition: bucket, name and entry of each attempt, by offset."""

    chance: random.Random
    bounds: Bounds
    log: list[tuple[int, Name, bytes]] = field(default_factory=list)
    start: int = 0  # below it, retention has taken the log's records
    unread: set[int] = field(default_factory=set)  # those that it took before a reader came to them
    indexes: list[Index] = field(default_factory=lambda: [Index() for _ in range(BUCKETS)])
    replica: list[Index] = field(default_factory=lambda: [Index() for _ in range(BUCKETS)])
    readers: list["Reader"] = field(default_factory=list)

    def attempt(self) -> None:
        """One more, of a webhook that is busy or of one that is not."""
        number = min(self.chance.randrange(_WEBHOOKS), self.chance.randrange(_WEBHOOKS))
        plain = self.chance.random() < 0.6
        logged_ms = 1_000 + len(self.log) // 2 + self.chance.choice((0, 0, 0, 7, -7))  # producers' clocks differ
        entry = replace(
            _ENTRY, offset=len(self.log), logged_ms=logged_ms, ended=Ended.DELIVERED if plain else Ended.RETRY
        )
        kind = Kind.PLAIN if entry.plain else Kind.EVENTFUL
        self.log.append((number % BUCKETS, Name(f"wh_{number}", kind), pack(entry)))

    def do(self, ask: Ask) -> Interval | None:
        """What the script does."""
        index = self.indexes[ask.bucket]
        match ask:
            case Begin():
                return index.begin(ask.at)
            case Append():
                return index.append(ask.known, ask.end, ask.entries, self.bounds)
            case Prepend():
                return index.prepend(ask.known, ask.first, ask.entries, self.bounds)
            case Cut():
                return index.cut(ask.known, ask.most)

    def check(self) -> None:
        """The law."""
        for bucket, index in enumerate(self.indexes):
            if index.interval is None:
                if any(index.lists.values()):
                    raise Differs(f"bucket {bucket} has lists, and no interval")
                continue
            names = {name for of, name, _ in self.log if of == bucket}
            for name in names:
                first = max(index.interval.first, index.floors.get(name, 0))
                expected = [
                    packed
                    for offset, (of, owner, packed) in enumerate(self.log)
                    if of == bucket and owner == name and first <= offset < index.interval.end
                ]
                entries = index.lists.get(name, [])
                kept = set(map(_timeless, entries))
                expected = [each for each in expected if _timeless(each) in kept or offset_of(each) not in self.unread]
                if [*map(_timeless, entries)] != [*map(_timeless, expected)]:
                    has = [offset_of(each) for each in entries]
                    raise Differs(f"{name} has {has}, not {[offset_of(each) for each in expected]}, {index.interval}")
                times = [*map(logged_of, entries)]
                if times != sorted(times):
                    raise Differs(f"{name} was logged at {times}")


@dataclass
class Reader:
    """One process that reads the partition, and believes that it owns it."""

    world: World
    indexing: Indexing | None = None
    asks: list[Ask] = field(default_factory=list)

    def load(self) -> None:
        """Begin where Redis says."""
        found = {bucket: each.interval for bucket, each in enumerate(self.world.indexes) if each.interval is not None}
        self.indexing = Indexing.assigned(BUCKETS, found, len(self.world.log))
        self.asks = []

    def turn(self) -> None:
        """One step of whatever comes next: ask, read on, or fill."""
        if self.indexing is None:
            self.load()
        elif self.asks:
            self._ask(self.indexing, self.asks[0])
        elif self.world.chance.random() < 0.3:
            self._fill(self.indexing)
        else:
            self._read(self.indexing)

    def _ask(self, indexing: Indexing, ask: Ask) -> None:
        chance = self.world.chance.random()
        if chance < 0.1:  # Redis is away
            return
        found = self.world.do(ask)
        if chance < 0.2:  # the answer is lost
            return
        self.asks.pop(0)
        try:
            indexing.answered(ask, found)
        except Superseded:
            self.indexing = None

    def _read(self, indexing: Indexing) -> None:
        most = self.world.chance.randrange(30)
        self.world.unread |= set(range(indexing.position, self.world.start))
        indexing.passed(self.world.start)
        for offset in range(indexing.position, min(len(self.world.log), indexing.position + most)):
            indexing.take(offset, *self.world.log[offset])
        self.asks = indexing.asked(everywhere=self.world.chance.random() < 0.5)

    def _fill(self, indexing: Indexing) -> None:
        before = indexing.fill_from
        if before is None or before <= self.world.start:
            return
        first = max(self.world.start, before - _CHUNK)
        attempts = ((offset, *self.world.log[offset]) for offset in range(first, before))
        self.asks = indexing.filled(first, attempts)


def _timeless(packed: bytes) -> bytes:
    return moved(packed, 0)


def run(seed: int, *, steps: int = STEPS, made: Callable[[random.Random, Bounds], World] = World) -> World:
    """One history.

    Raises:
        Differs: the index is not what the topic says.
    """
    chance = random.Random(seed)  # a seed is the point
    world = made(chance, Bounds(plain=chance.choice((8, 40)), eventful=chance.choice((8, 40, 1_000))))
    world.readers = [Reader(world)]
    for _ in range(chance.randrange(60)):
        world.attempt()
    faults: list[tuple[int, Callable[[World], None]]] = [
        (6, _publish), (20, _turn), (1, _lose), (1, _die), (1, _double), (1, _fail_over), (1, _level), (1, _retain),
        (1, _replicate),
    ]  # fmt: skip
    weights = [weight if weight > 1 else chance.choice((0, 0, 1, 2)) for weight, _ in faults]
    for _ in range(steps):
        chance.choices([fault for _, fault in faults], weights)[0](world)
        world.check()
    return world


def _publish(world: World) -> None:
    for _ in range(world.chance.randrange(12)):
        world.attempt()


def _turn(world: World) -> None:
    world.chance.choice(world.readers).turn()


def _lose(world: World) -> None:
    world.indexes[world.chance.randrange(BUCKETS)] = Index()


def _die(world: World) -> None:
    world.readers = [Reader(world)]


def _double(world: World) -> None:
    if len(world.readers) == 1:
        world.readers.append(Reader(world))


def _replicate(world: World) -> None:
    world.replica = copy.deepcopy(world.indexes)


def _fail_over(world: World) -> None:
    world.indexes = copy.deepcopy(world.replica)


def _level(world: World) -> None:
    bucket = world.chance.randrange(BUCKETS)
    index = world.indexes[bucket]
    reader = world.chance.choice(world.readers)
    if reader.indexing is None or bucket not in reader.indexing.stands:
        return
    sizes = {
        name: Size(entries=len(kept), packed_bytes=sum(map(len, kept))) for name, kept in index.lists.items() if kept
    }
    room = world.chance.randrange(1_000, 6_000)
    world.do(Cut(bucket=bucket, known=reader.indexing.stands[bucket], most=cuts(sizes, room)))


def _retain(world: World) -> None:
    world.start = max(world.start, world.chance.randrange(len(world.log) + 1) // 2)
