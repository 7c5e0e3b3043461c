import json
import os
from pathlib import Path

import pytest

from tests.commands import call


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("replay",), "--all"),
        (("replay", "--dry-run"), "--all"),
        (("replay", "--all", "--tenant", "acme"), "only one of these"),
        (("replay", "--all", "--rate", "0"), "--rate"),
        (("replay", "--all", "--rate", "nan"), "--rate"),
        (("replay", "--all", "--limit", "0"), "--limit"),
        (("list", "--since", "yesterday"), "--since"),
        (("list", "--until", "2026-01-31T12:00:00"), "--until"),
        (("list", "--limit", "-1"), "--limit"),
    ],
)
def test_a_wrong_use_exits_64_before_anything_is_read(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKLINE_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    assert call(["dead-letters", *arguments]) == os.EX_USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert call(["dead-letters", *arguments, "--json"]) == os.EX_USAGE
    assert json.loads(capsys.readouterr().err)["error"]["code"] == os.EX_USAGE


def test_without_a_broker_it_names_the_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["dead-letters", "list", "--json"]) == os.EX_CONFIG
    assert json.loads(capsys.readouterr().err)["error"]["field"] == "HOOKLINE_KAFKA_BOOTSTRAP_SERVERS"
