"""Where reading a partition begins.

The law: a partition with a committed offset of this very topic begins there; every other one begins at the log's
beginning, unless the group starts for the first time and the settings say `latest`.

A group starts for the first time when nothing is committed of it, of any topic. Under `latest`, the ends found then are
committed for all partitions of all its topics at once. So a crash before the first commit loses nothing, and whatever
has no offset later, a new partition or a topic that an expression matches from now on, is new, and begins at its
beginning.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from confluent_kafka import Consumer, KafkaException, TopicPartition

from consumer.delivery.offsets import Partition, Position
from consumer.kafka import stamps
from consumer.kafka.client import broken, error_of
from consumer.kafka.placing import extent

Start: TypeAlias = Literal["earliest", "latest"]

_ASK_S: Final = 6.0  # less than a role has to end, also when Kafka falls silent just before


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """Where each partition begins; those that are `committed` there, and those whose topic was made `anew`."""

    positions: dict[Partition, Position] = field(default_factory=dict)
    committed: frozenset[Partition] = frozenset()
    anew: Mapping[Partition, Position] = field(default_factory=dict)


def beginning(
    consumer: Consumer,
    partitions: Sequence[Partition],
    ids: Mapping[str, str],
    first: Callable[[], Mapping[Partition, Position]],
) -> Beginning:
    """Where to begin, with what was finished above it.

    `ids` are the topics' now; `first` is asked for the `first_ends`.

    Raises:
        KafkaBroken: the broker could not be asked.
    """
    if not partitions:
        return Beginning()
    try:
        found = _committed(consumer, partitions)
        # Of an offset that somebody else has set, or a topic that may not be described, nothing else is known.
        ours = {place: at for place, (of, at) in found.items() if of is None or of == ids.get(place[0], of)}
        anew = {place: at for place, (_, at) in found.items() if place not in ours}
        known = ours | dict(first() if len(found) < len(partitions) else {})
        positions = {
            place: known[place] if place in known and place not in anew else Position(extent(consumer, place)[0])
            for place in partitions
        }
    except KafkaException as exception:
        raise broken(error_of(exception), "asking where to begin") from None
    committed = frozenset(place for place in partitions if place in known and place not in anew)
    return Beginning(positions=positions, committed=committed, anew=anew)


def first_ends(
    consumer: Consumer, topics: Sequence[str], ask: Callable[[Sequence[str]], Mapping[str, str]]
) -> Mapping[Partition, Position]:
    """The ends of all these topics, committed, if the consumer's group starts for the first time; else nothing.

    `ask` tells the topics' ids. What is committed is not asked of the admin client: see `group_offsets.py`.

    Raises:
        KafkaException: the broker could not be asked.
        KafkaBroken: the same, for the ids.
    """
    there = consumer.list_topics(timeout=_ASK_S).topics
    any_topics = [TopicPartition(name, number) for name, topic in there.items() for number in topic.partitions]
    if any(place.error is None and place.offset >= 0 for place in consumer.committed(any_topics, timeout=_ASK_S)):
        return {}
    places = [(topic, number) for topic in topics if topic in there for number in there[topic].partitions]
    # The ids come first: an end that is committed is never of a later topic than the id beside it.
    ids = ask(topics)
    ends = {place: Position(extent(consumer, place)[1]) for place in places}
    if ends:
        offsets = [
            TopicPartition(*place, end.offset, stamps.stamped(ids.get(place[0]) or None, ""))
            for place, end in ends.items()
        ]
        consumer.commit(offsets=offsets, asynchronous=False)
    return ends


def _committed(consumer: Consumer, partitions: Sequence[Partition]) -> dict[Partition, tuple[str | None, Position]]:
    found = consumer.committed([TopicPartition(*partition) for partition in partitions], timeout=_ASK_S)
    for place in found:
        if place.error is not None:
            raise KafkaException(place.error)
    committed: dict[Partition, tuple[str | None, Position]] = {}
    for place in found:
        if place.offset >= 0:
            of, metadata = stamps.read(place.metadata or "")
            committed[place.topic, place.partition] = (of, Position(place.offset, metadata))
    return committed
