"""The mark on the record in hand, so that one that kills its process can be told from one that was merely there."""

from collections.abc import Collection
from typing import Protocol, TypeAlias

from consumer.delivery.offsets import Partition

Place: TypeAlias = tuple[Partition, int]


class Mark(Protocol):
    """Set whenever code runs for a record, from its decoding to what is written of its answer; taken away after.

    `suspects` are those in hand when a process died, `condemned` those that killed too often to be touched again.
    """

    condemned: frozenset[Place]

    @property
    def suspects(self) -> Collection[Place]: ...

    def hold(self, partition: Partition, offset: int) -> None:
        """This record is in hand, and no other."""

    def let_go(self) -> None:
        """None is."""

    def forgive(self, place: Place) -> None:
        """This suspect has ended."""


class NoMark:
    """For where no process dies of a record."""

    condemned: frozenset[Place] = frozenset()
    suspects: Collection[Place] = ()

    def hold(self, partition: Partition, offset: int) -> None:
        """Nothing is kept."""

    def let_go(self) -> None:
        """Nothing was kept."""

    def forgive(self, place: Place) -> None:
        """There is none."""
