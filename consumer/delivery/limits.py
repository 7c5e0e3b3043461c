"""What a process may have under way and queued, and what a body must have to count as large."""

from dataclasses import dataclass
from typing import Final

from consumer.delivery.budget import DEFAULT
from consumer.delivery.lane import Patience

# A turn has a cost of its own, and what is under way repeats where the process dies: decision 0076. Where answers come
# late, what is under way grows turn by turn.
START_AT_ONCE: Final = 256
LARGE_BYTES: Final = 4_096  # as many bodies as may be under way, of so many bytes each, come to little


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`in_flight` and `queued` are per process, `lane_concurrency` per subscription without one of its own.

    `tenant_in_flight` is the most of `in_flight` that one tenant has. Of large bodies `bulk_bytes` are under way at
    most, but for the last one, and half of them of one tenant.
    """

    in_flight: int
    tenant_in_flight: int
    queued: int
    lane_concurrency: int
    patience: Patience
    breaker_times_ms: tuple[int, ...]
    bulk_bytes: int = DEFAULT.under_way
