"""How far `retry` has come with the ordered topic, asked of a real Kafka."""

import os
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from consumer.delivery import done_map
from consumer.delivery.lined_up import OrderedLook, Seen
from consumer.delivery.order_map import Told
from consumer.kafka.ordered_log import OrderedLog
from consumer.kafka.stamps import stamped
from consumer.settings import Settings
from tests.services.server import free_port
from tests.services.topics import MakeTopics

LINE = "a" * 36


class Bench:
    """The ordered topic with two partitions, and who looks at it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.topic = settings.topic_prefix + "ordered"
        self.log = OrderedLog(settings)
        self.bootstrap = str(settings.kafka["bootstrap.servers"])

    def write(self, number: int, *, key: str = LINE, size: int = 1) -> None:
        producer = Producer({"bootstrap.servers": self.bootstrap})
        for _ in range(number):
            producer.produce(self.topic, os.urandom(size), key=key, partition=1)
        assert producer.flush(10) == 0

    def commit(self, offset: int, metadata: str) -> None:
        group = self.settings.topic_prefix + "retry"
        member = Consumer({"bootstrap.servers": self.bootstrap, "group.id": group})
        told = stamped("dQmx8TASQY+dkTnKjl4NBQ", metadata)
        member.commit(offsets=[TopicPartition(self.topic, 1, offset, told)], asynchronous=False)
        member.close()

    def seen(self, *, ends: bool = True) -> tuple[Seen, ...]:
        return self.log.look(OrderedLook(token=1, ends=ends)).partitions


@pytest.fixture
def bench(kafka_bootstrap: str, topic_prefix: str, make_topics: MakeTopics) -> Iterator[Bench]:
    made = Bench(Settings(kafka={"bootstrap.servers": kafka_bootstrap}, topic_prefix=topic_prefix))
    make_topics({made.topic: 2})
    yield made
    made.log.close()


def test_ends_are_told_where_they_are_asked_for_and_nothing_is_committed_at_first(bench: Bench) -> None:
    assert bench.seen() == (Seen(end=0), Seen(end=0))
    bench.write(3)
    assert bench.seen() == (Seen(end=0), Seen(end=3))
    assert bench.seen(ends=False) == (Seen(), Seen())


def test_a_commit_tells_what_is_finished_above_it(bench: Bench) -> None:
    bench.write(9)
    bench.commit(2, done_map.encode(2, 6, [2, 5], order=Told(met=9, left={}, heads={})))
    _, seen = bench.seen()
    assert [offset for offset in range(9) if seen.is_over(LINE, offset, offset)] == [0, 1, 3, 4, 6]
    assert (seen.base, seen.end) == (2, 9)


def test_an_end_is_that_of_what_is_written_in_an_open_transaction_too(bench: Bench) -> None:
    bench.write(2)
    writer = Producer({"bootstrap.servers": bench.bootstrap, "transactional.id": bench.topic})
    writer.init_transactions(10)
    writer.begin_transaction()
    for _ in range(3):
        writer.produce(bench.topic, b"x", key=LINE, partition=1)
    assert writer.flush(10) == 0
    _, seen = bench.seen()
    writer.abort_transaction(10)
    assert seen.end == 5


def test_what_is_unfinished_is_read_up_to_the_end_that_is_asked_for(bench: Bench) -> None:
    bench.write(4)
    bench.write(3, key="b" * 36)
    bench.commit(2, done_map.encode(2, 4, [2], order=Told(met=7, left={}, heads={})))
    seen = bench.log.look(OrderedLook(token=1, ends=False, read=(1, 6)))
    assert seen.unfinished is not None
    assert seen.unfinished.lines == {LINE: (2, 2), "b" * 36: (5, 5)}
    bench.write(1)
    seen = bench.log.look(OrderedLook(token=2, ends=False, read=(1, 8)))
    assert seen.unfinished is not None
    assert seen.unfinished.lines == {LINE: (2, 7), "b" * 36: (5, 6)}


def test_too_much_is_not_read(bench: Bench) -> None:
    bench.write(70, size=500_000)
    seen = bench.log.look(OrderedLook(token=1, ends=False, read=(1, 70)))
    assert (len(seen.partitions), seen.unfinished) == (2, None)


def test_where_no_broker_answers_nothing_is_known() -> None:
    nobody = {"bootstrap.servers": f"127.0.0.1:{free_port()}", "log_level": "0"}
    log = OrderedLog(Settings(kafka=nobody))
    assert log.look(OrderedLook(token=7, ends=True)).partitions == ()
    log.close()
