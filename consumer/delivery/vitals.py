"""How a core does at one moment, for whoever watches the process. Pure data."""

from collections.abc import Mapping
from dataclasses import dataclass

from consumer.delivery.offsets import Partition


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionVitals:
    """`next` is the offset of the next record to begin. `oldest_ms`: the record time of the oldest that is unfinished.

    `map_chars` is how long the map of the last position was.
    """

    partition: Partition
    next: int
    unfinished: int
    held: int
    oldest_ms: int | None
    map_chars: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """`lanes` counts the busy ones by how their endpoints do. `overdue_ms`: for how long what is due longest waits."""

    waiting: int
    in_flight: int
    overdue_ms: int
    lanes: Mapping[str, int]
    partitions: tuple[PartitionVitals, ...]
