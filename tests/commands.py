"""The command line called in this process, which leaves the test's logging as it was."""

import json
import logging
import os
from collections.abc import Sequence

import pytest
import structlog

from consumer.cli import app


def call(tokens: Sequence[str]) -> int:
    """The exit code of `hookline …`. A command sends the logs to its standard error, which ends with the test."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        return app.call(tokens)
    finally:
        logging.captureWarnings(capture=False)
        root.handlers[:] = before
        root.setLevel(level)
        structlog.reset_defaults()


def assert_wrong_use(tokens: Sequence[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It exits 64, prints nothing, and says this to a person; with `--json` its error is JSON."""
    assert call(tokens) == os.EX_USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert call([*tokens, "--json"]) == os.EX_USAGE
    assert json.loads(capsys.readouterr().err)["error"]["code"] == os.EX_USAGE


class Said:
    """Calls the commands of one group with `--json`: returns what they printed, keeps what they said on stderr."""

    def __init__(self, group: str, capsys: pytest.CaptureFixture[str]) -> None:
        self._group = group
        self._capsys = capsys
        self.err = ""

    def __call__(self, *arguments: str, code: int = os.EX_OK) -> list[dict[str, object]]:
        found = call([self._group, *arguments, "--json"])
        out, self.err = self._capsys.readouterr()
        assert found == code, self.err
        return [json.loads(line) for line in out.splitlines()]
