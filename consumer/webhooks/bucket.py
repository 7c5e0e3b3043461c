"""Where a tenant's webhooks are in the cache: 256 buckets, each with one hash tag, so each in one slot of a cluster.

{prefix}:{b017}:bucket              hash    owner, epoch or building, beat, beat_ms, at, seq, listed, broken
{prefix}:{b017}:tenants             hash    tenant -> version within the epoch
{prefix}:{b017}:lost                hash    subscription id -> tenant, until its winner was written again
{prefix}:{b017}:tenant:TENANT       hash    subscription id -> its record
{prefix}:{b017}:gone:SUBSCRIPTION   string  the revision of its deletion; expires
"""

import zlib
from typing import Final

BUCKETS: Final = 256


def bucket_of(tenant: str) -> int:
    """The tenant's bucket. Part of the cache's format: every process must agree."""
    return zlib.crc32(tenant.encode()) % BUCKETS


class Keys:
    """The cache's key names under one installation's topic prefix."""

    def __init__(self, topic_prefix: str) -> None:
        self._prefix = topic_prefix.rstrip(".")
        self._tagged = [f"{self._prefix}:{{b{bucket:03}}}:" for bucket in range(BUCKETS)]

    def bucket(self, bucket: int) -> str:
        return self._tagged[bucket] + "bucket"

    def tenants(self, bucket: int) -> str:
        return self._tagged[bucket] + "tenants"

    def lost(self, bucket: int) -> str:
        return self._tagged[bucket] + "lost"

    def tenant(self, bucket: int, tenant: str) -> str:
        return f"{self._tagged[bucket]}tenant:{tenant}"

    def gone(self, bucket: int, subscription_id: str) -> str:
        return f"{self._tagged[bucket]}gone:{subscription_id}"

    @property
    def everything(self) -> str:
        """A glob for every key of the installation; the prefix is quoted for Redis' MATCH."""
        quoted = "".join(f"\\{character}" if character in "*?[]\\^" else character for character in self._prefix)
        return quoted + ":{b[0-9][0-9][0-9]}:*"

    def bucket_in(self, key: str) -> int:
        """The bucket that a key of `everything` belongs to."""
        start = len(self._prefix) + len(":{b")
        return int(key[start : start + 3])
