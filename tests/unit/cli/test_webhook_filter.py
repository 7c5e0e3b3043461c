"""`hookline webhooks try-filter` says whether a filter lets an event through, and where it does not."""

import json
from pathlib import Path

import pytest

from consumer.cli.exits import CommandFailed
from consumer.cli.webhook_filter import try_filter
from consumer.webhooks.wrong import FieldInvalid

FILTER = '{"amount": [{"numeric": [">", 100]}]}'


@pytest.mark.parametrize(("amount", "exit_code", "unmet"), [(500, 0, []), (5, 1, [{"path": "$.amount", "found": "5"}])])
def test_an_event_of_ones_own_is_tried(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], amount: int, exit_code: int, unmet: list[object]
) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"amount": amount}), encoding="utf-8")
    assert try_filter(filter_json=FILTER, data=str(event), json=True) == exit_code
    assert json.loads(capsys.readouterr().out) == {"matches": not exit_code, "unmet": unmet, "givenUp": False}


def test_a_sample_is_tried(capsys: pytest.CaptureFixture[str]) -> None:
    exists = '{"conversationId": [{"exists": true}]}'
    assert try_filter(filter_json=exists, type_="conversation.shared", brand="convo") == 0
    assert try_filter(filter_json=FILTER, type_="webhook.test") == 1
    assert "nothing there" in capsys.readouterr().out


def test_what_cannot_be_tried_is_said(tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{", encoding="utf-8")
    for type_, data in ((None, None), ("a", "-"), (None, str(broken)), (None, str(tmp_path / "none"))):
        with pytest.raises(CommandFailed, match="--data"):
            try_filter(filter_json=FILTER, type_=type_, data=data)
    with pytest.raises(FieldInvalid):
        try_filter(filter_json='{"a": 1}', type_="webhook.test")
