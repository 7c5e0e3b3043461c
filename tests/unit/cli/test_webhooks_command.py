"""What `hookline webhooks` refuses before it asks any service, and how it says so."""

import base64
import io
import json
import os
from pathlib import Path

import pytest

from tests.commands import call

KEY = "k1:" + base64.b64encode(bytes(32)).decode()
CREATE = ("webhooks", "create", "--tenant", "acme", "--url", "https://a.example/hook")


@pytest.fixture(autouse=True)
def no_services(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A command that got past its checks fails for want of a broker."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOOKLINE_ENCRYPTION_KEYS", KEY)


def error_of(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    out, err = capsys.readouterr()
    assert out == ""
    [line] = err.splitlines()
    error = json.loads(line)["error"]
    assert isinstance(error, dict)
    return error


def test_whose_webhook_it_is_has_to_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["webhooks", "create", "--url", "https://a.example/hook", "--json"]) == os.EX_USAGE
    error = error_of(capsys)
    assert (error["field"], error["message"]) == ("--tenant", "give --tenant, whose webhook it is")


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("--event", "a*b"), "--event"),
        (("--event", ""), "--event"),
        (("--header", "Authorization: [hidden]"), "--header"),
        (("--event", "nope", "--brand", "conclude"), "--event"),
        (("--brand", "nobody"), "--brand"),
        (("--timeout-ms", "999"), "--timeout-ms"),
        (("--header", "Host: x"), "--header"),
        (("--header", "no colon"), "--header"),
        (("--header", "X-A: 1", "--header", "X-A: 2"), "--header"),
        (("--filter", "{"), "--filter"),
        (("--rate-per-s", "-1"), "--rate-per-s"),
        (("--max-concurrency", "5000"), "--max-concurrency"),
        (("--secret", "whsec_short"), "--secret"),
        (("--tenant", " "), "--tenant"),
        (("--url", "https://user:pass@a.example/"), "--url"),
        (("--url", "https://10.0.0.1/"), "--url"),
    ],
)
def test_a_wrong_field_is_named_and_exits_65(
    arguments: tuple[str, ...], field: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = list(CREATE)
    for flag in ("--tenant", "--url"):
        if flag in arguments:
            del given[given.index(flag) : given.index(flag) + 2]
    assert call([*given, *arguments, "--json"]) == os.EX_DATAERR
    assert error_of(capsys)["field"] == field
    assert call([*given, *arguments]) == os.EX_DATAERR
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.startswith((f"hookline: {field}: ", "hookline: there is no brand"))


def test_all_that_is_wrong_is_told_at_once_by_flags(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = ["--timeout-ms", "1", "--name", "a\u202eb", "--url", "https://10.0.0.1/"]
    given = [each for each in CREATE if each != "--url" and "://" not in each]
    assert call([*given, *wrong, "--json"]) == os.EX_DATAERR
    told = error_of(capsys)["errors"]
    assert isinstance(told, list)
    assert [(each["field"], each["code"]) for each in told] == [
        ("--url", "not_public"),
        ("--name", "forbidden_character"),
        ("--timeout-ms", "out_of_range"),
    ]


def test_http_and_private_networks_are_refused_with_the_setting_that_allows_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    local = ["webhooks", "create", "--tenant", "acme", "--url", "http://127.0.0.1:8080/hook"]
    assert call(local) == os.EX_DATAERR
    assert "HOOKLINE_ALLOW_HTTP=true" in capsys.readouterr().err
    monkeypatch.setenv("HOOKLINE_ALLOW_HTTP", "true")
    assert call(local) == os.EX_DATAERR
    assert "HOOKLINE_ALLOW_NETWORKS=127.0.0.1/32" in capsys.readouterr().err
    monkeypatch.setenv("HOOKLINE_ALLOW_NETWORKS", "127.0.0.1/32")
    assert call(local) == os.EX_CONFIG  # past its checks: no broker is configured
    assert "HOOKLINE_KAFKA_BOOTSTRAP_SERVERS" in capsys.readouterr().err


def test_a_secret_from_standard_input_is_checked_and_never_repeated(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("hunter2-hunter2\n"))
    assert call([*CREATE, "--secret", "-", "--json"]) == os.EX_DATAERR
    out, err = capsys.readouterr()
    assert json.loads(err)["error"]["field"] == "--secret"
    assert "hunter2" not in out + err


def test_a_missing_key_and_a_missing_broker_are_configuration(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call([*CREATE, "--json"]) == os.EX_CONFIG
    assert error_of(capsys)["field"] == "HOOKLINE_KAFKA_BOOTSTRAP_SERVERS"
    monkeypatch.delenv("HOOKLINE_ENCRYPTION_KEYS")
    assert call([*CREATE, "--json"]) == os.EX_CONFIG
    assert error_of(capsys)["field"] == "HOOKLINE_ENCRYPTION_KEYS"


@pytest.mark.parametrize(
    "arguments",
    [
        ("update", "wh_1"),
        ("list", "--limit", "0"),
        ("list", "--status", "sleeping"),
        ("create", "--url", "https://a.example/"),
        ("create", "--tenant", "acme", "--url", "https://a.example/", "--signing", "rot13"),
        ("show",),
        ("explode",),
    ],
)
def test_a_wrong_use_exits_64(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["webhooks", *arguments]) == os.EX_USAGE
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
