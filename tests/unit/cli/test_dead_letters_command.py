import json
import os

import pytest

from tests.commands import assert_wrong_use, call

pytestmark = pytest.mark.usefixtures("elsewhere")


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
    assert_wrong_use(["dead-letters", *arguments], said, capsys)


def test_without_a_broker_it_names_the_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["dead-letters", "list", "--json"]) == os.EX_CONFIG
    assert json.loads(capsys.readouterr().err)["error"]["field"] == "HOOKLINE_KAFKA_BOOTSTRAP_SERVERS"
