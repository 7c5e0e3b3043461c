"""A tenant's lists of the delivery log in Redis, deleted.

The law: what a list is known by goes with it, so that nobody adds to one that is half there: the role `log` begins a
list anew that `lists` does not know (`log/index_script.py`).
"""

from collections.abc import Collection
from typing import Final

from consumer.log.index import Kind
from consumer.log.index_keys import IndexKeys, Owner
from consumer.webhooks.bucket import bucket_of
from consumer.webhooks.cache import Cache, Call

# KEYS: seen. ARGV: the prefix of all keys of the bucket, the kind. Returns how many lists went.
_ERASE: Final = """
local gone = 0
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local webhook, partition = string.match(member, '^(.*):(%d+)$')
  if webhook then
    local field = ARGV[2] .. ':' .. webhook
    gone = gone + redis.call('DEL', ARGV[1] .. field .. ':' .. partition)
    redis.call('HDEL', ARGV[1] .. 'lists:' .. partition, field)
  end
end
redis.call('DEL', KEYS[1])
return gone
"""


def erase_lists(cache: Cache, topic_prefix: str, tenant: str, brands: Collection[str]) -> int:
    """Delete them, under each of these brands. Returns how many there were.

    Raises:
        CacheUnavailable: some may be gone.
    """
    keys, bucket = IndexKeys(topic_prefix), bucket_of(tenant)
    calls = [
        Call(
            script=_ERASE,
            keys=(keys.seen(bucket, kind, Owner(tenant=tenant, brand=brand)),),
            args=(keys.tagged(bucket), kind.value),
        )
        for brand in sorted(brands)
        for kind in Kind
    ]
    return sum(int(gone) for gone in cache.run(calls))
