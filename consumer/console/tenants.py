"""Finding a tenant: everybody who has a webhook or an API key."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from consumer.api.services import Plane
from consumer.control.owner import Owner

MOST: Final = 8
SOUGHT_SHOWN_MOST: Final = 20
SOUGHT_MOST: Final = 200
"""Characters of what is sought."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """One owner, with how many webhooks it has, and keys, revoked ones included."""

    owner: Owner
    webhooks: int
    keys: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenants:
    """Those with the most webhooks first, some of `matching`; `there` are all, `webhooks` all of theirs."""

    rows: tuple[Tenant, ...]
    matching: int
    there: int
    webhooks: int


def tenants(plane: Plane, sought: str) -> Tenants:
    """Those whose name has this in it, in whatever case. Only what this process knows is looked at."""
    counts, keys = plane.webhooks.everybody.owners(), _keys(plane)
    owners = {*counts, *keys}
    wanted = sought[:SOUGHT_MOST].casefold()
    matching = sorted(
        (each for each in owners if wanted in each.tenant.casefold()),
        key=lambda each: (each.tenant.casefold() != wanted, -counts.get(each, 0), each.tenant, each.brand),
    )
    return Tenants(
        rows=_rows(matching[: SOUGHT_SHOWN_MOST if wanted else MOST], counts, keys),
        matching=len(matching),
        there=len(owners),
        webhooks=sum(counts.values()),
    )


def is_there(plane: Plane, owner: Owner) -> bool:
    """Whether it has anything at all."""
    return owner in plane.webhooks.everybody.owners() or owner in _keys(plane)


def _keys(plane: Plane) -> Counter[Owner]:
    return Counter(Owner(tenant=each.tenant, brand=each.brand) for each in plane.keys.listed())


def _rows(owners: Sequence[Owner], counts: Mapping[Owner, int], keys: Mapping[Owner, int]) -> tuple[Tenant, ...]:
    return tuple(Tenant(owner=each, webhooks=counts.get(each, 0), keys=keys.get(each, 0)) for each in owners)
