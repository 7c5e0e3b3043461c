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


@pytest.mark.parametrize(
    ("chosen", "said"),
    [("", "HOOKLINE_EVENT_TOPICS names no event topic"), ("^hookline", "no topic is there that HOOKLINE_EVENT_TOPICS")],
)
def test_without_an_event_topic_it_says_why(
    chosen: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOOKLINE_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setenv("HOOKLINE_EVENT_TOPICS", chosen)
    monkeypatch.setattr("consumer.cli.topics.installation", lambda settings: settings)
    monkeypatch.setattr(topics, "check", lambda *_: topics.Checked(event_topics=(), problems=[]))
    assert call(["topics", "check"]) == os.EX_OK
    assert said in capsys.readouterr().err


def test_an_unknown_command_is_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["topics", "alter"]) == os.EX_USAGE
    assert "alter" in capsys.readouterr().err
