"""The mark on the record in hand, so that one that kills its process can be told from one that was merely there."""

from typing import Protocol

from consumer.delivery.offsets import Partition


class Mark(Protocol):
    """Set before a record is decoded or matched, taken away after. `condemned` are those that killed too often."""

    condemned: frozenset[tuple[Partition, int]]

    def hold(self, partition: Partition, offset: int) -> None:
        """This record is in hand."""

    def let_go(self) -> None:
        """It was survived."""


class NoMark:
    """For where no process dies of a record."""

    condemned: frozenset[tuple[Partition, int]] = frozenset()

    def hold(self, partition: Partition, offset: int) -> None:
        """Nothing is kept."""

    def let_go(self) -> None:
        """Nothing was kept."""
