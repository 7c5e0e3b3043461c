import io
import json
import os
from contextlib import redirect_stderr, redirect_stdout

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.brands.loader import BrandUnknown
from consumer.cli.exits import INTERRUPTED, CommandFailed, code_of, json_asked, tell, usage, warn
from consumer.cli.output import print_fields, print_json, print_table
from consumer.control.refusal import Conflict, WebhookUnknown
from consumer.kafka.client import KafkaBroken
from consumer.settings import ConfigurationError
from consumer.webhooks.keyring import SecretUnreadable
from consumer.webhooks.wrong import Code, invalid


@pytest.mark.parametrize(
    ("error", "code", "field"),
    [
        (invalid("url", Code.TOO_LONG, "must be short"), os.EX_DATAERR, "--url"),
        (WebhookUnknown("wh_1"), os.EX_DATAERR, None),
        (BrandUnknown("nobody", ["hookline"]), os.EX_DATAERR, "--brand"),
        (Conflict("wh_1"), os.EX_TEMPFAIL, None),
        (SecretUnreadable("k9", "its key is gone"), os.EX_CONFIG, None),
        (ConfigurationError("HOOKLINE_START", "is wrong"), os.EX_CONFIG, "HOOKLINE_START"),
        (KafkaBroken("out of reach"), os.EX_UNAVAILABLE, None),
        (usage("say which", field="--all"), os.EX_USAGE, "--all"),
        (KeyboardInterrupt(), INTERRUPTED, None),
    ],
)
def test_an_error_has_its_code_and_under_json_its_form(
    error: BaseException, code: int, field: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tell(error, as_json=True) == code
    out, err = capsys.readouterr()
    shown = json.loads(err)["error"]
    assert (out, shown["code"], shown["field"]) == ("", code, field)
    assert shown["message"]
    assert tell(error, as_json=False) == code
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("hookline: ")


def test_a_bug_stays_a_bug() -> None:
    assert code_of(ZeroDivisionError()) == os.EX_SOFTWARE


@pytest.mark.parametrize(
    ("tokens", "asked"),
    [(["topics", "check", "--json"], True), (["topics"], False), (["dead-letters", "show", "--", "--json"], False)],
)
def test_json_is_asked_for_before_the_arguments_that_only_look_like_flags(tokens: list[str], asked: bool) -> None:
    assert json_asked(tokens) is asked


def test_a_person_reads_lists_and_parts_without_their_marks(capsys: pytest.CaptureFixture[str]) -> None:
    print_fields(
        {
            "topics": ["order.paid", "order.sent"],
            "uid": None,
            "lastStatus": {"code": 503, "message": None, "at": "2026-01-31T12:00:00Z"},
            "filter": {"country": ["FR"]},
            "metadata": {},
        }
    )
    assert [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()] == [
        ["topics", "order.paid, order.sent"],
        ["lastStatus.code", "503"],
        ["lastStatus.at", "2026-01-31T12:00:00Z"],
        ["filter", '{"country":["FR"]}'],
    ]


ANY = st.text(st.characters(categories=None), max_size=12)


@given(text=ANY, name=st.sampled_from(["id", "body"]))
def test_what_others_wrote_reaches_a_terminal_escaped(text: str, name: str) -> None:
    heard = io.StringIO()
    with redirect_stdout(heard), redirect_stderr(heard):
        print_table(("A", "B"), [(text, "x")], empty="none")
        print_fields({name: text, "of": {text: [text]}, "part": {text: text}, "words": [text, text]})
        print_json({text: text})
        tell(CommandFailed(os.EX_DATAERR, text), as_json=False)
        tell(CommandFailed(os.EX_DATAERR, text), as_json=True)
        warn(text, text, as_json=False)
    assert all(line.isprintable() for line in heard.getvalue().split("\n"))


def test_a_long_table_comes_in_pages_uncut_and_without_markup(capsys: pytest.CaptureFixture[str]) -> None:
    rows = ((str(number), "[red]" + "x" * 300) for number in range(1_200))
    assert print_table(("NUMBER", "TEXT"), rows, empty="none") == 1_200
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1_200 + 3
    assert all(line.rstrip().endswith("[red]" + "x" * 300) for line in lines if not line.startswith("NUMBER"))


def test_no_line_is_filled_up_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    print_fields({"id": "wh_1", "url": "https://example.com/" + "x" * 50})
    print_table(("A", "B"), [("1", "x" * 50), ("2", "y")], empty="none")
    lines = capsys.readouterr().out.split("\n")
    assert lines == [line.rstrip() for line in lines]
    assert len(lines) == 2 + 3 + 1


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
