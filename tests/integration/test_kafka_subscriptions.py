from dataclasses import replace

import pytest

from consumer.kafka import subscriptions
from consumer.kafka.client import KafkaBroken
from consumer.kafka.topics import Topics
from consumer.kafka.writing import NewRecord, write_now
from consumer.settings import Settings
from consumer.webhooks.subscription import PayloadFormat, SealedSecret, SigningProfile, Subscription
from tests.services.topics import MakeTopics

FIRST = Subscription(
    id="wh_1",
    tenant="acme",
    brand="hookline",
    url="https://example.com/hook",
    secret=SealedSecret(key_id="k", sealed=b"sealed"),
    signing=SigningProfile.STANDARD,
    payload_format=PayloadFormat.STANDARD,
    created_at_ms=1,
    updated_at_ms=1,
)


@pytest.fixture
def settings(kafka_bootstrap: str, topic_prefix: str) -> Settings:
    return Settings(kafka={"bootstrap.servers": kafka_bootstrap}, topic_prefix=topic_prefix)


def test_what_was_written_is_read_until_it_is_deleted(settings: Settings, make_topics: MakeTopics) -> None:
    make_topics({Topics.of(settings).subscriptions: 3}, {"cleanup.policy": "compact"})
    assert subscriptions.read_all(settings) == {}
    other = replace(FIRST, id="wh_2")
    changed = replace(FIRST, name="renamed", revision=2, changes=1)
    late = replace(FIRST, name="too late", revision=2, changes=1)
    for each in (FIRST, other, changed, late):
        subscriptions.write(settings, each)
    assert subscriptions.read_all(settings) == {"wh_1": changed, "wh_2": other}
    subscriptions.delete(settings, "wh_2", "acme", 1)
    assert subscriptions.read_all(settings) == {"wh_1": changed}


def test_a_record_that_is_no_subscription_does_not_hide_the_others(settings: Settings, make_topics: MakeTopics) -> None:
    topic = Topics.of(settings).subscriptions
    make_topics({topic: 1}, {"cleanup.policy": "compact"})
    write_now(
        settings, [NewRecord(topic=topic, key=b"x", value=b"garbage"), NewRecord(topic=topic, key=b"y", value=None)]
    )
    subscriptions.write(settings, FIRST)
    assert subscriptions.read_all(settings) == {"wh_1": FIRST}


def test_a_topic_that_does_not_exist_is_told(settings: Settings) -> None:
    with pytest.raises(KafkaBroken, match="hookline topics create"):
        subscriptions.read_all(settings)
