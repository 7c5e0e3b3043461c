"""How the delivery log's index stands as a whole: for operators, who look at no list."""

from collections.abc import Sequence
from dataclasses import dataclass

from consumer.log.index_keys import IndexKeys
from consumer.log.reading_script import ALL
from consumer.settings import Settings
from consumer.webhooks.cache import Cache, Call, Client, connect_log

_ANY_BUCKET = 0
"""Every bucket has the same partitions, each since about the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Entries and bytes of all lists. `since_ms` is since when every partition is in, `as_of_ms` until when.

    `filling`: so many partitions are still to be read downwards.
    """

    partitions: int
    filling: int
    entries: int
    packed_bytes: int
    since_ms: int | None
    as_of_ms: int | None


class StandingReader:
    """Any thread may ask."""

    def __init__(self, settings: Settings, *, client: Client | None = None) -> None:
        """Nothing is sent yet.

        Raises:
            ConfigurationError: HOOKLINE_LOG_REDIS_URL or HOOKLINE_REDIS_URL is malformed.
        """
        self._cache = Cache(connect_log(settings) if client is None else client)
        self._keys = IndexKeys(settings.topic_prefix)

    def read(self) -> Standing:
        """How it stands.

        Raises:
            CacheUnavailable: the log's Redis is away.
        """
        at = self._hashes([self._keys.at(_ANY_BUCKET)])[0]
        told = self._hashes([self._keys.progress(int(name)) for name in at if name.isdecimal()])
        return Standing(
            partitions=len(told),
            filling=sum(each.get("filled") == 0 for each in told),
            entries=sum(each.get("entries", 0) for each in told),
            packed_bytes=sum(each.get("bytes", 0) for each in told),
            since_ms=max((value for name, value in at.items() if name.endswith(":since")), default=None),
            as_of_ms=min((each.get("as_of_ms", 0) for each in told), default=0) or None,
        )

    def close(self) -> None:
        """Close the connections."""
        self._cache.close()

    def _hashes(self, keys: Sequence[str]) -> list[dict[str, int]]:
        """Their fields that are numbers: of an interval, which is none, its name alone matters, so it is 0."""
        found = self._cache.run_known([Call(script=ALL, keys=(key,), args=()) for key in keys])
        return [
            {
                name.decode(): int(value) if value.isdigit() else 0
                for name, value in zip(each[::2], each[1::2], strict=True)
            }
            for each in found
        ]
