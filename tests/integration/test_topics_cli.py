import json
import os
from pathlib import Path

import pytest

from tests.commands import call
from tests.services.topics import MakeTopics


@pytest.fixture(autouse=True)
def installation(kafka_bootstrap: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOOKLINE_KAFKA_BOOTSTRAP_SERVERS", kafka_bootstrap)
    monkeypatch.setenv("HOOKLINE_TOPIC_PREFIX", topic_prefix)
    monkeypatch.setenv("HOOKLINE_PARTITIONS", "2")
    monkeypatch.setenv("HOOKLINE_RETRY_DELAYS", "5s,1m")
    monkeypatch.setenv("HOOKLINE_EVENT_TOPICS", f"^{topic_prefix}of-shops[.]")


def test_missing_topics_are_named_created_and_then_fit(topic_prefix: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["topics", "check", "--json"]) == os.EX_CONFIG
    missing = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    names = {problem["topic"] for problem in missing if problem["setting"] is None}
    tiers = ("retry.0s", "retry.5s", "retry.1m")
    suffixes = ("subscriptions", *tiers, "ordered", "dead-letter", "poison", "attempts", "state", "jobs", "audit")
    assert names == {topic_prefix + suffix for suffix in suffixes}

    assert call(["topics", "create", "--json"]) == os.EX_OK
    assert {json.loads(line)["topic"] for line in capsys.readouterr().out.splitlines()} == names
    assert call(["topics", "check", "--json"]) == os.EX_OK
    assert not [line for line in capsys.readouterr().out.splitlines() if json.loads(line).get("fatal")]
    assert call(["topics", "create"]) == os.EX_OK
    assert "every topic exists already" in capsys.readouterr().err


def test_an_unfit_topic_is_told_with_what_was_found_and_is_needed(
    topic_prefix: str, make_topics: MakeTopics, capsys: pytest.CaptureFixture[str]
) -> None:
    make_topics({topic_prefix + "retry.5s": 1}, {"retention.ms": "60000"})
    assert call(["topics", "create"]) == os.EX_OK
    out, err = capsys.readouterr()
    assert topic_prefix + "retry.5s" not in out
    assert f"still unfit: {topic_prefix}retry.5s: retention.ms is 60000" in err
    assert call(["topics", "check", "--json"]) == os.EX_CONFIG
    problems = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [retention] = [each for each in problems if each["setting"] == "retention.ms"]
    assert (retention["found"], retention["fatal"]) == ("60000", True)
    assert retention["needed"] == f"at least {7 * 86_400_000}"
    assert call(["topics", "check"]) == os.EX_CONFIG
    assert "message.timestamp.type" in capsys.readouterr().out


def test_a_missing_event_topic_is_said_and_not_created(
    topic_prefix: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOOKLINE_EVENT_TOPICS", topic_prefix + "orders")
    assert call(["topics", "create"]) == os.EX_OK
    assert f"still unfit: {topic_prefix}orders" in capsys.readouterr().err
    assert call(["topics", "check"]) == os.EX_OK


def test_check_lists_the_event_topics_that_are_read_now_and_ours_are_none(
    topic_prefix: str,
    make_topics: MakeTopics,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_topics({topic_prefix + "orders": 1, topic_prefix + "crm": 1})
    assert call(["topics", "create"]) == os.EX_OK
    monkeypatch.setenv("HOOKLINE_EVENT_TOPICS", f"^{topic_prefix}")
    capsys.readouterr()
    assert call(["topics", "check", "--json"]) == os.EX_OK
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["eventTopic"] for each in lines if "eventTopic" in each] == [
        topic_prefix + "crm",
        topic_prefix + "orders",
    ]
    assert call(["topics", "check"]) == os.EX_OK
    assert f"{topic_prefix}crm" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", ["^rx[", "attempts"])
def test_what_can_be_no_event_topic_is_refused_by_its_setting(
    wrong: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOOKLINE_EVENT_TOPICS", wrong if wrong.startswith("^") else topic_prefix + wrong)
    assert call(["topics", "check"]) == os.EX_CONFIG
    assert "HOOKLINE_EVENT_TOPICS: " in capsys.readouterr().err
