"""Kafka away, refusing or full, as its user meets it: said once, waited for, and nothing is lost."""

import base64
import os
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import ClassVar, TypeAlias

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from confluent_kafka.cimpl import NewTopic

from consumer.kafka import topics
from tests.acceptance.deadline import until
from tests.acceptance.hookline import Hookline, hookline
from tests.infrastructure import FEW_LINES, Work, lines, working
from tests.services.kafka import Kafka
from tests.services.server import listening

AWAY_S = 8.0
SESSION_S = 6  # shorter than that, so that partitions are assigned anew when it is let in

Begin: TypeAlias = Callable[..., AbstractContextManager[Work]]


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis_url: str, topic_prefix: str) -> Begin:
    """`working` on a broker to be named."""
    return partial(working, tmp_path, monkeypatch, redis_url=redis_url, prefix=topic_prefix)


def test_away_at_start_and_later(begin: Begin, private_kafka: Kafka) -> None:
    with begin(bootstrap=private_kafka.bootstrap) as work:
        work.publish(20)
        private_kafka.kill()
        with work.stage.running("--processes", "1") as running:
            running.until_said("kafka unreachable", role="deliver")
            running.until_said("kafka unreachable", role="retry")
            running.until_said("projection interrupted")
            time.sleep(AWAY_S)
            for event, role in (("kafka unreachable", "deliver"), ("projection interrupted", "projection")):
                assert len(running.said(event, role=role)) == 1
            assert running.said("process ended") == []
            assert lines(running) < FEW_LINES, running.log
            private_kafka.restart()
            work.until_accepted(20, running)
            assert running.said("over: kafka unreachable", role="deliver")
            _away_later(work, private_kafka, running)


def _away_later(work: Work, kafka: Kafka, running: Hookline) -> None:
    before, trouble = lines(running), len(running.said("kafka trouble", role="deliver"))
    kafka.kill()
    time.sleep(AWAY_S)
    assert len(running.said("kafka trouble", role="deliver")) == trouble + 1
    assert lines(running) - before < FEW_LINES, running.log
    kafka.restart()
    work.publish(50)
    work.ends_well(running)
    assert lines(running) - before < 2 * FEW_LINES, running.log


def test_asked_to_stop_while_it_is_away(begin: Begin, private_kafka: Kafka) -> None:
    with begin(bootstrap=private_kafka.bootstrap) as work:
        private_kafka.kill()
        with work.stage.running("--processes", "1") as running:
            running.until_said("kafka unreachable", role="deliver")
            code, took_s = running.stop()
        assert code == 0, running.tail
        assert took_s < 10


@pytest.mark.parametrize("fault", ["kill", "pause"])
def test_asked_to_stop_after_it_went_away(begin: Begin, private_kafka: Kafka, fault: str) -> None:
    with begin(bootstrap=private_kafka.bootstrap) as work:
        with work.stage.running("--processes", "1") as running:
            work.publish(50)
            work.until_accepted(50, running)
            work.publish(200)
            getattr(private_kafka, fault)()
            time.sleep(1)
            code, took_s = running.stop()
            private_kafka.resume()
        assert code == 0, running.tail
        assert took_s < 10
        if fault == "kill":
            private_kafka.restart()
        with work.stage.running("--processes", "1", log_name="again.log") as running:
            work.ends_well(running)


class Guarded(Kafka):
    """A broker that wants a password (SASL/PLAIN)."""

    user = "hookline"
    password = "the right one"
    properties: ClassVar[Mapping[str, str]] = {
        "listener.security.protocol.map": "PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.name.plaintext.plain.sasl.jaas.config": (
            "org.apache.kafka.common.security.plain.PlainLoginModule required "
            f'username="broker" password="b" user_broker="b" user_{user}="{password}";'
        ),
    }

    def ready(self) -> bool:
        return listening(self._port)


def test_authentication_refused_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis_url: str, topic_prefix: str
) -> None:
    kafka = Guarded.start(tmp_path / "kafka", Guarded.properties)
    try:
        _let_in_refused_and_let_in(kafka, tmp_path, monkeypatch, redis_url, topic_prefix)
    finally:
        kafka.stop()


def _let_in_refused_and_let_in(
    kafka: Kafka, folder: Path, monkeypatch: pytest.MonkeyPatch, redis_url: str, prefix: str
) -> None:
    environment = {
        "HOOKLINE_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
        "HOOKLINE_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "HOOKLINE_KAFKA_SASL_MECHANISM": "PLAIN",
        "HOOKLINE_KAFKA_SASL_USERNAME": Guarded.user,
        "HOOKLINE_KAFKA_SASL_PASSWORD": Guarded.password,
        "HOOKLINE_KAFKA_SESSION_TIMEOUT_MS": str(SESSION_S * 1_000),
        "HOOKLINE_REDIS_URL": redis_url,
        "HOOKLINE_TOPIC_PREFIX": prefix,
        "HOOKLINE_EVENT_TOPICS": f"{prefix}events",
        "HOOKLINE_ENCRYPTION_KEYS": f"test:{base64.b64encode(bytes(32)).decode()}",
        "HOOKLINE_CREATE_TOPICS": "true",
        "HOOKLINE_PARTITIONS": "1",
        "HOOKLINE_STATE_DIR": str(folder / "state"),
    }
    monkeypatch.chdir(folder)
    events = NewTopic(f"{prefix}events", 1, 1, config={"max.message.bytes": "1048588"})
    admin = _admin(environment)  # its answers come for as long as it lives
    admin.create_topics([events])[events.topic].result(timeout=30)
    with hookline(environment, folder, "--processes", "1") as running:
        running.until_said("ready", within_s=60)
        before = lines(running)
        _password(kafka, folder, Guarded.password, "another one")
        running.until_said("kafka trouble", role="deliver", within_s=60)
        time.sleep(AWAY_S)
        assert len(running.said("kafka trouble", role="deliver")) == 1
        assert running.said("process ended") == [], running.log
        assert lines(running) - before < 2 * FEW_LINES, running.log
        assert Guarded.password not in running.log
        # The broker's side is mended; nobody touches Hookline.
        _password(kafka, folder, "another one", Guarded.password)
        running.until_said("partitions assigned", role="deliver", times=2, within_s=60)
        assert running.stop()[0] == 0, running.tail


def _password(kafka: Kafka, folder: Path, was: str, now: str) -> None:
    """The broker knows the user by another one from now on."""
    properties = folder / "kafka" / "server.properties"
    before = properties.read_text()
    assert f'="{was}"' in before
    properties.write_text(before.replace(f'="{was}"', f'="{now}"'))
    kafka.restart()


def _admin(environment: dict[str, str]) -> AdminClient:
    admin = AdminClient(
        {
            name.removeprefix("HOOKLINE_KAFKA_").lower().replace("_", "."): value
            for name, value in environment.items()
            if name.startswith("HOOKLINE_KAFKA_")
        }
    )
    assert admin.list_topics(timeout=30).brokers
    return admin


def _set(bootstrap: str, topic: str, name: str, value: str) -> None:
    resource = ConfigResource(ResourceType.TOPIC, topic)
    resource.add_incremental_config(ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET))
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.incremental_alter_configs([resource])[resource].result()


WRONG = (
    ("retry.1s", "message.timestamp.type", "CreateTime"),
    ("retry.1s", "retention.bytes", "1000000"),
    ("subscriptions", "cleanup.policy", "delete"),
)


def test_topics_that_are_missing_or_have_wrong_settings_end_it_with_78_and_it_says_which(
    begin: Begin, kafka_bootstrap: str
) -> None:
    """All at once: each is named. That each alone is one: tests/unit/kafka/test_topic_differences.py."""
    with begin(bootstrap=kafka_bootstrap) as work:
        prefix = work.stage.settings.topic_prefix
        admin, gone = AdminClient({"bootstrap.servers": kafka_bootstrap}), f"{prefix}retry.2s"
        admin.delete_topics([gone])[gone].result()
        for suffix, setting, value in WRONG:
            _set(kafka_bootstrap, prefix + suffix, setting, value)
        until(
            lambda: gone not in admin.list_topics(timeout=10).topics, within_s=10, missing=lambda: "it is still there"
        )
        with work.stage.running("--processes", "1") as running:
            assert running.wait(30) == os.EX_CONFIG, running.tail
            for suffix, setting, value in WRONG:
                assert f"{prefix}{suffix}: {setting} is {value}" in running.log
            assert f"{gone}: missing" in running.log
            assert lines(running) < FEW_LINES


def test_a_record_too_large_for_the_retry_topic(begin: Begin, kafka_bootstrap: str) -> None:
    """Somebody makes a retry topic smaller while everything runs: it ends, named, and nothing is lost."""
    with begin(bootstrap=kafka_bootstrap) as work:
        topic = f"{work.stage.settings.topic_prefix}retry.1s"
        with work.stage.running("--processes", "1") as running:
            running.assigned("deliver")
            _set(kafka_bootstrap, topic, "max.message.bytes", "100")
            until_s = time.monotonic() + 60
            while running.running and time.monotonic() < until_s:  # the broker may do it a moment after it said so
                work.publish(5)
                time.sleep(0.5)
            assert running.wait(10) == os.EX_CONFIG, running.tail
            assert running.said("kafka broken"), running.tail
            assert f"{topic}: max.message.bytes is 100" in running.log
        _set(kafka_bootstrap, topic, "max.message.bytes", "50000000")
        assert topics.check(topics.admin_client(work.stage.settings), work.stage.settings).problems == []
        with work.stage.running("--processes", "1", log_name="again.log") as running:
            work.ends_well(running)


def test_a_full_producer_queue_stops_sending_and_takes_no_memory(begin: Begin, private_kafka: Kafka) -> None:
    queue, events = 200, 20_000
    options = {
        "HOOKLINE_KAFKA_QUEUE_BUFFERING_MAX_MESSAGES": str(queue),
        "HOOKLINE_MAX_QUEUED": "500",
        "HOOKLINE_MAX_IN_FLIGHT": "64",
    }
    with begin(bootstrap=private_kafka.bootstrap, options=options) as work:
        work.publish(events, type_="user.created")
        with work.stage.running("--processes", "1") as running:
            work.until_accepted(1_000, running)
            private_kafka.pause()
            at_pause = work.accepted
            try:
                stood_at = _stands_still(work, running)
                # Two logs of 200, 500 queued, 64 under way, and what came between the pause and the count.
                assert stood_at - at_pause < 3_000
                rss_mb = running.rss_mb("deliver")
                time.sleep(3)
                assert work.accepted == stood_at
                assert running.rss_mb("deliver") < rss_mb + 10
            finally:
                private_kafka.resume()
            work.ends_well(running)


def _stands_still(work: Work, running: Hookline) -> int:
    """Wait until nothing more is accepted; how many were."""
    counts: list[int] = []

    def quiet() -> bool:
        counts.append(work.accepted)
        return len(counts) > 20 and len(set(counts[-20:])) == 1

    until(quiet, within_s=30, every_s=0.1, missing=lambda: f"{counts[-1]} and going on\n{running.tail}")
    return counts[-1]
