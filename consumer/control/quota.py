"""How many webhooks a tenant may have, those under way included.

The law: no two creations of one process pass the limit together, and none waits for another. Two processes may pass it
by one each.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from consumer.control.directory import Directory
from consumer.control.owner import Owner
from consumer.control.refusal import QuotaReached


class Quota:
    """For many threads."""

    def __init__(self, directory: Directory, *, most: int) -> None:
        self._directory = directory
        self._most = most
        self._counting = threading.Lock()
        self._creating: dict[str, set[tuple[Owner, str]]] = {}  # of each tenant, those under way

    @contextmanager
    def creating(self, owner: Owner, id_: str) -> Iterator[None]:
        """While a webhook of this id is created. Raises QuotaReached."""
        with self._counting:
            # First who is not there yet: one that comes meanwhile is counted twice, and never not at all.
            coming = sum(self._directory.get(*each) is None for each in self._creating.get(owner.tenant, ()))
            if coming + self._directory.count(owner.tenant) >= self._most:
                raise QuotaReached(self._most)
            self._creating.setdefault(owner.tenant, set()).add((owner, id_))
        try:
            yield
        finally:
            with self._counting:
                self._creating[owner.tenant].discard((owner, id_))
                if not self._creating[owner.tenant]:
                    del self._creating[owner.tenant]
