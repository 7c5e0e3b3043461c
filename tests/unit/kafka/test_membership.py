from dataclasses import replace

import pytest
from confluent_kafka import Consumer

from consumer.kafka.membership import AT_ONCE, GATHERED, Fetch, consumer_properties
from consumer.settings import ConfigurationError, Settings


def settings(protocol: str = "classic", **properties: str) -> Settings:
    kafka = {"bootstrap.servers": "kafka:9092"} | {name.replace("_", "."): value for name, value in properties.items()}
    return Settings.model_validate({"kafka": kafka, "group_protocol": protocol})


@pytest.mark.parametrize("fetch", [AT_ONCE, GATHERED])
def test_a_fetch_waits_as_asked_unless_the_user_says_otherwise(fetch: Fetch) -> None:
    asked = consumer_properties(settings(), group="g", instance=None, fetch=fetch)
    assert (asked["fetch.min.bytes"], asked["fetch.wait.max.ms"]) == (fetch.min_bytes, fetch.wait_ms)
    users = consumer_properties(settings(fetch_min_bytes="7"), group="g", instance=None, fetch=fetch)
    assert users["fetch.min.bytes"] == "7"


@pytest.mark.parametrize(
    ("property_", "value"),
    [("enable_auto_commit", "true"), ("auto_offset_reset", "latest"), ("isolation_level", "read_uncommitted")],
)
def test_what_would_commit_or_skip_behind_our_back_is_refused(property_: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"HOOKLINE_KAFKA_{property_.upper()}"):
        consumer_properties(settings(**{property_: value}), group="g", instance="i")


def test_a_member_is_static_in_the_classic_protocol_alone() -> None:
    classic = consumer_properties(settings(), group="g", instance="i")
    assert classic["group.instance.id"] == "i"
    assert "group.instance.id" not in consumer_properties(settings("consumer"), group="g", instance="i")


def test_what_is_fetched_ahead_is_bounded_and_no_setting_of_the_user_contradicts_it() -> None:
    fetch = replace(AT_ONCE, ahead_bytes=4_000_000)
    ours = consumer_properties(settings(), group="g", instance=None, fetch=fetch)
    assert (ours["queued.max.messages.kbytes"], ours["fetch.max.bytes"]) == (3_906, 4_000_000)
    users = settings(message_max_bytes="50000000")
    Consumer(consumer_properties(users, group="g", instance=None, fetch=fetch)).close()
    Consumer(consumer_properties(settings(), group="g", instance=None, fetch=replace(fetch, ahead_bytes=1))).close()
