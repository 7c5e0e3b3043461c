"""What holds for every command that there is, one table: a service that is not there, Ctrl-C, topics that are missing,
what makes no sense, settings that are none.
"""

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import App

from consumer.cli.app import app
from tests.commands import call
from tests.herd import herd

pytestmark = pytest.mark.usefixtures("elsewhere")

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
ELSEWHERE = ["--api", "URL", "--key", "k"]
BOTH_WAYS = {
    "webhooks create": ["--url", "https://93.184.215.14/hook", "--tenant", "acme"],
    "webhooks list": [],
    "webhooks show": ["wh_1"],
    "webhooks update": ["wh_1", "--name", "n"],
    "webhooks apply": ["--uid", "u", "--url", "https://93.184.215.14/hook", "--tenant", "acme"],
    "webhooks delete": ["wh_1"],
    "webhooks pause": ["wh_1"],
    "webhooks resume": ["wh_1"],
    "webhooks unblock": ["wh_1", "--head", "retry"],
    "webhooks rotate": ["wh_1"],
    "webhooks test": ["wh_1"],
    "webhooks health": [],
    "webhooks stats": ["wh_1"],
    "log list": ["--tenant", "acme"],
    "log search": ["text", "--tenant", "acme"],
    "log show": ["att_0_0_00000000", "--tenant", "acme"],
    "log tail": ["--tenant", "acme"],
    "log export": ["--tenant", "acme"],
    "replay": ["wh_1"],
    "recover": ["wh_1", "--since", "2h"],
    "resend": ["0" * 32, "--tenant", "acme"],
    "jobs list": ["--tenant", "acme"],
    "jobs show": ["job_1", "--tenant", "acme"],
    "jobs start": ["job_1", "--tenant", "acme"],
    "jobs pause": ["job_1", "--tenant", "acme"],
    "jobs resume": ["job_1", "--tenant", "acme"],
    "jobs cancel": ["job_1", "--tenant", "acme"],
    "jobs watch": ["job_1", "--tenant", "acme"],
    "portal revoke": ["--tenant", "acme"],
    "keys create": ["--tenant", "acme"],
    "keys list": [],
    "keys revoke": ["k1"],
    "audit list": [],
}
KAFKA = BOTH_WAYS | {
    "publish": ["orders", "/dev/null"],
    "topics check": [],
    "topics create": [],
    "keys rotate-encryption": [],
    "keys public": [],
    "export": [],
    "import": ["/dev/null"],
    "tenants erase": ["acme", "--yes"],
    "dead-letters list": [],
    "dead-letters show": ["d1"],
    "dead-letters replay": ["--all"],
    "poison list": [],
    "poison show": ["orders-0-1"],
    "poison replay": ["--all", "--yes"],
}
ALONE: dict[str, list[str]] = {
    "topics acls": ["--principal", "User:hookline"],
    "config": [],
    "run": [],
    "demo": [],
    "status": [],
    "webhooks try-filter": ["--filter", '{"order":[42]}', "--type", "order.paid"],
}
EVERY = KAFKA | ALONE | {"portal link": ["--tenant", "acme"]}
TOPICS = {"publish": "orders", "webhooks": "subscriptions", "log": "attempts", "keys": "state", "portal": "state"}
TOPICS |= {"export": "subscriptions", "import": "subscriptions", "tenants": "subscriptions", "audit": "audit"}
TOPICS |= {"dead-letters": "dead-letter", "poison": "poison"}
TOPICS |= dict.fromkeys(("replay", "recover", "resend", "jobs"), "jobs")


def test_the_table_has_every_command() -> None:
    assert EVERY.keys() == set(_names(app, ""))


def _names(group: App, before: str) -> Iterator[str]:
    for name in group:
        if name.startswith("-"):
            continue
        below = group[name]
        inner = [*_names(below, f"{before}{name} ")]
        yield from inner or [before + name]


@pytest.fixture
def on_kafka(kafka_bootstrap: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings lead to the shared broker, under a prefix of the test's own."""
    monkeypatch.setenv("HOOKLINE_KAFKA_BOOTSTRAP_SERVERS", kafka_bootstrap)
    monkeypatch.setenv("HOOKLINE_TOPIC_PREFIX", topic_prefix)
    monkeypatch.setenv("HOOKLINE_ENCRYPTION_KEYS", f"k1:{KEY}")


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that accepts and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def closed() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


def test_where_there_is_no_kafka_every_command_names_the_setting_after_five_seconds(
    closed: str, tmp_path: Path
) -> None:
    settings = {"HOOKLINE_KAFKA_BOOTSTRAP_SERVERS": closed, "HOOKLINE_ENCRYPTION_KEYS": f"k1:{KEY}"}
    commands = {name: [*name.split(), *flags, "--json"] for name, flags in KAFKA.items()}
    for name, ended in herd(commands, settings, tmp_path).items():
        assert (ended.code, ended.out) == (os.EX_UNAVAILABLE, ""), (name, ended)
        told = json.loads(ended.err)["error"]
        assert (told["code"], told["field"]) == (os.EX_UNAVAILABLE, "HOOKLINE_KAFKA_BOOTSTRAP_SERVERS"), (name, ended)
        assert closed in told["message"], (name, ended)


def test_where_there_is_no_api_every_command_names_the_flag(closed: str, tmp_path: Path) -> None:
    commands = {name: [*name.split(), *flags, "--json", *_api(closed)] for name, flags in BOTH_WAYS.items()}
    for name, ended in herd(commands, {}, tmp_path).items():
        assert (ended.code, ended.out) == (os.EX_UNAVAILABLE, ""), (name, ended)
        assert json.loads(ended.err)["error"]["field"] == "--api", (name, ended)


@pytest.mark.parametrize("table", [KAFKA, BOTH_WAYS], ids=["Kafka", "the API"])
def test_ctrl_c_ends_every_command_before_it_would_end_by_itself(
    table: dict[str, list[str]], silent: str, tmp_path: Path
) -> None:
    settings = {"HOOKLINE_KAFKA_BOOTSTRAP_SERVERS": silent, "HOOKLINE_ENCRYPTION_KEYS": f"k1:{KEY}"}
    way = [] if table is KAFKA else _api(silent)
    commands = {name: [*name.split(), *flags, *way] for name, flags in table.items()}
    for name, ended in herd(commands, settings, tmp_path, interrupt=True).items():
        assert (ended.code, ended.out, ended.err) == (130, "", "hookline: interrupted\n"), (name, ended)
        assert ended.took_s < 4.0, (name, ended)  # it would look for Kafka for 5 s


def _api(address: str) -> list[str]:
    return ["--api", f"http://{address}", "--key", "k"]


@pytest.mark.parametrize("name", sorted(KAFKA.keys() - {"topics check", "topics create"}))
def test_a_missing_topic_is_told_as_such(
    name: str, on_kafka: None, topic_prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call([*name.split(), *KAFKA[name]]) == os.EX_CONFIG

    said = capsys.readouterr().err
    if name == "publish":
        assert said == "hookline: Kafka has no topic orders: it holds events, so create it yourself\n"
    else:
        wanted = "subscriptions" if name == "keys rotate-encryption" else TOPICS[name.split(maxsplit=1)[0]]
        assert topic_prefix + wanted in said
        assert "`hookline topics create`" in said


def test_where_there_is_no_redis_every_command_that_asks_it_names_the_setting(
    closed: str, on_kafka: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOOKLINE_REPLICATION_FACTOR", "1")
    monkeypatch.setenv("HOOKLINE_REDIS_URL", f"redis://{closed}/0")
    assert call(["topics", "create"]) == os.EX_OK
    for name in ("webhooks list", "keys list", "keys create", "keys rotate-encryption"):
        capsys.readouterr()
        assert call([*name.split(), *KAFKA[name]]) == os.EX_OK
        said = capsys.readouterr().err
        assert "hookline: no Redis answers where HOOKLINE_REDIS_URL says" in said, (name, said)
        assert "is left out: " in said, (name, said)


@pytest.mark.parametrize("name", sorted(EVERY))
def test_what_makes_no_sense_is_one_json_object_with_the_flag(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call([*name.split(), *EVERY[name], "--no-such-flag=1", "--json"]) == os.EX_USAGE
    out, err = capsys.readouterr()
    told = json.loads(err)["error"]
    assert (out, told["code"], told["field"]) == ("", os.EX_USAGE, "--no-such-flag")
    assert "--no-such-flag" in told["message"]


@pytest.mark.parametrize("name", sorted(EVERY.keys() - {"run", "demo"}))
def test_a_setting_that_is_none_is_said_with_the_one_it_is_most_like(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOOKLINE_REDIS_ULR", "redis://127.0.0.1:6379/0")
    flags = EVERY[name]
    for as_json in ([], ["--json"]):
        # Nobody runs whom `status` could ask.
        ends = os.EX_UNAVAILABLE if name == "status" else os.EX_OK if name in ALONE else os.EX_CONFIG
        assert call([*name.split(), *flags, *as_json]) == ends
        said = capsys.readouterr().err.splitlines()[0]
        assert "HOOKLINE_REDIS_ULR" in said
        assert "did you mean HOOKLINE_REDIS_URL?" in said
        assert not as_json or json.loads(said)["warning"]["field"] == "HOOKLINE_REDIS_ULR"


@pytest.mark.parametrize("name", sorted(EVERY.keys() - {"demo"}))
def test_a_name_in_the_file_that_is_no_setting_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hookline.toml").write_text("partitons = 3\n")
    assert call([*name.split(), *EVERY[name]]) == os.EX_CONFIG
    assert capsys.readouterr().err == (
        "hookline: partitons: hookline.toml names no setting by this: did you mean partitions?\n"
    )
