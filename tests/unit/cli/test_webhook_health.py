"""`hookline webhooks health`: what the API tells of webhooks' health, and nothing that commands a terminal."""

import json
import os
from collections.abc import Iterator

import pytest

from consumer.cli import webhook_health
from consumer.log.health import Health, LastStatus
from consumer.standings.store import Backlog
from tests.commands import call
from tests.memory_api import NOW_MS, MemoryApi
from tests.over_api import webhooks_over


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Two webhooks behind the API, one of which fails; its id."""
    api = MemoryApi()
    customer = api.client()
    api.webhook(customer, name="well")
    name = str(api.webhook(customer)["id"])
    api.healths.known[name] = Health(
        consecutive_failures=7,
        errors_since_last_success=7,
        last_status=LastStatus(code=503, message="\x1b[2Jbusy", at_ms=NOW_MS),
        last_response_ms=12.04,
    )
    api.backlogs.known[name] = Backlog(waiting=40, until_ms=NOW_MS)
    with webhooks_over(api, webhook_health, monkeypatch):
        yield name


def said(capsys: pytest.CaptureFixture[str], *tokens: str) -> str:
    assert call(["webhooks", "health", *tokens]) == os.EX_OK
    return "".join(line for line in capsys.readouterr().out.splitlines(keepends=True) if " [info " not in line)


def test_as_json_it_is_what_the_api_tells(failing: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [json.loads(line) for line in said(capsys, "--json").splitlines()]
    assert len(rows) == 2
    [row] = [json.loads(line) for line in said(capsys, "--failing", "--json").splitlines()]
    assert row == json.loads(said(capsys, failing, "--json")) == next(each for each in rows if each["id"] == failing)
    assert (row["health"]["consecutiveFailures"], row["health"]["lastStatus"]["code"]) == (7, 503)
    assert row["backlog"]["waiting"] == 40
    assert said(capsys, "--limit", "1", "--json").count("\n") == 1


def test_a_person_gets_a_table_and_what_is_not_known_is_left_out(
    failing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    head, *rows = said(capsys).splitlines()
    assert head.split()[:2] == ["ID", "STATUS"]
    [row] = [each for each in rows if each.startswith(failing)]
    assert " 7 " in row
    assert " 503, 2026-" in row
    assert " 40 " in row
    one = said(capsys, failing)
    assert "consecutiveFailures" in one
    assert "avgResponseTime" not in one
    assert "\\u001b[2Jbusy" in one
