"""Each setting tells where it comes from, and no secret is told with it."""

import json
import os
from pathlib import Path

import pytest

from consumer.configuration import load
from consumer.origins import Effective, Origin, effective, misspelt
from consumer.settings import Settings
from tests.commands import call

SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlYw=="


@pytest.fixture(autouse=True)
def empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found() -> dict[str, Effective]:
    return {each.setting: each for each in effective(load())}


def test_misspelt_names_are_found_in_the_environment_and_in_dotenv(
    monkeypatch: pytest.MonkeyPatch, empty_folder: Path
) -> None:
    monkeypatch.setenv("HOOKLINE_EVENT_TOPIC", "orders")
    (empty_folder / ".env").write_text("HOOKLINE_REDIS_ULR=redis://127.0.0.1:6379/0\nHOOKLINE_START=latest\n")
    assert misspelt() == {"HOOKLINE_EVENT_TOPIC": "HOOKLINE_EVENT_TOPICS", "HOOKLINE_REDIS_ULR": "HOOKLINE_REDIS_URL"}


def test_every_setting_is_there_and_where_nothing_is_set_it_is_the_default() -> None:
    told = found()
    assert list(told) == [f"HOOKLINE_{name.upper()}" for name in Settings.model_fields if name != "kafka"]
    assert {each.origin for each in told.values()} == {Origin.DEFAULT}
    assert told["HOOKLINE_RETRY_DELAYS"].value == ["5s", "1m", "5m", "30m", "2h", "6h", "15h"]


def test_the_source_is_the_one_that_counts(monkeypatch: pytest.MonkeyPatch, empty_folder: Path) -> None:
    (empty_folder / "hookline.toml").write_text(
        'partitions = 1\nfan_out = 2\nmax_queued = 3\n[kafka]\nclient.id = "f"\nlinger.ms = "3"'
    )
    (empty_folder / ".env").write_text("HOOKLINE_FAN_OUT=20\nHOOKLINE_MAX_QUEUED=30\n")
    monkeypatch.setenv("HOOKLINE_MAX_QUEUED", "300")
    monkeypatch.setenv("HOOKLINE_KAFKA_LINGER_MS", "5")
    told = {name: (each.value, each.origin.value) for name, each in found().items()}
    assert told["HOOKLINE_PARTITIONS"] == (1, "hookline.toml")
    assert told["HOOKLINE_FAN_OUT"] == (20, ".env")
    assert told["HOOKLINE_MAX_QUEUED"] == (300, "environment")
    assert told["HOOKLINE_KAFKA_CLIENT_ID"] == ("f", "hookline.toml")
    assert told["HOOKLINE_KAFKA_LINGER_MS"] == ("5", "environment")


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("REDIS_URL", f"redis://user:{SECRET}@cache:6379/0?password={SECRET}", "redis://***@cache:6379/0?***"),
        ("REDIS_URL", "redis://cache:6379/0", "redis://cache:6379/0"),
        ("SCHEMA_REGISTRY_URL", f"https://user:{SECRET}@registry", "https://***@registry"),
        ("ENCRYPTION_KEYS", f"new:{SECRET},old:{SECRET}", ["new:***", "old:***"]),
        ("OPERATOR_KEY", SECRET, "***"),
        ("API_KEY", SECRET, "***"),
        ("KAFKA_SASL_PASSWORD", SECRET, "***"),
        ("KAFKA_SSL_KEY_PEM", SECRET, "***"),
        ("KAFKA_SASL_PASWORD", SECRET, "***"),
        ("KAFKA_SASL_MECHANISM", "PLAIN", "PLAIN"),
        ("KAFKA_BOOTSTRAP_SERVERS", "a:9092,b:9092", "a:9092,b:9092"),
    ],
)
def test_a_secret_is_not_told(
    name: str, value: str, shown: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(f"HOOKLINE_{name}", value)
    assert found()[f"HOOKLINE_{name}"].value == shown
    for command in (["config"], ["config", "--json"]):
        call(command)  # which may refuse it as well
        out, err = capsys.readouterr()
        assert f"HOOKLINE_{name}" in out
        assert SECRET not in out + err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EVENT_TOPICS", "^("),
        ("EVENT_TOPICS", "orders.*"),
        ("REDIS_URL", "localhost:6379"),
        ("API_LISTEN", "8080"),
        ("ENCRYPTION_KEYS", "k1:short"),
        ("KAFKA_BOOTSTRAP_SERVER", "127.0.0.1:1"),
        ("KAFKA_SECURITY_PROTOCOL", "TLS"),
    ],
)
def test_what_a_role_would_refuse_is_refused_behind_the_table(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if name != "KAFKA_BOOTSTRAP_SERVER":
        monkeypatch.setenv("HOOKLINE_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setenv(f"HOOKLINE_{name}", value)
    assert call(["config", "--json"]) == os.EX_CONFIG
    out, err = capsys.readouterr()
    assert len(out.splitlines()) > 40
    assert f"HOOKLINE_{name}" in json.loads(err)["error"]["message"]


def test_it_prints_each_setting_with_its_source(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOOKLINE_ALLOW_HTTP", "true")
    assert call(["config", "--json"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"setting": "HOOKLINE_ALLOW_HTTP", "value": True, "source": "environment"} in told
    assert call(["config"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["HOOKLINE_ALLOW_HTTP", "true", "environment"] in rows


def test_a_brand_that_is_none_is_refused_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "acme.toml").write_text('title = "Acme"')
    monkeypatch.setenv("HOOKLINE_BRANDS_DIR", str(tmp_path))
    assert call(["config"]) == os.EX_CONFIG
    assert "acme.toml: signing: is missing: add it" in capsys.readouterr().err
