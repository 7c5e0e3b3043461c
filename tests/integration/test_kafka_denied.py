"""A missing ACL is said as what it is: the operation and the resource, as configuration."""

import os
import time
from collections.abc import Callable

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from consumer.cli.exits import code_of
from consumer.kafka import topic_watch
from consumer.kafka.client import AccessDenied, KafkaBroken
from consumer.kafka.consumer import PartitionConsumer
from consumer.kafka.producer import RecordProducer
from consumer.kafka.reading import read_to_end
from consumer.kafka.selection import Selection, event_topics
from consumer.kafka.topics import require
from consumer.replay.ledger import Ledger
from consumer.settings import ConfigurationError, Settings
from tests.services.topics import MakeTopics

Forbid = Callable[[ResourceType, str, AclOperation], None]


class Nothing:
    """A listener that has nothing to do."""

    def assigned(self, partitions: object) -> None: ...

    revoked = lost = rewound = assigned


@pytest.fixture
def forbid(kafka_bootstrap: str) -> Forbid:
    def forbid(kind: ResourceType, name: str, operation: AclOperation) -> None:
        admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
        # What any ACL names is nobody's by default.
        rules = [(AclOperation.ALL, AclPermissionType.ALLOW), (operation, AclPermissionType.DENY)]
        acls = [
            AclBinding(kind, name, ResourcePatternType.LITERAL, "User:ANONYMOUS", "*", what, whether)
            for what, whether in rules
        ]
        for made in admin.create_acls(acls).values():
            made.result(10)

    return forbid


@pytest.fixture
def settings(
    kafka_bootstrap: str, topic_prefix: str, make_topics: MakeTopics, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    monkeypatch.setattr(topic_watch, "_EVERY_S", 0.05)
    orders, secret = topic_prefix + "orders", topic_prefix + "secret"
    make_topics({orders: 1, secret: 1})
    return Settings(
        kafka={"bootstrap.servers": kafka_bootstrap}, topic_prefix=topic_prefix, event_topics=(orders, secret)
    )


def member_of(settings: Settings, topics: Selection) -> PartitionConsumer:
    group = settings.topic_prefix + "events"
    return PartitionConsumer(settings, group=group, topics=topics, instance=None, listener=Nothing())


def refused(act: Callable[[], object]) -> AccessDenied:
    """What is raised within 20 s. An ACL is known to the broker a moment after it was made."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            act()
        except AccessDenied as error:
            return error
        time.sleep(0.02)
    raise AssertionError("nothing was refused")


def test_it_ends_a_process_and_a_command_with_78_and_a_request_with_503() -> None:
    error = AccessDenied("allow this user everything", code="TOPIC_AUTHORIZATION_FAILED")
    assert isinstance(error, ConfigurationError)
    assert isinstance(error, KafkaBroken)
    assert code_of(error) == os.EX_CONFIG


def test_a_group_that_may_not_be_read(settings: Settings, forbid: Forbid) -> None:
    forbid(ResourceType.GROUP, settings.topic_prefix + "events", AclOperation.READ)
    member = member_of(settings, event_topics(settings))
    error = refused(lambda: member.take(10, 0.05))
    assert f"Kafka's ACLs: allow this user READ on group {settings.topic_prefix}events" in str(error)
    member.close()


@pytest.mark.parametrize("operation", [AclOperation.READ, AclOperation.DESCRIBE])
def test_an_event_topic_that_may_not_be_read_stops_none_of_the_others(
    settings: Settings, forbid: Forbid, operation: AclOperation, capsys: pytest.CaptureFixture[str]
) -> None:
    orders, secret = settings.event_topics
    forbid(ResourceType.TOPIC, secret, operation)
    member = member_of(settings, event_topics(settings))
    producer = RecordProducer(settings, idempotent=False)
    producer.write(1, topic=orders, key=None, value=b"order")
    assert producer.close(10) == 0
    seen: list[bytes | None] = []
    said = ""
    deadline = time.monotonic() + 20
    while not (seen and secret in said) and time.monotonic() < deadline:
        seen += [record.value for record in member.take(10, 0.05)]
        said += capsys.readouterr().out
    assert seen == [b"order"]
    assert secret in said
    member.close()


def test_a_topic_of_ours_that_may_not_be_read(settings: Settings, forbid: Forbid) -> None:
    ours = Selection(names=settings.event_topics[1:])
    forbid(ResourceType.TOPIC, ours.names[0], AclOperation.READ)
    member = member_of(settings, ours)
    producer = RecordProducer(settings, idempotent=False)
    producer.write(1, topic=ours.names[0], key=None, value=b"ours")
    assert producer.close(10) == 0
    assert ours.names[0] in str(refused(lambda: member.take(10, 0.05)))
    member.close()
    error = refused(lambda: list(read_to_end(settings, ours.names[0])))
    assert f"READ on topic {ours.names[0]}" in str(error)


def test_a_topic_of_ours_that_may_not_be_described_is_not_told_as_missing(settings: Settings, forbid: Forbid) -> None:
    name = settings.event_topics[0]
    forbid(ResourceType.TOPIC, settings.topic_prefix + "state", AclOperation.DESCRIBE)
    needed = frozenset({settings.topic_prefix + "state"})
    error = refused(lambda: require(settings.model_copy(update={"event_topics": (name,)}), needed))
    assert f"DESCRIBE, READ and WRITE on topic {settings.topic_prefix}state" in str(error)


@pytest.mark.parametrize("idempotent", [True, False])
def test_a_topic_that_may_not_be_written(settings: Settings, forbid: Forbid, idempotent: bool) -> None:
    topic = settings.event_topics[0]
    forbid(ResourceType.TOPIC, topic, AclOperation.WRITE)
    producer = RecordProducer(settings, idempotent=idempotent)
    producer.write(1, topic=topic, key=None, value=b"x")
    assert f"WRITE on topic {topic}" in str(refused(producer.poll))


def test_a_transactional_id_that_may_not_be_written(settings: Settings, forbid: Forbid) -> None:
    name = settings.topic_prefix + "replay"
    forbid(ResourceType.TRANSACTIONAL_ID, name, AclOperation.WRITE)
    error = refused(lambda: Ledger.open(settings, sealing=None))
    assert f"WRITE and DESCRIBE on transactional id {name}" in str(error)
