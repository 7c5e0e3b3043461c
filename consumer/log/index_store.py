"""The index written to Redis: what `indexing.py` asks, in as many scripts, in one round trip.

The law: an ask is done whole or not at all, and may be asked again. What is answered is what Redis found.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Final

from consumer.log.index import Bounds, Interval, Kept, Name
from consumer.log.index_keys import IndexKeys, Owner, member, named
from consumer.log.index_keys import field as field_of
from consumer.log.index_script import APPEND, BEGIN, CUT, PREPEND
from consumer.log.indexing import Append, Ask, Begin, Cut, Done, Loaded, Prepend
from consumer.log.tending import Progress
from consumer.webhooks.bucket import BUCKETS
from consumer.webhooks.cache import Answer, Cache, Call

# KEYS: at, lists. ARGV: the partition. Returns the interval, and what the lists hold.
_LOAD: Final = """
return {redis.call('HGET', KEYS[1], ARGV[1]) or '', redis.call('HGETALL', KEYS[2])}
"""

# KEYS: at, lists. ARGV: the partition, the lists' common prefix.
_DROP: Final = """
for _, field in ipairs(redis.call('HKEYS', KEYS[2])) do
  redis.call('UNLINK', ARGV[2] .. field .. ':' .. ARGV[1])
end
redis.call('UNLINK', KEYS[2])
return redis.call('HDEL', KEYS[1], ARGV[1], ARGV[1] .. ':since')
"""

# KEYS: a hash. ARGV: how many ms to keep it, fields and values. Returns whether it was there.
_TELL: Final = """
local was = redis.call('EXISTS', KEYS[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return was
"""


class IndexStore:
    """Belongs to one thread."""

    def __init__(self, cache: Cache, *, topic_prefix: str, bounds: Bounds, kept_for_ms: int) -> None:
        self._cache = cache
        self._keys = IndexKeys(topic_prefix)
        self._bounds = bounds
        self._kept_for_ms = str(kept_for_ms)

    def load(self, partition: int) -> Loaded:
        """What there is of a partition.

        Raises:
            CacheUnavailable: call it again.
        """
        calls = [
            Call(
                script=_LOAD,
                keys=(self._keys.at(bucket), self._keys.lists(bucket, partition)),
                args=(str(partition),),
            )
            for bucket in range(BUCKETS)
        ]
        loaded = Loaded()
        for bucket, (interval, fields) in enumerate(self._cache.run_known(calls)):
            found = _interval(interval)
            if found is not None:
                loaded.intervals[bucket] = found
                pairs = zip(fields[::2], fields[1::2], strict=True)
                loaded.kept[bucket] = {named(name.decode()): _kept(value) for name, value in pairs}
        return loaded

    def drop(self, partition: int) -> None:
        """Nothing of a partition stays: its log is another one.

        Raises:
            CacheUnavailable: call it again.
        """
        calls = [
            Call(
                script=_DROP,
                keys=(self._keys.at(bucket), self._keys.lists(bucket, partition)),
                args=(str(partition), self._keys.tagged(bucket)),
            )
            for bucket in range(BUCKETS)
        ]
        self._cache.run_known(calls)

    def do(
        self, partition: int, asks: Sequence[Ask], *, owners: Mapping[str, Owner], since_ms: int | None
    ) -> list[Done]:
        """Do what is asked. `owners` are those of all webhooks that something is added to.

        `since_ms` is when the first attempt of the intervals was logged; None leaves it.

        Raises:
            CacheUnavailable: some may have been done.
        """
        since = "" if since_ms is None else str(since_ms)
        answers = self._cache.run_known([self._call(partition, ask, owners, since) for ask in asks])
        return [_done(ask, answer) for ask, answer in zip(asks, answers, strict=True)]

    def memory(self) -> tuple[int, int] | None:
        """As `Cache.memory`."""
        return self._cache.memory()

    def close(self) -> None:
        """Close the connections."""
        self._cache.close()

    def tell(self, progress: Mapping[int, Progress]) -> list[int]:
        """How far these partitions' indexes are. Returns those of which nothing was told before.

        Raises:
            CacheUnavailable: it may have been written.
        """
        calls = []
        for partition, told in progress.items():
            pairs = [text for name, value in asdict(told).items() for text in (name, str(int(value)))]
            key = self._keys.progress(partition)
            calls.append(Call(script=_TELL, keys=(key,), args=(self._kept_for_ms, *pairs)))
        known = self._cache.run_known(calls)
        return [partition for partition, was in zip(progress, known, strict=True) if not was]

    def _call(self, partition: int, ask: Ask, owners: Mapping[str, Owner], since: str) -> Call:
        keys = (self._keys.at(ask.bucket), self._keys.lists(ask.bucket, partition))
        head = (str(partition), _text(ask.known), _text(ask.wanted), self._kept_for_ms)
        match ask:
            case Begin():
                return Call(script=BEGIN, keys=keys, args=(*head, since, self._keys.tagged(ask.bucket)))
            case Append():
                lists, values = self._added(partition, ask, owners)
                return Call(script=APPEND, keys=(*keys, *lists), args=(*head, "", *values))
            case Prepend():
                lists, values = self._added(partition, ask, owners)
                return Call(script=PREPEND, keys=(*keys, *lists), args=(*head, since, *values))
            case Cut():
                lists = [self._keys.entries(ask.bucket, name, partition) for name in ask.most]
                pairs = [each for name, most in ask.most.items() for each in (field_of(name), str(most))]
                return Call(script=CUT, keys=(*keys, *lists), args=(*head, "", *pairs))

    def _added(
        self, partition: int, ask: Append | Prepend, owners: Mapping[str, Owner]
    ) -> tuple[list[str], list[str | bytes]]:
        keys: list[str] = []
        values: list[str | bytes] = []
        for name, entries in ask.entries.items():
            keys.append(self._keys.entries(ask.bucket, name, partition))
            keys.append(self._keys.seen(ask.bucket, name.kind, owners[name.webhook]))
            most = str(self._bounds.of(name.kind))
            values += (field_of(name), member(name.webhook, partition), most, str(len(entries)))
            values += entries if isinstance(ask, Append) else reversed(entries)
        return keys, values


def _done(ask: Ask, answer: Answer) -> Done:
    found, *told = answer
    names: Iterable[Name] = ()
    match ask:
        case Append() | Prepend():
            names = ask.entries
        case Cut():
            names = ask.most
        case Begin():
            pass
    kept = {name: _kept(value) if value else None for name, value in zip(names, told, strict=False)}
    return Done(found=_interval(found), kept=kept)


def _text(interval: Interval | None) -> str:
    return "" if interval is None else f"{interval.first} {interval.end}"


def _interval(text: bytes) -> Interval | None:
    if not text:
        return None
    first, end = text.split()
    return Interval(first=int(first), end=int(end))


def _kept(value: bytes) -> Kept:
    entries, packed_bytes, floor, newest_ms = map(int, value.split())
    return Kept(entries=entries, packed_bytes=packed_bytes, floor=floor, newest_ms=newest_ms)
