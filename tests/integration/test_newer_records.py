"""What a newer Hookline wrote stops the roles that should read it: they stand by, and nothing is passed over."""

import json
import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from consumer.configuration import load
from consumer.kafka.reading import read_to_end
from consumer.kafka.topics import Topics, admin_client, create
from consumer.kafka.writing import NewRecord, write_now
from consumer.roles.process import OLDER
from tests.acceptance.deadline import until
from tests.acceptance.hookline import Hookline, hookline

NEWER = b"\xc3\x01of later" + b"and what it says"
ROLES = ("projection", "retry", "log")
OLDER_FOR = re.compile(r'^hookline_outage_seconds{role="(\w+)",.*what="older than what it reads"} [1-9]', re.MULTILINE)


def lacking(address: str) -> list[str]:
    """Why it is not ready, by the admin port."""
    try:
        with urllib.request.urlopen(f"http://{address}/readyz", timeout=10):
            return []
    except urllib.error.HTTPError as refused:
        return list(json.loads(refused.read())["reasons"])


def metrics(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def starts(running: Hookline) -> int:
    return len(running.said("process started"))


def test_every_role_stands_by_and_goes_nowhere(
    kafka_bootstrap: str, redis_url: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {
        "HOOKLINE_KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
        "HOOKLINE_REDIS_URL": redis_url,
        "HOOKLINE_TOPIC_PREFIX": topic_prefix,
        "HOOKLINE_PARTITIONS": "1",
        "HOOKLINE_ENCRYPTION_KEYS": f"test:{'A' * 43}=",
        "HOOKLINE_STATE_DIR": str(tmp_path / "state"),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = load()
    create(admin_client(settings), settings)
    topics = Topics.of(settings)
    own = (topics.subscriptions, topics.retry(1), topics.attempts)
    write_now(settings, [NewRecord(topic=topic, key=b"k", value=NEWER) for topic in own])

    with hookline(environment, tmp_path, *ROLES) as running:
        address = running.admin()
        until(
            lambda: sorted(lacking(address)) == sorted(f"{role}/0: {OLDER}" for role in ROLES),
            within_s=90,
            missing=lambda: f"{lacking(address)}\n{running.tail}",
        )
        said = running.said("older than what it reads")
        assert {str(line["role"]) for line in said} == {*ROLES}
        assert all("a newer Hookline wrote this record" in str(line["error"]) for line in said)
        until(lambda: {*OLDER_FOR.findall(metrics(address))} == {*ROLES}, within_s=60, missing=lambda: metrics(address))
        assert starts(running) == len(ROLES)  # none came again and again
        assert running.stop()[0] == 0
    assert [*read_to_end(settings, topics.poison)] == []
