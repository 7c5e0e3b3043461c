"""Health in Redis: one hash for each partition of the attempts topic.

    <prefix>health:<partition>     <webhook's id>   its figures, as JSON
                                   :stand           the offset they stand for: each attempt before it is in them
                                   :partitions      how many partitions there are, for readers

The law: figures and stand change together, and only for whoever knows the stand. So a reader of the log that goes on
from the stand counts no attempt twice, and one that lost its partition without knowing it destroys nothing: its write
is refused. A hash whose stand is no number is being filled, and is as good as none.

Redis does not answer as often as it acts: whoever got no answer knows two stands, and must try both.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import msgspec

from consumer.log.health import NO_HEALTH, Health
from consumer.settings import Settings
from consumer.webhooks.cache import Cache, Call, Client, connect
from consumer.webhooks.spared import Spared

KEPT_FOR_MS: Final = 30 * 86_400_000
"""As long as the topic is kept, from which all of it can be had again."""

_SLICE: Final = 1_000

# What a slice of figures costs Lua's stack; HSET takes two for each.
_LUA_SLICE: Final = 2_000

# KEYS: hash. ARGV: the stand expected ('' for none), the stand from now on, '1' to begin with an empty hash, the number
# of partitions, how many ms to keep it, twice the number of figures, the figures as id and JSON, the ids to drop.
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

# KEYS: hash. ARGV: ids. Returns the stand, the number of partitions, then the figures.
_READ: Final = "return redis.call('HMGET', KEYS[1], ':stand', ':partitions', unpack(ARGV))"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Health).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What Redis holds of a partition: the stand as it is written there, and what stands for it.

    `offset` is where to go on reading; None, and no figures, where all has to be read again.
    """

    stand: str
    offset: int | None = None
    figures: dict[str, Health] = field(default_factory=dict)


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
            figures: dict[str, Health | None] = {}
            cursor = b"0"
            while cursor != b"0" or not stands:
                call = Call(script=_SCAN, keys=(self._key(partition),), args=(cursor, str(_SLICE)))
                stand, cursor, fields = self._cache.run([call])[0]
                stands.add(stand.decode())
                for name, value in zip(fields[::2], fields[1::2], strict=True):
                    if not name.startswith(b":"):
                        figures[name.decode()] = _read(value)
            if len(stands) == 1:
                return _kept(stands.pop(), figures)

    def write(
        self,
        partition: int,
        *,
        expected: str,
        stand: str,
        figures: Mapping[str, Health],
        dropped: Sequence[str] = (),
        partitions: int,
        anew: bool = False,
    ) -> str:
        """Change figures and stand, if the stand is the one expected; `anew` drops whatever else the hash holds.

        Returns the stand that was found: when it is not `expected`, nothing was written.

        Raises:
            CacheUnavailable: it may have been written.
        """
        pairs: list[str | bytes] = []
        for name, health in figures.items():
            pairs += (name, _encode(health))
        head = (expected, stand, "1" if anew else "", str(partitions), str(KEPT_FOR_MS), str(len(pairs)))
        call = Call(script=_WRITE, keys=(self._key(partition),), args=(*head, *pairs, *dropped))
        found: bytes = self._cache.run([call])[0]
        return found.decode()

    def fill(
        self,
        partition: int,
        *,
        expected: str,
        token: str,
        stand: str,
        figures: Mapping[str, Health],
        partitions: int,
    ) -> str:
        """Write a partition whole, in slices, with no stand that is an offset until the last; `token` is unique.

        Returns as `write` does.

        Raises:
            CacheUnavailable: some of it may have been written.
        """
        filling = f"filling by {token}"
        found = self.write(partition, expected=expected, stand=filling, figures={}, partitions=partitions, anew=True)
        if found != expected:
            return found
        slices = [*_slices(figures)] or [{}]
        for part in slices:
            then = stand if part is slices[-1] else filling
            found = self.write(partition, expected=filling, stand=then, figures=part, partitions=partitions)
            if found != filling:
                return found
        return expected

    def close(self) -> None:
        """Close the connections."""
        self._cache.close()

    def _key(self, partition: int) -> str:
        return _key(self._prefix, partition)


class HealthReader:
    """Health for the API. Any thread may ask; while Redis is away nobody waits for it more than once a second."""

    def __init__(
        self,
        settings: Settings,
        *,
        client: Client | None = None,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is sent yet.

        Raises:
            ConfigurationError: HOOKLINE_REDIS_URL is malformed.
        """
        self._cache = Cache(connect(settings) if client is None else client)
        self._prefix = settings.topic_prefix
        self._partitions = settings.partitions
        self._spared = Spared(monotonic_s)

    def read(self, ids: Sequence[str]) -> dict[str, Health]:
        """The health of these webhooks, as far as it is known: Redis being away is no error.

        One that was never tried has `NO_HEALTH`, once all partitions' figures are there.
        """
        return self._spared.ask(lambda: self._read(ids), {}) if ids else {}

    def close(self) -> None:
        """Close the connections."""
        self._cache.close()

    def _read(self, ids: Sequence[str]) -> dict[str, Health]:
        found: dict[str, Health] = {}
        whole = True
        asked = 0
        while asked < self._partitions:  # which grows when the answer says that there are more
            numbers = range(asked, self._partitions)
            asked = self._partitions
            slices = [ids[start : start + _SLICE] for start in range(0, len(ids), _SLICE)]
            calls = [
                Call(script=_READ, keys=(_key(self._prefix, number),), args=part)
                for number in numbers
                for part in slices
            ]
            wanted = [part for _ in numbers for part in slices]
            for part, (stand, partitions, *values) in zip(wanted, self._cache.run(calls), strict=True):
                whole = whole and stand is not None and stand.isdigit()
                self._partitions = max(self._partitions, int(partitions or 0))
                for name, value in zip(part, values, strict=True):
                    health = None if value is None else _read(value)
                    whole = whole and (value is None or health is not None)
                    if health is not None:
                        found[name] = _later(found.get(name), health)
        return dict.fromkeys(ids, NO_HEALTH) | found if whole else found


def _later(one: Health | None, other: Health) -> Health:
    """A webhook's attempts are in one partition, until partitions are added: what came last counts."""
    return other if one is None or other.last_attempt_at_ms >= one.last_attempt_at_ms else one


def _kept(stand: str, figures: Mapping[str, Health | None]) -> Kept:
    readable = {name: health for name, health in figures.items() if health is not None}
    if not stand.isdecimal() or len(readable) < len(figures):
        return Kept(stand=stand)
    return Kept(stand=stand, offset=int(stand), figures=readable)


def _read(value: bytes) -> Health | None:
    """None for what another version of Hookline, or somebody else, wrote."""
    try:
        return _decode(value)
    except msgspec.DecodeError:
        return None


def _slices(figures: Mapping[str, Health]) -> Iterator[dict[str, Health]]:
    rest = iter(figures.items())
    while part := dict(islice(rest, _SLICE)):
        yield part


def _key(prefix: str, partition: int) -> str:
    return f"{prefix}health:{partition}"
