"""Reading ahead on a real Kafka: without a gap, without a group, whatever became of the log."""

from collections.abc import Iterator

import pytest
from confluent_kafka import Producer, TopicPartition

from consumer.delivery.step import LookAhead, SeenAhead
from consumer.kafka.ahead import AheadReader
from consumer.kafka.topics import admin_client
from consumer.settings import Settings
from tests.services.topics import MakeTopics


class Bench:
    """A topic of one partition and a reader. Every tenth record is of `wh_1`, the others of `wh_2`."""

    def __init__(self, settings: Settings, topic: str) -> None:
        self.settings = settings
        self.topic = topic
        self.reader = AheadReader(settings, sleep=lambda _: None)
        self.token = 0

    def write(self, number: int, size: int = 100) -> None:
        producer = Producer({"bootstrap.servers": self.settings.kafka["bootstrap.servers"], "enable.idempotence": True})
        for each in range(number):
            producer.produce(self.topic, b"x" * size, key=b"wh_1" if each % 10 == 0 else b"wh_2", partition=0)
        assert producer.flush(10) == 0

    def look(self, offset: int, *keys: bytes) -> SeenAhead:
        self.token += 1
        asked = LookAhead(
            token=self.token, partition=(self.topic, 0), offset=offset, keys=frozenset(keys or (b"wh_1",))
        )
        seen = self.reader.read(asked)
        assert seen.token == self.token
        return seen

    def seen(self, offset: int) -> list[int]:
        """The records of wh_1 from here to the end, look by look; a look may see nothing."""
        found: list[int] = []
        for _ in range(50):
            seen = self.look(offset)
            found += [record.offset for record in seen.records]
            assert seen.end >= offset
            offset = seen.end
            if seen.at_end:
                return found
        raise AssertionError("it comes to no end")


@pytest.fixture
def bench(kafka_bootstrap: str, topic_prefix: str, make_topics: MakeTopics) -> Iterator[Bench]:
    topic = topic_prefix + "ahead"
    make_topics({topic: 1})
    made = Bench(Settings(kafka={"bootstrap.servers": kafka_bootstrap}, topic_prefix=topic_prefix), topic)
    yield made
    made.reader.close()


def test_all_records_of_a_key_are_seen_look_by_look_and_whatever_was_cut_off_is_passed(bench: Bench) -> None:
    bench.write(2_000, size=1_000)  # more than one look takes
    looks = (bench.look(500) for _ in range(40))  # the first may see nothing: it connects
    first = next(seen for seen in looks if seen.end > 500)
    assert not first.at_end
    assert first.records[0].offset == 500
    assert bench.seen(500) == list(range(500, 2_000, 10))
    assert bench.look(2_000).at_end
    admin = admin_client(bench.settings)
    for future in admin.delete_records([TopicPartition(bench.topic, 0, 1_200)]).values():
        future.result(10)
    assert bench.seen(500) == list(range(1_200, 2_000, 10))
    beyond = bench.look(5_000)  # another log's place
    assert (beyond.end, beyond.records, beyond.at_end) == (5_000, (), False)
