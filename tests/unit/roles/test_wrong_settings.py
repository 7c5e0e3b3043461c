"""Whatever a role would refuse of its settings is found before any of them runs, all of it, each once."""

from collections.abc import Collection
from pathlib import Path

import pytest

from consumer.configuration import read
from consumer.roles.role import Role
from consumer.roles.wrong_settings import wrong_settings
from consumer.settings import Settings

KEY = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
KAFKA = {"bootstrap.servers": "127.0.0.1:1"}
EVERY = tuple(Role)
LEDGER = (Role.JOBS, Role.API)


@pytest.fixture
def good(tmp_path: Path) -> dict[str, object]:
    return {
        "kafka": KAFKA,
        "event_topics": ("orders",),
        "encryption_keys": (KEY,),
        "state_dir": str(tmp_path),
        "api_listen": "127.0.0.1:0",
        "admin_listen": "",
    }


def found(given: dict[str, object], roles: Collection[Role] = EVERY) -> list[str]:
    return [each.field for each in wrong_settings(Settings.model_validate(given), roles)]


def test_what_is_right_is_not_refused(good: dict[str, object]) -> None:
    assert found(good) == []
    assert found({}, ()) == []


@pytest.mark.parametrize(
    ("name", "value", "field", "roles"),
    [
        ("kafka", {}, "HOOKLINE_KAFKA_BOOTSTRAP_SERVERS", EVERY),
        ("kafka", KAFKA | {"acks": "1"}, "HOOKLINE_KAFKA_ACKS", EVERY),
        ("kafka", KAFKA | {"enable.auto.commit": "true"}, "HOOKLINE_KAFKA_ENABLE_AUTO_COMMIT", EVERY),
        ("kafka", KAFKA | {"enabel.idempotence": "true"}, "HOOKLINE_KAFKA_ENABEL_IDEMPOTENCE", (*EVERY, None)),
        ("kafka", KAFKA | {"socket.timeout.ms": "soon"}, "HOOKLINE_KAFKA_SOCKET_TIMEOUT_MS", (*EVERY, None)),
        ("kafka", KAFKA | {"transaction.timeout.ms": "9999"}, "HOOKLINE_KAFKA_TRANSACTION_TIMEOUT_MS", LEDGER),
        ("event_topics", (), "HOOKLINE_EVENT_TOPICS", (Role.DELIVER, Role.JOBS)),
        ("event_topics", ("^(",), "HOOKLINE_EVENT_TOPICS", (*EVERY, None)),
        ("encryption_keys", (), "HOOKLINE_ENCRYPTION_KEYS", (Role.DELIVER, Role.RETRY, Role.API)),
        ("encryption_keys", ("k1:short",), "HOOKLINE_ENCRYPTION_KEYS", (*EVERY, None)),
        ("redis_url", "http://nowhere", "HOOKLINE_REDIS_URL", (*EVERY, None)),
        ("api_listen", "nowhere:http", "HOOKLINE_API_LISTEN", (*EVERY, None)),
        ("api_listen", "192.0.2.1:8080", "HOOKLINE_API_LISTEN", (Role.API,)),
        ("admin_listen", "nowhere:http", "HOOKLINE_ADMIN_LISTEN", (*EVERY, None)),
        ("admin_listen", "192.0.2.1:9464", "HOOKLINE_ADMIN_LISTEN", EVERY),
        ("state_dir", "/dev/null/state", "HOOKLINE_STATE_DIR", EVERY),
    ],
)
def test_a_wrong_setting_is_told_once_to_who_needs_it(
    good: dict[str, object], name: str, value: object, field: str, roles: Collection[Role | None]
) -> None:
    given = good | {name: value}
    assert found(given) == [field]
    for role in Role:
        assert (field in found(given, [role])) is (role in roles), role
    assert (field in found(given, ())) is (None in roles)


def test_all_that_is_wrong_is_told(good: dict[str, object]) -> None:
    wrong = {"redis_url": "http://nowhere", "encryption_keys": ("tip-top",), "api_listen": "x"}
    assert found(good | wrong) == ["HOOKLINE_REDIS_URL", "HOOKLINE_API_LISTEN", "HOOKLINE_ENCRYPTION_KEYS"]


def test_of_settings_that_cannot_be_read_each_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOOKLINE_PROCESSES", "0")
    monkeypatch.setenv("HOOKLINE_RETRY_DELAYS", "5m,1m")
    told = read()
    assert isinstance(told, list)
    assert sorted(each.field for each in told) == ["HOOKLINE_PROCESSES", "HOOKLINE_RETRY_DELAYS"]
