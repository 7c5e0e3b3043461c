"""What the owner of a consumer learns about its partitions."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from consumer.delivery.offsets import Partition, Position


class Listener(Protocol):
    """What the owner of a consumer learns about its partitions, from within `take` or `commit_last`."""

    def assigned(self, partitions: Mapping[Partition, Position]) -> None:
        """These are ours from now on, each read from this position."""

    def revoked(self, partitions: Sequence[Partition]) -> None:
        """These go when this returns: finish, and `commit_now`."""

    def rewound(self, partition: Partition) -> None:
        """The topic was made anew: its records come from the beginning, below those that came before."""

    def lost(self, partitions: Sequence[Partition]) -> None:
        """These are somebody else's already: drop what is under way, commit nothing."""
