"""Tokens of a file or a command."""

import base64
import json
import sys
from pathlib import Path

import pytest

from consumer.kafka.client import ASK_TOKEN, KafkaBroken, build, client_properties
from consumer.kafka.tokens import Tokens, TokenUnusable, tokens
from consumer.settings import ConfigurationError, Settings


def jwt(ends_s: float) -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"sub": "hookline", "exp": ends_s}).encode()).decode().rstrip("=")
    return f"e30.{claims}.c2lnbmF0dXJl"


class Source:
    """Gives each token once, and the last one for ever."""

    def __init__(self, *given: str) -> None:
        self.given = list(given)
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        return self.given.pop(0) if len(self.given) > 1 else self.given[0]


def test_a_token_is_asked_for_once_for_all_clients_and_again_at_half_its_life() -> None:
    now_s = 1_000.0
    source = Source(jwt(1_100), jwt(1_200))
    asked = Tokens(source, now_s=lambda: now_s)
    assert asked("") == asked("") == (jwt(1_100), 1_100)
    now_s = 1_049
    assert asked("") == (jwt(1_100), 1_100)
    assert source.asked == 1
    now_s = 1_050
    assert asked("") == (jwt(1_200), 1_200)


def test_what_is_no_web_token_holds_for_five_minutes() -> None:
    assert Tokens(lambda: "a.b\n", now_s=lambda: 1_000.0)("") == ("a.b", 1_300.0)
    assert Tokens(lambda: "a.!.c", now_s=lambda: 1_000.0)("") == ("a.!.c", 1_300.0)


@pytest.mark.parametrize("text", ["", "two words", "two\nlines", "naïve", "x" * 70_000])
def test_what_is_no_token_is_said_without_it(text: str) -> None:
    with pytest.raises(TokenUnusable, match="no token: one word") as caught:
        Tokens(lambda: text)("")
    assert not text or text not in str(caught.value)


def test_a_token_that_has_ended_is_none() -> None:
    with pytest.raises(TokenUnusable, match="has ended already"):
        Tokens(lambda: jwt(999), now_s=lambda: 1_000.0)("")


def test_a_file_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "token"
    with pytest.raises(ConfigurationError, match=f"HOOKLINE_KAFKA_TOKEN_FROM: there is no file {path}"):
        tokens(f"file:{path}")
    path.write_text("first\n")
    asked = tokens(f"file:{path}")
    path.unlink()
    with pytest.raises(TokenUnusable, match="cannot be read: No such file"):
        asked("")
    path.write_text("second\n")
    assert asked("")[0] == "second"


def test_a_command_is_run_without_a_shell_and_what_it_prints_is_in_no_error() -> None:
    python = f"command:{sys.executable} -c"
    assert tokens(f"{python} 'print(\"$HOME\")'")("")[0] == "$HOME"
    with pytest.raises(TokenUnusable, match="ended with 3") as caught:
        tokens(f"{python} 'print(\"hunter2\"); raise SystemExit(3)'")("")
    assert "hunter2" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="there is no program no-such-program"):
        tokens("command:no-such-program --now")
    with pytest.raises(ConfigurationError, match="is no command line"):
        tokens("command:echo 'unfinished")


@pytest.mark.parametrize("wrong", ["abc", "file:", "command: ", "s3:bucket"])
def test_a_source_of_another_kind_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="write file: and a path"):
        Settings(kafka_token_from=wrong)


def test_a_client_is_given_the_source_and_a_missing_token_is_said_at_once() -> None:
    said = {"bootstrap.servers": "127.0.0.1:1", "security.protocol": "sasl_ssl"}
    source = f"command:{sys.executable} -c 'raise SystemExit(7)'"
    properties = client_properties(Settings(kafka=said, kafka_token_from=source))
    assert properties["sasl.mechanism"] == "OAUTHBEARER"
    assert properties[ASK_TOKEN] is tokens(source)
    with pytest.raises(KafkaBroken, match=r"HOOKLINE_KAFKA_TOKEN_FROM: .* ended with 7"):
        build(lambda _: pytest.fail("made without a token"), properties)
