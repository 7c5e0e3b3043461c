import json
import os
from collections.abc import Callable

import pytest

from consumer.cli.exits import CommandFailed, code_of
from consumer.cli.output import print_fields, print_table, reported
from consumer.control.refusal import Conflict, WebhookUnknown
from consumer.kafka.client import KafkaBroken
from consumer.settings import ConfigurationError
from consumer.webhooks.keyring import SecretUnreadable
from consumer.webhooks.wrong import Code, invalid


def raising(error: Exception) -> Callable[[], int]:
    def command() -> int:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "field"),
    [
        (invalid("url", Code.TOO_LONG, "must be short"), os.EX_DATAERR, "--url"),
        (WebhookUnknown("wh_1"), os.EX_DATAERR, None),
        (Conflict("wh_1"), os.EX_TEMPFAIL, None),
        (SecretUnreadable("k9", "its key is gone"), os.EX_CONFIG, None),
        (ConfigurationError("HOOKLINE_START", "is wrong"), os.EX_CONFIG, "HOOKLINE_START"),
        (KafkaBroken("out of reach"), os.EX_UNAVAILABLE, None),
        (CommandFailed(os.EX_USAGE, "say which"), os.EX_USAGE, None),
    ],
)
def test_an_error_has_its_code_and_under_json_its_form(
    error: Exception, code: int, field: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reported(raising(error), as_json=True) == code
    out, err = capsys.readouterr()
    shown = json.loads(err)["error"]
    assert (out, shown["code"], shown["field"]) == ("", code, field)
    assert shown["message"]
    with pytest.raises(type(error) if code in {69, 64} else Exception) as raised:
        reported(raising(error), as_json=False)
    assert code_of(raised.value) == code
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("as_json", [True, False])
def test_a_bug_stays_a_bug(as_json: bool) -> None:
    with pytest.raises(ZeroDivisionError):
        reported(raising(ZeroDivisionError()), as_json=as_json)


def test_a_long_table_comes_in_pages_uncut_and_without_markup(capsys: pytest.CaptureFixture[str]) -> None:
    rows = ((str(number), "[red]" + "x" * 300) for number in range(1_200))
    assert print_table(("NUMBER", "TEXT"), rows, empty="none") == 1_200
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1_200 + 3
    assert all(line.rstrip().endswith("[red]" + "x" * 300) for line in lines if not line.startswith("NUMBER"))


def test_an_empty_table_says_so_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert print_table(("A",), (), empty="nothing here") == 0
    assert capsys.readouterr() == ("", "nothing here\n")


def test_fields_without_a_value_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    print_fields(
        {"id": "wh_1", "name": "", "product": None, "rate": 0, "on": False, "topics": [], "filter": {"a": [1]}}
    )
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines()] == ["id", "rate", "on", "filter"]
    assert '{"a":[1]}' in out
