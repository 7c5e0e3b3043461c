"""Redis as the subscriptions' cache: the one file that speaks to it and knows its errors.

The law: Redis being away, slow, full or in the middle of a failover is `CacheUnavailable` and nothing else; what it
answers is returned as it is: its callers decide what it means.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeAlias, cast

import redis
from redis.exceptions import NoScriptError, RedisClusterException

from consumer.setting_values import duration_ms
from consumer.settings import Settings
from consumer.webhooks.cluster import LateCluster
from consumer.webhooks.redis_url import client_of

Client: TypeAlias = redis.Redis | LateCluster
Answer: TypeAlias = Any  # redis-py's own type for replies; each caller narrows it

# The library derives what a cluster as a whole says from nothing of its own.
_ERRORS: Final = (redis.RedisError, RedisClusterException)

# Deletes and scans go in slices, so that no single command holds Redis up.
_SLICE: Final = 500


class CacheUnavailable(Exception):  # noqa: N818 # it names a state, as the glossary does
    """Redis did not answer, or refused to. What was sent may or may not have happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One script on one bucket. `script` is one of `scripts`."""

    script: str
    keys: Sequence[str]
    args: Sequence[str | bytes]


def connect(settings: Settings) -> Client:
    """A client with the timeouts of the settings. Nothing is sent yet.

    Raises:
        ConfigurationError: HOOKLINE_REDIS_URL is not the URL of a Redis. The URL is not repeated.
    """
    timeout_ms = duration_ms(settings.redis_timeout)
    return client_of("HOOKLINE_REDIS_URL", settings.redis_url, cluster=settings.redis_cluster, timeout_ms=timeout_ms)


def connect_log(settings: Settings, *, patience_ms: int = 0) -> Client:
    """The same for the delivery log's index: a Redis of its own, which is no cluster, or the cache's.

    `patience_ms` is for whom nobody waits: a call may take so long, where the settings do not allow more.

    Raises:
        ConfigurationError: the URL of HOOKLINE_LOG_REDIS_URL, or of HOOKLINE_REDIS_URL, is not that of a Redis.
    """
    own = settings.log_redis_url
    timeout_ms = max(patience_ms, duration_ms(settings.redis_timeout))
    if own is None:
        cluster = settings.redis_cluster
        return client_of("HOOKLINE_REDIS_URL", settings.redis_url, cluster=cluster, timeout_ms=timeout_ms)
    return client_of("HOOKLINE_LOG_REDIS_URL", own, cluster=False, timeout_ms=timeout_ms)


class Cache:
    """Calls to Redis."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def in_one_place(self) -> bool:
        """Whether one script may have keys of several buckets."""
        return not isinstance(self._client, LateCluster)

    def run(self, calls: Sequence[Call]) -> list[Answer]:
        """Run scripts in one round trip; each is atomic, all of them together are not.

        Raises:
            CacheUnavailable: some may have run.
        """
        if not calls:
            return []
        with self._pipeline() as pipeline:
            for call in calls:
                # Not `pipeline.eval`: a cluster's pipeline refuses the method, though it routes the command.
                pipeline.execute_command("EVAL", call.script, len(call.keys), *call.keys, *call.args)
            return list(pipeline.execute())

    def run_known(self, calls: Sequence[Call]) -> list[Answer]:
        """As `run`, for scripts that run often: each is sent by its digest, and whole only where Redis has it not.

        Raises:
            CacheUnavailable: some may have run.
        """
        answers = self._evaluate("EVALSHA", [(_digest(call.script), call) for call in calls])
        unknown = [at for at, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        whole = self._evaluate("EVAL", [(calls[at].script, calls[at]) for at in unknown])
        for at, answer in zip(unknown, whole, strict=True):
            answers[at] = answer
        for answer in answers:
            if isinstance(answer, Exception):
                raise _unavailable(answer) from answer
        return answers

    def _evaluate(self, command: str, calls: Sequence[tuple[str, Call]]) -> list[Answer]:
        if not calls:
            return []
        with self._pipeline() as pipeline:
            for script, call in calls:
                pipeline.execute_command(command, script, len(call.keys), *call.keys, *call.args)
            return list(pipeline.execute(raise_on_error=False))

    def field(self, keys: Sequence[str], name: str) -> list[bytes | None]:
        """This field of each hash, in one round trip.

        Raises:
            CacheUnavailable: see `run`.
        """
        if not keys:
            return []
        with self._pipeline() as pipeline:
            for key in keys:
                pipeline.hget(key, name)
            return list(pipeline.execute())

    def mark(self, keys: Sequence[str], *, keep_ms: int) -> None:
        """Set these keys for so long.

        Raises:
            CacheUnavailable: some may be set.
        """
        if not keys:
            return
        with self._pipeline() as pipeline:
            for key in keys:
                pipeline.set(key, b"1", px=keep_ms)
            pipeline.execute()

    def marked(self, keys: Sequence[str]) -> list[bool]:
        """Which of these keys are set.

        Raises:
            CacheUnavailable: see `run`.
        """
        if not keys:
            return []
        with self._pipeline() as pipeline:
            for key in keys:
                pipeline.exists(key)
            return [bool(found) for found in pipeline.execute()]

    def note(self, key: str, names: Sequence[str], at_ms: int, *, keep_ms: int, most: int) -> None:
        """Note these names at this time in a list that is kept for so long, and of which the latest `most` stay.

        Raises:
            CacheUnavailable: some may be noted.
        """
        with self._pipeline() as pipeline:
            pipeline.zadd(key, dict.fromkeys(names, at_ms))
            pipeline.zremrangebyscore(key, "-inf", at_ms - keep_ms)
            pipeline.zremrangebyrank(key, 0, -most - 1)
            pipeline.pexpire(key, keep_ms)
            pipeline.execute()

    def noted(self, key: str, since_ms: int) -> list[str]:
        """The names of such a list that were noted then or later, the oldest first.

        Raises:
            CacheUnavailable: see `run`.
        """
        with self._pipeline() as pipeline:
            pipeline.zrangebyscore(key, since_ms, "+inf")
            [found] = pipeline.execute()
        return [each.decode("ascii", "replace") for each in found]

    def scan(self, pattern: str) -> list[str]:
        """The keys that match a glob, on every node.

        Raises:
            CacheUnavailable: see `run`.
        """
        with _heard():
            found = cast("Iterable[bytes]", self._client.scan_iter(match=pattern, count=_SLICE))
            return [key.decode() for key in found]

    def unlink(self, keys: Sequence[str]) -> None:
        """Delete keys, wherever they are.

        Raises:
            CacheUnavailable: some may be gone.
        """
        for start in range(0, len(keys), _SLICE):
            with self._pipeline() as pipeline:
                for key in keys[start : start + _SLICE]:
                    pipeline.unlink(key)
                pipeline.execute()

    def evicts(self) -> bool:
        """Whether this Redis says that it drops keys when it is full, which would cost a rebuild each time.

        Raises:
            CacheUnavailable: Redis is away. A Redis that does not tell (managed ones forbid it) counts as not evicting.
        """
        try:
            policy = cast("dict[str, str]", self._client.config_get("maxmemory-policy"))
        except redis.ResponseError:
            return False
        except _ERRORS as error:
            raise _unavailable(error) from error
        return policy.get("maxmemory-policy", "noeviction") != "noeviction"

    def memory(self) -> tuple[int, int] | None:
        """How many bytes this Redis uses, and how many it may; None where nobody says so, as of a cluster.

        Raises:
            CacheUnavailable: Redis is away.
        """
        if isinstance(self._client, LateCluster):
            return None
        try:
            told = cast("dict[str, int]", self._client.info("memory"))
        except redis.ResponseError:
            return None
        except _ERRORS as error:
            raise _unavailable(error) from error
        most = told.get("maxmemory", 0)
        return (told.get("used_memory", 0), most) if most else None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    @contextmanager
    def _pipeline(self) -> Iterator[Any]:
        """Commands that are sent together. redis-py has not typed what it takes, of neither kind of client."""
        with _heard(), self._client.pipeline(transaction=False) as pipeline:
            yield pipeline


@contextmanager
def _heard() -> Iterator[None]:
    """Within it, whatever the library raises is `CacheUnavailable`."""
    try:
        yield
    except _ERRORS as error:
        raise _unavailable(error) from error


@lru_cache(maxsize=16)
def _digest(script: str) -> str:
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()  # Redis names scripts by it


def _unavailable(error: Exception) -> CacheUnavailable:
    """A pipeline's error begins with the whole command, and a script's ends with its digest: neither is for people."""
    said = str(error).rpartition(" of pipeline caused error: ")[2].partition(" script: ")[0]
    return CacheUnavailable(f"{type(error).__name__}: {said}")
