"""A client of the Redis that a setting names by its URL.

The law: making it touches no network, and an error names the setting and never repeats the URL, which may hold a
password.
"""

from typing import TypeVar

import redis
from pydantic import SecretStr
from redis.backoff import NoBackoff
from redis.retry import Retry

from consumer.settings import ConfigurationError
from consumer.webhooks.cluster import LateCluster

Opened = TypeVar("Opened", redis.Redis, redis.RedisCluster)


def client_of(setting: str, secret: SecretStr, *, cluster: bool, timeout_ms: int) -> redis.Redis | LateCluster:
    """A client whose every call may take so long.

    Raises:
        ConfigurationError: this setting is not the URL of a Redis, or of a cluster and names a database.
    """
    url = secret.get_secret_value()
    timeout_s = timeout_ms / 1_000
    try:
        database = redis.ConnectionPool.from_url(url).connection_kwargs.get("db", 0)
    except ValueError:
        raise ConfigurationError(
            setting, "is not the URL of a Redis: write redis://host:6379/0, or rediss:// for TLS"
        ) from None
    if cluster and database != 0:
        raise ConfigurationError(setting, "names a database other than 0, and a Redis Cluster has no other")

    def opened(kind: type[Opened]) -> Opened:
        # A connection that idled into a reset deserves a second try; more would hide an outage from the caller.
        retry = Retry(NoBackoff(), 1)
        return kind.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=retry)

    return LateCluster(lambda: opened(redis.RedisCluster)) if cluster else opened(redis.Redis)
