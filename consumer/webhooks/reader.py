"""The cached reader's I/O half: what the cache knows of tenants, or that it cannot be believed.

The law: every doubt is `Unavailable`. `Loaded` without subscriptions says for certain that there are none, as of the
offsets the projection had applied: the bucket has an epoch, its beat moves and is no older than one seen before, and
nothing that it lists is missing.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Self, TypeAlias

from consumer.settings import Settings, duration_ms
from consumer.webhooks.bucket import Keys, bucket_of
from consumer.webhooks.cache import Answer, Cache, CacheUnavailable, Call, Client, connect
from consumer.webhooks.record import decode
from consumer.webhooks.scripts import READ
from consumer.webhooks.subscription import Subscription
from consumer.wire import RecordCorrupt

# Epochs that a bucket has left: meeting one again is a stale replica. Few are ever made.
_LEFT_REMEMBERED: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """All of a tenant's subscriptions, paused ones too. Equal versions mean equal subscriptions, across epochs too."""

    version: str
    subscriptions: tuple[Subscription, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged:
    """The version known is the current one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable:
    """The cache cannot tell now; the reason is for people."""

    reason: str


Reading: TypeAlias = Loaded | Unchanged | Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A bucket as last met: `moved_s` is when its beat was first met at this count."""

    epoch: str
    beat: int
    moved_s: float
    left: tuple[str, ...] = ()


class Reader:
    """Reads tenants from the cache. Belongs to one thread, which may wait for Redis."""

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
        tenants = list(wanted)
        try:
            answers = self._cache.run([self._call(tenant, wanted[tenant]) for tenant in tenants])
        except CacheUnavailable as error:
            return dict.fromkeys(tenants, Unavailable(reason=str(error)))
        return {tenant: self._reading(tenant, answer) for tenant, answer in zip(tenants, answers, strict=True)}

    def close(self) -> None:
        """Close the connections."""
        self._cache.close()

    def _call(self, tenant: str, version: str | None) -> Call:
        bucket = bucket_of(tenant)
        keys = (self._keys.bucket(bucket), self._keys.tenants(bucket), self._keys.tenant(bucket, tenant))
        return Call(script=READ, keys=keys, args=(tenant, version or ""))

    def _reading(self, tenant: str, answer: Answer) -> Reading:
        state = answer[0]
        if state == b"closed":
            return Unavailable(reason="the projection has not filled this part of the cache yet")
        if state == b"broken":
            return Unavailable(reason="this part of the cache has a hole and is rebuilt")
        doubt = self._doubt(bucket_of(tenant), answer[1].decode(), int(answer[2]), int(answer[3]))
        if doubt is not None:
            return Unavailable(reason=doubt)
        if state == b"unchanged":
            return Unchanged()
        try:
            # Sorted: Redis' order is of its own, and matches come in the order given.
            subscriptions = sorted(map(decode, answer[5]), key=lambda each: (each.created_at_ms, each.id))
        except RecordCorrupt as error:
            return Unavailable(reason=f"a webhook in the cache cannot be read: {error}")
        return Loaded(version=answer[4].decode(), subscriptions=tuple(subscriptions))

    def _doubt(self, bucket: int, epoch: str, beat: int, age_ms: int) -> str | None:
        """Why the bucket is not believed, if so. `age_ms` is the beat's age by Redis' own clock."""
        now_s = self._monotonic_s()
        seen = self._seen.get(bucket)
        if seen is None or seen.epoch != epoch:
            left = () if seen is None else (*seen.left, seen.epoch)[-_LEFT_REMEMBERED:]
            if epoch in left:
                return "the cache fell back to an epoch that was left: a stale replica took over"
            seen = self._seen[bucket] = _Seen(epoch=epoch, beat=beat, moved_s=now_s, left=left)
        elif beat < seen.beat:
            return "the cache is older than it was: a stale replica took over"
        elif beat > seen.beat:
            seen = self._seen[bucket] = _Seen(epoch=epoch, beat=beat, moved_s=now_s, left=seen.left)
        if age_ms > self._silence_ms or (now_s - seen.moved_s) * 1_000 > self._silence_ms:
            return "the projection is silent: nobody keeps the cache up to date"
        return None
