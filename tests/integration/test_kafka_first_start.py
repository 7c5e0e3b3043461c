"""The first start of a group on topics that hold records: who runs it has to say what becomes of them."""

import time
from contextlib import closing

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from consumer.delivery.offsets import Partition, Position
from consumer.kafka import stamps
from consumer.kafka.client import AccessDenied, KafkaBroken
from consumer.kafka.committed import committed
from consumer.kafka.first_start import decided
from consumer.kafka.group_offsets import GroupOffsets
from consumer.kafka.selection import event_topics
from consumer.kafka.topics import TopicsUnfit, admin_client
from consumer.roles import first_look as module
from consumer.roles.first_look import first_look
from consumer.roles.role import Role
from consumer.settings import ConfigurationError, Settings
from tests.acceptance.deadline import until
from tests.services.topics import MakeTopics

SINCE_MS = 1_790_000_000_123


@pytest.fixture
def settings(kafka_bootstrap: str, topic_prefix: str, make_topics: MakeTopics) -> Settings:
    """An expression that matches two topics, the first with three partitions."""
    make_topics({topic_prefix + "of.orders": 3, topic_prefix + "of.empty": 1})
    return Settings(
        topic_prefix=topic_prefix,
        event_topics=(f"^{topic_prefix}of",),
        kafka={"bootstrap.servers": kafka_bootstrap},
    )


def write(settings: Settings, *places: tuple[int, int]) -> None:
    """A record on each partition, at each time."""
    producer = Producer({"bootstrap.servers": settings.kafka["bootstrap.servers"]})
    for partition, time_ms in places:
        producer.produce(settings.topic_prefix + "of.orders", b"{}", partition=partition, timestamp=time_ms)
    assert producer.flush(10) == 0


def forget(settings: Settings, *places: tuple[int, int]) -> None:
    """The records of a partition before an offset."""
    topic, admin = settings.topic_prefix + "of.orders", admin_client(settings)
    for done in admin.delete_records([TopicPartition(topic, *place) for place in places]).values():
        done.result(10)


def ask(settings: Settings) -> None:
    """As the role does: a broker that has just begun, and knows of no groups yet, is asked again."""
    until_s = time.monotonic() + 30
    while True:
        try:
            decided(settings, event_topics(settings), settings.topic_prefix + "events")
        except AccessDenied:
            raise
        except KafkaBroken:
            if time.monotonic() > until_s:
                raise
        else:
            return


def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WITHIN_S", 60.0)


def begun(settings: Settings) -> dict[Partition, Position]:
    """What is committed of these very topics."""
    topics = [settings.topic_prefix + name for name in ("of.orders", "of.empty")]
    return committed(settings, settings.topic_prefix + "events", topics)


def test_what_has_to_be_mended_is_told_before_any_process_starts(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient(monkeypatch)
    told = first_look(settings, [Role.PROJECTION, Role.DELIVER])
    assert isinstance(told, TopicsUnfit)
    topics = {problem.topic for problem in told.problems}
    assert {settings.topic_prefix + "subscriptions", settings.topic_prefix + "attempts"} <= topics
    write(settings, (0, SINCE_MS))
    with pytest.raises(ConfigurationError):
        ask(settings)
    undecided = first_look(settings.model_copy(update={"create_topics": True}), [Role.PROJECTION, Role.DELIVER])
    assert isinstance(undecided, ConfigurationError)
    assert undecided.field == "HOOKLINE_START"
    assert first_look(settings, [Role.PROJECTION]) is None


def test_records_that_nobody_decided_about_are_told_with_the_choices(settings: Settings) -> None:
    write(settings, (0, SINCE_MS + 5_000), (2, SINCE_MS), (2, SINCE_MS + 9_000))
    with pytest.raises(ConfigurationError) as told:
        ask(settings)
    assert told.value.field == "HOOKLINE_START"
    assert f"{settings.topic_prefix}of.orders: 3 records, since 2026-09-21 14:13:20 UTC" in str(told.value)
    assert "earliest delivers all of them" in str(told.value)
    assert "of.empty" not in str(told.value)
    for start in ("earliest", "latest"):
        ask(settings.model_copy(update={"start": start}))


def test_a_group_that_has_committed_anything_has_started_before(settings: Settings) -> None:
    write(settings, (0, SINCE_MS))
    group = {"bootstrap.servers": settings.kafka["bootstrap.servers"], "group.id": settings.topic_prefix + "events"}
    member = Consumer(group)
    member.commit(offsets=[TopicPartition(settings.topic_prefix + "of.empty", 0, 0)], asynchronous=False)
    member.close()
    ask(settings)


def test_topics_that_were_found_empty_stay_decided_when_a_record_comes_before_the_group(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient(monkeypatch)
    write(settings, (0, SINCE_MS), (0, SINCE_MS), (2, SINCE_MS))
    forget(settings, (0, 2), (2, 1))
    ask(settings)  # nothing is there any more
    orders, empty = settings.topic_prefix + "of.orders", settings.topic_prefix + "of.empty"
    begins = {(orders, 0): Position(2), (orders, 1): Position(0), (orders, 2): Position(1), (empty, 0): Position(0)}
    assert begun(settings) == begins
    with closing(GroupOffsets(settings, settings.topic_prefix + "events")) as offsets:
        assert all(stamps.read(place.metadata or "")[0] for place in offsets.read(begins, 10.0))
    write(settings, (0, SINCE_MS), (1, SINCE_MS))
    ask(settings)
    assert first_look(settings.model_copy(update={"create_topics": True}), [Role.PROJECTION, Role.DELIVER]) is None
    assert begun(settings) == begins  # nothing is committed over it


def test_a_begin_is_never_committed_over_what_a_member_does(settings: Settings) -> None:
    topic = settings.topic_prefix + "of.empty"
    member = Consumer(
        {"bootstrap.servers": settings.kafka["bootstrap.servers"], "group.id": settings.topic_prefix + "events"}
    )
    member.subscribe([topic])
    until(lambda: member.poll(0.05) is None and bool(member.assignment()), within_s=30, missing=lambda: "a partition")
    with closing(GroupOffsets(settings, settings.topic_prefix + "events")) as offsets:
        offsets.begin({(topic, 0): 0}, {}, 10.0)
        assert offsets.read([(topic, 0)], 10.0) == []
    member.close()
