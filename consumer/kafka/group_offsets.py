"""What a group has committed of some partitions, asked by a client that never joins it.

The laws:
- a question ends nobody's process. The admin client's question for a group's offsets does, now and then, while the
  group's coordinator loads (librdkafka 2.16): on a new cluster, and after a broker was restarted;
- nothing is committed for a group that has members: the broker refuses it from a client that is none.
"""

import time
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from consumer.delivery.offsets import Partition
from consumer.kafka.client import broken, build, client_properties, error_of
from consumer.kafka.leaving import close
from consumer.kafka.stamps import stamped
from consumer.settings import Settings

_NOTHING: Final = 0
"""Offsets below it are words: nothing is committed."""
_POLL_S: Final = 0.02
_HAS_MEMBERS: Final = frozenset(
    {KafkaError.UNKNOWN_MEMBER_ID, KafkaError.ILLEGAL_GENERATION, KafkaError.REBALANCE_IN_PROGRESS}
)


class GroupOffsets:
    """Of one group. One thread at a time may ask."""

    def __init__(self, settings: Settings, group: str) -> None:
        """Nothing is connected yet.

        Raises:
            ConfigurationError: the Kafka properties are wrong.
        """
        self._group = group
        self._answers: list[list[KafkaError]] = []
        made = partial(Consumer, on_commit=self._answered)
        self._client: Consumer = build(made, {**client_properties(settings), "group.id": group})

    def read(self, places: Iterable[Partition], timeout_s: float) -> list[TopicPartition]:
        """Those of these partitions of which something is committed, with its offset and metadata, or its `error`.

        Raises:
            KafkaBroken: the broker does not answer in time; an ACL is missing (AccessDenied).
        """
        asked = [TopicPartition(*place) for place in places]
        if not asked:
            return []
        try:
            found = self._client.committed(asked, timeout=timeout_s)
        except KafkaException as exception:
            needs = f"READ on group {self._group}"
            raise broken(error_of(exception), f"asking what {self._group} has committed", needs=needs) from None
        return [place for place in found if place.error is not None or place.offset >= _NOTHING]

    def started(self, places: Iterable[Partition], timeout_s: float) -> bool:
        """Whether anything is committed of these partitions. Those that may not be read tell nothing.

        Raises:
            KafkaBroken: as `read`; of a partition it is not known.
        """
        found = self.read(places, timeout_s)
        for error in [place.error for place in found if place.error is not None]:
            if error.code() != KafkaError.TOPIC_AUTHORIZATION_FAILED:
                raise broken(error, f"asking what {self._group} has committed")
        return any(place.error is None for place in found)

    def begin(self, ends: Mapping[Partition, int], ids: Mapping[str, str], timeout_s: float) -> None:
        """Commit these offsets, each with its topic's id, unless the group has members: then it has begun.

        Of a topic that may not be read nothing is committed.

        Raises:
            KafkaBroken: the broker refuses, or does not answer in time; an ACL is missing (AccessDenied).
        """
        if not ends:
            return
        doing = f"committing where {self._group} begins"
        self._answers.clear()
        try:
            self._client.commit(
                offsets=[
                    TopicPartition(*place, at, stamped(ids.get(place[0]) or None, "")) for place, at in ends.items()
                ],
                asynchronous=True,
            )
        except KafkaException as exception:
            raise broken(error_of(exception), doing) from None
        until_s = time.monotonic() + timeout_s
        while not self._answers:
            if time.monotonic() > until_s:
                raise broken(KafkaError(KafkaError._TIMED_OUT), doing)  # noqa: SLF001 # librdkafka's local code
            self._client.poll(_POLL_S)
        for error in self._answers[0]:
            if error.code() not in _HAS_MEMBERS | {KafkaError.TOPIC_AUTHORIZATION_FAILED}:
                raise broken(error, doing, needs=f"READ on group {self._group}")

    def _answered(self, error: KafkaError | None, places: list[TopicPartition]) -> None:
        """The callback on_commit."""
        told = [error, *(place.error for place in places)]
        self._answers.append([each for each in told if each is not None])

    def close(self) -> None:
        """Close the connections."""
        close(self._client)
