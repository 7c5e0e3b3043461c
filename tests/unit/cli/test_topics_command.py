import json
import os
from pathlib import Path

import pytest

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


def test_an_unknown_command_is_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["topics", "alter"]) == os.EX_USAGE
    assert "alter" in capsys.readouterr().err
