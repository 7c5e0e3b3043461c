"""Where the delivery log's index lies in Redis; `index_script.py` says what is there.

Keys do not begin as the cache's do (`webhooks/bucket.py`): the projection deletes what it does not know there. They
have the same hash tags, so a tenant is in one slot of a cluster.
"""

from typing import NamedTuple

from consumer.log.index import Kind, Name
from consumer.webhooks.bucket import BUCKETS


class Owner(NamedTuple):
    """Whose webhook it is."""

    tenant: str
    brand: str


class IndexKeys:
    """The names under one installation's topic prefix."""

    def __init__(self, topic_prefix: str) -> None:
        self._log = topic_prefix.rstrip(".") + ":log:"
        self._tagged = [f"{self._log}{{b{bucket:03}}}:" for bucket in range(BUCKETS)]

    def tagged(self, bucket: int) -> str:
        """What all keys of a bucket begin with."""
        return self._tagged[bucket]

    def at(self, bucket: int) -> str:
        """The intervals, by partition."""
        return self.tagged(bucket) + "at"

    def lists(self, bucket: int, partition: int) -> str:
        """What the lists hold."""
        return f"{self.tagged(bucket)}lists:{partition}"

    def entries(self, bucket: int, name: Name, partition: int) -> str:
        """A list."""
        return f"{self.tagged(bucket)}{field(name)}:{partition}"

    def seen(self, bucket: int, kind: Kind, owner: Owner) -> str:
        """The lists of an owner."""
        return f"{self.tagged(bucket)}seen:{kind.value}:{owner.brand}:{owner.tenant}"

    def progress(self, partition: int) -> str:
        """How far the role log is with a partition."""
        return f"{self._log}at:{partition}"


def field(name: Name) -> str:
    """A list's field of `lists`."""
    return f"{name.kind.value}:{name.webhook}"


def member(webhook: str, partition: int) -> str:
    """A list's member of `seen`."""
    return f"{webhook}:{partition}"


def named(field: str) -> Name:
    """The list of a field of `lists`."""
    return Name(field[2:], Kind(field[0]))
