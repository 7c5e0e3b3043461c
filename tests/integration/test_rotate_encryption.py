"""`hookline keys rotate-encryption` against Kafka, beside writers that go on."""

import base64
import json
import os
import re
import threading
import time
from contextlib import closing

import pytest
import structlog

from consumer.brands.loader import brand
from consumer.configuration import load
from consumer.control.control import Control
from consumer.control.owner import Owner
from consumer.data_keys.keys import TenantKeys
from consumer.kafka import subscriptions
from consumer.kafka.topics import Topics
from consumer.kafka.writing import NewRecord, write_now
from consumer.settings import Settings
from consumer.webhooks.draft import create
from consumer.webhooks.headers import open_headers
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.record import rewrite_of
from consumer.webhooks.rotation import rotate
from consumer.webhooks.wishes import Changes, Wishes
from tests.commands import Said, call
from tests.services.topics import MakeTopics

pytestmark = pytest.mark.usefixtures("elsewhere")

ACME = Owner(tenant="acme", brand="hookline")
K1, K2 = (f"{key_id}:{base64.b64encode(bytes([fill] * 32)).decode()}" for key_id, fill in (("k1", 1), ("k2", 2)))
WEBHOOKS = 60


@pytest.fixture(autouse=True)
def installation(
    kafka_bootstrap: str, redis_url: str, topic_prefix: str, make_topics: MakeTopics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKLINE_KAFKA_BOOTSTRAP_SERVERS", kafka_bootstrap)
    monkeypatch.setenv("HOOKLINE_REDIS_URL", redis_url)
    monkeypatch.setenv("HOOKLINE_TOPIC_PREFIX", topic_prefix)
    monkeypatch.setenv("HOOKLINE_ENCRYPTION_KEYS", K1)
    make_topics({topic_prefix + "subscriptions": 2, topic_prefix + "state": 2}, {"cleanup.policy": "compact"})


@pytest.fixture
def hookline(capsys: pytest.CaptureFixture[str]) -> Said:
    return Said("keys", capsys)


def with_webhooks(settings: Settings) -> dict[str, str]:
    """Webhooks sealed with the first key, each second one in a rotation; their secrets by id."""
    keyring = Keyring.from_settings(settings)
    secrets: dict[str, str] = {}
    states = []
    now_ms = time.time_ns() // 1_000_000
    for number in range(WEBHOOKS):
        webhook, secret = create(
            Wishes(tenant="acme", url="https://a.example/", brand="hookline", headers={"X-Team": f"team {number}"}),
            brand=brand("hookline"),
            keyring=keyring,
            now_ms=1,
            new_id=lambda number=number: f"wh_{number}",  # type: ignore[misc] # a default binds the number
            entropy=os.urandom,
        )
        if number % 2:
            webhook, secret = rotate(
                webhook, brand=brand("hookline"), keyring=keyring, now_ms=now_ms, entropy=os.urandom, overlap_ms=2**30
            )
        states.append(rewrite_of(webhook))
        secrets[webhook.id] = secret
    topic = Topics.of(settings).subscriptions
    write_now(settings, [NewRecord(topic=topic, key=each.key, value=each.value) for each in states])
    return secrets


def test_every_webhook_opens_with_the_new_key_alone(hookline: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = with_webhooks(load())
    [nothing] = hookline("rotate-encryption")
    assert (nothing["resealed"], nothing["unused"]) == (0, [])

    monkeypatch.setenv("HOOKLINE_ENCRYPTION_KEYS", f"{K2},{K1}")
    [done] = hookline("rotate-encryption")
    assert done == {
        "sealed_with": "k2", "webhooks": WEBHOOKS, "resealed": WEBHOOKS, "lost_races": 0, "left": 0,
        "unreadable": [], "data_keys": 0, "data_keys_resealed": 0, "data_keys_unreadable": [],
        "uses": {"k2": WEBHOOKS}, "unused": ["k1"],
    }  # fmt: skip
    assert "no webhook needs k1 any more on the topic" in hookline.err
    assert "no projection is running" in hookline.err

    monkeypatch.setenv("HOOKLINE_ENCRYPTION_KEYS", K2)
    keyring = Keyring.from_settings(load())
    webhooks = subscriptions.read_all(load())
    for number in range(WEBHOOKS):
        held = webhooks[f"wh_{number}"]
        assert keyring.open(held.secret, tenant="acme", subscription_id=held.id).decode() == secrets[held.id]
        assert open_headers(held, keyring) == {"X-Team": f"team {number}"}
        assert (held.former_secrets == ()) == (number % 2 == 0)
    [again] = hookline("rotate-encryption")
    assert (again["resealed"], again["unused"]) == (0, [])


def test_tenants_data_keys_open_with_the_new_key_alone(
    hookline: Said, make_topics: MakeTopics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKLINE_TENANT_KEYS", "on")
    make_topics({Topics.of(load()).tenant_keys: 1}, {"cleanup.policy": "compact"})
    with closing(TenantKeys(load())) as keys:
        assert keys.ensure(["acme", "other"], 20) == frozenset()
        sealed = keys.sealing("acme").sealed(b"an order")
    monkeypatch.setenv("HOOKLINE_ENCRYPTION_KEYS", f"{K2},{K1}")
    [done] = hookline("rotate-encryption")
    assert (done["data_keys"], done["data_keys_resealed"], done["uses"], done["unused"]) == (2, 2, {"k2": 2}, ["k1"])
    monkeypatch.setenv("HOOKLINE_ENCRYPTION_KEYS", K2)
    with closing(TenantKeys(load())) as keys:
        assert keys.opened(sealed, within_s=20) == b"an order"
    monkeypatch.setenv("HOOKLINE_ENCRYPTION_KEYS", K1)
    [left] = hookline("rotate-encryption", code=os.EX_CONFIG)
    assert len(str(left["data_keys_unreadable"]).split(",")) == 2
    assert "2 data keys of tenants were left as they are" in hookline.err


def test_writers_of_the_same_moment_lose_nothing(hookline: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    with_webhooks(load())
    monkeypatch.setenv("HOOKLINE_ENCRYPTION_KEYS", f"{K2},{K1}")
    settings = load()
    begun, ended = threading.Event(), threading.Event()
    renamed: dict[str, str] = {}

    def rename() -> None:
        # What it logs, such as that there is no projection, must not stand between the command's lines.
        with structlog.testing.capture_logs(), Control(settings) as control:
            control.fresh(10.0)
            turn = 0
            while not ended.is_set() or turn < 2:
                turn += 1
                for number in range(0, WEBHOOKS, 3):
                    name = f"turn {turn}"
                    control.webhooks.update(ACME, f"wh_{number}", Changes(name=name))
                    renamed[f"wh_{number}"] = name
                    begun.set()

    renaming = threading.Thread(target=rename)
    renaming.start()
    try:
        assert begun.wait(20)
        [done] = hookline("rotate-encryption")
    finally:
        ended.set()
        renaming.join(30)
    assert (done["left"], done["unreadable"], done["unused"]) == (0, [], ["k1"])
    held = subscriptions.read_all(settings)
    assert {id_: held[id_].name for id_ in renamed} == renamed
    assert {each.secret.key_id for each in held.values()} == {"k2"}


def test_a_key_that_is_gone_is_named_and_the_rest_is_done(hookline: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    with_webhooks(load())
    monkeypatch.setenv("HOOKLINE_ENCRYPTION_KEYS", K2)
    [done] = hookline("rotate-encryption", code=os.EX_CONFIG)
    assert len(done["unreadable"]) == WEBHOOKS  # type: ignore[arg-type] # a list of ids
    assert done["uses"] == {"k1": WEBHOOKS}
    assert "HOOKLINE_ENCRYPTION_KEYS does not name that key" in json.loads(hookline.err)["error"]["message"]


def test_a_wrong_key_under_a_known_id_seals_nothing(hookline: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    hookline("rotate-encryption")
    monkeypatch.setenv("HOOKLINE_ENCRYPTION_KEYS", K2.replace("k2", "k1"))
    assert hookline("rotate-encryption", code=os.EX_CONFIG) == []
    assert json.loads(hookline.err)["error"]["field"] == "HOOKLINE_ENCRYPTION_KEYS"


def test_people_get_the_summary_a_field_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["keys", "rotate-encryption"]) == os.EX_OK
    assert re.search("sealed with +k1", capsys.readouterr().out)
