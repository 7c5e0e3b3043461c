"""Where partitions end, by a broker that answers or does not."""

from collections.abc import Mapping
from concurrent.futures import Future
from typing import cast

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from consumer.delivery.offsets import Partition
from consumer.kafka.log_ends import LogEnds

A, B = ("orders", 0), ("orders", 1)


class Offset:
    def __init__(self, offset: int) -> None:
        self.offset = offset


class Broker:
    """As much of an AdminClient as is asked."""

    def __init__(self) -> None:
        self.ends: dict[Partition, int] = {A: 10, B: 20}
        self.asked: list[set[Partition]] = []
        self.away = False

    def list_offsets(
        self, asked: Mapping[TopicPartition, object], *, request_timeout: float
    ) -> dict[TopicPartition, "Future[Offset]"]:
        assert request_timeout > 0
        self.asked.append({(place.topic, place.partition) for place in asked})
        if self.away:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        answers = {}
        for place in asked:
            answers[place] = answer = Future[Offset]()
            end = self.ends.get((place.topic, place.partition))
            if end is None:
                answer.set_exception(KafkaException(KafkaError(KafkaError.LEADER_NOT_AVAILABLE)))
            else:
                answer.set_result(Offset(end))
        return answers


def ends(broker: Broker, wanted: set[Partition]) -> LogEnds:
    return LogEnds(cast("AdminClient", broker), lambda: wanted)


def test_nobody_asks_before_somebody_wants_to_know() -> None:
    broker = Broker()
    ends(broker, {A}).close()

    assert broker.asked == []


def test_it_tells_of_the_partitions_that_are_wanted() -> None:
    broker, wanted = Broker(), {A}
    asked = ends(broker, wanted)
    asked.look()
    assert (asked._known.get(A), asked._known.get(B)) == (10, None)
    wanted.add(B)
    wanted.discard(A)
    broker.ends[B] = 25
    asked.look()
    assert (asked._known.get(A), asked._known.get(B)) == (None, 25)


def test_where_no_answer_comes_the_last_one_stands() -> None:
    broker = Broker()
    asked = ends(broker, {A, B})
    asked.look()
    broker.ends = {A: 11}
    asked.look()
    assert asked._known == {A: 11, B: 20}


def test_a_broker_that_is_away_ends_nothing() -> None:
    broker = Broker()
    broker.away = True
    asked = ends(broker, {A})
    assert asked.of(A) is None
    while not broker.asked:
        pass
    asked.close()
    assert asked.of(A) is None


def test_no_partitions_are_no_question() -> None:
    broker = Broker()
    ends(broker, set()).look()
    assert broker.asked == []
