"""`hookline export`, `import` and `tenants erase` on Kafka: from one installation to another, each of them twice."""

import base64
import json
import os
from pathlib import Path

import pytest

from consumer.configuration import load
from consumer.control.key_writes import read_keys
from consumer.kafka import subscriptions
from consumer.webhooks.keyring import Keyring
from tests.commands import call
from tests.services.topics import MakeTopics

K1, K2 = (f"{key_id}:{base64.b64encode(bytes([fill] * 32)).decode()}" for key_id, fill in (("k1", 1), ("k2", 2)))
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture(autouse=True)
def services(kafka_bootstrap: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOOKLINE_KAFKA_BOOTSTRAP_SERVERS", kafka_bootstrap)
    monkeypatch.setenv("HOOKLINE_REDIS_URL", redis_url)


def test_webhooks_and_keys_go_to_another_installation_and_are_erased_there_and_twice_changes_nothing(
    topic_prefix: str,
    make_topics: MakeTopics,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def hookline(*tokens: str, code: int = os.EX_OK) -> str:
        found = call(tokens)
        out, err = capsys.readouterr()
        assert found == code, err
        return out if code == os.EX_OK else err

    def at(prefix: str, key: str) -> None:
        monkeypatch.setenv("HOOKLINE_TOPIC_PREFIX", prefix)
        monkeypatch.setenv("HOOKLINE_ENCRYPTION_KEYS", key)

    here, there = topic_prefix + "a.", topic_prefix + "b."
    names = {prefix + topic: 2 for prefix in (here, there) for topic in ("subscriptions", "state", "jobs")}
    make_topics(names, {"cleanup.policy": "compact"})
    make_topics({here + "audit": 1, there + "audit": 1}, {"cleanup.policy": "delete"})

    at(there, K2)
    public = hookline("keys", "public").strip()
    at(here, K1)
    row = f"acme,orders,https://example.com/hooks,{SECRET}\n"
    Path("table.csv").write_text(f"tenant,uid,url,secret\n{row}", encoding="utf-8")
    assert "created" in hookline("import", "table.csv", "--from", "csv")
    hookline("keys", "create", "--tenant", "acme", "--name", "CI")
    hookline("export", "--output", "own.jsonl")
    hookline("export", "--for", public, "--output", "theirs.jsonl")
    assert Path("own.jsonl").stat().st_mode & 0o777 == 0o600
    was = subscriptions.read_all(load())

    at(there, K2)
    assert "cannot be opened" in hookline("import", "own.jsonl", code=os.EX_DATAERR)
    hookline("import", "theirs.jsonl", "--dry-run")
    assert subscriptions.read_all(load()) == {}
    first = [json.loads(line) for line in hookline("import", "theirs.jsonl", "--json").splitlines()]
    second = [json.loads(line) for line in hookline("import", "theirs.jsonl", "--json").splitlines()]
    assert [(each["object"], each["step"]) for each in first] == [("webhook", "created"), ("apiKey", "created")]
    assert [each["step"] for each in second] == ["unchanged", "unchanged"]
    [webhook] = subscriptions.read_all(load()).values()
    assert webhook.id in was
    ring = Keyring.from_settings(load())
    assert ring.open(webhook.secret, tenant="acme", subscription_id=webhook.id).decode() == SECRET
    assert [key.name for key in read_keys(load()).listed()] == ["CI"]

    would = json.loads(hookline("tenants", "erase", "acme", "--dry-run", "--json"))
    erased = json.loads(hookline("tenants", "erase", "acme", "--yes", "--json"))
    assert would["erased"] == erased["erased"]
    assert (erased["erased"]["webhooks"], erased["erased"]["apiKeys"], erased["unreached"]) == (1, 1, [])
    assert (subscriptions.read_all(load()), read_keys(load()).listed()) == ({}, [])
    again = json.loads(hookline("tenants", "erase", "acme", "--yes", "--json"))
    assert set(again["erased"].values()) == {0}
    until = {each["where"]: each["until"] for each in again["left"]}
    assert until[there + "audit"] is not None
    told = [json.loads(line) for line in hookline("audit", "list", "--tenant", "acme", "--json").splitlines()]
    assert [each["action"] for each in told] == ["eraseTenant", "eraseTenant", "importKey", "importWebhook"]
    hookline("import", "theirs.jsonl")  # a copy of before brings it back
    assert webhook.id in subscriptions.read_all(load())
