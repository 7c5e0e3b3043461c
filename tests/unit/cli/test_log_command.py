"""`hookline log`, by way of an API in memory: the same rows, the same words, and nothing that commands a terminal."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest
from msgspec import structs

from consumer.cli import log as commands
from consumer.cli.access import Access
from consumer.cli.log_flags import LogFlags, asked_of
from consumer.cli.log_port import LogPort
from consumer.cli.remote_log import RemoteLog
from consumer.delivery.delivery import Trigger
from consumer.log.query import View
from tests.attempts import plain
from tests.commands import call
from tests.memory_api import MemoryApi
from tests.over_api import speaking

FAILED: Final = structs.replace(plain, status=503, outcome="retry", next_tier="5s", response_body=b"\x1b[2Jtry\rlater")


@pytest.fixture
def api() -> MemoryApi:
    made = MemoryApi()
    made.log.add()
    made.log.add(FAILED, event_type="=1+1\x1b[31m")
    return made


@pytest.fixture
def reached(api: MemoryApi, monkeypatch: pytest.MonkeyPatch) -> Iterator[RemoteLog]:
    """What every command reaches: the API in memory, through the client that would speak to a real one."""
    with speaking(api) as client:
        remote = RemoteLog(client)

        @contextmanager
        def there(access: Access | None) -> Iterator[LogPort]:
            del access
            yield remote

        monkeypatch.setattr(commands, "log", there)
        yield remote


def said(capsys: pytest.CaptureFixture[str], *tokens: str, code: int = os.EX_OK) -> str:
    assert call(["log", *tokens]) == code, capsys.readouterr().err
    # The API runs in this process, and its own log is on the same standard output.
    return "".join(line for line in capsys.readouterr().out.splitlines(keepends=True) if " [info " not in line)


def rows(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_list_is_what_the_api_answers(api: MemoryApi, reached: RemoteLog, capsys: pytest.CaptureFixture[str]) -> None:
    listed = api.client().get("/v1/attempts").json()["data"]
    assert rows(said(capsys, "list", "--json")) == listed
    assert rows(said(capsys, "list", "--json", "--code", "5xx", "--code", "none")) == listed[:1]
    assert rows(said(capsys, "list", "--json", "--limit", "1")) == listed[:1]
    deliveries = api.client().get("/v1/deliveries?status=failed&status=retrying").json()["data"]
    assert rows(said(capsys, "list", "--deliveries", "--outcome", "retry", "--json")) == deliveries
    assert rows(said(capsys, "search", "later", "--json")) == listed[:1]


def test_what_others_wrote_commands_no_terminal(reached: RemoteLog, capsys: pytest.CaptureFixture[str]) -> None:
    del reached
    name = rows(said(capsys, "list", "--json"))[0]["id"]
    for tokens in (["list"], ["list", "--deliveries"], ["show", str(name)]):
        out = said(capsys, *tokens)
        assert "\x1b" not in out
        assert "\r" not in out
    assert "try\\rlater" in said(capsys, "show", str(name))


def test_show_says_why_and_what_to_do_now(reached: RemoteLog, capsys: pytest.CaptureFixture[str]) -> None:
    del reached
    attempt = rows(said(capsys, "list", "--json"))[0]
    out = said(capsys, "show", str(attempt["id"]))
    assert "The server in front could not reach the endpoint" in out
    assert "Received: maybe." in out
    delivery = rows(said(capsys, "show", str(attempt["delivery"]), "--json"))[0]
    assert [each["id"] for each in delivery["attemptsKept"]] == [attempt["id"]]  # type: ignore[attr-defined]
    said(capsys, "show", "att_3_9_00000000", code=os.EX_DATAERR)
    said(capsys, "show", "0" * 32, code=os.EX_DATAERR)


def test_export_computes_nothing(reached: RemoteLog, capsys: pytest.CaptureFixture[str]) -> None:
    del reached
    head, first, _ = said(capsys, "export").splitlines()
    assert head.startswith("at,webhook,type")
    assert ",'=1+1\\u001b[31m," in first
    assert len(rows(said(capsys, "export", "--format", "jsonl"))) == 2


def test_tail_prints_what_is_new_the_oldest_first(
    api: MemoryApi, reached: RemoteLog, capsys: pytest.CaptureFixture[str]
) -> None:
    waited: list[str] = []

    def wait() -> None:
        waited.extend(api.log.add() for _ in range(2))

    tailing = reached.tail(View.ATTEMPTS, {}, wait)
    assert [next(tailing)["id"] for _ in range(4)] == waited[:4]
    assert "nothing" not in capsys.readouterr().out


def test_an_export_that_follows_is_json_lines_of_what_is_new(
    api: MemoryApi, reached: RemoteLog, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    new: list[str] = []
    tail = reached.tail
    monkeypatch.setattr(reached, "tail", lambda view, asked, _: tail(view, asked, lambda: new.append(api.log.add())))
    assert [each["id"] for each in rows(said(capsys, "export", "--follow", "--limit", "3"))] == new
    assert call(["log", "export", "--follow", "--format", "csv"]) == os.EX_USAGE


def test_every_flag_is_a_parameter_of_the_api() -> None:
    flags = LogFlags(
        webhook=["w"], outcome=["dead"], code=["none"], reason=["tls"], type=["a.*"], event=["e"],
        trigger=[Trigger.TEST], job=["j"], since="2h", until="1h", slower_than_ms=5, contains="abc",
    )  # fmt: skip
    asked = asked_of(flags)
    assert asked == {
        "webhook": ["w"], "outcome": ["dead"], "code": ["none"], "reason": ["tls"], "type": ["a.*"], "event": ["e"],
        "trigger": ["test"], "job": ["j"], "since": "2h", "until": "1h", "slowerThanMs": "5", "contains": "abc",
    }  # fmt: skip
    assert asked_of(flags, status=True)["status"] == ["failed"]
    assert asked_of(None) == {}
