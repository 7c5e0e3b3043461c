"""Kafka's properties come from every source that the other settings come from, and the nearest one wins."""

from pathlib import Path

import pytest

from consumer.configuration import load
from consumer.settings import ConfigurationError, Settings

ELSEWHERE = {"bootstrap.servers": "elsewhere:9092"}


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "written",
    [
        '[kafka]\n"bootstrap.servers" = "elsewhere:9092"\n',
        '[kafka]\nbootstrap.servers = "elsewhere:9092"\n',
        'kafka_bootstrap_servers = "elsewhere:9092"\n',
    ],
)
def test_the_file_may_name_a_property_in_any_of_its_forms(folder: Path, written: str) -> None:
    (folder / "hookline.toml").write_text(written)
    assert load().kafka == ELSEWHERE


def test_a_property_is_read_from_dotenv(folder: Path) -> None:
    (folder / ".env").write_text("HOOKLINE_KAFKA_BOOTSTRAP_SERVERS=elsewhere:9092\n")
    assert load().kafka == ELSEWHERE


def test_the_environment_wins_over_dotenv_and_that_over_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "hookline.toml").write_text('[kafka]\nclient.id = "file"\nlinger.ms = "1"\nacks = "all"\n')
    (folder / ".env").write_text("HOOKLINE_KAFKA_CLIENT_ID=dotenv\nHOOKLINE_KAFKA_LINGER_MS=2\n")
    monkeypatch.setenv("HOOKLINE_KAFKA_CLIENT_ID", "environment")
    assert load().kafka == {"client.id": "environment", "linger.ms": "2", "acks": "all"}


def test_a_password_in_dotenv_is_in_no_repr(folder: Path) -> None:
    (folder / ".env").write_text("HOOKLINE_KAFKA_SASL_PASSWORD=hunter22\n")
    assert load().kafka["sasl.password"] == "hunter22"
    assert "hunter22" not in repr(load())


def test_properties_given_in_code_stay() -> None:
    assert Settings(kafka=ELSEWHERE).kafka == ELSEWHERE


def test_what_is_no_table_is_named(folder: Path) -> None:
    (folder / "hookline.toml").write_text('kafka = "elsewhere:9092"\n')
    with pytest.raises(ConfigurationError, match="HOOKLINE_KAFKA:"):
        load()
