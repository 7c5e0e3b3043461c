"""Tenants' webhooks, and with them the data key that seals what is written for them.

The laws: whoever is told of a tenant's webhooks can seal what it writes for it; a tenant that has none gets no key; and
a key that does not come in time is a doubt of its tenant, as one of the cache is: it is asked for again, and nobody
waits for it meanwhile.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from consumer.delivery.tenants import Loading
from consumer.roles.tenant_lookup import Read, Wanted
from consumer.webhooks.reader import Loaded, Unavailable, Unchanged

_WITHIN_S: Final = 0.25
_REASON: Final = "its data key is not written yet"


class Keys(Protocol):
    """See `TenantKeys`."""

    def ensure(self, tenants: Iterable[str], within_s: float) -> frozenset[str]: ...


class KeyedTenants:
    """For the threads of a `TenantLookup`."""

    def __init__(self, read: Read, keys: Keys) -> None:
        self._read = read
        self._keys = keys
        self._with_webhooks: set[str] = set()

    def read(self, wanted: Wanted, most: int) -> tuple[Mapping[str, Loading], list[str]]:
        """See `Reader.read_small`."""
        found, many = self._read(wanted, most)
        lacking = self._keys.ensure([*self._meant(found), *many], _WITHIN_S)
        if not lacking:
            return found, many
        doubts = dict.fromkeys(lacking, Unavailable(reason=_REASON))
        return {**found, **doubts}, [tenant for tenant in many if tenant not in lacking]

    def _meant(self, found: Mapping[str, Loading]) -> Iterable[str]:
        """Those for which something may be written."""
        for tenant, loading in found.items():
            match loading:
                case Loaded(subscriptions=()):
                    self._with_webhooks.discard(tenant)
                case Loaded():
                    self._with_webhooks.add(tenant)
                    yield tenant
                case Unchanged() if tenant in self._with_webhooks:
                    yield tenant  # its key may have been destroyed, and a webhook made for it since
                case Unavailable(own=True):
                    yield tenant
                case _:
                    pass
