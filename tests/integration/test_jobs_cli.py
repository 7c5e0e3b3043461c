"""`hookline replay`, `recover`, `resend` and `jobs` straight on Kafka, where no role `jobs` runs: the job runs here."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from consumer.configuration import load
from consumer.delivery.delivery import Delivery
from consumer.kafka import subscriptions
from consumer.kafka.reading import read_to_end
from consumer.kafka.records import decode_delayed, encode_dead_letter
from consumer.kafka.topics import Topics, admin_client, create
from consumer.kafka.writing import NewRecord, write_now
from consumer.settings import Settings
from tests.commands import call
from tests.dead_letters import dead_letter
from tests.webhook_samples import subscription

ROOT = Path(__file__).parents[2]
NUMBER = 40
HERE = "no role `jobs` is running: running it here"


@pytest.fixture(autouse=True)
def settings(
    kafka_bootstrap: str, redis_url: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
        "REDIS_URL": redis_url,
        "TOPIC_PREFIX": topic_prefix,
        "EVENT_TOPICS": "events",
        "PARTITIONS": "2",
        "RETRY_DELAYS": "5s",
    }.items():
        monkeypatch.setenv(f"HOOKLINE_{name}", value)
    made = load()
    create(admin_client(made), made)
    subscriptions.write(made, subscription("wh_1"))
    topic = Topics.of(made).dead_letter
    now_ms = time.time_ns() // 1_000_000
    write_now(
        made,
        [
            NewRecord(topic=topic, key=b"wh_1", value=encode_dead_letter(dead_letter(number, failed_at_ms=now_ms)))
            for number in range(NUMBER)
        ],
    )
    return made


def sent(settings: Settings) -> list[str]:
    found = [decode_delayed(each.value or b"", 0) for each in read_to_end(settings, Topics.of(settings).retry(0))]
    return sorted(each.event.id for each in found if isinstance(each, Delivery))


def said(capsys: pytest.CaptureFixture[str], *tokens: str, code: int = os.EX_OK) -> tuple[list[dict[str, object]], str]:
    assert call([*tokens, "--json"]) == code, capsys.readouterr().err
    out, err = capsys.readouterr()
    return [json.loads(line) for line in out.splitlines()], err


def test_a_count_is_started_and_sends_each_once(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    [counted], err = said(capsys, "replay", "wh_1", "--dry-run", "--since", "1h")
    assert HERE in err
    name = str(counted["id"])
    assert f"`hookline jobs start {name} --tenant acme`" in err
    assert counted["state"] == "counted"
    assert sent(settings) == []
    [done], _ = said(capsys, "jobs", "start", name, "--tenant", "acme")
    assert done["state"] == "done"
    assert sent(settings) == sorted(f"e{number}" for number in range(NUMBER))
    listed, _ = said(capsys, "jobs", "list", "--tenant", "acme")
    assert [(each["id"], each["state"]) for each in listed] == [(name, "done")]
    assert said(capsys, "jobs", "list", "--tenant", "other")[0] == []
    [again], _ = said(capsys, "replay", "wh_1", "--since", "1h")
    counts = again["counts"]
    assert isinstance(counts, dict)
    assert (counts["sent"], counts["skipped"]) == (0, {"already_replayed": NUMBER})


def test_one_is_sent_again_and_no_second_time(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    name = dead_letter(7).delivery.id
    [done], _ = said(capsys, "resend", name, "--tenant", "acme")
    assert (done["kind"], done["state"]) == ("resend", "done")
    assert sent(settings) == ["e7"]
    _, err = said(capsys, "resend", name, "--tenant", "acme", code=os.EX_TEMPFAIL)
    assert "it was sent again before: ask with --again" in err
    said(capsys, "resend", "0" * 32, "--tenant", "acme", code=os.EX_DATAERR)


def test_interrupted_it_stops_and_is_resumed_or_canceled(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    err = _interrupted(["replay", "wh_1", "--rate", "4"], lambda: len(sent(settings)) > 2)
    assert "hookline jobs resume" in err
    before = sent(settings)
    assert 0 < len(before) < NUMBER
    [job], _ = said(capsys, "jobs", "list", "--tenant", "acme")
    name = str(job["id"])
    [paused], _ = said(capsys, "jobs", "pause", name, "--tenant", "acme")
    assert paused["state"] == "paused"
    assert sent(settings) == before
    err = _interrupted(["jobs", "resume", name, "--tenant", "acme"], lambda: len(sent(settings)) > len(before))
    assert "hookline jobs cancel" in err
    assert len(sent(settings)) == len(set(sent(settings))) < NUMBER
    [canceled], _ = said(capsys, "jobs", "cancel", name, "--tenant", "acme")
    assert canceled["state"] == "canceled"
    said(capsys, "jobs", "resume", name, "--tenant", "acme", code=os.EX_TEMPFAIL)


def _interrupted(tokens: Sequence[str], far: object) -> str:
    """Start a command, interrupt it when it is so far; what it said."""
    assert callable(far)
    process = subprocess.Popen(
        [sys.executable, "-m", "consumer.cli.app", *tokens, "--json"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until_s = time.monotonic() + 60
    while not far() and time.monotonic() < until_s and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    return err
