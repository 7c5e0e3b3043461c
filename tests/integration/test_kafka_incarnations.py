"""Topics that come, go and are made anew under their names, as a member of a group meets them."""

import time
from collections.abc import Callable, Sequence

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, Producer, TopicCollection
from confluent_kafka.cimpl import NewTopic

from consumer.delivery.offsets import Partition, Position
from consumer.events.event import Record
from consumer.kafka import stamps, topic_watch
from consumer.kafka.consumer import PartitionConsumer
from consumer.kafka.selection import event_topics
from consumer.kafka.starting import Start
from consumer.kafka.topics import admin_client
from consumer.settings import Settings
from tests.acceptance.deadline import until
from tests.services.topics import MakeTopics


class Heard:
    """A listener that remembers what was begun anew."""

    def __init__(self) -> None:
        self.rewinds: list[Partition] = []

    def assigned(self, partitions: object) -> None: ...

    def revoked(self, partitions: object) -> None: ...

    def lost(self, partitions: object) -> None: ...

    def rewound(self, partition: Partition) -> None:
        self.rewinds.append(partition)


class Bench:
    """One group that reads what the settings choose."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.group = settings.topic_prefix + "events"
        self.admin = admin_client(settings)

    def join(self, start: Start = "earliest", instance: str | None = "one") -> tuple[PartitionConsumer, Heard]:
        heard = Heard()
        member = PartitionConsumer(
            self.settings,
            group=self.group,
            topics=event_topics(self.settings),
            instance=instance,
            listener=heard,
            start=start,
        )
        return member, heard

    def write(self, topic: str, *values: str) -> None:
        producer = Producer({"bootstrap.servers": self.settings.kafka["bootstrap.servers"]})
        for value in values:
            producer.produce(topic, value.encode())
        assert producer.flush(10) == 0

    def make_anew(self, topic: str) -> None:
        """The broker does each a moment after it said so. What is written in between goes with the former topic."""
        self.admin.delete_topics([topic])[topic].result(10)
        self._until_there(topic, there=False)
        self.admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(10)
        self._until_there(topic, there=True)

    def _until_there(self, topic: str, *, there: bool) -> None:
        def is_there() -> bool:
            try:
                self.admin.describe_topics(TopicCollection([topic]))[topic].result(10)
            except KafkaException:
                return False
            return True

        until(lambda: is_there() is there, within_s=30, missing=lambda: f"{topic} is there: {not there}", every_s=0.02)

    def committed(self, topic: str) -> tuple[int, str]:
        asked = self.admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(self.group)])
        [place] = [each for each in asked[self.group].result(10).topic_partitions if each.topic == topic]
        return place.offset, place.metadata or ""


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic_watch, "_EVERY_S", 0.05)
    monkeypatch.setattr(topic_watch, "_LIST_EVERY_S", 0.05)


@pytest.fixture
def bench(kafka_bootstrap: str, topic_prefix: str, make_topics: MakeTopics) -> Bench:
    make_topics({topic_prefix + "orders": 1})
    expression = "^" + topic_prefix.replace(".", r"\.")
    return Bench(
        Settings(kafka={"bootstrap.servers": kafka_bootstrap}, topic_prefix=topic_prefix, event_topics=(expression,))
    )


def take(member: PartitionConsumer, until: Callable[[list[Record]], bool]) -> list[Record]:
    records: list[Record] = []
    deadline = time.monotonic() + 60
    while not until(records) and time.monotonic() < deadline:
        records += member.take(100, 0.02)
    assert until(records)
    return records


def values(records: Sequence[Record]) -> set[str]:
    return {(record.value or b"").decode() for record in records}


OLD = [f"old {number}" for number in range(20)]
NEW = [f"new {number}" for number in range(50)]


def test_a_topic_made_anew_while_it_is_read_loses_none_of_its_records(bench: Bench) -> None:
    topic = bench.settings.topic_prefix + "orders"
    bench.write(topic, *OLD)
    member, heard = bench.join()
    take(member, lambda records: len(records) == len(OLD))
    assert member.commit_last({(topic, 0): Position(len(OLD))}, 5.0)
    bench.make_anew(topic)
    bench.write(topic, *NEW)
    take(member, lambda records: values(records) >= {*NEW})
    assert heard.rewinds == [(topic, 0)]
    take(member, lambda _: not member._commits.unsettled)
    offset, metadata = bench.committed(topic)
    assert offset == 0
    assert stamps.read(metadata)[0] == member._following.ids[topic, 0]
    member.close()


def test_a_topic_made_anew_while_nobody_reads_it_is_read_from_its_beginning(bench: Bench) -> None:
    topic = bench.settings.topic_prefix + "orders"
    bench.write(topic, *OLD)
    first, _ = bench.join()
    take(first, lambda records: len(records) == len(OLD))
    assert first.commit_last({(topic, 0): Position(len(OLD))}, 5.0)
    first.close()
    bench.make_anew(topic)
    bench.write(topic, *NEW)
    second, _ = bench.join()
    take(second, lambda records: values(records) == {*NEW})
    second.close()


def test_our_own_topics_are_not_read_and_a_deleted_one_stops_nothing(bench: Bench, make_topics: MakeTopics) -> None:
    prefix = bench.settings.topic_prefix
    make_topics(dict.fromkeys((prefix + "attempts", prefix + "poison", prefix + "retry.5s", prefix + "crm"), 1))
    bench.write(prefix + "attempts", "ours")
    member, heard = bench.join()
    take(member, lambda _: len(member.assignment) == 2)
    assert member.assignment == {(prefix + "orders", 0), (prefix + "crm", 0)}
    bench.admin.delete_topics([prefix + "crm"])[prefix + "crm"].result(10)
    take(member, lambda _: member.assignment == {(prefix + "orders", 0)})
    bench.write(prefix + "orders", "after")
    assert values(take(member, bool)) == {"after"}
    assert heard.rewinds == []
    member.close()


def test_latest_is_about_the_groups_first_start_not_about_a_topic_that_appears_later(
    bench: Bench, make_topics: MakeTopics
) -> None:
    prefix = bench.settings.topic_prefix
    bench.write(prefix + "orders", "old")
    member, _ = bench.join("latest", instance=None)
    take(member, lambda _: bool(member.assignment))
    make_topics({prefix + "crm": 1})
    bench.write(prefix + "crm", "first")
    assert values(take(member, bool)) == {"first"}
    member.close()
    make_topics({prefix + "shop": 1})
    bench.write(prefix + "shop", "also first")
    again, _ = bench.join("latest", instance=None)
    assert values(take(again, lambda records: len(records) == 2)) == {"first", "also first"}
    again.close()


def test_a_topic_that_is_there_before_any_other_is_a_first_start(bench: Bench) -> None:
    topic = bench.settings.topic_prefix + "orders"
    bench.write(topic, "old")
    member, _ = bench.join("latest")
    take(member, lambda _: bool(member.assignment))
    bench.write(topic, "new")
    assert values(take(member, bool)) == {"new"}
    member.close()


def test_a_partition_has_a_committed_offset_before_it_has_a_record(bench: Bench) -> None:
    topic = bench.settings.topic_prefix + "orders"
    member, _ = bench.join()
    take(member, lambda _: bool(member.assignment) and not member._commits.unsettled)
    assert bench.committed(topic)[0] == 0
    member.close()


def test_where_a_log_ends_is_told_past_markers_and_aborted_records(bench: Bench) -> None:
    topic = bench.settings.topic_prefix + "orders"
    servers = bench.settings.kafka["bootstrap.servers"]
    producer = Producer({"bootstrap.servers": servers, "transactional.id": topic})
    producer.init_transactions(20)
    for value, end in (("kept", producer.commit_transaction), ("aborted", producer.abort_transaction)):
        producer.begin_transaction()
        producer.produce(topic, value.encode())
        producer.flush(10)
        end(20)
    member, _ = bench.join()
    seen: list[Record] = []
    ends: dict[Partition, int] = {}
    deadline = time.monotonic() + 20
    while ends.get((topic, 0)) != 4 and time.monotonic() < deadline:
        seen += member.take(100, 0.05)
        ends |= member.ends()
    assert values(seen) == {"kept"}
    assert ends == {(topic, 0): 4}
    member.close()


def test_a_topic_that_all_members_read_since_their_restarts_is_dealt_out(bench: Bench, make_topics: MakeTopics) -> None:
    prefix = bench.settings.topic_prefix
    orders, crm = prefix + "orders", prefix + "crm"
    make_topics({crm: 1})
    bench.settings = bench.settings.model_copy(update={"event_topics": (orders,)})
    first, _ = bench.join()
    take(first, lambda _: bool(first.assignment))
    first.close()
    bench.settings = bench.settings.model_copy(update={"event_topics": (orders, crm)})
    second, _ = bench.join()
    take(second, lambda _: second.assignment == {(orders, 0), (crm, 0)})
    second.close()
