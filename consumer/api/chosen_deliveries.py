"""Deliveries that a request names (`jobs/found.py`).

The law: no more than LOOK_UPS are looked for in a process, LOOK_UPS_OF_A_TENANT of them one tenant's.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Final

from consumer.api.services import Services
from consumer.control.owner import Owner
from consumer.jobs import found as jobs_found
from consumer.jobs.found import Found
from consumer.kafka.topics import Topics
from consumer.shares import Shares

LOOK_UPS: Final = 8
LOOK_UPS_OF_A_TENANT: Final = 2


def look_ups() -> Shares:
    """The look-ups of deliveries under way in a process."""
    return Shares("look-ups of deliveries", places=LOOK_UPS, share=LOOK_UPS_OF_A_TENANT)


def found(services: Services, owner: Owner, ids: Iterable[str], webhooks: frozenset[str]) -> Mapping[str, Found]:
    """Those of these deliveries that there are, by their ids; of these webhooks, where some are named.

    Raises:
        Busy: too many look, of this tenant or of all.
        CacheUnavailable: the index cannot be read.
        KafkaBroken: the dead letters could not be read.
    """
    lying = partial(services.dead_letters.lying, owner.tenant)
    topic = Topics.of(services.plane.settings).attempts
    with services.look_ups.place(owner.tenant):
        return jobs_found.found(services.log, lying, owner, ids, webhooks, attempts=topic)
