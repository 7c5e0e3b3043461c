"""Marks in the cache: deliveries that were handed over to a retry and then accepted after all.

The law: a mark only ever spares a duplicate. That one is lost, or cannot be read, costs one delivery more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consumer.setting_values import duration_ms
from consumer.settings import Settings
from consumer.webhooks.cache import Cache, CacheUnavailable, connect


@dataclass(frozen=True, slots=True, kw_only=True)
class Marking:
    """Delivery ids to mark as accepted, and others to look up."""

    accepted: Sequence[str] = ()
    wanted: Sequence[str] = ()


class Marks:
    """Belongs to one thread. Marks last as long as a delivery may be retried."""

    def __init__(self, cache: Cache, *, topic_prefix: str, keep_ms: int) -> None:
        self._cache = cache
        self._prefix = f"{topic_prefix}accepted:"
        self._keep_ms = keep_ms

    @classmethod
    def from_settings(cls, settings: Settings) -> "Marks":
        """Marks under these settings. Nothing is sent yet."""
        cache = Cache(connect(settings))
        return cls(cache, topic_prefix=settings.topic_prefix, keep_ms=duration_ms(settings.retry_for))

    def answer(self, marking: Marking) -> Mapping[str, bool]:
        """Whether each wanted delivery was accepted; False too where the cache cannot tell."""
        try:
            self._cache.mark([self._prefix + each for each in marking.accepted], keep_ms=self._keep_ms)
            found = self._cache.marked([self._prefix + each for each in marking.wanted])
        except CacheUnavailable:
            found = [False] * len(marking.wanted)
        return dict(zip(marking.wanted, found, strict=True))
