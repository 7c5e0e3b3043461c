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
        (("replay", "--all", "--topic", "orders", "--yes"), "only one of these"),
        (("replay", "--all"), "--yes"),
        (("replay", "--reason", "bug"), "--yes"),
        (("replay", "orders"), "TOPIC-PARTITION-OFFSET"),
        (("replay", "orders-0-1", "orders-0-2", "--value", "file"), "--value"),
        (("replay", "--all", "--yes", "--value", "file"), "--value"),
        (("replay", "orders-0-1", "--limit", "0"), "--limit"),
        (("list", "--since", "yesterday"), "--since"),
        (("list", "--reason", "no_reason"), "--reason"),
        (("show", "orders-x"), "TOPIC-PARTITION-OFFSET"),
    ],
)
def test_a_wrong_use_exits_64_before_anything_is_read(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKLINE_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    assert call(["poison", *arguments]) == os.EX_USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert call(["poison", *arguments, "--json"]) == os.EX_USAGE
    assert json.loads(capsys.readouterr().err)["error"]["code"] == os.EX_USAGE


def test_a_mended_value_that_cannot_be_read_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["poison", "replay", "orders-0-1", "--value", "missing.json"]) == os.EX_DATAERR
    assert capsys.readouterr().err == "hookline: missing.json: No such file or directory\n"
