"""A member of a group that leaves at an awkward moment."""

import time
from collections.abc import Mapping, Sequence

from confluent_kafka import ConsumerGroupState

from consumer.delivery.offsets import Partition, Position
from consumer.kafka.consumer import PartitionConsumer
from consumer.kafka.selection import Selection
from consumer.kafka.topics import admin_client
from consumer.settings import Settings
from tests.services.topics import MakeTopics


class Nothing:
    """A listener that is not to hear anything."""

    def assigned(self, partitions: Mapping[Partition, Position]) -> None:
        raise AssertionError(f"assigned {partitions}")

    def revoked(self, partitions: Sequence[Partition]) -> None:
        raise AssertionError(f"revoked {partitions}")

    def lost(self, partitions: Sequence[Partition]) -> None:
        raise AssertionError(f"lost {partitions}")

    def rewound(self, partition: Partition) -> None:
        raise AssertionError(f"rewound {partition}")


def test_who_leaves_while_partitions_come_does_not_wait_for_answers(
    kafka_bootstrap: str, topic_prefix: str, make_topics: MakeTopics
) -> None:
    make_topics({topic_prefix + "orders": 2})
    settings = Settings(kafka={"bootstrap.servers": kafka_bootstrap}, topic_prefix=topic_prefix)
    group = topic_prefix + "events"
    admin = admin_client(settings)
    member = PartitionConsumer(
        settings, group=group, topics=Selection(names=(topic_prefix + "orders",)), instance="one", listener=Nothing()
    )
    # The group is complete without a call of ours: the assignment waits to be heard, and `close` hears it.
    deadline = time.monotonic() + 20
    stable = {ConsumerGroupState.STABLE}
    while group not in {each.group_id for each in admin.list_consumer_groups(states=stable).result(10).valid}:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    began = time.monotonic()
    member.close()
    assert time.monotonic() - began < 5
