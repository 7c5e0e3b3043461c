"""`hookline webhooks stats`: what the API tells, and of what is not known nothing."""

import json
import os
import time
from collections.abc import Iterator

import pytest

from consumer.cli import webhook_stats
from tests.attempts import plain
from tests.commands import call
from tests.memory_api import MemoryApi
from tests.over_api import webhooks_over


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryApi]:
    api = MemoryApi()
    with webhooks_over(api, webhook_stats, monkeypatch):
        yield api


def said(capsys: pytest.CaptureFixture[str], *tokens: str) -> str:
    assert call(["webhooks", "stats", *tokens]) == os.EX_OK
    return "".join(line for line in capsys.readouterr().out.splitlines(keepends=True) if " [info " not in line)


def test_as_json_it_is_what_the_api_tells_and_a_person_gets_tables(
    api: MemoryApi, capsys: pytest.CaptureFixture[str]
) -> None:
    webhook = str(api.webhook(api.client())["id"])
    api.log.add(plain, subscription_id=webhook, at_ms=time.time_ns() // 1_000_000)
    told = json.loads(said(capsys, webhook, "--json", "--period", "30d"))
    assert (told["object"], told["period"], len(told["buckets"])) == ("stats", "30d", 30)
    assert told == api.client().get(f"/v1/webhooks/{webhook}/stats?period=30d").json()
    assert told["listed"]["attempts"] == 1
    table = said(capsys, webhook)
    assert "delivered  0" in table  # of which the role `log` has not told yet
    assert "listed attempts  1" in table
    assert "order.created" in table


def test_what_is_not_known_is_left_out(api: MemoryApi, capsys: pytest.CaptureFixture[str]) -> None:
    webhook = str(api.webhook(api.client())["id"])
    api.stats.away = True
    assert "delivered" not in said(capsys, webhook)
    assert json.loads(said(capsys, webhook, "--json"))["totals"] is None
