"""`hookline keys` against Kafka and Redis."""

import json
import os
import time

import pytest
import redis
import structlog

from consumer.brands.loader import load_brands
from consumer.configuration import load
from consumer.control.key_uses import KeyUses, last_uses
from consumer.control.key_writes import read_keys, write_key
from consumer.control.keys import mint
from consumer.kafka.reading import read_to_end
from consumer.kafka.topics import Topics
from consumer.kafka.writing import NewRecord, write_now
from consumer.settings import Settings
from tests.commands import Said, call
from tests.services.server import free_port
from tests.services.topics import MakeTopics

pytestmark = pytest.mark.usefixtures("elsewhere")

DAY_MS = 86_400_000


@pytest.fixture(autouse=True)
def settings(
    kafka_bootstrap: str,
    redis_url: str,
    topic_prefix: str,
    make_topics: MakeTopics,
    monkeypatch: pytest.MonkeyPatch,
) -> Settings:
    monkeypatch.setenv("HOOKLINE_KAFKA_BOOTSTRAP_SERVERS", kafka_bootstrap)
    monkeypatch.setenv("HOOKLINE_REDIS_URL", redis_url)
    monkeypatch.setenv("HOOKLINE_TOPIC_PREFIX", topic_prefix)
    make_topics({topic_prefix + "state": 2}, {"cleanup.policy": "compact"})
    return load()


@pytest.fixture
def hookline(capsys: pytest.CaptureFixture[str]) -> Said:
    return Said("keys", capsys)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def test_a_key_lives_from_its_creation_to_its_revocation(hookline: Said, settings: Settings) -> None:
    [created] = hookline("create", "--tenant", "acme", "--brand", "convo", "--name", "CI", "--expires", "90d")
    text, key_id = str(created.pop("key")), str(created["id"])
    assert text.startswith(f"convo_{key_id}_")
    assert created["scopes"] == ["bodies", "read", "replay", "write"]
    assert (created["tenant"], created["brand"], created["name"]) == ("acme", "convo", "CI")
    assert (created["status"], created["revokedAt"], created["lastUsedAt"]) == ("active", None, None)

    held = read_keys(settings).find(text, now_ms())
    assert held is not None
    assert held.expires_at_ms == held.created_at_ms + 90 * DAY_MS
    assert read_keys(settings).find(text, held.expires_at_ms) is None
    assert hookline("list") == [created]
    assert hookline("list", "--tenant", "other") == []

    [revoked] = hookline("revoke", key_id)
    assert (revoked["id"], revoked["status"]) == (key_id, "revoked")
    assert read_keys(settings).find(text, now_ms()) is None
    assert hookline("revoke", key_id) == [revoked]
    assert hookline("list") == [revoked]


def test_what_a_key_made_ends_with_it_where_that_is_asked_for(hookline: Said, settings: Settings) -> None:
    [created] = hookline("create", "--tenant", "acme", "--scope", "admin")
    maker = read_keys(settings).get(str(created["id"]))
    assert maker is not None
    child, _ = mint(
        tenant="acme",
        brand=load_brands()["hookline"],
        scopes=maker.scopes,
        name="",
        expires_at_ms=None,
        now_ms=maker.created_at_ms + 1,
        entropy=os.urandom,
        maker=maker,
    )
    write_key(settings, child)
    hookline("revoke", maker.id)
    assert [(key["createdBy"], key["status"]) for key in hookline("list")] == [(None, "revoked"), (maker.id, "active")]
    hookline("revoke", maker.id, "--descendants")
    assert [key["status"] for key in hookline("list")] == ["revoked", "revoked"]


def test_scopes_are_those_that_were_named(hookline: Said) -> None:
    [created] = hookline("create", "--tenant", "acme", "--scope", "admin", "--scope", "read")
    assert created["scopes"] == ["admin", "read"]


def test_keys_are_listed_oldest_first_and_by_brand(hookline: Said) -> None:
    made = [
        hookline("create", "--tenant", tenant, "--brand", brand)[0]["id"]
        for tenant, brand in (("b", "hookline"), ("a", "convo"), ("a", "hookline"))
    ]
    assert [key["id"] for key in hookline("list")] == made
    assert [key["id"] for key in hookline("list", "--tenant", "a", "--brand", "hookline")] == made[2:]
    assert [key["id"] for key in hookline("list", "--limit", "1")] == made[:1]


@pytest.mark.parametrize(
    ("arguments", "code", "field"),
    [
        (("create", "--tenant", ""), os.EX_DATAERR, "--tenant"),
        (("create", "--tenant", "acme "), os.EX_DATAERR, "--tenant"),
        (("create", "--tenant", "a", "--brand", "nobodys"), os.EX_DATAERR, "--brand"),
        (("create", "--tenant", "a", "--name", "two\nlines"), os.EX_DATAERR, "--name"),
        (("create", "--tenant", "a", "--expires", "0s"), os.EX_DATAERR, "--expires"),
        (("create", "--tenant", "a", "--expires", "soon"), os.EX_USAGE, "--expires"),
        (("revoke", "0" * 16), os.EX_DATAERR, None),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    hookline: Said, settings: Settings, arguments: tuple[str, ...], code: int, field: str | None
) -> None:
    assert hookline(*arguments, code=code) == []
    assert json.loads(hookline.err)["error"]["field"] == field
    assert list(read_to_end(settings, Topics.of(settings).state)) == []


def test_a_whole_key_given_in_place_of_its_id_is_not_said_again(hookline: Said) -> None:
    [created] = hookline("create", "--tenant", "acme")
    hookline("revoke", str(created["key"]), code=os.EX_DATAERR)
    assert str(created["key"]) not in hookline.err
    assert "give the id alone" in hookline.err


def test_neither_the_topic_nor_the_list_holds_a_key(hookline: Said, settings: Settings) -> None:
    [created] = hookline("create", "--tenant", "acme")
    secret = str(created["key"]).rpartition("_")[2]
    [record] = read_to_end(settings, Topics.of(settings).state)
    assert record.value is not None
    assert str(created["id"]).encode() in record.value
    assert secret.encode() not in record.value
    assert secret not in json.dumps(hookline("list"))


def test_people_get_a_table_and_the_key_in_it_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["keys", "list"]) == os.EX_OK
    assert capsys.readouterr().err == "there are no such keys\n"
    assert call(["keys", "create", "--tenant", "acme"]) == os.EX_OK
    printed = capsys.readouterr().out
    assert "key " in printed
    assert "hk_" in printed
    assert call(["keys", "list"]) == os.EX_OK
    printed = capsys.readouterr().out
    assert "active" in printed
    assert "hk_" not in printed


def test_other_kinds_of_state_are_left_alone(hookline: Said, settings: Settings) -> None:
    state = Topics.of(settings).state
    write_now(settings, [NewRecord(topic=state, key=b"replay:d1", value=b"anything")])
    [created] = hookline("create", "--tenant", "acme")
    assert [key["id"] for key in hookline("list")] == [created["id"]]


def test_the_last_use_is_written_once_a_minute_and_shown(hookline: Said, settings: Settings, redis_url: str) -> None:
    [created] = hookline("create", "--tenant", "acme")
    key_id = str(created["id"])
    uses = KeyUses(settings)
    for at_ms in (60_000, 60_001, 119_999, 120_000):
        uses.used(key_id, at_ms)
    uses.used("another", 5)
    uses.close()
    assert last_uses(settings, [key_id, "another", "unused"]) == {key_id: 120_000, "another": 5}
    assert last_uses(settings, []) == {}
    assert hookline("list")[0]["lastUsedAt"] == "1970-01-01T00:02:00.000Z"
    late = KeyUses(settings)
    late.used(key_id, 90_000)
    late.close()
    assert last_uses(settings, [key_id]) == {key_id: 120_000}
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    assert hookline("list")[0]["lastUsedAt"] is None


def test_without_redis_keys_are_used_and_listed_all_the_same(hookline: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")
    [created] = hookline("create", "--tenant", "acme")
    with structlog.testing.capture_logs() as said:
        uses = KeyUses(load())
        uses.used(str(created["id"]), 1)
        uses.used("another", 1)
        uses.close()
    assert [line["event"] for line in said] == ["last use of keys not written"]
    assert [key["lastUsedAt"] for key in hookline("list")] == [None]
