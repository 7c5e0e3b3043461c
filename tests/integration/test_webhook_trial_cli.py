"""`hookline webhooks test` and `rotate`, straight to Kafka, against an endpoint on a real socket."""

import base64
import hashlib
import hmac
import json
import os

import pytest

from consumer.cli.webhook_port import Shown
from consumer.configuration import load
from consumer.control import writes
from consumer.kafka.reading import read_to_end
from consumer.kafka.records import decode_attempt
from consumer.settings import Settings
from tests.commands import Said, call
from tests.conformance.scripted import Endpoint, Line
from tests.services.topics import MakeTopics

pytestmark = pytest.mark.usefixtures("elsewhere")


@pytest.fixture(autouse=True)
def settings(
    kafka_bootstrap: str, redis_url: str, topic_prefix: str, make_topics: MakeTopics, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    for name, value in {
        "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
        "REDIS_URL": redis_url,
        "TOPIC_PREFIX": topic_prefix,
        "ENCRYPTION_KEYS": "k1:" + base64.b64encode(os.urandom(32)).decode(),
        "ALLOW_HTTP": "true",
        "ALLOW_NETWORKS": "127.0.0.1/32",
    }.items():
        monkeypatch.setenv(f"HOOKLINE_{name}", value)
    make_topics({topic_prefix + name: 1 for name in ("subscriptions", "state")}, {"cleanup.policy": "compact"})
    make_topics({topic_prefix + "attempts": 1})
    return load()


@pytest.fixture
def hookline(capsys: pytest.CaptureFixture[str]) -> Said:
    return Said("webhooks", capsys)


def created(hookline: Said, url: str, *flags: str) -> Shown:
    [shown] = hookline("create", "--tenant", "acme", "--url", url, *flags)
    return shown  # type: ignore[return-value]  # JSON, as it was printed


def signatures(request: bytes) -> tuple[set[str], bytes]:
    """What was signed, and by whom."""
    head, _, body = request.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    given = headers["webhook-signature"].split(" ")
    return set(given), f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body


def signed(secret: object, content: bytes) -> str:
    key = base64.b64decode(str(secret).removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()


def test_a_test_event_arrives_and_its_answer_is_printed_and_logged(hookline: Said, settings: Settings) -> None:
    with Endpoint(Line.answer) as endpoint:
        webhook = created(hookline, endpoint.url, "--brand", "convo", "--secret", "a secret of our own")
        [tried] = hookline("test", str(webhook["id"]), "--type", "transcript.ready")
    assert (tried["status"], tried["body"], tried["error"]) == (200, "ok", None)
    assert isinstance(tried["elapsedMs"], float)
    head, _, body = endpoint.requests[0].partition(b"\r\n\r\n")
    assert b"X-Convo-Event: transcript.ready" in head
    assert hmac.digest(b"a secret of our own", body, hashlib.sha256).hex().encode() in head
    assert set(json.loads(body)["data"]) == {"conversationId", "segmentCount"}  # seed 001, "Events"
    [record] = read_to_end(settings, settings.topic_prefix + "attempts")
    assert record.value is not None
    attempt = decode_attempt(record.value)
    assert (attempt.subscription_id, attempt.event_type, attempt.status) == (webhook["id"], "transcript.ready", 200)


def test_what_fails_is_printed_and_told_by_the_exit_code(hookline: Said, capsys: pytest.CaptureFixture[str]) -> None:
    answer = b"HTTP/1.1 500 No\r\nContent-Length: 12\r\n\r\n\x1b[2J\x07\xe2\x80\xaehidden"
    with Endpoint(lambda line: line.answer(answer)) as endpoint:
        webhook = str(created(hookline, endpoint.url)["id"])
        [tried] = hookline("test", webhook, code=os.EX_UNAVAILABLE)
        assert tried["status"] == 500
        assert call(["webhooks", "test", webhook]) == os.EX_UNAVAILABLE
    out = capsys.readouterr().out
    assert "500" in out
    assert not set(out) & {"\x1b", "\x07", "\u202e"}
    [tried] = hookline("test", webhook, code=os.EX_UNAVAILABLE)
    assert (tried["status"], tried["body"]) == (None, "")
    assert "no connection could be made" in str(tried["error"])


def test_a_type_no_event_has_and_a_webhook_that_is_none_are_refused(hookline: Said) -> None:
    webhook = str(created(hookline, "http://127.0.0.1:1/", "--brand", "convo")["id"])
    assert hookline("test", webhook, "--type", "order.created", code=os.EX_DATAERR) == []
    assert json.loads(hookline.err)["error"]["field"] == "--type"
    assert hookline("test", "wh_none", code=os.EX_DATAERR) == []
    assert hookline("rotate", "wh_none", code=os.EX_DATAERR) == []


def test_both_secrets_sign_until_the_overlap_ends(hookline: Said, settings: Settings) -> None:
    with Endpoint(Line.answer) as endpoint:
        webhook = created(hookline, endpoint.url)
        [rotated] = hookline("rotate", str(webhook["id"]), "--overlap", "1h")
        assert "for 1h" in hookline.err
        hookline("test", str(webhook["id"]))
        [again] = hookline("rotate", str(webhook["id"]), "--overlap", "0s")
        hookline("test", str(webhook["id"]))
    assert rotated["secret"] != webhook["secret"]
    given, content = signatures(endpoint.requests[0])
    assert given == {signed(rotated["secret"], content), signed(webhook["secret"], content)}
    given, content = signatures(endpoint.requests[1])
    assert given == {signed(again["secret"], content)}
    kept = writes.find(settings, str(webhook["id"]))
    assert (kept.former_secrets, kept.revision) == ((), 3)


def test_where_a_signature_has_room_for_one_the_new_secret_signs_at_once_and_it_is_said(
    hookline: Said, settings: Settings
) -> None:
    webhook = created(hookline, "http://127.0.0.1:1/", "--signing", "hex")
    [rotated] = hookline("rotate", str(webhook["id"]), "--secret", "a new secret of our own")
    assert rotated["secret"] == "a new secret of our own"
    assert "only the new secret signs from now on" in hookline.err
    assert writes.find(settings, str(webhook["id"])).former_secrets == ()


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (["--overlap", "soon"], os.EX_USAGE),
        (["--overlap", "31d"], os.EX_USAGE),
        (["--secret", "short"], os.EX_DATAERR),
    ],
)
def test_a_rotation_that_cannot_be_changes_nothing(
    hookline: Said, settings: Settings, flags: list[str], code: int
) -> None:
    webhook = created(hookline, "http://127.0.0.1:1/")
    assert hookline("rotate", str(webhook["id"]), *flags, code=code) == []
    assert writes.find(settings, str(webhook["id"])).revision == 1
