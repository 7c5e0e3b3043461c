"""What is looked at before the processes start: who is not there is said, and nothing is waited for."""

import time

import pytest
import structlog

from consumer.roles import first_look as module
from consumer.roles.first_look import brokers, first_look
from consumer.roles.role import Role
from consumer.settings import ConfigurationError, Settings
from tests.services.server import free_port


def test_addresses_are_read_as_librdkafka_reads_them() -> None:
    assert brokers("a:1,  b , SASL_SSL://c:3,[::1]:4") == [("a", 1), ("b", 9092), ("c", 3), ("::1", 4)]
    assert brokers("") == []
    assert brokers("a:many,b:2,[::1") == [("b", 2)]


def test_what_does_not_answer_is_named_with_its_setting() -> None:
    kafka, redis = free_port(), free_port()
    settings = Settings(
        kafka={"bootstrap.servers": f"127.0.0.1:{kafka}"},
        redis_url=f"redis://:secret@127.0.0.1:{redis}/0",
    )
    with structlog.testing.capture_logs() as said:
        assert first_look(settings, [Role.RETRY]) is None
    # The capture is of all threads: one that an earlier test has left may say something else.
    assert [(line["event"], line["at"], line["setting"]) for line in said if "setting" in line] == [
        ("waiting for redis", f"127.0.0.1:{redis}", "HOOKLINE_REDIS_URL"),
        ("waiting for kafka", f"127.0.0.1:{kafka}", "HOOKLINE_KAFKA_BOOTSTRAP_SERVERS"),
    ]
    assert "secret" not in str(said)


def test_a_look_that_takes_long_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(_settings: Settings, _roles: object) -> ConfigurationError:
        time.sleep(1.0)
        return ConfigurationError("x", "too late")

    monkeypatch.setattr(module, "_looked", slow)
    monkeypatch.setattr(module, "WITHIN_S", 0.05)
    assert first_look(Settings(), [Role.RETRY]) is None
