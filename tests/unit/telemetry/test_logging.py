import io
import json
import logging
import re
import sys
from collections.abc import Iterator
from typing import Literal

import pytest
import structlog
from pydantic import SecretStr

from consumer.settings import Settings
from consumer.telemetry.logging import configure


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def one_line(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    (line,) = capsys.readouterr().err.splitlines()
    parsed = json.loads(line)
    assert isinstance(parsed, dict)
    return parsed


def test_a_line_says_when_where_and_what(capsys: pytest.CaptureFixture[str]) -> None:
    configure(Settings(), role="deliver", slot=3)

    structlog.get_logger().info("assigned", partitions=[1, 2])

    line = one_line(capsys)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(line["time"]))
    assert (line["role"], line["slot"], line["level"], line["event"]) == ("deliver", 3, "info", "assigned")
    assert isinstance(line["pid"], int)
    assert line["partitions"] == [1, 2]


def test_a_librarys_line_takes_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    configure(Settings(), role="deliver")

    logging.getLogger("redis").warning("lost %s", "redis://u:hunter2@cache")

    line = one_line(capsys)
    assert (line["logger"], line["level"], line["event"]) == ("redis", "warning", "lost redis://***@cache")


def test_httpx_does_not_tell_the_urls_it_posts_to(capsys: pytest.CaptureFixture[str]) -> None:
    configure(Settings(), role="deliver")

    logging.getLogger("httpx").info("HTTP Request: POST https://hooks.example/T0/secret")

    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_secret_and_no_local_variable_is_printed(
    capsys: pytest.CaptureFixture[str], log_format: Literal["json", "console"]
) -> None:
    configure(Settings(log_format=log_format), role="deliver")

    def fails() -> None:
        local = "tip-" + "top"
        raise RuntimeError(f"from redis://:{local}@cache")

    try:
        fails()
    except RuntimeError:
        structlog.get_logger().exception("failed", secret="tip-top", headers={"a": "tip-top"}, key=SecretStr("tip-top"))

    said = capsys.readouterr().err
    assert "tip-top" not in said
    assert "RuntimeError: from redis://***@cache" in said
    assert "in fails" in said


@pytest.mark.parametrize(("is_terminal", "is_json"), [(True, False), (False, True)])
def test_a_terminal_is_told_in_columns_and_a_file_in_json(
    monkeypatch: pytest.MonkeyPatch, is_terminal: bool, is_json: bool
) -> None:
    said = io.StringIO()
    monkeypatch.setattr(said, "isatty", lambda: is_terminal)
    monkeypatch.setattr(sys, "stderr", said)
    configure(Settings(), role="deliver")
    structlog.get_logger().warning("waiting for kafka", at="127.0.0.1:9092")
    line = said.getvalue()
    assert line.startswith("{") is is_json
    if is_terminal:
        assert line.index("waiting for kafka") < line.index("127.0.0.1:9092") < line.index("deliver")


def test_the_level_is_the_settings(capsys: pytest.CaptureFixture[str]) -> None:
    configure(Settings(log_level="warning"), role="deliver")

    structlog.get_logger().info("quiet")
    logging.getLogger("redis").info("quiet")

    assert capsys.readouterr().err == ""
