"""The index written to Redis: what `indexing.py` asks, in as many scripts, in one round trip.

The law: an ask is done whole or not at all, and may be asked again. What is answered is what Redis found.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Final

from consumer.log.index import Bounds, Interval, Kept, Name
from consumer.log.index_keys import IndexKeys, Owner, member, named
from consumer.log.index_keys import field as field_of
from consumer.log.index_script import ADVANCE, APPEND, BEGIN, CUT, PREPEND
from consumer.log.indexing import Append, Ask, Begin, Cut, Done, Loaded, Prepend
from consumer.log.tending import Progress
from consumer.webhooks.bucket import BUCKETS
from consumer.webhooks.cache import Answer, Cache, Call

_TOLD: Final = tuple(each.name for each in fields(Progress))

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

# KEYS: hashes. ARGV: how many ms to keep them, and of each: fields and values. Returns whether each was there.
_TELL: Final = """
local was, each = {}, (#ARGV - 1) / #KEYS
for i, key in ipairs(KEYS) do
  was[i] = redis.call('EXISTS', key)
  redis.call('HSET', key, unpack(ARGV, 2 + (i - 1) * each, 1 + i * each))
  redis.call('PEXPIRE', key, ARGV[1])
end
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
        for bucket, (interval, lists) in enumerate(self._cache.run_known(calls)):
            found = _interval(interval)
            if found is not None:
                loaded.intervals[bucket] = found
                pairs = zip(lists[::2], lists[1::2], strict=True)
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
        passing = [at for at, ask in enumerate(asks) if _adds_nothing(ask)] if self._cache.in_one_place else []
        alone = sorted({*range(len(asks))} - {*passing})
        calls = [self._call(partition, asks[at], owners, since) for at in alone]
        if passing:
            calls.append(self._advance(partition, [asks[at] for at in passing]))
        answers = self._cache.run_known(calls)
        found: dict[int, Answer] = dict(zip(alone, answers, strict=False))
        if passing:
            found |= {at: [interval] for at, interval in zip(passing, answers[-1], strict=True)}
        return [_done(ask, found[at]) for at, ask in enumerate(asks)]

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
        keys = [self._keys.progress(partition) for partition in progress]
        pairs = [_pairs(told) for told in progress.values()]
        if self._cache.in_one_place:
            together = [text for each in pairs for text in each]
            calls = [Call(script=_TELL, keys=keys, args=(self._kept_for_ms, *together))]
        else:
            calls = [
                Call(script=_TELL, keys=(key,), args=(self._kept_for_ms, *each))
                for key, each in zip(keys, pairs, strict=True)
            ]
        known = [was for part in self._cache.run_known(calls) for was in part]
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

    def _advance(self, partition: int, asks: Sequence[Ask]) -> Call:
        """Those that add nothing, of many buckets: every ten seconds all are told of that are quiet."""
        keys = [key for ask in asks for key in (self._keys.at(ask.bucket), self._keys.lists(ask.bucket, partition))]
        pairs = [text for ask in asks for text in (_text(ask.known), _text(ask.wanted))]
        return Call(script=ADVANCE, keys=keys, args=(str(partition), self._kept_for_ms, *pairs))

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


def _pairs(told: Progress) -> list[str]:
    return [text for name in _TOLD for text in (name, str(int(getattr(told, name))))]


def _adds_nothing(ask: Ask) -> bool:
    return isinstance(ask, Append) and not ask.entries


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
