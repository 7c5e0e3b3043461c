"""The subscriptions topic as a group reads it, for the suspensions in it.

A group of its own: in one with the attempts topic the partitions of both would be dealt out together, and a process
could get all of one and none of the other.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from consumer.delivery.offsets import Partition, Position
from consumer.kafka.consumer import PartitionConsumer
from consumer.kafka.newer import stop_before
from consumer.kafka.selection import Selection
from consumer.kafka.topics import Topics
from consumer.roles.announcer import Announcer
from consumer.roles.role import Role
from consumer.roles.slot import instance_id
from consumer.settings import Settings

_GROUP: Final = "suspensions"
_BATCH: Final = 1_000
_DRAIN_S: Final = 1.0


class Announcing:
    """Owned by one thread. Nothing here blocks but `close`."""

    def __init__(self, settings: Settings, slot: int, announcer: Announcer) -> None:
        topics = Topics.of(settings)
        self._announcer = announcer
        self._consumer = PartitionConsumer(
            settings,
            group=topics.group(_GROUP),
            topics=Selection(names=(topics.subscriptions,)),
            instance=instance_id(settings, Role.LOG, slot),
            listener=self,
        )

    @property
    def rests(self) -> bool:
        """Whether nothing that was read is still to be announced."""
        return not self._announcer.waiting

    def turn(self) -> None:
        """Read on, announce what can be announced, commit what was. Call it often.

        Raises:
            KafkaBroken: the consumer has to be made anew.
        """
        for record in self._consumer.take(_BATCH, 0.0):
            stop_before(record)  # or its suspension would be told to nobody
            self._announcer.take(record)
        self._announcer.announce()
        self._consumer.commit(self._announcer.positions())

    def close(self) -> None:
        """Commit and leave."""
        self._consumer.commit_last(self._announcer.positions(), _DRAIN_S)
        self._consumer.close()

    def assigned(self, partitions: Mapping[Partition, Position]) -> None:
        """They are read from where they were committed."""
        self._announcer.assigned(partitions)

    def revoked(self, partitions: Sequence[Partition]) -> None:
        """What is not acknowledged yet, the next owner announces again."""
        going = {place: each for place, each in self._announcer.positions().items() if place in partitions}
        self._consumer.commit_now(going, _DRAIN_S)
        self._announcer.left(partitions)

    def lost(self, partitions: Sequence[Partition]) -> None:
        """They are somebody else's already."""
        self._announcer.left(partitions)

    def rewound(self, partition: Partition) -> None:
        """The topic was made anew."""
        self._announcer.rewound(partition)
