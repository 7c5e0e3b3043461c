"""What a group has committed, asked from outside of it.

The law: an offset that was committed of a topic that was deleted since is nobody's: of another topic of that name
nothing is committed. All partitions are asked for in one question.
"""

from collections.abc import Collection
from contextlib import closing
from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from consumer.delivery.offsets import Partition, Position
from consumer.kafka import stamps
from consumer.kafka.client import broken, build, client_properties, error_of
from consumer.kafka.group_offsets import GroupOffsets
from consumer.kafka.topic_watch import ids_of
from consumer.settings import Settings

_ASK_S: Final = 10.0


def committed(settings: Settings, group: str, topics: Collection[str]) -> dict[Partition, Position]:
    """The positions that the group has committed of these topics.

    Raises:
        KafkaBroken: the broker does not answer.
        ConfigurationError: the Kafka properties are wrong, or an ACL is missing (AccessDenied).
    """
    if not topics:
        return {}
    admin = build(AdminClient, client_properties(settings))
    try:
        named = _partitions(admin, topics)
        # Where a topic may not be described its id is not known, and what is committed is believed.
        ids = ids_of(settings, admin, topics)
    except KafkaException as exception:
        raise broken(error_of(exception), "asking for the topics there are") from None
    with closing(GroupOffsets(settings, group)) as offsets:
        places = offsets.read(named, _ASK_S)
    found: dict[Partition, Position] = {}
    for place in places:
        if place.error is not None:
            raise broken(place.error, f"asking what is committed of {place.topic}")
        of, metadata = stamps.read(place.metadata or "")
        if of is None or of == (ids.get(place.topic) or of):
            found[place.topic, place.partition] = Position(place.offset, metadata)
    return found


def _partitions(admin: AdminClient, topics: Collection[str]) -> list[Partition]:
    """Those of these topics that there are."""
    listed = admin.list_topics(timeout=_ASK_S).topics
    there = {topic: listed[topic] for topic in topics if topic in listed and listed[topic].error is None}
    return [(topic, number) for topic, each in there.items() for number in each.partitions]
