"""No secret is found where it has no business: a whole installation is run with secrets that are known, then searched.

Webhooks are made on the command line and through the API, their secrets rotated, the encryption key changed, deliveries
made to endpoints that accept, fail and say gone. Then every record of every topic, every key of Redis, every line that
any process logged and all that commands printed and the API answered is searched for the secrets, their bytes, and
either in base64 and hex. A secret may stand in the one answer that shows it, and in the request that it is meant for.
"""

import base64
import http.client
import io
import json
import os
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import redis
from standardwebhooks import Webhook, WebhookVerificationError

from tests.acceptance.conftest import BuildStage
from tests.acceptance.deadline import until
from tests.acceptance.happenings import Happening
from tests.acceptance.hookline import Hookline
from tests.acceptance.stage import Stage
from tests.commands import call
from tests.services.server import free_port

OVERLAP_S = 4
OPERATOR_KEY = "the-operators-key-" + os.urandom(12).hex()
STATUSES = {"/ok": 200, "/fails": 500, "/gone": 410}
HEADERS = {"Authorization": "Bearer canary-" + os.urandom(9).hex(), "X-Api-Key": "canary-" + os.urandom(9).hex()}


def drawn(prefix: str) -> str:
    return prefix + base64.b64encode(os.urandom(32)).decode()


SECRETS = {
    "standard": drawn("whsec_"),
    "ed25519": drawn("whsk_"),
    "hex": "canary secret " + os.urandom(9).hex(),
    "sha256": "canary secret " + os.urandom(9).hex(),
    "stripe": "canary secret " + os.urandom(9).hex(),
}
ENCRYPTION_KEYS = {key_id: os.urandom(32) for key_id in ("old", "new")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A request at an endpoint."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True, kw_only=True)
class Said:
    """What came out of commands and the API. `shown` are the places where a secret is shown by promise."""

    shown: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


class Installation:
    """A stage with the old encryption key, and its customers."""

    def __init__(
        self, stage: Stage, api: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.stage = stage
        self.environment = dict(stage.environment)
        self.api = api
        self.said = Said()
        self.secrets: list[str] = [*SECRETS.values(), *HEADERS.values(), OPERATOR_KEY]
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def hookline(self, *arguments: str, given: str = "", shows: bool = False, code: int = os.EX_OK) -> str:
        """A command; what it printed. `shows`: its standard output shows a secret."""
        with self._monkeypatch.context() as patch:
            for name, value in self.environment.items():
                patch.setenv(name, value)
            patch.setattr("sys.stdin", io.StringIO(given))
            found = call(arguments)
        out, err = self._capsys.readouterr()
        (self.said.shown if shows else self.said.told).append(out)
        self.said.told.append(err)
        assert found == code, err
        return out

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str,
        once: str = "",
        shows: bool = False,
        status: int = 200,
    ) -> dict[str, object]:
        """A request to the API. `once` is its Idempotency-Key."""
        connection = http.client.HTTPConnection(self.api, timeout=20)
        sent = None if body is None else json.dumps(body)
        headers = {"Authorization": f"Bearer {key}"} | ({} if sent is None else {"Content-Type": "application/json"})
        headers |= {"Idempotency-Key": once} if once else {}
        try:
            connection.request(method, path, sent, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        (self.said.shown if shows else self.said.told).append(text)
        self.said.told.append(str(answer.headers))
        assert answer.status == status, text
        return dict(json.loads(text))

    def create(self, url: str, *, signing: str = "standard", **options: str) -> dict[str, object]:
        """A webhook with a known secret and known headers, made on the command line."""
        more = [word for name, value in ({"signing": signing} | options).items() for word in (f"--{name}", value)]
        for name, value in HEADERS.items():
            more += ["--header", f"{name}: {value}"]
        given = SECRETS[signing] + "\n"
        made = self.hookline(
            "webhooks", "create", "--tenant", "acme", "--url", url, "--secret", "-", *more, "--json",
            given=given, shows=True,
        )  # fmt: skip
        return dict(json.loads(made))

    def rotate(self, webhook: object, body: object, *, key: str) -> str:
        """A new secret, generated."""
        rotated = self.ask("POST", f"/v1/webhooks/{webhook}/secret", body, key=key, shows=True)
        self.secrets.append(str(rotated["secret"]))
        return self.secrets[-1]


@pytest.fixture
def installation(
    build_stage: BuildStage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Installation:
    api = f"127.0.0.1:{free_port()}"
    options = {
        "HOOKLINE_API_LISTEN": api,
        "HOOKLINE_OPERATOR_KEY": OPERATOR_KEY,
        "HOOKLINE_ENCRYPTION_KEYS": _entries("old"),
        "HOOKLINE_RETRY_DELAYS": "1s",
        "HOOKLINE_LOG_LEVEL": "debug",
    }
    return Installation(build_stage(partitions=2, options=options), api, capsys, monkeypatch)


def test_no_secret_is_found_outside_the_answer_that_shows_it(installation: Installation) -> None:
    stage, hookline = installation.stage, installation.hookline
    with _endpoint() as (base, arrived):
        ids = {profile: installation.create(f"{base}/ok", signing=profile)["id"] for profile in SECRETS}
        failing = [installation.create(base + path)["id"] for path in ("/fails", "/gone")]
        _refusals(installation, base)
        installation.environment["HOOKLINE_ENCRYPTION_KEYS"] = both = _entries("new", "old")
        scopes = ("--scope", "admin", "--scope", "read", "--scope", "write")
        key = str(json.loads(hookline("keys", "create", "--tenant", "acme", *scopes, "--json", shows=True))["key"])
        installation.secrets.append(key)
        run = stage.running("--processes", "1", HOOKLINE_ENCRYPTION_KEYS=both)
        with run as running, stage.publisher() as publisher:
            _until_ready(installation, running)
            _customers(installation, ids, key, base)
            first = SECRETS["standard"]
            printed = hookline("webhooks", "rotate", str(ids["sha256"]), "--json", shows=True)
            installation.secrets.append(str(json.loads(printed)["secret"]))
            second = installation.rotate(ids["standard"], {"overlapSeconds": OVERLAP_S}, key=key)
            done = json.loads(hookline("keys", "rotate-encryption", "--json"))
            assert (done["left"], done["unreadable"], done["unused"]) == (0, [], ["old"])

            def verified_by() -> list[tuple[bool, bool]]:
                """For each request to the rotated webhook: whether the old and the new secret verify it."""
                mine = [each for each in arrived if each.path == "/ok" and _verifies(second, each)]
                return [(_verifies(first, each), _verifies(second, each)) for each in mine]

            def another(verified: tuple[bool, bool]) -> bool:
                publisher.publish([Happening(n=1, id=os.urandom(6).hex(), type="user.created", tenant="acme")])
                return verified in verified_by()

            for verified in ((True, True), (False, True)):
                until(
                    lambda expected=verified: another(expected),  # type: ignore[misc] # a default binds it
                    within_s=20,
                    every_s=0.5,
                    missing=lambda: f"{verified_by()}\n{running.tail}",
                )
            until(
                lambda: {each.reason for each in stage.buried()} >= {"exhausted", "gone"},
                within_s=20,
                missing=lambda: f"{stage.buried()}\n{running.tail}",
            )
            for group in ("webhooks", "keys", "dead-letters"):
                hookline(group, "list", "--json")
                hookline(group, "list")
            for webhook in (ids["ed25519"], *failing):
                hookline("webhooks", "show", str(webhook))
            assert running.stop()[0] == 0, running.tail

    for name, value in HEADERS.items():
        assert arrived[-1].headers[name.lower()] == value
    places = {
        "topics": b"\0".join(_topics(stage)),
        "redis": b"\0".join(_redis(stage)),
        "log": running.log.encode(),
        "told": "\0".join(installation.said.told).encode(),
    }
    # What is no secret is found where it is: the search looks where it should.
    assert [name for name, text in places.items() if str(failing[1]).encode() not in text] == []
    assert "\0".join(installation.said.shown).count(key) == 1
    found = [
        f"{spelling} of secret {number} in {name}"
        for number, secret in enumerate(installation.secrets)
        for spelling, needle in _spellings(secret).items()
        for name, text in places.items()
        if needle in text
    ]
    assert found == []


def test_a_wrong_key_ends_every_role_that_opens_secrets(installation: Installation) -> None:
    installation.create("http://127.0.0.1:1/ok")
    wrong = f"old:{base64.b64encode(os.urandom(32)).decode()}"
    roles = ("deliver", "retry", "api")
    with ExitStack() as stack:
        running = {
            role: stack.enter_context(
                installation.stage.running(role, log_name=f"{role}.log", HOOKLINE_ENCRYPTION_KEYS=wrong)
            )
            for role in roles
        }
        for role in roles:
            assert running[role].wait(60) == os.EX_CONFIG, running[role].tail
            assert f"hookline {role}: HOOKLINE_ENCRYPTION_KEYS: the key 'old' is not the one" in running[role].log


def _refusals(installation: Installation, base: str) -> None:
    """What is refused is not repeated."""
    create = ("webhooks", "create", "--tenant", "acme", "--url", f"{base}/ok", "--json")
    host = f"Host: {HEADERS['X-Api-Key']}"
    for more, given in ((("--header", host), ""), (("--secret", "-"), SECRETS["hex"] + "\n")):
        installation.hookline(*create, *more, given=given, code=os.EX_DATAERR)
    installation.hookline("keys", "revoke", OPERATOR_KEY, code=os.EX_DATAERR)


def _customers(installation: Installation, ids: Mapping[str, object], key: str, base: str) -> None:
    """What a tenant's administrator does through the API."""
    ask = installation.ask
    made, again = (
        ask("POST", "/v1/keys", {"scopes": ["read"]}, key=key, once="a", shows=True, status=201) for _ in range(2)
    )
    assert again == made
    reading = str(made["key"])
    installation.secrets.append(reading)
    assert len(ask("GET", "/v1/webhooks", key=reading)["data"]) == len(SECRETS) + 2  # type: ignore[arg-type] # a list
    ask("GET", f"/v1/webhooks/{ids['hex']}", key=reading)
    ask("POST", "/v1/keys", {"scopes": ["read"]}, key=reading, status=403)
    ask("GET", "/v1/keys", key=key)
    ask("DELETE", f"/v1/keys/{made['id']}", key=key)
    for bad in (reading, key[:-1] + ("0" if key[-1] != "0" else "1"), OPERATOR_KEY[:-1]):
        ask("GET", "/v1/webhooks", key=bad, status=401)
    ask("POST", "/v1/webhooks", {"url": f"{base}/ok", "requestConfig": {"headers": {"Host": HEADERS["X-Api-Key"]}}},
        key=key, status=422)  # fmt: skip
    installation.rotate(ids["hex"], None, key=key)
    ask("POST", f"/v1/webhooks/{ids['stripe']}/test", {}, key=key)


def _entries(*key_ids: str) -> str:
    return ",".join(f"{key_id}:{base64.b64encode(ENCRYPTION_KEYS[key_id]).decode()}" for key_id in key_ids)


def _happenings(name: str) -> list[Happening]:
    return [Happening(n=1, id=f"{name}-{os.urandom(6).hex()}", type="user.created", tenant="acme")]


def _spellings(secret: str) -> dict[str, bytes]:
    """A secret and what it may hide as. What only says that it is one, such as `whsec_`, is left out of it."""
    text = re.sub(r"^(whsec_|whsk_|hk_[0-9A-Za-z]{16}_)", "", secret).encode()
    spelt = {"the text": text, "the hex": text.hex().encode()}
    for name, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
        for shift in range(3):  # wherever it begins inside of something longer
            spelt[f"the {name} at {shift}"] = encode(bytes(shift) + text)[4 if shift else 0 : -4]
    if secret in SECRETS.values() and text != secret.encode():
        spelt["the bytes"] = base64.b64decode(text)
    return spelt


def _topics(stage: Stage) -> Iterator[bytes]:
    """Everything on Hookline's topics and the events'."""
    names = stage.topics
    own = [
        names.subscriptions,
        names.state,
        names.attempts,
        names.dead_letter,
        names.poison,
        names.ordered,
        *names.retry_topics,
    ]
    for topic in [stage.event_topic, *own]:
        for record in stage.read(topic):
            yield record.key or b""
            yield record.value or b""
            for name, value in record.headers:
                yield name.encode()
                yield value or b""


def _redis(stage: Stage) -> Iterator[bytes]:
    """Every key of Redis, with all that it holds."""
    with redis.Redis.from_url(stage.settings.redis_url.get_secret_value()) as client:
        for key in client.scan_iter(count=1_000):
            yield key
            match client.type(key):
                case b"string":
                    yield client.get(key)
                case b"hash":
                    yield from _flat(client.hgetall(key).items())
                case b"set":
                    yield from client.smembers(key)
                case b"zset":
                    yield from client.zrange(key, 0, -1)
                case b"list":
                    yield from client.lrange(key, 0, -1)
                case other:
                    raise AssertionError(f"{key!r} is a {other!r}, which is not searched")


def _flat(pairs: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
    return (each for pair in pairs for each in pair)


def _verifies(secret: str, request: Arrived) -> bool:
    try:
        Webhook(secret).verify(request.body, dict(request.headers), json_parse=False)
    except (WebhookVerificationError, ValueError):
        return False  # ValueError: signed by another profile
    return True


def _until_ready(installation: Installation, running: Hookline) -> None:
    def ready() -> bool:
        connection = http.client.HTTPConnection(installation.api, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    until(ready, within_s=30, missing=lambda: running.tail)


@contextmanager
def _endpoint() -> Iterator[tuple[str, list[Arrived]]]:
    """An endpoint that notes what arrives and answers as its path says."""
    arrived: list[Arrived] = []

    class Endpoint(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            arrived.append(Arrived(path=self.path, headers=headers, body=body))
            self.send_response(STATUSES[self.path])
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Silence."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", arrived
        finally:
            server.shutdown()
