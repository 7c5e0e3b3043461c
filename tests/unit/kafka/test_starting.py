"""Where reading begins. The fake stands for confluent_kafka's consumer."""

from collections.abc import Mapping
from typing import cast

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import ClusterMetadata, PartitionMetadata, TopicMetadata

from consumer.delivery.offsets import Partition, Position
from consumer.kafka.stamps import stamped
from consumer.kafka.starting import Beginning, beginning, first_ends

PLACE = ("orders", 0)
ID, FORMER = "dQmx8TASQY+dkTnKjl4NBQ", "n99kPBqYRJaJkK4DitF+uw"
LOW, HIGH = 3, 90


class Group:
    """What is committed of a topic, and where its log begins and ends."""

    def __init__(self, committed: Mapping[Partition, tuple[int, str]]) -> None:
        self._committed = dict(committed)

    def list_topics(self, timeout: float) -> ClusterMetadata:
        cluster, topic = ClusterMetadata(), TopicMetadata()
        topic.partitions, cluster.topics = {0: PartitionMetadata()}, {PLACE[0]: topic}
        return cluster

    def commit(self, offsets: list[TopicPartition], *, asynchronous: bool) -> None:
        assert not asynchronous
        self._committed |= {(at.topic, at.partition): (at.offset, at.metadata or "") for at in offsets}

    def committed(self, places: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        answers = []
        for place in places:
            offset, metadata = self._committed.get((place.topic, place.partition), (-1001, ""))
            answers.append(TopicPartition(place.topic, place.partition, offset, metadata))
        return answers

    def get_watermark_offsets(self, place: TopicPartition, timeout: float) -> tuple[int, int]:
        return LOW, HIGH


def begins(
    committed: Mapping[Partition, tuple[int, str]],
    *,
    ids: Mapping[str, str] | None = None,
    first: Mapping[Partition, Position] | None = None,
) -> Beginning:
    known = {"orders": ID} if ids is None else ids
    return beginning(cast("Consumer", Group(committed)), [PLACE], known, lambda: first or {})


@pytest.mark.parametrize("of", [ID, None])
def test_an_offset_of_this_topic_or_one_that_a_person_has_set_is_where_to_begin(of: str | None) -> None:
    found = begins({PLACE: (20, stamped(of, "v2|20|"))})
    assert found == Beginning(positions={PLACE: Position(20, "v2|20|")}, committed=frozenset({PLACE}))


def test_an_offset_of_a_former_topic_of_the_name_is_none() -> None:
    found = begins({PLACE: (20, stamped(FORMER, "v2|20|"))}, first={PLACE: Position(90)})
    assert found == Beginning(positions={PLACE: Position(LOW)}, anew={PLACE: Position(20, "v2|20|")})


def test_where_the_topic_may_not_be_described_its_offset_is_believed() -> None:
    assert begins({PLACE: (20, stamped(FORMER, ""))}, ids={}).positions == {PLACE: Position(20)}


def test_what_has_no_offset_begins_at_its_beginning_or_at_the_ends_of_a_first_start() -> None:
    assert begins({}) == Beginning(positions={PLACE: Position(LOW)})
    first = begins({}, first={PLACE: Position(90)})
    assert first == Beginning(positions={PLACE: Position(90)}, committed=frozenset({PLACE}))


def test_the_ends_of_a_first_start_are_of_the_topics_that_they_were_found_in() -> None:
    group = cast("Consumer", Group({}))
    assert first_ends(group, ["orders"], lambda _: {"orders": ID}) == {PLACE: Position(HIGH)}
    again = beginning(group, [PLACE], {"orders": ID}, dict)
    assert again == Beginning(positions={PLACE: Position(HIGH)}, committed=frozenset({PLACE}))
    anew = beginning(group, [PLACE], {"orders": FORMER}, dict)
    assert anew == Beginning(positions={PLACE: Position(LOW)}, anew={PLACE: Position(HIGH)})


def test_a_group_that_has_committed_anything_has_no_first_ends() -> None:
    assert first_ends(cast("Consumer", Group({PLACE: (20, "")})), ["orders"], lambda _: {"orders": ID}) == {}
