"""Reading again on a real Kafka: one look for several scopes, without a gap, whatever became of the log."""

from collections.abc import Iterator

import pytest
from confluent_kafka import Producer, TopicPartition

from consumer.delivery.again import Again, Found, Stretch
from consumer.delivery.offsets import Window
from consumer.kafka.again import LogAgain
from consumer.kafka.topics import admin_client
from consumer.settings import Settings
from tests.services.topics import MakeTopics

HOOK, OTHER = "a" * 24, "b" * 24
NAMES = (HOOK + "1" * 12, HOOK + "2" * 12, HOOK + "3" * 12, OTHER + "1" * 12)
ONE, TWO, THREE, _ = NAMES


class Bench:
    """A topic of one partition, in which four keys take turns, and who reads it again."""

    def __init__(self, settings: Settings, topic: str) -> None:
        self.settings = settings
        self.topic = topic
        self.window = Window((topic, 0))
        self.log = LogAgain(settings)

    def write(self, number: int, size: int = 100) -> None:
        producer = Producer({"bootstrap.servers": self.settings.kafka["bootstrap.servers"], "enable.idempotence": True})
        for each in range(number):
            producer.produce(self.topic, b"x" * size, key=NAMES[each % 4], partition=0)
        assert producer.flush(10) == 0

    def look(self, *stretches: Stretch) -> Found:
        """A look that is not in vain: the first may be, while it connects."""
        for _ in range(20):
            found = self.log.answer(Again(self.window, stretches, {HOOK: 9_999}))
            if not found.in_vain:
                return found
        raise AssertionError("nothing is read")


def offsets(found: Found, scope: str) -> list[int]:
    return [record.offset for stretch, record in found.records if stretch.scope == scope]


@pytest.fixture
def bench(kafka_bootstrap: str, topic_prefix: str, make_topics: MakeTopics) -> Iterator[Bench]:
    topic = topic_prefix + "ordered"
    make_topics({topic: 1})
    made = Bench(Settings(kafka={"bootstrap.servers": kafka_bootstrap}, topic_prefix=topic_prefix), topic)
    yield made
    made.log.close()


def test_one_look_reads_the_keys_of_a_webhook_and_the_webhook(bench: Bench) -> None:
    bench.write(2_000)
    found = bench.look(Stretch(ONE, 8, 1_000, 5), Stretch(TWO, 400, 1_000, 900), Stretch(HOOK, 1_000, 2_000, 900))
    assert offsets(found, ONE) == [8, 12, 16, 20, 24]
    assert offsets(found, TWO) == list(range(401, 1_000, 4))
    assert offsets(found, HOOK) == [offset for offset in range(1_000, 2_000) if offset % 4 != 3]
    assert found.ends == {ONE: 25, TWO: 1_000, HOOK: 2_000}
    assert {record.key for stretch, record in found.records if stretch.scope == TWO} == {TWO.encode()}


def test_a_look_costs_no_more_than_it_may_and_tells_up_to_where_it_came(bench: Bench) -> None:
    bench.write(2_000, size=20_000)
    first = bench.look(Stretch(ONE, 0, 2_000, 900), Stretch(TWO, 1_900, 2_000, 900))
    assert 0 < first.came_to < 1_500
    assert first.ends == {ONE: first.came_to, TWO: 1_900}
    assert offsets(first, ONE) == list(range(0, first.came_to, 4))


def test_what_was_cut_off_is_passed_and_the_log_s_end_is_the_end(bench: Bench) -> None:
    bench.write(2_000)
    admin = admin_client(bench.settings)
    for future in admin.delete_records([TopicPartition(bench.topic, 0, 1_200)]).values():
        future.result(10)
    found = bench.look(Stretch(ONE, 100, 600, 9), Stretch(TWO, 500, 1_300, 900), Stretch(THREE, 1_990, 2_050, 9))
    assert offsets(found, ONE) == []
    assert offsets(found, TWO) == list(range(1_201, 1_300, 4))
    assert offsets(found, THREE) == [1_990, 1_994, 1_998]
    assert found.ends == {ONE: 600, TWO: 1_300, THREE: 2_050}
