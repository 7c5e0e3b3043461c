"""How Kafka is logged in to, on a real broker that denies what nobody allowed."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import TypeAlias

import httpx
import pytest

from consumer.configuration import load
from consumer.console.groups import groups
from consumer.delivery.offsets import Position
from consumer.kafka import topics
from consumer.kafka.client import KafkaBroken
from consumer.kafka.committed import committed
from consumer.kafka.consumer import PartitionConsumer
from consumer.kafka.lag import LagReader
from consumer.kafka.selection import Selection
from consumer.kafka.topics import require
from consumer.kafka.writing import NewRecord, write_now
from consumer.replay.latest_poison import LatestPoison
from consumer.roles.pool import map_most
from consumer.roles.rights import creating, joined, rights
from consumer.roles.role import Role
from consumer.settings import ConfigurationError, Settings
from tests.acceptance.api import client, new_key, url_of
from tests.acceptance.deadline import until
from tests.acceptance.happenings import Happening, Hook
from tests.acceptance.hookline import Hookline, clean, command
from tests.acceptance.receipts import Receiver
from tests.acceptance.receiver import Temper
from tests.acceptance.stage import Stage
from tests.certificates import Authority
from tests.logins import METADATA_BYTES, PASSWORD, Logins, logins
from tests.services.topics import create_topics

STAMP_CHARS = 23  # of the topic's id, in front of what a commit tells
USERS = {"projection": "PLAIN", "deliver": "SCRAM-SHA-256", "retry": "SCRAM-SHA-512"}
HOOKS = (
    Hook(name="healthy", tenant="acme"),
    Hook(name="flaky", tenant="acme", temper=Temper.FLAKY),
    Hook(name="dead", tenant="acme", temper=Temper.DEAD),
    Hook(name="gone", tenant="acme", temper=Temper.GONE),
    Hook(name="ordered", tenant="acme", ordering="key"),
)
OPTIONS = {
    "HOOKLINE_API_LISTEN": "127.0.0.1:0",
    "HOOKLINE_RETRY_DELAYS": "200ms,400ms,600ms,800ms",
    "HOOKLINE_PROCESSES": "1",
    "HOOKLINE_TENANT_KEYS": "on",  # with which rights on one topic more are needed
    "HOOKLINE_SUSPEND_AFTER": "1s",
    "HOOKLINE_SUSPEND_ATTEMPTS": "3",
}
SCOPES = [word for scope in ("read", "write", "replay", "admin") for word in ("--scope", scope)]
Login: TypeAlias = Callable[[Logins], dict[str, str]]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logins]:
    with logins(tmp_path_factory.mktemp("logins"), USERS) as found:
        yield found


def as_settings(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> Settings:
    with monkeypatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        return load()


def test_every_role_works_with_the_least_rights_and_a_login_of_its_own(
    broker: Logins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis_url: str, topic_prefix: str
) -> None:
    stage = Stage.build(
        tmp_path,
        monkeypatch,
        bootstrap=broker.kafka.bootstrap,
        redis_url=redis_url,
        prefix=topic_prefix,
        partitions=1,
        options=OPTIONS,
    )
    ways = {
        Role.PROJECTION: broker.password("projection", "PLAIN"),
        Role.DELIVER: broker.password("deliver", "SCRAM-SHA-256"),
        Role.RETRY: broker.password("retry", "SCRAM-SHA-512"),
        Role.LOG: broker.token(broker.token_file("log")),
        Role.JOBS: broker.oidc("jobs"),
        Role.API: broker.certificate("api"),
    }
    for role in Role:
        broker.allow(role, joined(rights(stage.settings, role)))
    with stage.receiving(HOOKS) as receiver, ExitStack() as opened:
        running = {
            role: opened.enter_context(stage.running(role, log_name=f"{role}.log", **way)) for role, way in ways.items()
        }
        missing = partial(_tails, running, broker)
        _of_one_event_everything(stage, receiver, running, missing)
        with client(url_of(running[Role.API]), new_key(stage, "--tenant", "acme", *SCOPES)) as acme:
            _asked_for_by_the_api(acme, receiver, missing)
        api = as_settings(monkeypatch, {**stage.environment, **ways[Role.API]})
        assert LagReader(api, groups(api)).read(10)
        assert LatestPoison(api).read(10)
        for each in running.values():
            assert each.stop()[0] == 0, each.tail
    assert broker.denied(*Role) == []


def _of_one_event_everything(
    stage: Stage, receiver: Receiver, running: dict[Role, Hookline], missing: Callable[[], str]
) -> None:
    """Delivered, retried, put in order, dead-lettered, suspended; and what is no event is poison."""
    running[Role.DELIVER].assigned("deliver")
    with stage.publisher() as publisher:
        publisher.publish([Happening(n=1, id="evt-1", tenant="acme", type="order.paid")])
        publisher.flush()
    write_now(stage.settings, [NewRecord(topic=stage.event_topic, key=None, value=b"no event")])
    for name in ("healthy", "flaky", "ordered"):
        until(partial(_sent, receiver, name), within_s=60, missing=missing)
    until(lambda: {each.pair[1] for each in stage.buried()} == {"dead", "gone"}, within_s=60, missing=missing)
    until(lambda: len(stage.read(stage.topics.poison)) == 1, within_s=30, missing=missing)
    running[Role.LOG].until_said("webhook suspended", within_s=30)


def _asked_for_by_the_api(acme: httpx.Client, receiver: Receiver, missing: Callable[[], str]) -> None:
    """A webhook made and tried, a dead letter replayed, what was missed recovered."""
    made = acme.post("/v1/webhooks", json={"url": "http://127.0.0.1:9/never"})
    assert made.status_code == 201, made.text
    assert acme.post(f"/v1/webhooks/{made.json()['id']}/test").status_code == 200
    before = _sent(receiver, "gone", accepted=False)
    assert acme.post("/v1/webhooks/gone/resume").status_code == 200
    replayed = acme.post("/v1/webhooks/gone/dead-letters/replay", timeout=60)
    assert replayed.status_code == 200, replayed.text
    until(lambda: _sent(receiver, "gone", accepted=False) > before, within_s=60, missing=missing)
    assert acme.get("/v1/dead-letters", params={"since": "1h"}, timeout=60).json()["data"]
    listed = partial(acme.get, "/v1/attempts", params={"webhook": "gone", "limit": "1"})
    until(lambda: listed().json().get("data"), within_s=60, missing=lambda: listed().text)
    shown = acme.get(f"/v1/attempts/{listed().json()['data'][0]['id']}", timeout=60)
    assert shown.status_code == 200, shown.text
    assert acme.get("/v1/audit", params={"since": "1h"}, timeout=60).json()["data"]
    job = acme.post("/v1/webhooks/healthy/recover", json={"since": "1h"})
    assert job.status_code == 202, job.text
    told = f"/v1/jobs/{job.json()['id']}"
    until(lambda: acme.get(told).json()["state"] == "done", within_s=60, missing=lambda: acme.get(told).text)


def _sent(receiver: Receiver, name: str, *, accepted: bool = True) -> int:
    receiver.read()
    return sum(each.accepted is accepted for each in receiver.receipts if each.endpoint == name)


def _tails(running: dict[Role, Hookline], broker: Logins) -> str:
    return "\n".join([*(each.tail for each in running.values()), *broker.denied(*Role)])


class Nothing:
    """A listener that has nothing to do."""

    def assigned(self, partitions: object) -> None: ...

    revoked = lost = rewound = assigned


def test_a_broker_that_takes_short_maps_is_known_or_taught(broker: Logins, topic_prefix: str) -> None:
    settings = Settings(kafka={"bootstrap.servers": broker.kafka.bootstrap}, topic_prefix=topic_prefix)
    assert require(settings, frozenset()).metadata_chars == METADATA_BYTES - 1
    assert map_most(settings, METADATA_BYTES - 1) < METADATA_BYTES - STAMP_CHARS
    topic = topic_prefix + "events"
    create_topics(broker.kafka.bootstrap, {topic: 1})
    member = PartitionConsumer(
        settings, group=topic_prefix + "group", topics=Selection(names=(topic,)), instance=None, listener=Nothing()
    )
    until(lambda: member.take(1, 0.05) or member.assignment, within_s=30, missing=lambda: "no partition")
    place = (topic, 0)
    for offset, length, left in ((1, 4_064, 2_032), (2, 2_032, 1_016), (3, 1_016, 508), (4, 508, 508)):
        assert member.commit_now({place: Position(offset, "x" * length)}, 20) == {}
        assert member.metadata_most == left
    assert member.commit_now({place: Position(5, "x" * (METADATA_BYTES - 1 - STAMP_CHARS))}, 20) == {}
    assert member.metadata_most == 508
    member.close()
    told = committed(settings, topic_prefix + "group", [topic])
    assert told[place] == Position(5, "x" * (METADATA_BYTES - 1 - STAMP_CHARS))


def as_operator(found: Logins) -> dict[str, str]:
    """By a command that prints a token."""
    words = f"print('{found.issuer.token('operator')}')"
    return found.token(f'command:{sys.executable} -c "{words}"')


def test_who_may_create_topics_may_create_them_and_nothing_else(
    broker: Logins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    operator = as_settings(monkeypatch, {**as_operator(broker), "HOOKLINE_TOPIC_PREFIX": "made."})
    broker.allow("operator", creating(operator))
    assert len(topics.create(topics.admin_client(operator), operator)) > 6
    with pytest.raises(KafkaBroken, match=r"CREATE on topic other\."):
        topics.create(topics.admin_client(operator), operator.model_copy(update={"topic_prefix": "other."}))
    assert any("Principal = User:operator is Denied" in line for line in broker.denied("operator"))


def wrong_certificate(found: Logins) -> dict[str, str]:
    (found.folder / "strangers").mkdir(exist_ok=True)
    return found.certificate("api", of=Authority(found.folder / "strangers"))


def unknown_authority(found: Logins) -> dict[str, str]:
    own = wrong_certificate(found)["HOOKLINE_KAFKA_SSL_CERTIFICATE_LOCATION"]
    return found.password("deliver", "SCRAM-SHA-256") | {"HOOKLINE_KAFKA_SSL_CA_LOCATION": own}


def no_certificate(found: Logins) -> dict[str, str]:
    way = found.certificate("api")
    return {name: value for name, value in way.items() if "CERTIFICATE" not in name and "KEY" not in name}


@pytest.mark.parametrize(
    ("login", "told"),
    [
        (
            lambda found: found.password("deliver", "SCRAM-SHA-256", password="wrong"),
            "SASL_PASSWORD: Kafka refuses this user or this password",
        ),
        (lambda found: found.password("nobody", "PLAIN"), "SASL_PASSWORD: Kafka refuses this user or this password"),
        (unknown_authority, "SSL_CA_LOCATION: Kafka's certificate cannot be verified"),
        (wrong_certificate, "SSL_CERTIFICATE_LOCATION: Kafka refuses this certificate"),
        (no_certificate, "SSL_CERTIFICATE_LOCATION: Kafka takes nobody without a certificate"),
        (lambda found: found.token(f"command:{sys.executable} -c print(1)"), "TOKEN_FROM: Kafka refuses the token"),
        (lambda found: found.oidc("jobs", secret="wrong"), "SASL_OAUTHBEARER_CLIENT_SECRET: the token service refuses"),
        (
            lambda found: found.oidc("jobs") | found.password("x", "OAUTHBEARER"),
            "SASL_MECHANISM: Kafka does not take this one: PLAIN,SCRAM",
        ),
    ],
)
def test_who_is_not_let_in_is_told_the_setting(
    broker: Logins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, login: Login, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(topics, "_START_TIMEOUT_S", 1.0)
    settings = as_settings(monkeypatch, login(broker))
    with pytest.raises(ConfigurationError) as caught:
        asked(settings, until_s=time.monotonic() + 30)
    assert str(caught.value).startswith(f"HOOKLINE_KAFKA_{told}")
    assert not any(secret in str(caught.value) for secret in (PASSWORD, "wrong"))


def asked(settings: Settings, *, until_s: float) -> None:
    """Ask Kafka for its topics. A busy machine takes longer than a second to be refused."""
    while time.monotonic() < until_s:
        with suppress(KafkaBroken):
            require(settings, frozenset())


def test_a_role_that_is_not_let_in_ends_with_78_and_one_line(broker: Logins, tmp_path: Path) -> None:
    wrong = broker.password("projection", "PLAIN", password="hunter2")
    done = subprocess.run(
        command("run", "projection"),
        env=clean({**wrong, "HOOKLINE_ADMIN_LISTEN": "", "HOOKLINE_STATE_DIR": str(tmp_path / "state")}),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    assert done.returncode == os.EX_CONFIG, done.stderr
    assert "hookline projection: HOOKLINE_KAFKA_SASL_PASSWORD: Kafka refuses this user or this password" in done.stderr
    assert "hunter2" not in done.stderr
    assert "Traceback" not in done.stderr
