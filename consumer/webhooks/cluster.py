"""A Redis Cluster's client that connects when it is first used.

The law: making it touches no network, so a cluster that is away at start is waited for like any other Redis; the
library's own asks for the slots at once, and is made anew until that succeeds.
"""

import threading
from collections.abc import Callable, Iterable
from typing import cast

import redis
from redis.cluster import ClusterPipeline


class LateCluster:
    """What the cache needs of a client."""

    def __init__(self, connect: Callable[[], redis.RedisCluster]) -> None:
        self._connect = connect
        self._connecting = threading.Lock()
        self._client: redis.RedisCluster | None = None

    def pipeline(self, *, transaction: bool) -> ClusterPipeline:
        """Commands on any nodes, sent together. The slots' owners are followed as they change.

        Raises:
            RedisClusterException: no node answers.
        """
        return cast("ClusterPipeline", self._connected().pipeline(transaction=transaction))  # type: ignore[no-untyped-call] # redis-py has not typed it

    def scan_iter(self, *, match: str, count: int) -> Iterable[bytes]:
        """The keys that match, of every node. Raises: as `pipeline`."""
        return cast("Iterable[bytes]", self._connected().scan_iter(match=match, count=count))

    def config_get(self, name: str) -> object:
        """A setting of one node, for all are set alike. Raises: as `pipeline`."""
        return self._connected().config_get(name)

    def close(self) -> None:
        """Close the connections, if there are any."""
        if self._client is not None:
            self._client.close()

    def _connected(self) -> redis.RedisCluster:
        with self._connecting:
            if self._client is None:
                self._client = self._connect()
            return self._client
