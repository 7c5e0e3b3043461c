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

from consumer.events.event import Record
from consumer.telemetry.bugs import decoded
from consumer.webhooks.bucket import BUCKETS, Keys, bucket_of
from consumer.webhooks.bucket_calls import BucketCalls
from consumer.webhooks.cache import Answer, Cache, Client
from consumer.webhooks.fold import Fold, folded, in_cache
from consumer.webhooks.kept import Kept, claimed, emptied, reached, written
from consumer.webhooks.outline import Known, outline_of
from consumer.webhooks.owed import Owed
from consumer.webhooks.record import Rewrite
from consumer.webhooks.scripts import OK, SUPERSEDED, THERE
from consumer.wire import RecordCorrupt


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
        self._calls = BucketCalls(self._keys)
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
            [self._calls.claim(number, self._owner, epoch) for number, epoch in enumerate(epochs)]
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
        self._settle(numbers, self._cache.run_known([self._calls.clear(each, self._owner) for each in numbers]))
        own = {self._keys.bucket(each) for each in numbers}
        stale = [key for key in self._cache.scan(self._keys.everything) if self._keys.bucket_in(key) in buckets]
        self._cache.unlink([key for key in stale if key not in own])
        calls = []
        for number in numbers:
            bucket = self._buckets[number] = emptied(self._new_token(), tuple(ends))
            calls.append(self._calls.found(number, self._owner, bucket))
        for number in self._settle(numbers, self._cache.run_known(calls)):
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
        batches: dict[int, list[Known]] = defaultdict(list)
        for record in records:
            try:
                state = decoded(record, outline_of, record.key, record.value, record.headers)
            except RecordCorrupt as error:
                refused.append(Refused(partition=record.partition, offset=record.offset, reason=str(error)))
                continue
            number = bucket_of(state.tenant)
            bucket = self._buckets[number]
            if not bucket.broken and record.offset >= bucket.at[record.partition]:
                batches[number].append(state)
        after = {at: reached(at, positions) for at in {bucket.at for bucket in self._buckets.values()}}
        at = {number: after[bucket.at] for number, bucket in self._buckets.items()}
        done = self._fill({number: each for number, each in batches.items() if self._buckets[number].filling}, at)
        left = {number: each for number, each in batches.items() if number not in done}
        self._fold({number: each for number, each in left.items() if not self._buckets[number].broken}, at)
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

    def _fill(self, batches: Mapping[int, Sequence[Known]], at: Mapping[int, tuple[int, ...]]) -> frozenset[int]:
        """Write batches without asking what is known: the buckets that knew nothing of them, and took them."""
        nothing = {number: dict.fromkeys(state.id for state in batch) for number, batch in batches.items()}
        folds = {number: folded(nothing[number], batch) for number, batch in batches.items()}
        return self._write(folds, at, unasked=True)

    def _fold(self, batches: Mapping[int, Sequence[Known]], at: Mapping[int, tuple[int, ...]]) -> None:
        """Write batches folded into what is known."""
        wanted = list({(number, each.tenant, each.id): None for number, batch in batches.items() for each in batch})
        known: dict[int, dict[str, Known | None]] = defaultdict(dict)
        for (number, _, name), state in zip(wanted, self._known(wanted), strict=True):
            known[number][name] = state
        self._write({number: folded(known[number], batch) for number, batch in batches.items()}, at, unasked=False)

    def _write(self, folds: Mapping[int, Fold], at: Mapping[int, tuple[int, ...]], *, unasked: bool) -> frozenset[int]:
        numbers = [number for number in folds if not self._buckets[number].broken]
        calls = [
            self._calls.write(
                number, self._owner, self._buckets[number], folds[number], written(at[number]), unasked=unasked
            )
            for number in numbers
        ]
        took = self._settle(numbers, self._cache.run_known(calls))
        for number in took:
            bucket = self._buckets[number]
            bucket.written = bucket.unsure = written(at[number])
            self._owed.folded(number, folds[number])
        return frozenset(took)

    def _known(self, wanted: Sequence[tuple[int, str, str]]) -> list[Known | None]:
        """What the cache knows of (bucket, tenant, subscription id). A bucket with an unreadable value is broken."""
        asked: dict[int, list[tuple[str, str]]] = defaultdict(list)
        for number, tenant, name in wanted:
            asked[number].append((tenant, name))
        answers = self._cache.run_known([self._calls.known(number, each) for number, each in asked.items()])
        found = {number: iter(answer) for number, answer in zip(asked, answers, strict=True)}
        states: list[Known | None] = []
        for number, tenant, name in wanted:
            try:
                states.append(in_cache(tenant, name, next(found[number]), next(found[number])))
            except RecordCorrupt:
                self._buckets[number].broken = True
                states.append(None)
        return states

    def _open(self) -> None:
        """Open the buckets that have reached the end; a beat does it."""
        reached = [
            number
            for number, bucket in self._buckets.items()
            if not bucket.open and not bucket.broken and bucket.caught_up
        ]
        self._beat(reached)

    def _beat(self, numbers: Sequence[int]) -> None:
        buckets = {number: self._buckets[number] for number in numbers}
        for bucket in buckets.values():
            if bucket.unsure == bucket.written:
                bucket.unsure = written(bucket.at)
        calls = self._calls.beats(self._owner, buckets, together=self._cache.in_one_place)
        answers = [answer for part in self._cache.run_known(calls) for answer in part]
        for number in self._settle(numbers, answers):
            bucket = self._buckets[number]
            bucket.beat += 1
            bucket.written = bucket.unsure
            bucket.open = bucket.open or bucket.caught_up

    def _settle(self, numbers: Sequence[int], answers: Sequence[Answer]) -> list[int]:
        """What a step on each of these buckets came to: the buckets for which it is done.

        One that is not as it was left is broken from here on. One that knew of something unasked is as it was.
        """
        if SUPERSEDED in answers:
            raise Superseded("another projection took the cache over")
        for number, answer in zip(numbers, answers, strict=True):
            if answer not in (OK, THERE):
                self._buckets[number].broken = True
                self._buckets[number].open = False
        return [number for number, answer in zip(numbers, answers, strict=True) if answer == OK]
