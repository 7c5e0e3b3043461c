import json
import os
import shlex

import pytest
import yaml

from consumer.kafka import topics
from tests.commands import call

pytestmark = pytest.mark.usefixtures("elsewhere")


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


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_EVENT_TOPICS", "orders")


@pytest.mark.usefixtures("events")
def test_rights_are_commands_that_can_be_run_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["topics", "acls", "log", "--principal", "User:o'hara", "--create"]) == os.EX_OK
    lines = capsys.readouterr().out.splitlines()
    commands = [shlex.split(line) for line in lines if not line.startswith("#")]
    assert {words[0] for words in commands} == {"kafka-acls.sh"}
    assert {words[words.index("--allow-principal") + 1] for words in commands} == {"User:o'hara"}
    [attempts] = [words for words in commands if "hookline.attempts" in words]
    assert attempts[-4:] == ["--operation", "Read", "--topic", "hookline.attempts"]
    assert ["--operation", "Create"] in [
        words[words.index("Create") - 1 :][:2] for words in commands if "Create" in words
    ]
    optional = [index for index, line in enumerate(lines) if line.startswith("# optional")]
    assert optional
    assert optional[0] == min(index for index, line in enumerate(lines) if "DescribeConfigs" in line) - 1


@pytest.mark.usefixtures("events")
def test_rights_are_a_kafka_user_or_objects(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["topics", "acls", "--principal", "User:hookline", "--strimzi"]) == os.EX_OK
    user = yaml.safe_load(capsys.readouterr().out)
    assert (user["kind"], user["metadata"]["name"]) == ("KafkaUser", "hookline")
    acls = user["spec"]["authorization"]["acls"]
    delays = {"type": "topic", "name": "hookline.retry.", "patternType": "prefix"}
    assert [each["operations"] for each in acls if each["resource"] == delays] == [["Read", "Write"]]
    assert {each["resource"]["type"] for each in acls} == {"topic", "group", "transactionalId", "cluster"}

    assert call(["topics", "acls", "--principal", "User:hookline", "--json"]) == os.EX_OK
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == len(acls)
    assert {row["principal"] for row in rows} == {"User:hookline"}


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize("principal", ["hookline", "User:", ":x", "User:two words", "User:x\n"])
def test_a_principal_is_a_kind_and_a_name(principal: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["topics", "acls", "--principal", principal]) == os.EX_USAGE
    assert "--principal is a kind and a name" in capsys.readouterr().err
