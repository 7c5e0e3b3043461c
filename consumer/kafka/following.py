"""Which topics a member of a group reads, and which incarnation of each: what changed since it last looked.

The law: a partition is read of one topic. When its name comes to stand for another one, that is told once.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka import Consumer

from consumer.delivery.offsets import Partition, Position
from consumer.kafka.selection import Selection
from consumer.kafka.shared_admin import shared_admin
from consumer.kafka.starting import Start, first_ends
from consumer.kafka.topic_watch import TopicWatch
from consumer.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """`topics` to subscribe to from now on, None where they are the same; partitions whose topic was made `anew`."""

    topics: tuple[str, ...] | None = None
    anew: tuple[Partition, ...] = ()


class Following:
    """Owned by the consumer's thread; the watch has one of its own. `ids` are of the topics that are read."""

    def __init__(self, settings: Settings, selection: Selection, group: str) -> None:
        self._selection = selection
        self.admin = shared_admin(settings)
        self._watch = TopicWatch(self.admin, selection, group=group, describes=not settings.trust_broker)
        self._followed: Mapping[str, str] | None = None
        self._first: tuple[str, ...] | None = None if selection.expressions else selection.names
        self.topics = self._first or ()
        self.ids: dict[Partition, str] = {}
        self._watch.start()

    def changes(self, assignment: Collection[Partition]) -> Changes:
        """What the last look changed."""
        found = self._watch.found
        if found is None or found is self._followed:
            return Changes()
        self._followed = found
        # What nobody reads is left out until the next look: only who changes what it reads makes the group deal again.
        topics, before = self._selection.among(found.keys() - self._watch.unread), self.topics
        self.topics = topics
        self._first = topics if self._first is None else self._first
        anew: list[Partition] = []
        for place in sorted(assignment):
            topic_id = found.get(place[0])
            if topic_id and self.ids.setdefault(place, topic_id) != topic_id:
                self.ids[place] = topic_id
                anew.append(place)
        return Changes(topics=topics if topics != before else None, anew=tuple(anew))

    def assigned(self, places: Sequence[Partition]) -> Mapping[str, str]:
        """These are read from now on. Returns the ids of their topics, as far as they may be known.

        Raises:
            KafkaBroken: the broker could not be asked.
        """
        asked = self._watch.ask({topic for topic, _ in places})
        ids = {topic: topic_id for topic, topic_id in asked.items() if topic_id}
        self.ids.update({place: ids[place[0]] for place in places if place[0] in ids})
        return ids

    def forget(self, places: Iterable[Partition]) -> None:
        """These are not ours any more."""
        for place in places:
            self.ids.pop(place, None)

    def first_ends(self, consumer: Consumer, start: Start) -> Mapping[Partition, Position]:
        """Where the topics that there were when this process began end, if that was the group's first start.

        Raises:
            KafkaException, KafkaBroken: the broker could not be asked.
        """
        return {} if start == "earliest" else first_ends(consumer, self._first or (), self._watch.ask)

    def close(self) -> None:
        """Stop looking at topics."""
        self._watch.close()
