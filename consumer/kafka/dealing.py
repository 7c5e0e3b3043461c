"""Whether a group deals out every topic that its members read.

The law: a topic that is read belongs to somebody. A static member that comes back in time gets what it had, whatever
it reads now (KIP-345): so a topic that all members have come to read by being restarted is dealt out to nobody, until
one of them changes what it reads while it is there.
"""

from collections.abc import Collection
from typing import Final

from confluent_kafka import ConsumerGroupState, KafkaException
from confluent_kafka.admin import AdminClient

from consumer.kafka.asked import answer_of
from consumer.kafka.client import broken, error_of

_ASK_S: Final = 10.0
_SEEN: Final = 3  # looks in a row: a member that has just changed what it reads needs a moment


class Dealing:
    """Of one group. Once all is dealt out, only other topics are a reason to ask again."""

    def __init__(self, admin: AdminClient, group: str) -> None:
        self._admin = admin
        self._group = group
        self._settled: frozenset[str] = frozenset()
        self._sightings = Sightings()

    def unread(self, topics: Collection[str]) -> frozenset[str]:
        """Which of these belong to nobody, as far as that is certain.

        Raises:
            KafkaBroken: the broker could not be asked.
        """
        if self._settled >= {*topics}:
            return frozenset()
        asked = self._admin.describe_consumer_groups([self._group], request_timeout=_ASK_S)
        try:
            group = answer_of(asked[self._group], 2 * _ASK_S)
        except KafkaException as exception:
            error = error_of(exception)
            raise broken(error, "asking what the group reads", needs=f"DESCRIBE on group {self._group}") from None
        stable = group.state == ConsumerGroupState.STABLE and bool(group.members)
        dealt = frozenset(place.topic for each in group.members for place in each.assignment.topic_partitions)
        if stable and dealt >= {*topics}:
            self._settled = frozenset(topics)
        return self._sightings.looked(frozenset(topics) - dealt if stable else frozenset())


class Sightings:
    """What several looks say together. Pure."""

    def __init__(self) -> None:
        self._last: frozenset[str] = frozenset()
        self._times = 0

    def looked(self, unread: frozenset[str]) -> frozenset[str]:
        """What is certain once it was seen often enough, told once; then it is to be seen as often again."""
        self._times = self._times + 1 if unread and unread == self._last else 1
        self._last = unread
        if not unread or self._times < _SEEN:
            return frozenset()
        self._times = 0
        return unread
