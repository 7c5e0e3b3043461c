"""The projection: the subscriptions topic, folded into the cache.

The law: each bucket of the cache is the fold of the topic up to the offsets it names, under an epoch only this
projection writes; and it can be read only from when those offsets reached the topic's end as it was when the
projection took the bucket over. What is not as this projection left it is rebuilt from the topic; what somebody else
took over is left alone.

Calls may be repeated after CacheUnavailable with the same arguments. A batch that Redis had taken already is then met
as old news, and a winner may be written again without need, which changes nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from consumer.events.event import Record
from consumer.telemetry.bugs import decoded
from consumer.webhooks.bucket import BUCKETS, Keys, bucket_of
from consumer.webhooks.cache import Answer, Cache, Call, Client
from consumer.webhooks.fold import Fold, changes, folded, in_cache
from consumer.webhooks.history import State
from consumer.webhooks.kept import Kept, claimed, emptied, reached, written
from consumer.webhooks.owed import Owed
from consumer.webhooks.record import Rewrite, encode, is_current, state_of
from consumer.webhooks.scripts import BEAT, CLAIM, CLEAR, FOUND, KNOWN, OK, SUPERSEDED, WRITE
from consumer.wire import RecordCorrupt

# Less than a deletion stays on its topic (`delete.retention.ms`): who knows nothing of it any more and creates the
# webhook anew under its uid must not lose to it.
_GONE_S: Final = 23 * 3_600


class Superseded(Exception):  # noqa: N818 # it names a state, as the glossary does
    """Another projection took the cache over. This one must stop, or start anew if it still leads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A record of the topic that says nothing: it is neither a subscription nor a deletion."""

    partition: int
    offset: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What came of records: winners to produce to the topic again, each until acknowledged, and records refused."""

    rewrites: tuple[Rewrite, ...]
    refused: tuple[Refused, ...]


class Projection:
    """Belongs to one thread. `new_token()` gives strings that are never given twice, anywhere."""

    def __init__(self, client: Client, *, topic_prefix: str, new_token: Callable[[], str]) -> None:
        self._cache = Cache(client)
        self._keys = Keys(topic_prefix)
        self._new_token = new_token
        self._owner = ""
        self._buckets: dict[int, Kept] = {}
        self._owed = Owed()

    @property
    def ready(self) -> bool:
        """Whether the whole cache can be read."""
        return bool(self._buckets) and all(bucket.open and not bucket.broken for bucket in self._buckets.values())

    @property
    def positions(self) -> tuple[int, ...]:
        """The first offset of each partition that some bucket still needs."""
        return tuple(map(min, zip(*(bucket.at for bucket in self._buckets.values()), strict=True)))

    def start(self, ends: Sequence[int]) -> None:
        """Take the cache over. `ends` are the topic's end offsets now, by partition. Read on from `positions`.

        Raises:
            CacheUnavailable: call it again.
            Superseded: somebody else takes it over at the same time.
        """
        self._owner = self._new_token()
        self._owed.clear()
        epochs = [self._new_token() for _ in range(BUCKETS)]
        answers = self._cache.run(
            [
                Call(script=CLAIM, keys=self._bucket_keys(number), args=(self._owner, epoch))
                for number, epoch in enumerate(epochs)
            ]
        )
        owed: list[tuple[int, str, str]] = []
        for number, (epoch, (at, lost)) in enumerate(zip(epochs, answers, strict=True)):
            self._buckets[number] = bucket = claimed(epoch, at, tuple(ends))
            if not bucket.broken:
                names = [each.decode() for each in lost]
                owed += [(number, tenant, name) for name, tenant in zip(names[::2], names[1::2], strict=True)]
        for (number, _, name), state in zip(owed, self._known(owed), strict=True):
            if state is not None:
                self._owed.remember(number, name, state)
        self.rebuild(self.broken, ends)

    @property
    def buckets(self) -> frozenset[int]:
        """The numbers of all buckets."""
        return frozenset(self._buckets)

    @property
    def broken(self) -> frozenset[int]:
        """The buckets that are not as they were left and have to be rebuilt."""
        return frozenset(number for number, bucket in self._buckets.items() if bucket.broken)

    def rebuild(self, buckets: frozenset[int], ends: Sequence[int]) -> None:
        """Empty these buckets, under new epochs. The topic has to be read from its beginning again for them.

        Raises:
            CacheUnavailable: call it again.
            Superseded: they belong to another projection.
        """
        if not buckets:
            return
        numbers = sorted(buckets)
        self._settle(
            numbers, [Call(script=CLEAR, keys=self._bucket_keys(each), args=(self._owner,)) for each in numbers]
        )
        own = {self._keys.bucket(each) for each in numbers}
        stale = [key for key in self._cache.scan(self._keys.everything) if self._keys.bucket_in(key) in buckets]
        self._cache.unlink([key for key in stale if key not in own])
        calls = []
        for number in numbers:
            bucket = self._buckets[number] = emptied(self._new_token(), tuple(ends))
            calls.append(
                Call(script=FOUND, keys=(self._keys.bucket(number),), args=(self._owner, bucket.epoch, bucket.written))
            )
        for number in self._settle(numbers, calls):
            self._buckets[number].broken = False
        self._owed.forget(buckets)

    def apply(self, records: Sequence[Record], positions: Mapping[int, int]) -> Applied:
        """Fold records in. `positions`: for each partition, the offset before which nothing more will come.

        Raises:
            CacheUnavailable: call it again with the same arguments, before anything else.
            Superseded: this projection must stop.
        """
        assert all(record.offset < positions[record.partition] for record in records)
        refused: list[Refused] = []
        batches: dict[int, list[State]] = defaultdict(list)
        values: dict[int, bytes] = {}
        for record in records:
            try:
                state = decoded(record, state_of, record.key, record.value, record.headers)
            except RecordCorrupt as error:
                refused.append(Refused(partition=record.partition, offset=record.offset, reason=str(error)))
                continue
            number = bucket_of(state.tenant)
            bucket = self._buckets[number]
            if not bucket.broken and record.offset >= bucket.at[record.partition]:
                batches[number].append(state)
                if record.value is not None and is_current(record.value):
                    values[id(state)] = record.value
        folds = self._folded(batches)
        at = {number: reached(bucket.at, positions) for number, bucket in self._buckets.items()}
        numbers = [number for number in folds if not self._buckets[number].broken]
        calls = [self._write(number, folds[number], written(at[number]), values) for number in numbers]
        for number in self._settle(numbers, calls):
            bucket = self._buckets[number]
            bucket.written = bucket.unsure = written(at[number])
            self._owed.folded(number, folds[number])
        for number, bucket in self._buckets.items():
            bucket.at = at[number]
        self._open()
        rewrites = self._owed.rewrites(lambda number: self._buckets[number].open)
        return Applied(rewrites=rewrites, refused=tuple(refused))

    def heartbeat(self) -> frozenset[int]:
        """Say that each bucket is kept up to date; the buckets that are broken. Call it every second.

        Raises:
            CacheUnavailable: the next one will do.
            Superseded: this projection must stop.
        """
        self._beat([number for number, bucket in self._buckets.items() if not bucket.broken])
        return self.broken

    def _folded(self, batches: Mapping[int, Sequence[State]]) -> dict[int, Fold]:
        wanted = list({(number, each.tenant, each.id): None for number, batch in batches.items() for each in batch})
        known: dict[int, dict[str, State | None]] = defaultdict(dict)
        for (number, _, name), state in zip(wanted, self._known(wanted), strict=True):
            known[number][name] = state
        return {number: folded(known[number], batch) for number, batch in batches.items()}

    def _known(self, wanted: Sequence[tuple[int, str, str]]) -> list[State | None]:
        """What the cache knows of (bucket, tenant, subscription id). A bucket with an unreadable value is broken."""
        asked: dict[int, list[tuple[str, str]]] = defaultdict(list)
        for number, tenant, name in wanted:
            asked[number].append((tenant, name))
        answers = self._cache.run_known([self._ask(number, each) for number, each in asked.items()])
        found = {number: iter(answer) for number, answer in zip(asked, answers, strict=True)}
        states: list[State | None] = []
        for number, tenant, name in wanted:
            try:
                states.append(in_cache(tenant, name, next(found[number]), next(found[number])))
            except RecordCorrupt:
                self._buckets[number].broken = True
                states.append(None)
        return states

    def _ask(self, number: int, names: Sequence[tuple[str, str]]) -> Call:
        """What a bucket knows of these subscriptions, by tenant and id."""
        keys = [
            key for tenant, name in names for key in (self._keys.tenant(number, tenant), self._keys.gone(number, name))
        ]
        return Call(script=KNOWN, keys=keys, args=[name for _, name in names])

    def _write(self, number: int, fold: Fold, at: str, values: Mapping[int, bytes]) -> Call:
        """`values` are those of records as they came, by the identity of their states: none is encoded again."""
        bucket = self._buckets[number]
        keys = list(self._bucket_keys(number))
        args: list[str | bytes] = [self._owner, bucket.epoch, bucket.written, bucket.unsure, at, str(_GONE_S)]
        for state, change in changes(fold, lambda state: values.get(id(state)) or encode(state)):
            keys += (self._keys.tenant(number, state.tenant), self._keys.gone(number, state.id))
            args += change
        return Call(script=WRITE, keys=keys, args=args)

    def _open(self) -> None:
        """Open the buckets that have reached the end; a beat does it."""
        reached = [
            number
            for number, bucket in self._buckets.items()
            if not bucket.open and not bucket.broken and bucket.caught_up
        ]
        self._beat(reached)

    def _beat(self, numbers: Sequence[int]) -> None:
        calls = []
        for number in numbers:
            bucket = self._buckets[number]
            if bucket.unsure == bucket.written:
                bucket.unsure = written(bucket.at)
            may_open = "1" if bucket.caught_up else "0"
            args = (self._owner, bucket.epoch, bucket.written, bucket.unsure, str(bucket.beat), may_open)
            calls.append(Call(script=BEAT, keys=(self._keys.bucket(number),), args=args))
        for number in self._settle(numbers, calls):
            bucket = self._buckets[number]
            bucket.beat += 1
            bucket.written = bucket.unsure
            bucket.open = bucket.open or bucket.caught_up

    def _settle(self, numbers: Sequence[int], calls: Sequence[Call]) -> list[int]:
        """Run one script a bucket; one that is not as it was left is broken from here on. The others are returned."""
        answers: list[Answer] = self._cache.run_known(calls)
        if SUPERSEDED in answers:
            raise Superseded("another projection took the cache over")
        for number, answer in zip(numbers, answers, strict=True):
            if answer != OK:
                self._buckets[number].broken = True
                self._buckets[number].open = False
        return [number for number, answer in zip(numbers, answers, strict=True) if answer == OK]

    def _bucket_keys(self, number: int) -> tuple[str, str, str]:
        return self._keys.bucket(number), self._keys.tenants(number), self._keys.lost(number)
