import os

import pytest

from tests.commands import assert_wrong_use, call

pytestmark = pytest.mark.usefixtures("elsewhere")


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
    assert_wrong_use(["poison", *arguments], said, capsys)


def test_a_mended_value_that_cannot_be_read_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["poison", "replay", "orders-0-1", "--value", "missing.json"]) == os.EX_DATAERR
    assert capsys.readouterr().err == "hookline: missing.json: No such file or directory\n"
