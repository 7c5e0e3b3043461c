"""`hookline webhooks` against Kafka, with and without a projection."""

import base64
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
import redis
from confluent_kafka import Consumer, TopicPartition

from consumer.configuration import load
from consumer.control import writes
from consumer.control.applied import Seen
from consumer.control.deeds import Sought, deeds_of
from consumer.control.refusal import Conflict, WebhookUnknown
from consumer.kafka import subscriptions
from consumer.kafka.message import record
from consumer.settings import Settings
from consumer.webhooks import draft
from consumer.webhooks.history import Deletion
from consumer.webhooks.projection import Projection
from tests.commands import Said, call
from tests.services.topics import MakeTopics

pytestmark = pytest.mark.usefixtures("elsewhere")

PARTITIONS = 2
SECRET = "a-secret-of-the-customers-own"


@pytest.fixture(autouse=True)
def settings(
    kafka_bootstrap: str, redis_url: str, topic_prefix: str, make_topics: MakeTopics, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    monkeypatch.setenv("HOOKLINE_KAFKA_BOOTSTRAP_SERVERS", kafka_bootstrap)
    monkeypatch.setenv("HOOKLINE_REDIS_URL", redis_url)
    monkeypatch.setenv("HOOKLINE_TOPIC_PREFIX", topic_prefix)
    monkeypatch.setenv("HOOKLINE_ENCRYPTION_KEYS", "k1:" + base64.b64encode(os.urandom(32)).decode())
    make_topics({topic_prefix + "subscriptions": PARTITIONS}, {"cleanup.policy": "compact"})
    make_topics({topic_prefix + "audit": 1}, {"cleanup.policy": "delete"})
    return load()


@pytest.fixture
def hookline(capsys: pytest.CaptureFixture[str]) -> Said:
    return Said("webhooks", capsys)


def test_a_webhook_lives_from_its_creation_to_its_end(hookline: Said, settings: Settings) -> None:
    [created] = hookline(
        "create", "--tenant", "acme", "--url", "https://a.example/hook", "--event", "order.created",
        "--event", "user.*", "--signing", "hex", "--format", "event", "--secret", SECRET, "--header", "X-Team: blue",
        "--filter", '{"a":["b"]}', "--retries", "none", "--timeout-ms", "5000", "--rate-per-s", "2.5",
        "--max-concurrency", "3", "--name", "Orders", "--product", "shop",
    )  # fmt: skip
    assert "no projection is running" in hookline.err
    assert created["secret"] == SECRET
    assert (created["topics"], created["filter"]) == (["order.created", "user.*"], {"a": ["b"]})
    assert created["requestConfig"] == {"timeoutMs": 5000, "headers": {"X-Team": "[hidden]"}}
    assert (created["retries"], created["rateLimit"], created["maxConcurrency"]) == ("none", 2.5, 3)
    name = str(created["id"])

    [shown] = hookline("show", name)
    unknown = {"health": shown["health"]}  # no role log runs
    assert shown == {key: value for key, value in created.items() if key != "secret"} | unknown
    assert hookline("list", "--tenant", "acme") == [shown]
    assert hookline("list", "--tenant", "other") == []

    [updated] = hookline("update", name, "--event", "order.*", "--filter", "", "--rate-per-s", "0", "--header", "")
    assert (updated["topics"], updated["filter"], updated["rateLimit"]) == (["order.*"], None, None)
    assert updated["requestConfig"] == {"timeoutMs": 5000, "headers": {}}
    assert (updated["name"], updated["product"], updated["signing"]) == ("Orders", "shop", "hex")

    [paused] = hookline("pause", name)
    assert paused["status"] == "paused"
    assert [each["id"] for each in hookline("list", "--status", "paused")] == [name]
    assert hookline("list", "--status", "active") == []
    [resumed] = hookline("resume", name)
    assert resumed["status"] == "active"
    assert subscriptions.read_all(settings)[name].revision == 4

    assert hookline("delete", name) == [{"id": name, "object": "webhook", "deleted": True}]
    for command in ("show", "delete", "pause", "resume"):
        assert hookline(command, name, code=os.EX_DATAERR) == []
        assert json.loads(hookline.err)["error"]["message"] == f"there is no webhook {name}"
    assert hookline("list") == []
    told = deeds_of(settings).page(Sought(tenant="acme", to_operator=True), before=None, limit=20).found
    assert (told[-1].action, told[-1].made, told[0].action, told[0].target) == (
        "createWebhook",
        name,
        "deleteWebhook",
        name,
    )
    assert all(each.by.startswith("command:") for each in told)


def test_a_webhook_is_made_and_changed_by_its_uid_and_made_anew_after_its_end(hookline: Said) -> None:
    whose = ("--tenant", "acme", "--url", "https://a.example/hook", "--uid", "billing")
    [made] = hookline("apply", *whose, "--metadata", "team=a", "--status", "paused", "--event", "a.*")
    assert (made["uid"], made["metadata"], made["status"]) == ("billing", {"team": "a"}, "paused")
    assert str(made["secret"]).startswith("whsec_")
    [then] = hookline("apply", *whose, "--name", "Billing")
    assert (then["id"], then["metadata"], then["status"], "secret" in then) == (made["id"], {}, "paused", False)
    assert [each["id"] for each in hookline("list", "--tenant", "acme", "--event", "b.c", "--url", "A.EXAMPLE")] == [
        made["id"]
    ]
    assert hookline("list", "--tenant", "acme", "--status", "active") == []
    hookline("create", *whose, code=os.EX_DATAERR)
    hookline("delete", str(made["id"]))
    [again] = hookline("create", *whose)
    assert (again["id"], again["status"]) == (made["id"], "active")


def test_no_secret_is_on_the_topic_in_the_clear(hookline: Said, settings: Settings) -> None:
    hookline(
        "create", "--tenant", "acme", "--url", "https://a.example/", "--signing", "hex", "--secret", SECRET,
        "--header", "Authorization: Bearer canary-header",
    )  # fmt: skip
    values = b"".join(value for value in _values(settings) if value is not None)
    assert b"a.example" in values
    assert SECRET.encode() not in values
    assert b"canary" not in values


def test_a_suspension_is_lifted_by_resume_and_said_before(hookline: Said, settings: Settings) -> None:
    [created] = hookline("create", "--tenant", "acme", "--url", "https://a.example/")
    found = writes.find(settings, str(created["id"]))
    writes.write(settings, draft.suspend(found, reason="HTTP 410", now_ms=1))
    [shown] = hookline("show", found.id)
    assert (shown["status"], shown["statusReason"]) == ("suspended", "HTTP 410")
    [resumed] = hookline("resume", found.id)
    assert (resumed["status"], resumed["statusReason"]) == ("active", None)


def test_of_two_writes_of_one_revision_the_second_is_told(hookline: Said, settings: Settings) -> None:
    [created] = hookline("create", "--tenant", "acme", "--url", "https://a.example/")
    found = writes.find(settings, str(created["id"]))
    first, second = draft.pause(found, now_ms=1), replace(draft.pause(found, now_ms=2), name="late")
    writes.write(settings, first)
    with pytest.raises(Conflict):
        writes.write(settings, second)
    with pytest.raises(Conflict):
        writes.write(settings, Deletion.of(found))
    assert writes.find(settings, found.id) == first
    writes.write(settings, Deletion.of(first))
    with pytest.raises(WebhookUnknown):
        writes.find(settings, found.id)


def test_a_write_that_was_changed_further_at_once_still_held(settings: Settings, hookline: Said) -> None:
    [created] = hookline("create", "--tenant", "acme", "--url", "https://a.example/")
    first = draft.pause(writes.find(settings, str(created["id"])), now_ms=1)
    subscriptions.write(settings, first)
    subscriptions.write(settings, draft.resume(first, now_ms=2))
    folded = writes.fold(settings, first.id, of=first)
    assert folded.holds
    assert folded.state != first


def test_a_write_waits_for_a_running_projection(settings: Settings, redis_url: str, hookline: Said) -> None:
    with _projecting(settings, redis_url):
        hookline("create", "--tenant", "acme", "--url", "https://a.example/")
        assert hookline.err == ""
        [webhook] = hookline("list")
        found = writes.find(settings, str(webhook["id"]))
        assert writes.write(settings, draft.pause(found, now_ms=1)) is Seen.APPLIED
        assert writes.write(settings, Deletion.of(writes.find(settings, found.id))) is Seen.APPLIED


def test_without_redis_it_answers_after_the_acknowledgement(
    hookline: Said, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setenv("HOOKLINE_REDIS_URL", "redis://127.0.0.1:1/0")
    [created] = hookline("create", "--tenant", "acme", "--url", "https://a.example/")
    assert "Redis is unreachable" in hookline.err
    assert created["id"] in subscriptions.read_all(settings)


def test_ed25519_shows_the_public_key(hookline: Said) -> None:
    [created] = hookline("create", "--tenant", "acme", "--url", "https://a.example/", "--signing", "ed25519")
    assert str(created["publicKey"]).startswith("whpk_")
    assert "secret" not in created
    [shown] = hookline("show", str(created["id"]))
    assert shown["publicKey"] == created["publicKey"]


def test_people_get_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["webhooks", "list"]) == os.EX_OK
    assert "there are no such webhooks" in capsys.readouterr().err
    long_url = "https://a.example/" + "x" * 300
    name = "[bold]not markup[/bold]"
    assert call(["webhooks", "create", "--tenant", "acme", "--url", long_url, "--name", name]) == os.EX_OK
    out = capsys.readouterr().out
    assert name in out
    assert "whsec_" in out
    assert call(["webhooks", "list"]) == os.EX_OK
    assert long_url in capsys.readouterr().out


def _values(settings: Settings) -> Iterator[bytes | None]:
    consumer = _consumer(settings)
    try:
        ends = sum(
            consumer.get_watermark_offsets(TopicPartition(settings.topic_prefix + "subscriptions", number))[1]
            for number in range(PARTITIONS)
        )
        for message in consumer.consume(ends, 10):
            yield message.value()
    finally:
        consumer.close()


def _consumer(settings: Settings) -> Consumer:
    consumer = Consumer(
        {"bootstrap.servers": settings.kafka["bootstrap.servers"], "group.id": "t", "enable.auto.commit": False}
    )
    topic = settings.topic_prefix + "subscriptions"
    consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
    return consumer


class _projecting:  # noqa: N801 # used as a statement
    """The projection over the real topic and Redis, in a thread."""

    def __init__(self, settings: Settings, redis_url: str) -> None:
        self._settings = settings
        self._client = redis.Redis.from_url(redis_url)
        self._ended = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()
        assert self._ready.wait(20)

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(20)
        self._client.close()

    def _run(self) -> None:
        projection = Projection(
            self._client, topic_prefix=self._settings.topic_prefix, new_token=lambda: os.urandom(8).hex()
        )
        projection.start([0] * PARTITIONS)
        positions = dict.fromkeys(range(PARTITIONS), 0)
        consumer = _consumer(self._settings)
        while not self._ended.is_set():
            records = [record(message) for message in consumer.consume(100, 0.05) if message.error() is None]
            positions |= {each.partition: each.offset + 1 for each in records}
            projection.apply(records, positions)
            projection.heartbeat()
            if projection.ready:
                self._ready.set()
        consumer.close()
