"""Which of the processes of a role does what only one may do.

The law: of a group's members at most one holds partition 0, so at most one leads as far as Kafka knows. A process that
was stopped may believe for a while longer that it leads: whatever the leader writes must be refused to a former one.
"""

from functools import partial
from typing import Final

from confluent_kafka import OFFSET_END, Consumer, KafkaError, TopicPartition

from consumer.kafka.client import build, fatal, is_fatal
from consumer.kafka.leaving import leave
from consumer.kafka.membership import LEADING_SESSION_MS, STATIC, consumer_properties
from consumer.settings import Settings

_LEADING: Final = 0
NOT_JOINED: Final = "it is not a member of its group yet"


class Leadership:
    """A member of the group, owned by one thread. It consumes nothing."""

    def __init__(self, settings: Settings, *, topic: str, group: str, instance: str | None) -> None:
        self._leads = False
        self._fatal: KafkaError | None = None
        properties = consumer_properties(settings, group=group, instance=instance, session_ms=LEADING_SESSION_MS)
        self._static = STATIC in properties
        self._consumer = build(partial(Consumer, error_cb=self._heard), properties)
        self._consumer.subscribe([topic], on_assign=self._assigned, on_revoke=self._left, on_lost=self._left)

    def held(self, wait_s: float = 0.0) -> bool:
        """Whether this process leads. Call it often: it is also the member's sign of life.

        Raises:
            KafkaFatal: this member can never lead again.
        """
        said = self._consumer.poll(wait_s)
        if said is not None and (error := said.error()) is not None:
            self._heard(error)
        if self._fatal is not None:
            raise fatal(self._fatal)
        return self._leads

    @property
    def leads(self) -> bool:
        """Whether this process led, as of the last time that was asked."""
        return self._leads

    @property
    def joined(self) -> bool:
        """Whether the group has given this member its name."""
        return bool(self._consumer.memberid())

    def close(self) -> None:
        """Leave, so that another may lead: at once, or when the session of a static member has ended."""
        last = [self._consumer]
        del self._consumer
        leave(last, static=self._static)

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        # Paused, at the end, where nothing is fetched: the records are read by a feed of all partitions.
        consumer.incremental_assign([TopicPartition(each.topic, each.partition, OFFSET_END) for each in partitions])
        consumer.pause(partitions)
        self._leads = self._leads or any(each.partition == _LEADING for each in partitions)

    def _left(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if any(each.partition == _LEADING for each in partitions):
            self._leads = False

    def _heard(self, error: KafkaError) -> None:
        if is_fatal(error):
            self._fatal = error
