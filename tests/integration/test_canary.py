"""Canaries against Kafka: written by who seals, checked by who opens."""

import base64
import os
import threading
import time
from pathlib import Path

import pytest
from pydantic import SecretStr

from consumer.brands.loader import brand
from consumer.control import canary
from consumer.kafka import topics
from consumer.kafka.reading import read_to_end
from consumer.kafka.topics import Topics
from consumer.kafka.writing import NewRecord, write_now
from consumer.roles import retry
from consumer.settings import ConfigurationError, Settings
from consumer.webhooks.draft import create
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.record import rewrite_of
from consumer.webhooks.wishes import Wishes
from tests.services.topics import MakeTopics


def entry(key_id: str, filled_with: int) -> SecretStr:
    return SecretStr(f"{key_id}:{base64.b64encode(bytes([filled_with] * 32)).decode()}")


@pytest.fixture
def settings(kafka_bootstrap: str, redis_url: str, topic_prefix: str, tmp_path: Path) -> Settings:
    return Settings(
        kafka={"bootstrap.servers": kafka_bootstrap},
        topic_prefix=topic_prefix,
        redis_url=SecretStr(redis_url),
        encryption_keys=(entry("k1", 1),),
        partitions=2,
        state_dir=tmp_path / "state",
    )


@pytest.fixture
def state(settings: Settings, make_topics: MakeTopics) -> str:
    name = Topics.of(settings).state
    make_topics({name: 2}, {"cleanup.policy": "compact"})
    return name


def with_keys(settings: Settings, *entries: SecretStr) -> Settings:
    return settings.model_copy(update={"encryption_keys": entries})


def check(settings: Settings) -> None:
    canary.check(settings, Keyring.from_settings(settings))


def test_a_key_is_bound_to_its_id_at_its_first_use(settings: Settings, state: str) -> None:
    check(settings)
    assert list(read_to_end(settings, state)) == []
    canary.sealing_keyring(settings)
    canary.sealing_keyring(settings)
    assert [record.key for record in read_to_end(settings, state)] == [b"canary:k1"]
    check(settings)

    check(with_keys(settings, entry("k2", 2), entry("k1", 1)))
    for wrong in (with_keys(settings, entry("k1", 2)), with_keys(settings, entry("k2", 2), entry("k1", 3))):
        with pytest.raises(ConfigurationError, match="HOOKLINE_ENCRYPTION_KEYS: the key 'k1'"):
            check(wrong)
        with pytest.raises(ConfigurationError, match="HOOKLINE_ENCRYPTION_KEYS: the key 'k1'"):
            canary.sealing_keyring(wrong)
    assert len(list(read_to_end(settings, state))) == 1


def test_a_wrong_key_never_becomes_the_one_its_id_names(
    settings: Settings, state: str, make_topics: MakeTopics
) -> None:
    topic = Topics.of(settings).subscriptions
    make_topics({topic: 2}, {"cleanup.policy": "compact"})
    webhook, _ = create(
        Wishes(tenant="acme", url="https://a.example/", brand="hookline"),
        brand=brand("hookline"),
        keyring=Keyring.from_settings(settings),
        now_ms=1,
        new_id=lambda: "wh_1",
        entropy=os.urandom,
    )
    new = rewrite_of(webhook)
    write_now(settings, [NewRecord(topic=topic, key=new.key, value=new.value)])
    with pytest.raises(ConfigurationError, match="HOOKLINE_ENCRYPTION_KEYS: the key 'k1'"):
        canary.sealing_keyring(with_keys(settings, entry("k2", 2), entry("k1", 9)))
    assert list(read_to_end(settings, state)) == []
    canary.sealing_keyring(settings)


def test_a_state_topic_that_does_not_exist_yet_holds_nothing_against_anybody(settings: Settings) -> None:
    check(settings)
    canary.sealing_keyring(settings)


def test_a_role_that_opens_secrets_does_not_start_with_a_wrong_key(settings: Settings) -> None:
    topics.create(topics.admin_client(settings), settings)
    canary.sealing_keyring(settings)
    with pytest.raises(ConfigurationError, match="HOOKLINE_ENCRYPTION_KEYS: the key 'k1'"):
        retry.main(with_keys(settings, entry("k1", 9)), threading.Event(), 0)


def test_a_start_reads_a_long_state_topic_once_and_fast(settings: Settings, state: str) -> None:
    write_now(
        settings, [NewRecord(topic=state, key=f"replay:{number}".encode(), value=bytes(60)) for number in range(20_000)]
    )
    canary.sealing_keyring(settings)
    began_s = time.monotonic()
    check(settings)
    assert time.monotonic() - began_s < 5.0
    with pytest.raises(ConfigurationError):
        check(with_keys(settings, entry("k1", 2)))
