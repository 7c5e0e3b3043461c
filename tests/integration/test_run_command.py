"""The command line's ways out: exit codes of sysexits.h, one line each."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from consumer.demo.broker import Broker
from consumer.demo.cache import Cache
from consumer.demo.stage import environment, topic_names

NOWHERE = {"HOOKLINE_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}


def hookline(
    folder: Path, *arguments: str, module: str = "consumer.cli.app", **settings: str
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **settings, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=60,
        check=False,
        cwd=folder,
        env=environment,
    )


@pytest.mark.parametrize(
    ("arguments", "settings", "code", "words"),
    [
        (("run",), {}, 78, "HOOKLINE_KAFKA_BOOTSTRAP_SERVERS"),
        (("run", "deliver"), {**NOWHERE, "HOOKLINE_RETRY_DELAYS": "5m,1m"}, 78, "HOOKLINE_RETRY_DELAYS"),
        (("run", "deliver", "--processes", "1"), NOWHERE, 78, "HOOKLINE_EVENT_TOPICS"),
        (("run", "dance"), {}, 64, "dance"),
        (("dance",), {}, 64, "dance"),
        (("run", "--dance"), {}, 64, "--dance"),
        (("demo", "--for", "soon"), {}, 64, "'soon' is not a duration"),
    ],
)
def test_a_mistake_is_an_exit_code_and_says_what(
    tmp_path: Path, arguments: tuple[str, ...], settings: dict[str, str], code: int, words: str
) -> None:
    done = hookline(tmp_path, *arguments, **settings)

    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_brand_that_is_wrong_is_refused_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text('title = "Acme"\nsigning = "md5"\n')
    done = hookline(tmp_path, "run", **NOWHERE, HOOKLINE_BRANDS_DIR=".")
    assert done.returncode == 78
    first = done.stderr.splitlines()[0]
    assert first == "hookline: acme.toml: signing: must be 'standard', 'ed25519', 'hex', 'sha256' or 'stripe'"
    assert "process started" not in done.stderr


def test_all_that_is_wrong_is_told_once_and_nothing_is_started(tmp_path: Path) -> None:
    wrong = {"HOOKLINE_REDIS_URL": "http://nowhere", "HOOKLINE_API_LISTEN": "x", "HOOKLINE_KAFKA_ACKS": "1"}
    done = hookline(tmp_path, "run", **NOWHERE, **wrong)
    assert done.returncode == 78
    assert [line.split(": ")[:2] for line in done.stderr.splitlines()] == [
        ["hookline", "HOOKLINE_REDIS_URL"],
        ["hookline", "HOOKLINE_API_LISTEN"],
        ["hookline", "HOOKLINE_EVENT_TOPICS"],
        ["hookline", "HOOKLINE_ENCRYPTION_KEYS"],
        ["hookline", "HOOKLINE_KAFKA_ACKS"],
    ]


def test_a_secret_never_appears_in_what_is_refused(tmp_path: Path) -> None:
    done = hookline(
        tmp_path, "run", "deliver", **NOWHERE, HOOKLINE_ENCRYPTION_KEYS="tip-top", HOOKLINE_EVENT_TOPICS="events"
    )

    assert done.returncode == 78, done.stderr
    assert "HOOKLINE_ENCRYPTION_KEYS" in done.stderr
    assert "tip-top" not in done.stderr


@pytest.mark.parametrize("delay_s", [0.1, 0.4, 1.5, 5.0])
def test_sigterm_ends_run_in_order_whatever_it_is_doing(tmp_path: Path, delay_s: float) -> None:
    log = tmp_path / "run.log"
    with (
        Broker(topic_names()) as broker,
        Cache() as cache,
        log.open("wb") as said,
        subprocess.Popen(
            [sys.executable, "-m", "consumer.cli.app", "run", "--processes", "1"],
            cwd=tmp_path,
            env={
                **environment(broker.bootstrap_servers, cache.url, tmp_path),
                "PYTHONPATH": str(Path(__file__).parents[2]),
            },
            stderr=said,
        ) as process,
    ):
        time.sleep(delay_s)
        for _ in range(2):  # `timeout` signals its command, and then the group that the command is in
            process.send_signal(signal.SIGTERM)
            time.sleep(0.02)
        code = process.wait(10)

    # Before its first line has run, the signal ends the interpreter itself: it has said nothing then.
    ended_unstarted = code == -signal.SIGTERM and not log.read_bytes()
    assert code == 0 or (delay_s < 5 and ended_unstarted), log.read_text()


def test_the_help_is_there_without_what_the_commands_need(tmp_path: Path) -> None:
    """Importing that takes twice as long as all the rest."""
    done = hookline(tmp_path, "--help", PYTHONPROFILEIMPORTTIME="1")

    assert done.returncode == 0
    assert all(command in done.stdout for command in ("run", "publish", "topics", "webhooks", "dead-letters", "demo"))
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "consumer" in imported
    assert imported.isdisjoint({"confluent_kafka", "fastapi", "httpx", "pycurl", "redis"})


def test_a_misspelt_variable_is_told_once_with_the_one_that_was_meant(tmp_path: Path) -> None:
    done = hookline(tmp_path, "run", "deliver", "--processes", "1", **NOWHERE, HOOKLINE_EVENT_TOPIC="orders")

    [told] = [line for line in done.stderr.splitlines() if "not a setting" in line]
    assert '"HOOKLINE_EVENT_TOPIC"' in told
    assert '"HOOKLINE_EVENT_TOPICS"' in told
    assert "orders" not in told
