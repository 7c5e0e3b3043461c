"""How far groups are behind, asked from outside of them: what each has committed, and where those partitions end.

The law: what was committed of a topic that was deleted since is of no partition there is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from consumer.delivery.offsets import Partition
from consumer.kafka import stamps
from consumer.kafka.client import broken, build, client_properties, error_of
from consumer.kafka.group_offsets import GroupOffsets
from consumer.kafka.log_offsets import LATEST, log_offsets
from consumer.kafka.selection import Selection, event_topics
from consumer.kafka.topic_watch import TopicWatch
from consumer.settings import Settings

_GONE: Final = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_PARTITION, KafkaError._UNKNOWN_TOPIC})  # noqa: SLF001 # librdkafka's local codes


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """Of one partition: what a group has committed, with all that it told beside it, and where the partition ends."""

    group: str
    topic: str
    partition: int
    committed: int
    told: str
    end: int

    @property
    def lag(self) -> int:
        """So many offsets are not committed."""
        return max(0, self.end - self.committed)


class LagReader:
    """Of these groups. One thread at a time may ask; a client is made when somebody asks first."""

    def __init__(self, settings: Settings, groups: Sequence[str]) -> None:
        self._settings = settings
        self._groups = tuple(groups)
        self._client: AdminClient | None = None
        self._offsets: dict[str, GroupOffsets] = {}

    def read(self, timeout_s: float) -> list[Behind]:
        """Every partition that one of the groups has committed. Each question may take so long.

        Raises:
            KafkaBroken: the brokers do not answer in time.
            ConfigurationError: the Kafka properties are wrong, or an ACL is missing (AccessDenied).
        """
        if self._client is None:
            self._client = build(AdminClient, client_properties(self._settings))
        try:
            found = list(self._committed(self._client, timeout_s))
        except KafkaException as exception:
            raise broken(error_of(exception), "asking for the topics there are") from None
        topics = sorted({place.topic for _, place in found})
        # Where a topic may not be described its id is not known, and what is committed is believed.
        describes = not self._settings.trust_broker
        watch = TopicWatch(self._client, Selection(names=tuple(topics)), group=None, describes=describes)
        ids = watch.ask(topics)
        ends = _ends(self._client, {(place.topic, place.partition) for _, place in found}, timeout_s)
        return [
            Behind(
                group=group,
                topic=place.topic,
                partition=place.partition,
                committed=place.offset,
                told=place.metadata or "",
                end=ends[place.topic, place.partition],
            )
            for group, place in found
            if (place.topic, place.partition) in ends and _is_of(place, ids)
        ]

    def _committed(self, client: AdminClient, timeout_s: float) -> Iterator[tuple[str, TopicPartition]]:
        listed = client.list_topics(timeout=timeout_s).topics
        chosen = event_topics(self._settings).among(listed)
        names = {*chosen, *(name for name in listed if name.startswith(self._settings.topic_prefix))}
        places = [(name, number) for name in sorted(names) for number in listed[name].partitions]
        for group in self._groups:
            offsets = self._offsets.get(group) or self._offsets.setdefault(group, GroupOffsets(self._settings, group))
            yield from ((group, place) for place in offsets.read(places, timeout_s) if place.error is None)


def _ends(client: AdminClient, places: set[Partition], timeout_s: float) -> Mapping[Partition, int]:
    told = log_offsets(client, sorted(places), LATEST, timeout_s)
    for error in told.errors.values():
        if error.code() not in _GONE:
            raise broken(error, "asking where topics end")
    return told.found


def _is_of(place: TopicPartition, ids: Mapping[str, str]) -> bool:
    """Whether it was committed of the topic that has this name now."""
    of, _ = stamps.read(place.metadata or "")
    return of is None or of == (ids.get(place.topic) or of)
