"""`hookline webhooks` and `hookline keys` straight to Kafka and through the API: the same commands, the same words."""

import base64
import json
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.acceptance.api import url_of
from tests.acceptance.hookline import hookline
from tests.commands import Said, call
from tests.services import shared

OPERATOR = "operator-" + "k" * 40
OWN_SECRET = "a-secret-of-the-customers-own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The roles api and projection at work, and how they were told to."""

    environment: dict[str, str]
    url: str


@pytest.fixture(scope="module")
def deployment(kafka_bootstrap: str, worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """One for all tests of this file: each has tenants of its own."""
    number = 0 if worker_id == "master" else int(worker_id.removeprefix("gw")) + 1
    environment = {
        "HOOKLINE_KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
        "HOOKLINE_REDIS_URL": shared.ask("redis").removesuffix("0") + str(number),
        "HOOKLINE_TOPIC_PREFIX": f"t{secrets.token_hex(4)}.",
        "HOOKLINE_PARTITIONS": "2",
        "HOOKLINE_CREATE_TOPICS": "true",
        "HOOKLINE_ENCRYPTION_KEYS": "k1:" + base64.b64encode(secrets.token_bytes(32)).decode(),
        "HOOKLINE_ALLOW_HTTP": "true",
        "HOOKLINE_ALLOW_NETWORKS": "127.0.0.0/8",
        "HOOKLINE_API_LISTEN": "127.0.0.1:0",
        "HOOKLINE_OPERATOR_KEY": OPERATOR,
        "HOOKLINE_PORTAL_URL": "http://localhost:8080",
    }
    with hookline(environment, tmp_path_factory.mktemp("deployment"), "api", "projection") as running:
        running.until_said("the cache can be read")
        yield Deployment(environment=environment, url=url_of(running))


@pytest.fixture
def url(deployment: Deployment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Where the API is. The commands are called in this process, with the same settings."""
    monkeypatch.chdir(tmp_path)
    for name, value in deployment.environment.items():
        monkeypatch.setenv(name, value)
    return deployment.url


@dataclass
class Way:
    """One of the two ways, and what was said on it."""

    capsys: pytest.CaptureFixture[str]
    tenant: str
    flags: tuple[str, ...]
    webhook: str = ""

    def __call__(self, *words: str) -> tuple[int, list[object]]:
        """The exit code, the JSON printed and the lines for people, with what differs from run to run made the same."""
        given = [self.webhook if word == "WEBHOOK" else word for word in words]
        code = call(["webhooks", *given, "--tenant", self.tenant, *self.flags, "--json"])
        out, err = self.capsys.readouterr()
        said = [json.loads(line) for line in out.splitlines()]
        if words[0] == "create" and said:
            self.webhook = said[0]["id"]
        return code, [*(self._settled(json.dumps(each, sort_keys=True)) for each in said), self._settled(err)]

    def _settled(self, text: str) -> str:
        text = text.replace(self.webhook or "no webhook yet", "WEBHOOK").replace(self.tenant, "TENANT")
        text = re.sub(r'"\d{4}-\d\d-\d\dT[\d:.]+Z"', '"TIME"', text)
        return re.sub(r'"(secret|publicKey)": "[^"]*"', r'"\1": "SECRET"', text)


STORY = [
    ("create", "--url", "http://127.0.0.1:9/", "--event", "order.*", "--name", "Orders", "--description", "All of them",
     "--product", "shop", "--header", "X-Team: blue", "--timeout-ms", "5000", "--rate-per-s", "2.5",
     "--max-concurrency", "3", "--retries", "none", "--format", "event", "--signing", "hex", "--secret", OWN_SECRET,
     "--filter", '{"a": [{"numeric": [">", 5]}]}'),
    ("show", "WEBHOOK"),
    ("list",),
    ("list", "--status", "paused"),
    ("update", "WEBHOOK", "--name", "All", "--event", "*", "--filter", "", "--rate-per-s", "0", "--product", ""),
    ("update", "WEBHOOK", "--url", "http://127.0.0.1:10/"),
    ("update", "WEBHOOK"),
    ("update", "WEBHOOK", "--event", "a*b"),
    ("update", "WEBHOOK", "--event", ""),
    ("update", "WEBHOOK", "--url", "http://127.0.0.1:9/", "--header", "X-Team: red"),
    ("update", "WEBHOOK", "--header", "x-team: [hidden]", "--header", "X-Other: 1"),
    ("update", "WEBHOOK", "--header", "X-New: [hidden]"),
    ("update", "WEBHOOK", "--url", "http://127.0.0.1:11/", "--header", "X-Team: [hidden]"),
    ("create", "--url", "http://127.0.0.1:9/", "--header", "X-Team: [hidden]"),
    ("update", "WEBHOOK", "--url", "http://127.0.0.1:99999/", "--timeout-ms", "1", "--name", "a\u202eb"),
    ("update", "WEBHOOK", "--filter", '{"a": [1], "a": [2]}'),
    ("update", "WEBHOOK", "--timeout-ms", "999"),
    ("update", "WEBHOOK", "--header", "Host: elsewhere"),
    ("update", "WEBHOOK", "--filter", "{"),
    ("update", "WEBHOOK", "--filter", '{"a": 1}'),
    ("update", "WEBHOOK", "--rate-per-s", "-1"),
    ("update", "WEBHOOK", "--max-concurrency", "5000"),
    ("update", "WEBHOOK", "--name", "two\nlines"),
    ("update", "WEBHOOK", "--url", "http://127.0.0.1:99999/"),
    ("create", "--url", "http://127.0.0.1:9/", "--secret", "whsec_short"),
    ("rotate", "WEBHOOK", "--overlap", "1h"),
    ("rotate", "WEBHOOK", "--secret", "short"),
    ("test", "WEBHOOK", "--type", "*"),
    ("pause", "WEBHOOK"),
    ("pause", "WEBHOOK"),
    ("resume", "WEBHOOK"),
    ("show", "wh_0"),
    ("update", "wh_0", "--name", "x"),
    ("delete", "wh_0"),
    ("delete", "WEBHOOK"),
    ("show", "WEBHOOK"),
    ("list",),
    ("create", "--url", "http://127.0.0.1:9/", "--signing", "ed25519"),
    ("show", "WEBHOOK"),
    ("delete", "WEBHOOK"),
]  # fmt: skip
SHORT = [
    ("create", "--url", "http://127.0.0.1:9/"),
    ("show", "WEBHOOK"),
    ("pause", "WEBHOOK"),
    ("list",),
    ("rotate", "WEBHOOK"),
    ("create", "--url", "http://127.0.0.1:9/", "--event", "no.such.type"),
    ("delete", "WEBHOOK"),
]


@pytest.mark.parametrize(("brand", "story"), [("hookline", STORY), ("convo", SHORT), ("featurebase", SHORT)])
def test_both_ways_say_the_same(
    url: str, capsys: pytest.CaptureFixture[str], brand: str, story: list[tuple[str, ...]]
) -> None:
    direct = Way(capsys, "near", ("--brand", brand))
    remote = Way(capsys, "far", ("--api", url, "--key", key_of(capsys, "far", "--brand", brand)))
    for words in story:
        assert remote(*words) == direct(*words), words


def test_a_brand_without_updates_says_so(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    remote = Way(capsys, "acme", ("--api", url, "--key", key_of(capsys, "acme", "--brand", "convo")))
    code, said = remote("update", "wh_0", "--name", "x")
    assert (code, len(said)) == (os.EX_USAGE, 1)


def test_keys_are_made_listed_and_revoked_both_ways(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    keys, webhooks = Said("keys", capsys), Said("webhooks", capsys)
    remote = ("--api", url, "--key", key_of(capsys, "keyed", "--scope", "admin", "--scope", "read"))
    [made] = keys("create", "--scope", "read", "--name", "CI", "--expires", "90d", *remote)
    assert (made["tenant"], made["brand"], made["scopes"], made["name"]) == ("keyed", "hookline", ["read"], "CI")
    assert made["expiresAt"] is not None
    listed = keys("list", *remote)
    assert [each["name"] for each in listed] == ["", "CI"]
    direct = keys("list", "--tenant", "keyed")
    assert [each | {"lastUsedAt": None} for each in listed] == [each | {"lastUsedAt": None} for each in direct]

    theirs = ("--api", url, "--key", str(made["key"]))
    assert webhooks("list", *theirs) == []
    assert webhooks("create", "--url", "http://127.0.0.1:9/", *theirs, code=os.EX_NOPERM) == []
    assert "the scope write" in json.loads(webhooks.err)["error"]["message"]
    assert keys("create", "--scope", "write", *remote, code=os.EX_NOPERM) == []
    [revoked] = keys("revoke", str(made["id"]), *remote)
    assert revoked["status"] == "revoked"
    assert webhooks("list", *theirs, code=os.EX_NOPERM) == []
    assert str(made["key"]) not in webhooks.err
    for way in ((), remote):
        assert keys("revoke", "0" * 16, *way, code=os.EX_DATAERR) == []
        assert json.loads(keys.err)["error"]["message"] == f"there is no key {'0' * 16}"


def test_a_key_ends_no_later_than_its_maker_and_with_it_where_that_is_asked_for(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = Said("keys", capsys)
    text = key_of(capsys, "family", "--scope", "admin", "--expires", "30d")
    remote = ("--api", url, "--key", text)
    [maker] = keys("list", *remote)
    [made] = keys("create", *remote)
    assert (made["createdBy"], made["scopes"], made["expiresAt"]) == (maker["id"], ["admin"], maker["expiresAt"])
    assert keys("create", "--expires", "31d", *remote, code=os.EX_DATAERR) == []
    error = json.loads(keys.err)["error"]
    assert (error["field"], str(maker["expiresAt"]) in error["message"]) == ("--expires", True)
    assert keys("revoke", str(maker["id"]), "--descendants", *remote)[0]["status"] == "revoked"
    assert [each["status"] for each in keys("list", "--tenant", "family")] == ["revoked", "revoked"]


def test_the_operator_s_key_acts_for_a_tenant(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    webhooks = Said("webhooks", capsys)
    operator, lab = ("--api", url, "--key", OPERATOR), ("--tenant", "lab", "--brand", "convo")
    [created] = webhooks("create", "--url", "http://127.0.0.1:9/", *lab, *operator)
    assert (created["tenant"], created["brand"]) == ("lab", "convo")
    assert webhooks("list", *operator, code=os.EX_DATAERR) == []
    assert "Hookline-Tenant" in json.loads(webhooks.err)["error"]["message"]
    [shown] = webhooks("show", str(created["id"]), *lab)
    assert webhooks("show", str(created["id"]), *lab, *operator) == [shown]
    assert webhooks("show", str(created["id"]), "--tenant", "other", code=os.EX_DATAERR) == []
    [munich] = webhooks("create", "--url", "http://127.0.0.1:9/", "--tenant", "münchen", *operator)
    assert [each["id"] for each in webhooks("list", "--tenant", "münchen")] == [munich["id"]]
    assert webhooks("show", str(created["id"]), "--brand", "hookline", code=os.EX_DATAERR) == []


def test_a_key_does_not_reach_beyond_its_tenant(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    webhooks = Said("webhooks", capsys)
    theirs = ("--tenant", "other", "--api", url, "--key", key_of(capsys, "mine"))
    assert webhooks("create", "--url", "http://127.0.0.1:9/", *theirs, code=os.EX_NOPERM) == []
    assert webhooks("list", *theirs, code=os.EX_NOPERM) == []
    assert webhooks("list", "--tenant", "mine") == []


def test_a_list_longer_than_a_page_is_complete(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    operator = {"Authorization": f"Bearer {OPERATOR}", "Hookline-Tenant": "long"}
    with httpx.Client(base_url=url, headers=operator) as client:
        made = [
            client.post("/v1/webhooks", json={"url": "http://127.0.0.1:9/"}).raise_for_status().json()["id"]
            for _ in range(105)
        ]
    remote = ("--api", url, "--key", key_of(capsys, "long"))
    webhooks = Said("webhooks", capsys)
    assert [each["id"] for each in webhooks("list", *remote)] == made
    assert [each["id"] for each in webhooks("list", "--limit", "2", *remote)] == made[:2]
    assert call(["webhooks", "list", *remote]) == os.EX_OK
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(made)


def key_of(capsys: pytest.CaptureFixture[str], tenant: str, *words: str) -> str:
    [made] = Said("keys", capsys)("create", "--tenant", tenant, *words)
    return str(made["key"])


@pytest.mark.parametrize("way", ["direct", "by the API"])
def test_a_link_opens_the_pages_once(url: str, way: str, capsys: pytest.CaptureFixture[str]) -> None:
    flags = () if way == "direct" else ("--api", url, "--key", OPERATOR)
    told = Said("portal", capsys)("link", "--tenant", "acme", *flags)[0]
    base, _, text = str(told["url"]).partition("#")
    assert base == "http://localhost:8080/portal/enter"
    form, own = {"link": text}, {"Sec-Fetch-Site": "same-origin"}
    entered = httpx.post(f"{url}/portal/enter", data=form, headers=own)
    assert entered.status_code == 303
    cookie = entered.headers["set-cookie"].partition(";")[0]
    page = httpx.get(url + entered.headers["location"], headers={"Cookie": cookie})
    assert page.status_code == 200
    assert "<h1>Webhooks</h1>" in page.text
    assert httpx.post(f"{url}/portal/enter", data=form, headers=own).status_code == 403
    assert httpx.get(url + entered.headers["location"]).status_code == 401
    Said("portal", capsys)("revoke", str(told["id"]), "--tenant", "acme", *flags)
    assert httpx.get(url + entered.headers["location"], headers={"Cookie": cookie}).status_code == 401
