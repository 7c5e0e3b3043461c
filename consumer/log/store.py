"""The figures of webhooks and jobs in Redis: one hash for each partition of the attempts topic.

    <prefix>health:<partition>     :stand           the offset they stand for: each attempt before it is in them
                                   :partitions      how many partitions there are, for readers
                                   and the figures, as `fields.py` draws them

The law: figures and stand change together, and only for whoever knows the stand. So a reader of the log that goes on
from the stand counts no attempt twice, and one that lost its partition without knowing it destroys nothing: its write
is refused. A hash whose stand is no number is being filled, and is as good as none.

Redis does not answer as often as it acts: whoever got no answer knows two stands, and must try both.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, TypeAlias

from consumer.log.fields import Reading, dropped, health_of, key_of, pairs
from consumer.log.figures import Fields
from consumer.log.figures_reader import FiguresReader
from consumer.log.health import NO_HEALTH, Health
from consumer.webhooks.cache import Cache, Call, Client

KEPT_FOR_MS: Final = 30 * 86_400_000
"""As long as the topic is kept, from which all of it can be had again."""

_SLICE: Final = 1_000

# What a slice of figures costs Lua's stack; HSET takes two for each.
_LUA_SLICE: Final = 2_000

# KEYS: hash. ARGV: the stand expected ('' for none), the stand from now on, '1' to begin with an empty hash, the number
# of partitions, how many ms to keep it, twice the number of figures, the figures as field and value, fields to drop.
# Returns the stand that was found; nothing was done unless it is the one expected.
_WRITE: Final = f"""
local found = redis.call('HGET', KEYS[1], ':stand') or ''
if found ~= ARGV[1] then return found end
if ARGV[3] == '1' then redis.call('DEL', KEYS[1]) end
local figures = 7 + ARGV[6]
for first = 7, figures - 1, {_LUA_SLICE} do
  redis.call('HSET', KEYS[1], unpack(ARGV, first, math.min(first + {_LUA_SLICE}, figures) - 1))
end
for first = figures, #ARGV, {_LUA_SLICE} do
  redis.call('HDEL', KEYS[1], unpack(ARGV, first, math.min(first + {_LUA_SLICE} - 1, #ARGV)))
end
redis.call('HSET', KEYS[1], ':stand', ARGV[2], ':partitions', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return found
"""

# KEYS: hash. ARGV: cursor, slice. Returns the stand, the next cursor and a slice of fields and values.
_SCAN: Final = """
local found = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
return {redis.call('HGET', KEYS[1], ':stand') or '', found[1], found[2]}
"""

_Pair: TypeAlias = tuple[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What Redis holds of a partition: the stand as it is written there, and what stands for it.

    `offset` is where to go on reading; None, and no figures, where all has to be read again.
    """

    stand: str
    offset: int | None = None
    figures: Reading = field(default_factory=Reading)


class HealthStore:
    """Belongs to one thread."""

    def __init__(self, client: Client, *, topic_prefix: str) -> None:
        self._cache = Cache(client)
        self._prefix = topic_prefix

    def load(self, partition: int) -> Kept:
        """All figures of a partition, as of one stand.

        Raises:
            CacheUnavailable: call it again.
        """
        while True:
            stands: set[str] = set()
            figures = Reading()
            cursor = b"0"
            while cursor != b"0" or not stands:
                call = Call(script=_SCAN, keys=(self._key(partition),), args=(cursor, str(_SLICE)))
                stand, cursor, fields = self._cache.run([call])[0]
                stands.add(stand.decode())
                for name, value in zip(fields[::2], fields[1::2], strict=True):
                    figures.take(name.decode(), value)
            if len(stands) == 1:
                return _kept(stands.pop(), figures)

    def write(
        self,
        partition: int,
        *,
        expected: str,
        stand: str,
        figures: Fields,
        partitions: int,
    ) -> str:
        """Change figures and stand, if the stand is the one expected.

        Returns the stand that was found: when it is not `expected`, nothing was written.

        Raises:
            CacheUnavailable: it may have been written.
        """
        return self._write(
            partition,
            expected=expected,
            stand=stand,
            put=pairs(figures),
            drop=dropped(figures),
            partitions=partitions,
        )

    def fill(
        self,
        partition: int,
        *,
        expected: str,
        token: str,
        stand: str,
        figures: Fields,
        partitions: int,
    ) -> str:
        """Write a partition whole, in slices, with no stand that is an offset until the last; `token` is unique.

        Returns as `write` does.

        Raises:
            CacheUnavailable: some of it may have been written.
        """
        filling = f"filling by {token}"
        found = self._write(partition, expected=expected, stand=filling, partitions=partitions, anew=True)
        if found != expected:
            return found
        for part in _slices(pairs(figures)):
            found = self._write(partition, expected=filling, stand=filling, put=part, partitions=partitions)
            if found != filling:
                return found
        found = self._write(partition, expected=filling, stand=stand, partitions=partitions)
        return expected if found == filling else found

    def close(self) -> None:
        """Close the connections."""
        self._cache.close()

    def _write(
        self,
        partition: int,
        *,
        expected: str,
        stand: str,
        put: Iterable[_Pair] = (),
        drop: Sequence[str] = (),
        partitions: int,
        anew: bool = False,
    ) -> str:
        """`anew` drops whatever else the hash holds."""
        told = [each for pair in put for each in pair]
        head = (expected, stand, "1" if anew else "", str(partitions), str(KEPT_FOR_MS), str(len(told)))
        call = Call(script=_WRITE, keys=(self._key(partition),), args=(*head, *told, *drop))
        found: bytes = self._cache.run([call])[0]
        return found.decode()

    def _key(self, partition: int) -> str:
        return key_of(self._prefix, partition)


class HealthReader(FiguresReader):
    """Health for the API."""

    def read(self, ids: Sequence[str]) -> dict[str, Health]:
        """The health of these webhooks, as far as it is known: Redis being away is no error.

        One that was never tried has `NO_HEALTH`, once all partitions' figures are there.
        """
        return self._spared.ask(lambda: self._read(ids), {}) if ids else {}

    def _read(self, ids: Sequence[str]) -> dict[str, Health]:
        found = self._partitions.read(ids)
        known: dict[str, Health] = {}
        whole = found.whole
        for name, values in found.values.items():
            for health in map(health_of, values):
                whole = whole and health is not None
                if health is not None:
                    known[name] = _later(known.get(name), health)
        return dict.fromkeys(ids, NO_HEALTH) | known if whole else known


def _later(one: Health | None, other: Health) -> Health:
    """A webhook's attempts are in one partition, until partitions are added: what came last counts."""
    return other if one is None or other.last_attempt_at_ms >= one.last_attempt_at_ms else one


def _kept(stand: str, figures: Reading) -> Kept:
    if not stand.isdecimal() or not figures.whole:
        return Kept(stand=stand)
    return Kept(stand=stand, offset=int(stand), figures=figures)


def _slices(put: Iterator[_Pair]) -> Iterator[list[_Pair]]:
    while part := list(islice(put, _SLICE)):
        yield part
