"""The index's scripts on a real Redis against the functions they repeat, through the simulator's histories."""

import random
from collections.abc import Iterator

import pytest
import redis

from consumer.erasure.lists import erase_lists
from consumer.log.index import Bounds, Index, Interval, Kind, Name, rising
from consumer.log.index_keys import IndexKeys, Owner, field, member
from consumer.log.index_store import IndexStore
from consumer.log.indexing import Append, Ask, Begin, Cut, Prepend
from consumer.webhooks.bucket import bucket_of
from consumer.webhooks.cache import Cache
from tests.log_index.world import World, run
from tests.services.redis import Redis

PREFIX = "hookline."
PARTITION = 3
KEPT_FOR_MS = 3_600_000
OWNERS = {f"wh_{number}": Owner(tenant=f"t:{number % 2}", brand="hookline") for number in range(7)}
KEYS = IndexKeys(PREFIX)


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    made = redis.Redis.from_url(redis_url)
    made.flushdb()
    yield made
    made.close()


def put(client: redis.Redis, bucket: int, index: Index) -> None:
    """Redis is to hold this: what a failover, or a lost node, makes of it."""
    gone = client.keys(KEYS.tagged(bucket) + "*")
    if gone:
        client.delete(*gone)
    if index.interval is None:
        return
    client.hset(KEYS.at(bucket), str(PARTITION), f"{index.interval.first} {index.interval.end}")
    for name, entries in index.lists.items():
        kept = index.kept(name)
        told = f"{kept.entries} {kept.packed_bytes} {kept.floor} {kept.newest_ms}"
        client.hset(KEYS.lists(bucket, PARTITION), field(name), told)
        if entries:
            client.rpush(KEYS.entries(bucket, name, PARTITION), *entries)


class Mirrored(World):
    """What is done to an index is done to Redis too, and must be the same."""

    client: redis.Redis
    asked = 0

    def do(self, ask: Ask) -> Interval | None:
        """On both."""
        store = IndexStore(Cache(self.client), topic_prefix=PREFIX, bounds=self.bounds, kept_for_ms=KEPT_FOR_MS)
        put(self.client, ask.bucket, self.indexes[ask.bucket])
        done = store.do(PARTITION, [ask], owners=OWNERS, since_ms=None)[0]
        found = super().do(ask)
        index = self.indexes[ask.bucket]
        assert done.found == found
        if found == ask.known:
            for name, kept in done.kept.items():
                assert kept == index.kept(name), (name, ask)
        loaded = store.load(PARTITION)
        assert loaded.intervals.get(ask.bucket) == index.interval
        for name, entries in index.lists.items():
            assert self.client.lrange(KEYS.entries(ask.bucket, name, PARTITION), 0, -1) == entries, (name, ask)
        Mirrored.asked += 1
        return found


def test_the_scripts_are_the_functions(client: redis.Redis) -> None:
    Mirrored.client = client
    for seed in range(8):
        run(seed, steps=80, made=Mirrored)
    assert Mirrored.asked > 150


def test_all_lists_of_a_tenant_go_and_nobody_elses_and_what_comes_then_begins_anew(client: redis.Redis) -> None:
    world = World(random.Random(4), Bounds(plain=100, eventful=100))
    for _ in range(60):
        world.attempt()
    store, of = store_of(client, world.bounds), {"t:0": 0, "t:1": 0}
    appends: dict[str, Append] = {}
    for tenant in of:
        entries: dict[Name, list[bytes]] = {}
        for _, name, packed in world.log:
            if OWNERS[name.webhook].tenant == tenant:
                before = entries.setdefault(name, [])
                before.append(rising(before, packed))
        begun = Begin(bucket=bucket_of(tenant), at=0)
        appends[tenant] = Append(bucket=begun.bucket, known=begun.wanted, end=len(world.log), entries=entries)
        store.do(PARTITION, [begun, appends[tenant]], owners=OWNERS, since_ms=17)
        of[tenant] = len(entries)
    brands = {"hookline", "convo"}
    assert erase_lists(Cache(client), PREFIX, "t:0", brands) == of["t:0"] > 0
    assert erase_lists(Cache(client), PREFIX, "t:0", brands) == 0
    left = b" ".join(each for each in client.keys("*") if isinstance(each, bytes))
    assert not any(name.webhook.encode() in left for name in appends["t:0"].entries)
    assert all(client.exists(KEYS.entries(bucket_of("t:1"), name, PARTITION)) for name in appends["t:1"].entries)
    name, packed = next((name, packed) for _, name, packed in world.log if OWNERS[name.webhook].tenant == "t:0")
    later = Append(
        bucket=bucket_of("t:0"), known=appends["t:0"].wanted, end=len(world.log) + 1, entries={name: [packed]}
    )
    [done] = store.do(PARTITION, [later], owners=OWNERS, since_ms=None)
    kept = done.kept[name]
    assert kept is not None
    assert kept.entries == 1


def store_of(client: redis.Redis, bounds: Bounds) -> IndexStore:
    return IndexStore(Cache(client), topic_prefix=PREFIX, bounds=bounds, kept_for_ms=KEPT_FOR_MS)


def filled(store: IndexStore, world: World) -> Interval:
    """All of a world's log, in its first bucket."""
    entries: dict[Name, list[bytes]] = {}
    for _, name, packed in world.log:
        before = entries.setdefault(name, [])
        before.append(rising(before, packed))
    begun = Begin(bucket=0, at=0)
    append = Append(bucket=0, known=begun.wanted, end=len(world.log), entries=entries)
    store.do(PARTITION, [begun, append], owners=OWNERS, since_ms=17)
    return append.wanted


def test_keys_expire_and_say_whose_the_lists_are(client: redis.Redis) -> None:
    world = World(random.Random(1), Bounds(plain=100, eventful=100))
    for _ in range(200):
        world.attempt()
    store = store_of(client, world.bounds)
    filled(store, world)
    assert all(0 < client.pttl(key) <= KEPT_FOR_MS for key in client.keys("*"))
    assert client.hget(KEYS.at(0), f"{PARTITION}:since") == b"17"
    for owner in set(OWNERS.values()):
        for kind in Kind:
            names = {name.webhook for _, name, _ in world.log if name.kind is kind and OWNERS[name.webhook] == owner}
            found = set(client.zrange(KEYS.seen(0, kind, owner), 0, -1))
            assert found == {member(name, PARTITION).encode() for name in names}


def test_a_redis_says_how_full_it_is(private_redis: Redis) -> None:
    with redis.Redis.from_url(private_redis.url()) as client:
        store = store_of(client, Bounds(plain=100, eventful=100))
        assert store.memory() is None
        client.config_set("maxmemory", 100_000_000)
        memory = store.memory()
        assert memory is not None
        assert 0 < memory[0] < memory[1] == 100_000_000


def test_a_list_that_keeps_nothing_is_forgotten(client: redis.Redis) -> None:
    world = World(random.Random(2), Bounds(plain=100, eventful=100))
    for _ in range(50):
        world.attempt()
    store = store_of(client, world.bounds)
    known = filled(store, world)
    name = world.log[0][1]
    assert store.do(PARTITION, [Cut(bucket=0, known=known, most={name: 0})], owners={}, since_ms=None)[0].kept == {
        name: None
    }
    assert name not in store.load(PARTITION).kept[0]
    assert not client.exists(KEYS.entries(0, name, PARTITION))


def test_what_a_former_index_left_is_not_taken_for_its_own(client: redis.Redis) -> None:
    world = World(random.Random(3), Bounds(plain=100, eventful=100))
    for _ in range(20):
        world.attempt()
    name, packed = world.log[0][1:]
    client.rpush(KEYS.entries(0, name, PARTITION), b"of a former index")
    filled(store_of(client, world.bounds), world)
    assert client.lindex(KEYS.entries(0, name, PARTITION), 0) == packed
    client.hdel(KEYS.at(0), str(PARTITION))
    begun = Begin(bucket=0, at=20)
    store_of(client, world.bounds).do(PARTITION, [begun], owners={}, since_ms=None)
    assert not client.exists(KEYS.entries(0, name, PARTITION), KEYS.lists(0, PARTITION))


def test_a_large_chunk_goes_in_slices(client: redis.Redis) -> None:
    bounds = Bounds(plain=4_000, eventful=20_000)
    world = World(random.Random(4), bounds)
    name = Name("wh_0", Kind.EVENTFUL)
    for _ in range(9_000):
        world.attempt()
    entries: list[bytes] = []
    for _, _, packed in world.log:
        entries.append(rising(entries, packed))
    store = store_of(client, bounds)
    begun = Begin(bucket=0, at=9_000)
    index = Index()
    asks: list[Ask] = [
        begun,
        Prepend(bucket=0, known=begun.wanted, first=4_500, entries={name: entries[4_500:]}),
        Append(bucket=0, known=Interval(first=4_500, end=9_000), end=9_001, entries={name: entries[:1]}),
        Prepend(
            bucket=0, known=Interval(first=4_500, end=9_001), first=0,
            entries={name: entries[:4_500], replace_kind(name): entries[:4_500]},
        ),
    ]  # fmt: skip
    for ask in asks:
        done = store.do(PARTITION, [ask], owners=OWNERS, since_ms=None)[0]
        match ask:
            case Begin():
                index.begin(ask.at)
            case Append():
                index.append(ask.known, ask.end, ask.entries, bounds)
            case Prepend():
                index.prepend(ask.known, ask.first, ask.entries, bounds)
        assert done.kept == {name: index.kept(name) for name in done.kept}
    for each, kept in index.lists.items():
        assert client.lrange(KEYS.entries(0, each, PARTITION), 0, -1) == kept


def replace_kind(name: Name) -> Name:
    return name._replace(kind=Kind.PLAIN)
