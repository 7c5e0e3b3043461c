import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import NewPartitions

from consumer.delivery.offsets import Partition, Position
from consumer.events.event import Record
from consumer.kafka.checkpoints import Checkpoints
from consumer.kafka.consumer import PartitionConsumer
from consumer.kafka.feed import Feed
from consumer.kafka.reading import read_to_end
from consumer.kafka.selection import Selection
from consumer.kafka.starting import Start
from consumer.kafka.topics import admin_client
from consumer.settings import Settings
from tests.hostile.raw_producer import write
from tests.services.topics import MakeTopics


class Seen:
    """A listener that remembers, and commits what it is told to when partitions go."""

    def __init__(self) -> None:
        self.assigned_at: dict[Partition, Position] = {}
        self.gone: list[Partition] = []
        self.rewinds: list[Partition] = []
        self.on_revoke: Callable[[Sequence[Partition]], object] = lambda _: None

    def assigned(self, partitions: Mapping[Partition, Position]) -> None:
        self.assigned_at.update(partitions)

    def revoked(self, partitions: Sequence[Partition]) -> None:
        self.gone += partitions
        self.on_revoke(partitions)

    def rewound(self, partition: Partition) -> None:
        self.rewinds.append(partition)

    def lost(self, partitions: Sequence[Partition]) -> None:
        self.gone += partitions


class Bench:
    """A topic of two partitions and the members of one group."""

    def __init__(self, settings: Settings, topic: str) -> None:
        self.settings = settings
        self.topic = topic
        self.topics = Selection(names=(topic,))
        self.members: list[PartitionConsumer] = []

    def write(self, *values: str, partition: int = 0) -> None:
        producer = Producer({"bootstrap.servers": self.settings.kafka["bootstrap.servers"], "enable.idempotence": True})
        for value in values:
            producer.produce(self.topic, value.encode(), partition=partition)
        assert producer.flush(10) == 0

    def join(
        self,
        *,
        instance: str | None = "one",
        start: Start = "earliest",
        checkpoints: Checkpoints | None = None,
        stop: threading.Event | None = None,
    ) -> tuple[PartitionConsumer, Seen]:
        seen = Seen()
        member = PartitionConsumer(
            self.settings,
            group=self.settings.topic_prefix + "events",
            topics=self.topics,
            instance=instance,
            listener=seen,
            start=start,
            checkpoints=checkpoints,
            stop=stop,
        )
        self.members.append(member)
        return member, seen

    def forget_before(self, *offsets: int) -> None:
        places = [TopicPartition(self.topic, number, offset) for number, offset in enumerate(offsets)]
        admin = admin_client(self.settings)
        for future in admin.delete_records(places).values():
            future.result(10)


@pytest.fixture
def bench(kafka_bootstrap: str, topic_prefix: str, make_topics: MakeTopics) -> Bench:
    topic = topic_prefix + "orders"
    make_topics({topic: 2})
    return Bench(Settings(kafka={"bootstrap.servers": kafka_bootstrap}, topic_prefix=topic_prefix), topic)


def take(member: PartitionConsumer, until: Callable[[list[Record]], bool], within_s: float = 20.0) -> list[Record]:
    records: list[Record] = []
    deadline = time.monotonic() + within_s
    while not until(records) and time.monotonic() < deadline:
        records += member.take(100, 0.05)
    assert until(records)
    return records


def values(records: Sequence[Record]) -> list[str]:
    return sorted((record.value or b"").decode() for record in records)


def test_a_first_start_begins_at_the_earliest_and_a_restart_where_it_committed(bench: Bench) -> None:
    bench.write("a", "b", "c")
    first, seen = bench.join()
    records = take(first, lambda records: len(records) == 3)
    assert values(records) == ["a", "b", "c"]
    assert seen.assigned_at == {(bench.topic, 0): Position(0), (bench.topic, 1): Position(0)}
    assert first.positions[bench.topic, 0] == 3
    assert first.commit_last({(bench.topic, 0): Position(2, "v1|2|a map")}, 5.0)
    first.close()
    assert seen.gone == []
    second, again = bench.join()
    assert values(take(second, lambda records: len(records) == 1)) == ["c"]
    assert again.assigned_at[bench.topic, 0] == Position(2, "v1|2|a map")
    second.close()


def test_a_long_wait_ends_when_partitions_come_and_when_the_process_is_to_end(bench: Bench) -> None:
    stop, long_s = threading.Event(), 120.0
    member, seen = bench.join(stop=stop)
    began_s = time.monotonic()
    ends: dict[Partition, int] = {}
    while len(ends) < 2:  # each of these ends a wait
        assert member.take(100, long_s) == []
        ends |= member.ends()
    assert len(seen.assigned_at) == 2
    threading.Timer(1.0, stop.set).start()
    assert member.take(100, long_s) == []
    assert stop.is_set()
    assert time.monotonic() - began_s < long_s
    member.close()


def test_a_commit_in_the_background_arrives(bench: Bench) -> None:
    bench.write("a", "b")
    first, _ = bench.join()
    take(first, lambda records: len(records) == 2)
    first.commit({(bench.topic, 0): Position(1)})
    first.commit({(bench.topic, 0): Position(2), ("another members", 0): Position(7)})
    take(first, lambda _: not first._commits._wanted and first._commits._outstanding is None)
    first.close()
    second, again = bench.join()
    take(second, lambda _: bool(again.assigned_at))
    assert again.assigned_at[bench.topic, 0] == Position(2)
    second.close()


def test_what_was_not_committed_any_more_is_begun_after_and_committed_by_the_next(bench: Bench, tmp_path: Path) -> None:
    place = (bench.topic, 0)
    bench.write("a", "b", "c")
    first, _ = bench.join(checkpoints=Checkpoints(tmp_path, "one"))
    take(first, lambda records: len(records) == 3)
    assert first.commit_last({place: Position(1)}, 5.0)
    first._commits.want({place: Position(2)})  # and no request of it is sent
    first.close()
    second, again = bench.join(checkpoints=Checkpoints(tmp_path, "one"))
    assert values(take(second, lambda records: len(records) == 1)) == ["c"]
    assert again.assigned_at[place] == Position(2)
    take(second, lambda _: not second._commits.unsettled)
    second.close()
    other, theirs = bench.join()
    take(other, lambda _: bool(theirs.assigned_at))
    assert theirs.assigned_at[place] == Position(2)
    assert other.commit_last({place: Position(1)}, 5.0)  # as an operator's reset would
    other.close()
    last, seen = bench.join(checkpoints=Checkpoints(tmp_path, "one"))
    take(last, lambda records: len(records) == 2)
    assert seen.assigned_at[place] == Position(1)
    last.close()


def test_where_the_log_no_longer_holds_the_next_record_reading_goes_on_at_its_beginning(bench: Bench) -> None:
    bench.write(*"abcdef")
    first, _ = bench.join()
    take(first, lambda records: len(records) == 6)
    assert first.commit_last({(bench.topic, 0): Position(1)}, 5.0)
    first.close()
    bench.forget_before(4, 0)
    second, again = bench.join()
    assert values(take(second, lambda records: len(records) == 2)) == ["e", "f"]
    assert again.assigned_at[bench.topic, 0] == Position(1)
    second.close()


def test_latest_skips_what_was_there_at_the_first_start_only(bench: Bench) -> None:
    bench.write("old")
    first, seen = bench.join(start="latest")
    take(first, lambda _: bool(seen.assigned_at))
    bench.write("new")
    assert values(take(first, bool)) == ["new"]
    first.close()  # nothing was committed since: the ends found at the first start were
    second, _ = bench.join(start="latest")
    assert values(take(second, bool)) == ["new"]
    second.close()


def test_a_partition_added_later_is_read_from_its_beginning_even_under_latest(bench: Bench) -> None:
    first, seen = bench.join(instance=None, start="latest")
    take(first, lambda _: bool(seen.assigned_at))
    first.close()
    admin = admin_client(bench.settings)
    for future in admin.create_partitions([NewPartitions(bench.topic, 3)]).values():
        future.result(10)
    # Whoever joins before the broker tells of it looks again half a minute later.
    deadline = time.monotonic() + 10
    while len(admin.list_topics(bench.topic, timeout=10).topics[bench.topic].partitions) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    bench.write("early", partition=2)
    second, _ = bench.join(instance=None, start="latest")
    assert values(take(second, bool)) == ["early"]
    second.close()


def test_a_second_member_takes_over_with_what_the_first_committed_while_it_left(bench: Bench) -> None:
    bench.write("a0", "b0", partition=0)
    bench.write("a1", "b1", partition=1)
    first, seen = bench.join(instance="one")
    take(first, lambda records: len(records) == 4)
    left: list[Mapping[Partition, Position]] = []
    seen.on_revoke = lambda gone: left.append(first.commit_now(dict.fromkeys(gone, Position(1)), 5.0))
    second, taken = bench.join(instance="two")
    records: list[Record] = []
    deadline = time.monotonic() + 20
    while not records and time.monotonic() < deadline:
        first.take(100, 0.02)
        records += second.take(100, 0.02)
    [place] = taken.assigned_at
    assert seen.gone == [place]
    assert left == [{}]
    assert values(records) == [f"b{place[1]}"]
    assert first.assignment == {(bench.topic, 1 - place[1])}
    second.close()
    first.close()


def test_a_paused_partition_gives_nothing_until_it_is_resumed(bench: Bench) -> None:
    first, seen = bench.join()
    take(first, lambda _: bool(seen.assigned_at))
    first.pause([(bench.topic, 0)])
    bench.write("held", partition=0)
    bench.write("free", partition=1)
    assert values(take(first, bool)) == ["free"]
    assert first.take(10, 0.3) == []
    first.resume([(bench.topic, 0), ("another members", 3)])
    assert values(take(first, bool)) == ["held"]
    first.close()


def test_a_partition_that_was_paused_when_it_left_is_not_when_it_comes_back(bench: Bench) -> None:
    first, seen = bench.join(instance=None)
    take(first, lambda _: len(seen.assigned_at) == 2)
    first.pause([(bench.topic, 0), (bench.topic, 1)])
    second, taken = bench.join(instance=None)
    deadline = time.monotonic() + 20
    while not taken.assigned_at and time.monotonic() < deadline:
        first.take(1, 0.05)
        second.take(1, 0.05)
    (gone,) = taken.assigned_at
    assert seen.gone == [gone]
    seen.assigned_at.clear()
    second.close()
    take(first, lambda _: gone in seen.assigned_at)
    bench.write("again", partition=gone[1])
    assert values(take(first, bool)) == ["again"]
    first.close()


def test_the_new_group_protocol_works_too(bench: Bench) -> None:
    bench.write("a")
    bench.settings = bench.settings.model_copy(update={"group_protocol": "consumer"})
    first, seen = bench.join()
    assert values(take(first, bool)) == ["a"]
    assert first.commit_last({(bench.topic, 0): Position(1)}, 5.0)
    first.close()
    second, again = bench.join()
    take(second, lambda _: bool(again.assigned_at))
    assert again.assigned_at[bench.topic, 0] == Position(1)
    second.close()
    assert seen.gone == []


def test_a_header_s_name_that_is_not_utf_8_stops_no_reader(bench: Bench) -> None:
    many = [str(number) for number in range(300)]  # so that CPython has specialized the calls when the odd one comes
    bench.write(*many)
    write(bench.settings.kafka["bootstrap.servers"], bench.topic, b"odd", [(b"\xff\xfe", b"v"), (b"fine", b"w")])
    bench.write("next")
    member, _ = bench.join()
    taken = take(member, lambda records: len(records) == 302)
    member.close()
    feed = Feed(bench.settings, bench.topic, over=lambda: False)
    feed.read_from([0, 0])
    followed: list[Record] = []
    while len(followed) < 302:
        followed += feed.take(400, 1.0)[0]
    feed.close()
    for records in (taken, followed, list(read_to_end(bench.settings, bench.topic))):
        assert [(each.value, each.headers, each.headers_readable) for each in records[300:]] == [
            (b"odd", (), False),
            (b"next", (), True),
        ]
