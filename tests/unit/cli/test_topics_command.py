import json
import os
from pathlib import Path

import pytest

from consumer.kafka import topics
from tests.commands import call


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("command", ["check", "create"])
def test_without_a_broker_it_names_the_setting(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["topics", command, "--json"]) == os.EX_CONFIG
    out, err = capsys.readouterr()
    assert out == ""
    assert json.loads(err)["error"]["field"] == "HOOKLINE_KAFKA_BOOTSTRAP_SERVERS"
    assert call(["topics", command]) == os.EX_CONFIG
    assert capsys.readouterr().err.startswith("hookline: HOOKLINE_KAFKA_BOOTSTRAP_SERVERS: ")


@pytest.fixture
def nothing_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Kafka where all is as needed, but no event topic."""
    monkeypatch.setenv("HOOKLINE_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setattr("consumer.cli.topics.installation", lambda settings: settings)
    monkeypatch.setattr(topics, "check", lambda *_: topics.Checked(event_topics=(), problems=[]))


@pytest.mark.usefixtures("nothing_there")
def test_without_event_topics_deliver_cannot_start_and_the_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOOKLINE_EVENT_TOPICS", "")
    assert call(["topics", "check"]) == os.EX_CONFIG
    assert "HOOKLINE_EVENT_TOPICS: name the topics that hold your events, as in orders," in capsys.readouterr().err
    assert call(["topics", "check", "--json"]) == os.EX_CONFIG
    out, err = capsys.readouterr()
    assert (out, json.loads(err)["error"]["field"]) == ("", "HOOKLINE_EVENT_TOPICS")


@pytest.mark.usefixtures("nothing_there")
def test_an_expression_that_matches_nothing_yet_is_said_and_keeps_no_role_from_starting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOOKLINE_EVENT_TOPICS", "^hookline")
    assert call(["topics", "check"]) == os.EX_OK
    assert "no topic is there that HOOKLINE_EVENT_TOPICS chooses" in capsys.readouterr().err


def test_an_unknown_command_is_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["topics", "alter"]) == os.EX_USAGE
    assert "alter" in capsys.readouterr().err
