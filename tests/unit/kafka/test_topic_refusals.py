"""A broker that refuses some of a topic's settings, as managed ones do."""

from collections.abc import Callable
from concurrent.futures import Future
from types import SimpleNamespace
from typing import cast

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from consumer.kafka import topics
from consumer.kafka.client import KafkaBroken
from consumer.kafka.topic_specs import DAY_MS
from consumer.settings import Settings

SETTINGS = Settings(kafka={"bootstrap.servers": "127.0.0.1:1"}, trust_broker=True, retry_delays=("5s",))


class Managed:
    """Creates what it does not refuse; `refuses` says why, of a topic's settings, or None."""

    def __init__(self, refuses: Callable[[dict[str, str]], str | None]) -> None:
        self._refuses = refuses
        self.created: dict[str, dict[str, str]] = {}

    def list_topics(self, *, timeout: float) -> SimpleNamespace:
        del timeout
        found = {name: SimpleNamespace(error=None, partitions={0: None}) for name in self.created}
        return SimpleNamespace(brokers={1: None}, cluster_id="c", topics=found)

    def create_topics(self, new: list[NewTopic], **_: float) -> dict[str, Future[None]]:
        answers: dict[str, Future[None]] = {}
        for each in new:
            answers[each.topic] = Future()
            why = self._refuses(each.config or {})
            if why is None:
                self.created[each.topic] = each.config or {}
                answers[each.topic].set_result(None)
            else:
                answers[each.topic].set_exception(KafkaException(KafkaError(KafkaError.INVALID_CONFIG, why)))
        return answers


def create(broker: Managed) -> tuple[set[str], dict[str, str]]:
    said: dict[str, str] = {}
    made = topics.create(cast("AdminClient", broker), SETTINGS, eased=said.__setitem__)
    return set(made), said


@pytest.mark.parametrize("words", ["delete.retention.ms cannot be set", "a setting is not allowed"])
def test_what_a_broker_refuses_is_left_out_and_said_whether_it_names_it_or_not(words: str) -> None:
    broker = Managed(lambda config: words if "delete.retention.ms" in config else None)
    made, said = create(broker)
    assert made == set(broker.created)
    without = "without delete.retention.ms"
    assert said == {"hookline.subscriptions": without, "hookline.state": without, "hookline.jobs": without}
    assert broker.created["hookline.state"] == {
        "cleanup.policy": "compact",
        "max.compaction.lag.ms": str(7 * DAY_MS),
    }
    assert broker.created["hookline.attempts"]["retention.ms"] == str(30 * DAY_MS)


def test_where_records_may_not_be_so_large_the_least_that_does_is_asked_for() -> None:
    broker = Managed(
        lambda config: "max.message.bytes" if int(config.get("max.message.bytes", 0)) > 2_000_000 else None
    )
    made, said = create(broker)
    assert made == set(broker.created)
    assert said["hookline.retry.0s"] == "with max.message.bytes=1114112"
    assert broker.created["hookline.retry.0s"]["max.message.bytes"] == "1114112"


@pytest.mark.parametrize("setting", ["cleanup.policy", "retention.ms", "message.timestamp.type"])
def test_what_is_needed_is_never_left_out(setting: str) -> None:
    broker = Managed(lambda config: f"{setting} is not allowed" if setting in config else None)
    with pytest.raises(KafkaBroken, match=f"creating hookline.*{setting} is not allowed"):
        create(broker)


def test_a_refusal_that_nothing_helps_against_ends() -> None:
    with pytest.raises(KafkaBroken, match="not today"):
        create(Managed(lambda _: "not today"))
