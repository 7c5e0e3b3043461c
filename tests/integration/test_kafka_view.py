"""Following a topic, writing to it from many threads, and asking where it ends, on real Kafka."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from confluent_kafka import KafkaError

from consumer.events.event import Record
from consumer.kafka import topic_watch
from consumer.kafka.client import KafkaBroken
from consumer.kafka.ends import EndsReader
from consumer.kafka.newer import NewerRecord
from consumer.kafka.reading import read_to_end
from consumer.kafka.topic_writer import Place, TopicWriter
from consumer.kafka.topics import admin_client
from consumer.kafka.view import TopicView
from consumer.kafka.writing import NewRecord, write_now
from consumer.settings import ConfigurationError, Settings
from tests.services.topics import MakeTopics


class Seen:
    """Remembers every record it was given."""

    def __init__(self, poison: bytes | None = None) -> None:
        self.records: list[Record] = []
        self._poison = poison

    def apply(self, record: Record) -> None:
        if record.value is not None and record.value == self._poison:
            raise ZeroDivisionError
        self.records.append(record)

    def forget(self) -> None:
        self.records.clear()


@pytest.fixture
def settings(kafka_bootstrap: str, topic_prefix: str) -> Settings:
    return Settings(kafka={"bootstrap.servers": kafka_bootstrap}, topic_prefix=topic_prefix)


@pytest.fixture
def topic(settings: Settings, make_topics: MakeTopics) -> str:
    make_topics({settings.topic_prefix + "x": 3}, {"max.message.bytes": "5000"})
    return settings.topic_prefix + "x"


@contextmanager
def viewing(settings: Settings, topic: str, *folds: Seen) -> Iterator[TopicView]:
    view = TopicView(settings, topic, *folds)
    view.start()
    try:
        yield view
    finally:
        view.close()


@pytest.fixture
def writer(settings: Settings) -> Iterator[TopicWriter]:
    made = TopicWriter(settings)
    yield made
    made.close()


def new(topic: str, number: int, size: int = 0) -> NewRecord:
    return NewRecord(topic=topic, key=b"k%d" % number, value=b"v%d" % number + size * b"x", headers=(("a", b"1"),))


def test_a_writer_tells_each_thread_where_its_own_record_is(
    settings: Settings, topic: str, writer: TopicWriter
) -> None:
    with ThreadPoolExecutor(16) as pool:
        places = list(pool.map(lambda number: writer.write(new(topic, number)).result(10), range(200)))
    there = {Place(partition=each.partition, offset=each.offset): each for each in read_to_end(settings, topic)}
    assert len(there) == 200
    for number, place in enumerate(places):
        assert (there[place].key, there[place].value) == (b"k%d" % number, b"v%d" % number)
        assert there[place].headers == (("a", b"1"),)


def test_what_a_topic_refuses_is_broken_and_the_others_are_written(topic: str, writer: TopicWriter) -> None:
    with pytest.raises(KafkaBroken) as told:
        writer.write(NewRecord(topic=topic, key=b"k", value=bytes(range(256)) * 40_000)).result(10)
    assert told.value.code == "MSG_SIZE_TOO_LARGE"
    assert writer.write(new(topic, 1)).result(10).offset == 0


def test_after_a_fatal_error_a_new_producer_writes(topic: str, writer: TopicWriter) -> None:
    first: threading.Event = threading.Event()
    writer.write(new(topic, 1)).add_done_callback(lambda _: first.set())
    assert first.wait(10)
    broken = writer._producer
    writer._fatal = KafkaError(KafkaError._FATAL, "fenced", fatal=True)
    until_s = time.monotonic() + 10
    while writer._producer is broken:
        assert time.monotonic() < until_s
        time.sleep(0.01)
    assert writer.write(new(topic, 1)).result(10).offset == 1


def test_a_closed_writer_has_written_everything(settings: Settings, topic: str) -> None:
    writer = TopicWriter(settings)
    written = [writer.write(new(topic, number)) for number in range(50)]
    writer.close()
    assert all(each.done() and each.exception() is None for each in written)


def test_a_writers_acknowledgement_is_not_the_users_to_weaken(settings: Settings) -> None:
    weak = settings.model_copy(update={"kafka": settings.kafka | {"acks": "1"}})
    with pytest.raises(ConfigurationError, match="HOOKLINE_KAFKA_ACKS"):
        TopicWriter(weak)


def test_every_fold_is_given_every_record_once_in_its_partitions_order(settings: Settings, topic: str) -> None:
    write_now(settings, [new(topic, number) for number in range(300)])
    first, second = Seen(), Seen()
    with viewing(settings, topic, first, second) as view:
        ends = EndsReader(settings, [topic]).read(10)[topic]
        assert sum(ends.values()) == 300
        assert view.reached(ends, 10)
        assert view.ready
        write_now(settings, [new(topic, number) for number in range(300, 400)])
        assert view.reached(EndsReader(settings, [topic]).read(10)[topic], 10)
    assert first.records == second.records
    assert Counter(each.key for each in first.records) == Counter(b"k%d" % number for number in range(400))
    for partition in range(3):
        offsets = [each.offset for each in first.records if each.partition == partition]
        assert offsets == list(range(len(offsets)))


def test_what_is_not_there_is_not_reached(settings: Settings, topic: str) -> None:
    with viewing(settings, topic, Seen()) as view:
        assert view.reached({0: 0, 1: 0, 2: 0}, 10)
        assert not view.reached({0: 1}, 0.05)
        assert not view.reached({7: 0}, 0.05)
        assert view.reached({0: 0, 1: 0, 2: 0}, 10)


def test_a_fold_with_a_bug_is_told_where_it_is_waited_for(settings: Settings, topic: str) -> None:
    with viewing(settings, topic, Seen(poison=b"v0")) as view:
        assert view.reached({0: 0, 1: 0, 2: 0}, 10)
        write_now(settings, [new(topic, 0)])
        with pytest.raises(ZeroDivisionError):
            view.reached({0: 1, 1: 1, 2: 1}, 10)
        assert not view.ready


def test_a_topic_that_is_not_there_yet_is_waited_for(
    settings: Settings, topic_prefix: str, make_topics: MakeTopics
) -> None:
    topic = topic_prefix + "late"
    seen = Seen()
    with viewing(settings, topic, seen) as view:
        assert not view.reached({0: 0}, 0.3)
        with pytest.raises(KafkaBroken, match="hookline topics create"):
            EndsReader(settings, [topic]).read(1.0)
        make_topics({topic: 1})
        write_now(settings, [new(topic, 1)])
        assert view.reached({0: 1}, 10)
    assert [each.value for each in seen.records] == [b"v1"]


def test_a_topic_made_anew_is_folded_from_its_beginning_however_long_it_is(
    settings: Settings, topic: str, make_topics: MakeTopics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topic_watch, "_EVERY_S", 0.05)
    write_now(settings, [new(topic, number) for number in range(20)])
    seen = Seen()
    admin = admin_client(settings)
    with viewing(settings, topic, seen) as view:
        deadline = time.monotonic() + 20
        while not (view.ready and view._topic_id) and time.monotonic() < deadline:
            time.sleep(0.02)
        admin.delete_topics([topic])[topic].result(10)
        while topic in admin.list_topics(timeout=10).topics:
            time.sleep(0.02)
        make_topics({topic: 3})
        write_now(settings, [new(topic, number) for number in range(100, 200)])
        wanted = Counter(b"v%d" % number for number in range(100, 200))
        while Counter(record.value for record in seen.records) != wanted and time.monotonic() < deadline:
            time.sleep(0.02)
        assert Counter(record.value for record in seen.records) == wanted


def test_the_ends_are_those_of_every_topic_that_was_asked_for(
    settings: Settings, topic: str, make_topics: MakeTopics
) -> None:
    other = settings.topic_prefix + "y"
    make_topics({other: 1})
    reader = EndsReader(settings, [topic, other])
    assert reader.read(10) == {topic: {0: 0, 1: 0, 2: 0}, other: {0: 0}}
    write_now(settings, [new(other, 1), new(other, 2)])
    assert reader.read(10)[other] == {0: 2}


def test_the_ends_of_a_broker_that_is_away_are_not_waited_for_longer_than_asked(settings: Settings) -> None:
    away = settings.model_copy(update={"kafka": {"bootstrap.servers": "127.0.0.1:1"}})
    began_s = time.monotonic()
    with pytest.raises(KafkaBroken):
        EndsReader(away, ["x"]).read(0.5)
    assert time.monotonic() - began_s < 5


def is_ready(view: TopicView) -> bool:
    return view.ready


def test_it_stands_still_before_what_a_newer_version_wrote_and_says_so(settings: Settings, topic: str) -> None:
    known, newer = NewRecord(topic=topic, key=b"k", value=b"known"), b"\xc3\x01of later" + b"and more"
    write_now(settings, [known])
    seen = Seen()
    with viewing(settings, topic, seen) as view:
        ends = EndsReader(settings, [topic]).read(10)[topic]
        assert view.reached(ends, 20)
        assert is_ready(view)
        write_now(settings, [NewRecord(topic=topic, key=b"k", value=newer), known])
        further = EndsReader(settings, [topic]).read(10)[topic]
        with pytest.raises(NewerRecord, match="a newer Hookline wrote"):
            view.reached(further, 20)
        assert not is_ready(view)
    assert [record.value for record in seen.records] == [b"known"]
