"""How much of a partition of the ordered topic may be left in the log: keys, webhooks, tenants as a whole. Pure.

    a key ─► its webhook ─► its tenant ─► nothing: the partition waits
           (each where there is no place for the one before)

The laws:
- what is left is told in every commit, and that has room for so many: so nobody leaves more than his share;
- a tenant that has used his share is left as a whole: his other webhooks wait with the failing ones, and nobody else's;
- keys take half of a tenant's share: his webhooks do not wait for each other as long as there are few of them.
"""

from collections.abc import Iterable

from consumer.delivery.order_partition import TENANT, WEBHOOK, Bounds, OrderedPartition


class Leaving:
    """By these bounds."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds

    def leave(self, partition: OrderedPartition, narrowest_first: Iterable[str], offset: int) -> bool:
        """Leave the first of these scopes that may be, from this offset on. False where none may."""
        left = partition.left
        for scope in narrowest_first:
            if self.may(partition, scope):
                left[scope] = min(left.get(scope, offset), offset)
                partition.window.touch()
                return True
        return False

    def may(self, partition: OrderedPartition, scope: str) -> bool:
        """Whether a commit can tell of this scope too, and its tenant's share has room for it."""
        bounds, left = self._bounds, partition.left
        if scope in left:
            return True
        tenants = sum(len(each) == TENANT for each in left)
        if len(scope) == TENANT:
            return tenants < bounds.left_tenants
        of_tenant = self._of_tenant(partition, scope[:TENANT])
        if len(left) - tenants >= bounds.left or len(of_tenant) >= bounds.left_of_tenant:
            return False
        if len(scope) == WEBHOOK:
            return True
        keys = [each for each in of_tenant if len(each) > WEBHOOK]
        of_webhook = sum(each.startswith(scope[:WEBHOOK]) for each in keys)
        return len(keys) < bounds.left_of_tenant // 2 and of_webhook < bounds.left_keys

    def is_crowded(self, partition: OrderedPartition, name: str) -> bool:
        """Whether there is no room for a key that has stopped, the one of this line included."""
        bounds, tenant, window = self._bounds, name[:TENANT], partition.window
        return (
            partition.lines[name].share.stopped > bounds.stopped_keys
            or partition.stopped[tenant] > bounds.stopped_of_tenant
            or partition.stopped.total() > bounds.stopped
            or tenant in partition.left
            or len(self._of_tenant(partition, tenant)) * 4 >= bounds.left_of_tenant * 3
            or window.crowded
        )

    def _of_tenant(self, partition: OrderedPartition, tenant: str) -> list[str]:
        """The keys and webhooks of this tenant that are left."""
        return [each for each in partition.left if len(each) > TENANT and each.startswith(tenant)]
