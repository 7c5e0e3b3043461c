"""Which links were opened already.

The law: a link opens one session. That is remembered in Redis until the link may be opened no longer; while Redis is
away only that time limits it.
"""

import secrets
from typing import Final, Protocol

import structlog

from consumer.settings import Settings
from consumer.telemetry.outage import Outage
from consumer.webhooks.cache import Cache, CacheUnavailable, Call, Client, connect

_log = structlog.get_logger("portal")

# KEYS: the link's. ARGV: who opens it, for how long that is remembered. Asked again by the same, it answers the same.
_FIRST: Final = """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
return redis.call('GET', KEYS[1]) == ARGV[1] and 1 or 0
"""


class Opened(Protocol):
    """Who remembers it."""

    def first(self, link_id: str, for_ms: int) -> bool:
        """Whether nobody opened the link before. It is opened now, and remembered for so long."""


class OpenedLinks:
    """In Redis. For many threads."""

    def __init__(self, settings: Settings, *, client: Client | None = None) -> None:
        """Nothing is sent yet. Raises: ConfigurationError: HOOKLINE_REDIS_URL is malformed."""
        self._prefix = f"{settings.topic_prefix}portal-link:"
        self._cache = Cache(connect(settings) if client is None else client)
        self._away = Outage(_log, "opened links not remembered")

    def first(self, link_id: str, for_ms: int) -> bool:
        """See `Opened`."""
        key, who = self._prefix + link_id, secrets.token_hex(8)
        try:
            answer = self._cache.run([Call(script=_FIRST, keys=(key,), args=(who, str(max(1, for_ms))))])
        except CacheUnavailable as error:
            self._away.met(error=str(error))
            return True
        self._away.over()
        return bool(answer[0])

    def close(self) -> None:
        """Close the connections."""
        self._cache.close()
