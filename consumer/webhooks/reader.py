"""The cached reader's I/O half: what the cache knows of tenants, or that it cannot be believed.

The laws:
- every doubt is `Unavailable`. `Loaded` without subscriptions says for certain that there are none, as of the offsets
  the projection had applied: the bucket has an epoch, its beat moves and is no older than one seen before, and nothing
  that it lists is missing;
- what is wrong with one tenant's webhooks is a doubt of that tenant only, an exception while they are made ready too.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Self, TypeAlias

from consumer.setting_values import duration_ms
from consumer.settings import Settings
from consumer.telemetry.bugs import contain
from consumer.webhooks.bucket import Keys, bucket_of
from consumer.webhooks.cache import Answer, Cache, CacheUnavailable, Call, Client, connect
from consumer.webhooks.matching import Matcher
from consumer.webhooks.record import decode
from consumer.webhooks.scripts import READ
from consumer.webhooks.subscription import Subscription
from consumer.wire import RecordCorrupt

# Epochs that a bucket has left: meeting one again is a stale replica. Few are ever made.
_LEFT_REMEMBERED: Final = 16
_ALL: Final = 2**53
_BUGS_REMEMBERED: Final = 1_000
# What a view weighs, measured: with its index, its targets and their signers.
_TENANT_BYTES: Final = 2_200
_WEBHOOK_BYTES: Final = 1_400
_ENCODED_TIMES: Final = 3
_MATCH: Final = "match"  # the boundary, as `delivery/boundary.py` names it


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """All of a tenant's subscriptions, paused ones too. Equal versions mean equal subscriptions, across epochs too.

    `size` is about what they weigh in memory, compiled and in use, in bytes.

    They are compiled here, by whoever reads them: of 10,000 filters that takes a second, which no loop has.
    """

    version: str
    subscriptions: tuple[Subscription, ...]
    size: int = 0
    matcher: Matcher = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "matcher", Matcher(self.subscriptions))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged:
    """The version known is the current one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Many:
    """The tenant has more webhooks than are read with those of others: it is to be asked for alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable:
    """The cache cannot tell now; the reason is for people.

    `own`: it lies with this tenant's webhooks alone. `away`: nobody answered, whoever had been asked for.
    """

    reason: str
    own: bool = False
    away: bool = False


Reading: TypeAlias = Loaded | Unchanged | Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A bucket as last met: `moved_s` is when its beat was first met at this count."""

    epoch: str
    beat: int
    moved_s: float
    left: tuple[str, ...] = ()


class Reader:
    """Reads tenants from the cache, for any number of threads, which may wait for Redis.

    An answer is compared with what had been seen before its question was sent: what another thread has seen meanwhile
    is newer, and no reason for doubt.
    """

    def __init__(
        self,
        client: Client,
        *,
        topic_prefix: str,
        silence_ms: int,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`silence_ms`: a bucket whose beat stood still so long is not believed."""
        self._cache = Cache(client)
        self._keys = Keys(topic_prefix)
        self._silence_ms = silence_ms
        self._monotonic_s = monotonic_s
        self._seen: dict[int, _Seen] = {}
        self._bugs: dict[str, str] = {}  # by tenant, the version that was told of
        self._lock = threading.Lock()

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """A reader with a client of its own.

        Raises:
            ConfigurationError: HOOKLINE_REDIS_URL is malformed.
        """
        return cls(
            connect(settings),
            topic_prefix=settings.topic_prefix,
            silence_ms=duration_ms(settings.projection_silence),
        )

    def read(self, wanted: Mapping[str, str | None]) -> dict[str, Reading]:
        """Read tenants in one round trip; the values are the versions known. Never raises for Redis' sake."""
        found, _ = self.read_small(wanted, _ALL)
        return found

    def read_small(self, wanted: Mapping[str, str | None], most: int) -> tuple[dict[str, Reading], list[str]]:
        """Read tenants as `read` does, but of none more than so many webhooks.

        Returns what was read, and the tenants that have more of them, and others than those known.
        """
        tenants = list(wanted)
        with self._lock:
            before = {bucket: self._seen.get(bucket) for bucket in map(bucket_of, tenants)}
        try:
            answers = self._cache.run([self._call(tenant, wanted[tenant], most) for tenant in tenants])
        except CacheUnavailable as error:
            return dict.fromkeys(tenants, Unavailable(reason=str(error), away=True)), []
        found: dict[str, Reading] = {}
        many: list[str] = []
        for tenant, answer in zip(tenants, answers, strict=True):
            reading = self._reading(tenant, answer, before[bucket_of(tenant)])
            if reading is None:
                many.append(tenant)
            else:
                found[tenant] = reading
        return found, many

    def close(self) -> None:
        """Close the connections."""
        self._cache.close()

    def _call(self, tenant: str, version: str | None, most: int) -> Call:
        bucket = bucket_of(tenant)
        keys = (self._keys.bucket(bucket), self._keys.tenants(bucket), self._keys.tenant(bucket, tenant))
        return Call(script=READ, keys=keys, args=(tenant, version or "", str(most)))

    def _reading(self, tenant: str, answer: Answer, before: _Seen | None) -> Reading | None:
        """None where there is more to be read than was asked for."""
        state = answer[0]
        if state == b"closed":
            return Unavailable(reason="the projection has not filled this part of the cache yet")
        if state == b"broken":
            return Unavailable(reason="this part of the cache has a hole and is rebuilt")
        doubt = self._doubt(bucket_of(tenant), before, answer[1].decode(), int(answer[2]), int(answer[3]))
        if doubt is not None:
            return Unavailable(reason=doubt)
        if state == b"unchanged":
            return Unchanged()
        return None if state == b"many" else self._loaded(tenant, answer[4].decode(), answer[5])

    def _loaded(self, tenant: str, version: str, values: list[bytes]) -> Reading:
        """The webhooks made ready, within a boundary: one that meets a bug there ends nobody's process."""
        try:
            # Sorted: Redis' order is of its own, and matches come in the order given.
            subscriptions = sorted(map(decode, values), key=lambda each: (each.created_at_ms, each.id))
            size = _TENANT_BYTES + sum(_WEBHOOK_BYTES + _ENCODED_TIMES * len(value) for value in values)
            return Loaded(version=version, subscriptions=tuple(subscriptions), size=size)
        except RecordCorrupt as error:
            return Unavailable(reason=f"a webhook in the cache cannot be read: {error}", own=True)
        except Exception as error:  # noqa: BLE001 - where an exception ends one tenant's view; the next version is tried anew
            self._contain(tenant, version, error)
            return Unavailable(reason="a webhook in the cache meets a bug of ours: please report it", own=True)

    def _contain(self, tenant: str, version: str, error: Exception) -> None:
        """Tell of a bug once for a version: what waits for the tenant asks again every second."""
        with self._lock:
            if self._bugs.get(tenant) == version and not isinstance(error, MemoryError):
                return
            if len(self._bugs) >= _BUGS_REMEMBERED:
                self._bugs.clear()
            self._bugs[tenant] = version
        contain(_MATCH, error, tenant=tenant)

    def _doubt(self, bucket: int, seen: _Seen | None, epoch: str, beat: int, age_ms: int) -> str | None:
        """Why the bucket is not believed, if so. `age_ms` is the beat's age by Redis' own clock."""
        now_s = self._monotonic_s()
        before = seen
        if seen is None or seen.epoch != epoch:
            left = () if seen is None else (*seen.left, seen.epoch)[-_LEFT_REMEMBERED:]
            if epoch in left:
                return "the cache fell back to an epoch that was left: a stale replica took over"
            seen = _Seen(epoch=epoch, beat=beat, moved_s=now_s, left=left)
        elif beat < seen.beat:
            return "the cache is older than it was: a stale replica took over"
        elif beat > seen.beat:
            seen = _Seen(epoch=epoch, beat=beat, moved_s=now_s, left=seen.left)
        self._see(bucket, before, seen)
        if age_ms > self._silence_ms or (now_s - seen.moved_s) * 1_000 > self._silence_ms:
            return "the projection is silent: nobody keeps the cache up to date"
        return None

    def _see(self, bucket: int, before: _Seen | None, seen: _Seen) -> None:
        """Remember the newer one of two, if another thread has seen one meanwhile."""
        with self._lock:
            now = self._seen.get(bucket)
            if now is before or (now is not None and now.epoch == seen.epoch and now.beat < seen.beat):
                self._seen[bucket] = seen
