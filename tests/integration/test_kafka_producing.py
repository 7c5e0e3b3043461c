import random
import time

import pytest
from confluent_kafka import KafkaError
from msgspec.structs import replace

from consumer.kafka.attempt_log import AttemptLog
from consumer.kafka.producer import Acknowledged, Produced, RecordProducer, Refused
from consumer.kafka.reading import read_to_end
from consumer.kafka.records import Replay, decode_attempt, encode_attempt
from consumer.kafka.replayed import read_replays, replay_record
from consumer.kafka.topics import Topics
from consumer.kafka.writing import write_now
from consumer.settings import Settings
from tests.attempts import plain
from tests.services.kafka import Kafka
from tests.services.topics import MakeTopics, create_topics


@pytest.fixture
def settings(kafka_bootstrap: str, topic_prefix: str) -> Settings:
    return Settings(kafka={"bootstrap.servers": kafka_bootstrap}, topic_prefix=topic_prefix)


def produced(producer: RecordProducer, within_s: float = 20.0) -> dict[int, Produced]:
    """What came back until nothing is pending; no token twice."""
    answers: dict[int, Produced] = {}
    until = time.monotonic() + within_s
    while producer.pending and time.monotonic() < until:
        for answer in producer.poll():
            assert answer.token not in answers
            answers[answer.token] = answer
        time.sleep(0.005)
    return answers


def test_every_record_is_acknowledged_with_the_brokers_time_or_refused(
    settings: Settings, make_topics: MakeTopics
) -> None:
    delayed, chosen, compacted = (settings.topic_prefix + name for name in ("delayed", "chosen", "compacted"))
    make_topics({delayed: 2}, {"message.timestamp.type": "LogAppendTime", "max.message.bytes": "2000"})
    make_topics({chosen: 1})
    make_topics({compacted: 1}, {"cleanup.policy": "compact"})
    producer = RecordProducer(settings)
    now_ms = time.time() * 1000
    producer.write(1, topic=delayed, key=b"k", value=b"v", headers=[("a", None), ("b", b"\xff"), ("a", b"2")])
    producer.write(2, topic=chosen, key=None, value=b"v")
    producer.write(3, topic=delayed, key=b"k", value=_incompressible(10_000))
    producer.write(4, topic=compacted, key=None, value=b"v")
    answers = produced(producer)
    acknowledged = answers[1]
    assert isinstance(acknowledged, Acknowledged)
    assert acknowledged.timestamp_ms is not None
    assert abs(acknowledged.timestamp_ms - now_ms) < 20_000
    assert answers[2] == Acknowledged(token=2, timestamp_ms=None, place=(chosen, 0, 0))
    assert isinstance(answers[3], Refused)
    assert isinstance(answers[4], Refused)
    [record] = read_to_end(settings, delayed)
    assert (record.key, record.value) == (b"k", b"v")
    assert record.headers == (("a", None), ("b", b"\xff"), ("a", b"2"))


def test_a_full_queue_is_told_and_loses_nothing(settings: Settings, make_topics: MakeTopics) -> None:
    topic = settings.topic_prefix + "many"
    make_topics({topic: 1})
    small = settings.model_copy(update={"kafka": settings.kafka | {"queue.buffering.max.messages": "100"}})
    producer = RecordProducer(small)
    for token in range(1_000):
        producer.write(token, topic=topic, key=b"k", value=b"%d" % token)
    full = producer.full
    assert full
    assert producer.close(20) == 0
    assert {answer.token for answer in producer.poll()} == set(range(1_000))
    assert not producer.full
    assert [record.value for record in read_to_end(settings, topic)] == [b"%d" % token for token in range(1_000)]


def test_after_a_fatal_error_a_new_producer_writes_what_was_not_acknowledged(
    settings: Settings, make_topics: MakeTopics
) -> None:
    topic = settings.topic_prefix + "fatal"
    make_topics({topic: 1})
    slow = settings.model_copy(update={"kafka": settings.kafka | {"linger.ms": "3000"}})
    producer = RecordProducer(slow)
    for token in range(10):
        producer.write(token, topic=topic, key=b"k", value=b"%d" % token)
    # librdkafka's own way to try this is not bound in Python: an answer of the kind that it gives then.
    producer._failed(producer._unacknowledged._writes[4], KafkaError(KafkaError._FATAL, "fenced", fatal=True))
    answers = produced(producer)
    assert answers.keys() == set(range(10))
    assert {record.value for record in read_to_end(settings, topic)} == {b"%d" % token for token in range(10)}


def test_a_broker_that_goes_and_comes_back_costs_time_only(private_kafka: Kafka) -> None:
    settings = Settings(kafka={"bootstrap.servers": private_kafka.bootstrap}, topic_prefix="p.")
    create_topics(private_kafka.bootstrap, {"p.x": 1, "p.attempts": 1})
    producer, log = RecordProducer(settings), AttemptLog(settings)
    producer.write(0, topic="p.x", key=b"k", value=b"before")
    assert isinstance(produced(producer)[0], Acknowledged)
    private_kafka.pause()
    time.sleep(0.5)  # a signal takes effect when each of the broker's threads has had it
    producer.write(1, topic="p.x", key=b"k", value=b"during")
    log.write(b"wh_1", encode_attempt(plain))
    ticket = log.ticket()
    assert producer.close(0.5) == 1
    assert log.close(0.5) == 1
    assert not log.has(ticket)
    private_kafka.resume()
    assert isinstance(produced(producer)[1], Acknowledged)
    assert log.close(20) == 0
    assert log.has(ticket)


def test_when_the_log_has_a_ticket_everything_before_it_is_in_the_log(
    settings: Settings, make_topics: MakeTopics
) -> None:
    topic = Topics.of(settings).attempts
    make_topics({topic: 2})
    log = AttemptLog(settings)
    written = 0
    for _ in range(3):
        for _ in range(500):
            log.write(b"wh_1", encode_attempt(plain))
            written += 1
        ticket = log.ticket()
        log.write(b"wh_1", encode_attempt(plain))  # after the ticket: may be there or not
        until = time.monotonic() + 10
        while not log.has(ticket) and time.monotonic() < until:
            log.poll()
            time.sleep(0.002)
        assert log.has(ticket)
        assert len(list(read_to_end(settings, topic))) >= written
        written += 1
    assert log.close(10) == 0
    assert len(list(read_to_end(settings, topic))) == written


def test_an_attempt_too_large_for_the_topic_is_logged_without_its_bodies(
    settings: Settings, make_topics: MakeTopics
) -> None:
    topic = Topics.of(settings).attempts
    make_topics({topic: 1}, {"max.message.bytes": "3000"})
    log = AttemptLog(settings)
    small = encode_attempt(plain)
    log.write(b"wh_1", small)
    large = encode_attempt(replace(plain, number=2, request_body=_incompressible(25_600)))
    log.write(b"wh_1", large)
    assert log.close(10) == 0
    logged = [decode_attempt(record.value) for record in read_to_end(settings, topic) if record.value is not None]
    assert sorted((attempt.number, attempt.request_body) for attempt in logged) == [(1, b"{}"), (2, b"")]


def test_replay_counts_are_read_back_the_latest_of_each(settings: Settings, make_topics: MakeTopics) -> None:
    make_topics({Topics.of(settings).jobs: 2}, {"cleanup.policy": "compact"})
    assert read_replays(settings) == {}
    first, second, other = (
        Replay(delivery_id=name, generation=generation, at_ms=generation)
        for name, generation in (("a", 1), ("a", 2), ("b", 1))
    )
    write_now(settings, [replay_record(settings, replay) for replay in (first, other)])
    write_now(settings, [replay_record(settings, second)])
    assert read_replays(settings) == {"a": second, "b": other}


def _incompressible(length: int) -> bytes:
    """The topic's limit counts compressed bytes."""
    return random.Random(1).randbytes(length)
