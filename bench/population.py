"""The webhooks that are there before a measurement of the API begins, and the keys of those that own them.

The law: every record is one that the API could have written: made by `webhooks.draft`, with a secret and an id of its
own. Half of them belong to one tenant, the rest to twenty others, evenly.
"""

import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from bench.installation import Installation, wait_until
from consumer.brands.loader import brand
from consumer.cli.direct_keys import DirectKeys
from consumer.control.applied import Seen, await_applied
from consumer.kafka.ends import EndsReader
from consumer.kafka.topics import Topics
from consumer.webhooks.draft import create, new_id
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.subscription import Subscription
from consumer.webhooks.wishes import Wishes

BRAND = "hookline"
LARGE = "large"
SMALL = tuple(f"small-{number}" for number in range(20))
_BATCH = 5_000
_WRITTEN_S = 60.0
_APPLIED_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """The ids of each tenant's webhooks, and a key for each tenant."""

    ids: dict[str, list[str]]
    keys: dict[str, str] = field(repr=False)


def populate(installation: Installation, webhooks: int) -> Population:
    """Write so many to the topic, and a key of each tenant as `hookline keys create` does.

    Raises:
        KafkaBroken: they were not acknowledged.
    """
    ids: dict[str, list[str]] = {tenant: [] for tenant in (LARGE, *SMALL)}
    made = created(installation, webhooks)
    while batch := list(islice(made, _BATCH)):
        installation.write(batch)
        for each in batch:
            ids[each.tenant].append(each.id)
    return Population(ids=ids, keys={tenant: new_key(installation, tenant) for tenant in ids})


def new_key(installation: Installation, tenant: str) -> str:
    """A key with the usual scopes, in the clear."""
    keys = DirectKeys(installation.settings, tenant=tenant, brand=BRAND)
    return str(keys.create(scopes=None, name="bench", lifetime_ms=None)["key"])


def await_projected(installation: Installation) -> None:
    """Wait until the projection has all that is on the topic in the cache.

    Raises:
        BenchError: it does not get there.
    """
    settings = installation.settings
    topic = Topics.of(settings).subscriptions
    ends = EndsReader(settings, (topic,)).read(_WRITTEN_S)[topic]
    wait_until(
        lambda: all(await_applied(settings, LARGE, *each) is Seen.APPLIED for each in _last(ends)),
        within_s=_APPLIED_S,
        what="the projection fills the cache",
    )


def _last(ends: Mapping[int, int]) -> Iterator[tuple[int, int]]:
    """The offset of each partition's last record."""
    return ((partition, end - 1) for partition, end in ends.items())


def created(installation: Installation, webhooks: int) -> Iterator[Subscription]:
    """Created a millisecond after one another, up to now; the tenants in turn."""
    keyring = Keyring.from_settings(installation.settings)
    began_ms = time.time_ns() // 1_000_000 - webhooks
    for number in range(webhooks):
        created_ms = began_ms + number
        tenant = LARGE if number % 2 else SMALL[number // 2 % len(SMALL)]
        yield create(
            Wishes(
                tenant=tenant,
                url=f"https://hooks-{number % 1_000}.example.com/hookline/{number}",
                brand=BRAND,
                event_types=(f"order.kind{number % 50}",),
                name=f"webhook {number}",
            ),
            brand=brand(BRAND),
            keyring=keyring,
            now_ms=created_ms,
            new_id=partial(new_id, created_ms, secrets.token_bytes),
            entropy=secrets.token_bytes,
        )[0]
