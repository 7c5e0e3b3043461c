"""Two processes under one name: Kafka lets the newest work, and the other one says what to do about it."""

import time
from collections.abc import Callable

import pytest

from consumer.kafka.client import NameTaken
from consumer.kafka.consumer import PartitionConsumer
from consumer.kafka.selection import Selection
from consumer.roles.leadership import Leadership
from consumer.settings import Settings
from tests.services.topics import MakeTopics

WITHIN_S = 20.0


class Nothing:
    """A listener that lets everything pass."""

    def assigned(self, positions: object) -> None: ...

    def revoked(self, partitions: object) -> None: ...

    def lost(self, partitions: object) -> None: ...

    def rewound(self, partition: object) -> None: ...


@pytest.fixture
def settings(kafka_bootstrap: str, topic_prefix: str, make_topics: MakeTopics) -> Settings:
    make_topics({topic_prefix + "orders": 2})
    return Settings(topic_prefix=topic_prefix, kafka={"bootstrap.servers": kafka_bootstrap})


def member(settings: Settings) -> PartitionConsumer:
    prefix = settings.topic_prefix
    topics = Selection(names=(prefix + "orders",))
    return PartitionConsumer(settings, group=prefix + "events", topics=topics, instance="one", listener=Nothing())


def leading(settings: Settings) -> Leadership:
    prefix = settings.topic_prefix
    return Leadership(settings, topic=prefix + "orders", group=prefix + "leads", instance="one")


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not done():
        assert time.monotonic() < deadline


def took(consumer: PartitionConsumer) -> int:
    consumer.take(10, 0.05)
    return len(consumer.assignment)


def test_a_name_used_twice_is_told_to_whom_it_was_taken_from(settings: Settings) -> None:
    first = member(settings)
    until(lambda: took(first) == 2)
    second = member(settings)
    with pytest.raises(NameTaken, match="another process has joined this group under this one's name"):
        until(lambda: took(second) + took(first) > 4)
    until(lambda: took(second) == 2)
    first.close()
    second.close()


def test_without_names_both_work(settings: Settings) -> None:
    dynamic = settings.model_copy(update={"membership": "dynamic"})
    first, second = member(dynamic), member(dynamic)
    until(lambda: (took(first), took(second)) == (1, 1))
    first.close()
    second.close()


def test_who_leads_hears_it_too(settings: Settings) -> None:
    first = leading(settings)
    until(lambda: first.held(0.05))
    second = leading(settings)
    with pytest.raises(NameTaken):
        until(lambda: second.held(0.05) and first.held(0.05) and False)
    until(lambda: second.held(0.05))
    first.close()
    second.close()
