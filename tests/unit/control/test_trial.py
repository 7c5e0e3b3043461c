"""Test events, sent over real sockets to scripted endpoints."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Literal

import pytest
from pydantic import SecretStr

from consumer.control.one_attempt import AT_ONCE, OF_A_TENANT, OneAttempt, ResolveFor, logging_by
from consumer.control.resolve import resolve
from consumer.control.trial import Trial, Trials
from consumer.delivery.answer import FailureKind
from consumer.delivery.delivery import Attempt
from consumer.delivery.names import Addresses, NoAddress, Resolution, Unanswered
from consumer.http.transport import Transport
from consumer.kafka.client import KafkaBroken
from consumer.kafka.records import decode_attempt
from consumer.kafka.topic_writer import Place
from consumer.kafka.writing import NewRecord
from consumer.settings import Settings
from consumer.shares import Busy
from consumer.webhooks.headers import seal_headers
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.subscription import (
    FormerSecret,
    PayloadFormat,
    SealedSecret,
    SigningProfile,
    Status,
    Subscription,
)
from consumer.webhooks.wrong import FieldInvalid
from tests.conformance.proxies import STANDS, refusal, small_proxy
from tests.conformance.scripted import OK, Endpoint, Line
from tests.webhook_samples import subscription

KEYRING = Keyring({"k1": b"\x01" * 32})
NEW, OLD = b"n" * 32, b"o" * 32
NOW_MS = 1_790_000_000_500
LOOPBACK = ("127.0.0.1/32",)
REFUSED = "the URL's host has no public address: check its name in the DNS"


def sealed(plain: str, tenant: str = "acme") -> SealedSecret:
    return KEYRING.seal(plain.encode(), tenant=tenant, subscription_id="wh_1")


def standard(secret: bytes) -> str:
    return "whsec_" + base64.b64encode(secret).decode()


def webhook(url: str, tenant: str = "acme", **fields: object) -> Subscription:
    wanted: dict[str, object] = {"url": url, "secret": sealed(standard(NEW), tenant), "timeout_ms": 2_000, **fields}
    return subscription("wh_1", tenant, **wanted)


class Log:
    """Takes attempt records, or refuses them."""

    def __init__(self) -> None:
        self.records: list[NewRecord] = []
        self.broken = False

    def write(self, record: NewRecord) -> None:
        if self.broken:
            raise KafkaBroken("no broker")
        self.records.append(record)

    @property
    def attempt(self) -> Attempt:
        [record] = self.records
        assert record.value is not None
        return decode_attempt(record.value)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture(params=["sockets", "curl"])
def trials(request: pytest.FixtureRequest, log: Log) -> Trials:
    engine: Literal["sockets", "curl"] = request.param
    settings = Settings(allow_networks=LOOPBACK, transport=engine, topic_prefix="t.")
    return Trials(settings, OneAttempt(settings, KEYRING, log.write, sealing=None, now_ms=lambda: NOW_MS))


@pytest.mark.parametrize("transport", ["auto", "sockets", "curl"])
def test_a_network_of_one_tenant_is_reached_by_his_webhooks_alone(log: Log, transport: str) -> None:
    with Endpoint(Line.answer) as endpoint:
        grants = [f"acme=127.0.0.1/32:{endpoint.port}", "acme=10.0.0.0/8"]
        settings = Settings.model_validate({"tenant_networks": grants, "transport": transport, "topic_prefix": "t."})
        trials = Trials(
            settings,
            OneAttempt(settings, KEYRING, log.write, sealing=None, resolve=lambda *_: Addresses(("127.0.0.1",))),
        )
        for url in (endpoint.url, f"http://inside.example:{endpoint.port}/"):
            assert trials.try_out(webhook(url)).status == 200
            for tenant in ("Acme", "other"):
                trial = trials.try_out(webhook(url, tenant))
                assert (trial.status, trial.error) == (None, REFUSED)
    with Endpoint(Line.answer) as other:
        trial = trials.try_out(webhook(other.url))
        assert (trial.status, trial.error, other.accepted) == (None, REFUSED, 0), (
            "it is granted at the other port alone"
        )


def trials_of(
    log: Log,
    *,
    networks: tuple[str, ...] = LOOPBACK,
    open_engine: Callable[[], Transport] | None = None,
    resolve: ResolveFor = resolve,
) -> Trials:
    settings = Settings(allow_networks=networks)
    return Trials(
        settings, OneAttempt(settings, KEYRING, log.write, sealing=None, open_engine=open_engine, resolve=resolve)
    )


def answering(data: bytes) -> Callable[[Line], None]:
    return lambda line: line.answer(data)


def head_and_body(asked: bytes) -> tuple[dict[str, str], bytes]:
    head, _, body = asked.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}, body


def test_the_log_of_a_test_event_has_no_more_of_its_bodies_than_it_may_keep(log: Log) -> None:
    settings = Settings(allow_networks=LOOPBACK, topic_prefix="t.", log_bodies="none")
    trials = Trials(settings, OneAttempt(settings, KEYRING, log.write, sealing=None, now_ms=lambda: NOW_MS))
    with Endpoint(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) as endpoint:
        trial = trials.try_out(webhook(endpoint.url), "order.created")
    assert trial.text == "ok"  # whoever asked for it sees the answer
    [record] = log.records
    attempt = decode_attempt(record.value or b"")
    assert (attempt.request_body, attempt.response_body, attempt.bodies) == (b"", b"", "none")
    assert head_and_body(endpoint.requests[0])[1] != b""


def test_a_test_event_is_sent_signed_and_logged_as_any_attempt(trials: Trials, log: Log) -> None:
    own = {"X-Api-Token": "canary"}
    with Endpoint(answering(b"HTTP/1.1 202 Accepted\r\nContent-Length: 6\r\n\r\ngr\xc3\xbc\xc3\x9f")) as endpoint:
        asked = webhook(
            endpoint.url,
            header_names=tuple(own),
            sealed_headers=seal_headers(own, KEYRING, tenant="acme", subscription_id="wh_1", nonce=b"n" * 12),
        )
        trial = trials.try_out(asked, "order.created")
    headers, body = head_and_body(endpoint.requests[0])
    assert (trial.status, trial.error, trial.truncated, trial.delivered) == (202, None, False, True)
    assert trial.text == "grüß"
    assert trial.elapsed_ms > 0
    assert trial.event_id.startswith("test_")
    assert headers["webhook-id"] == trial.event_id
    content = f"{trial.event_id}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(NEW, content, hashlib.sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["x-api-token"] == "canary"
    sent = json.loads(body)
    assert (sent["type"], sent["timestamp"]) == ("order.created", "2026-09-21T14:13:20.500Z")

    assert (log.records[0].topic, log.records[0].key) == ("t.attempts", b"wh_1")
    attempt = log.attempt
    assert (attempt.event_id, attempt.event_type) == (trial.event_id, "order.created")
    assert (attempt.tenant, attempt.subscription_id, attempt.number) == ("acme", "wh_1", 1)
    assert (attempt.status, attempt.outcome, attempt.next_tier, attempt.failure) == (202, "delivered", None, None)
    assert (attempt.request_body, attempt.response_body) == (body, "grüß".encode())
    assert dict(attempt.request_headers)["X-Api-Token"] == "[redacted]"
    assert attempt.elapsed_ms == trial.elapsed_ms


def test_both_secrets_sign_while_a_rotation_overlaps(trials: Trials) -> None:
    with Endpoint(Line.answer) as endpoint:
        asked = webhook(endpoint.url, former_secrets=(FormerSecret(secret=sealed(standard(OLD)), until_ms=NOW_MS + 1),))
        trials.try_out(asked)
    headers, body = head_and_body(endpoint.requests[0])
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    signatures = headers["webhook-signature"].split(" ")
    assert signatures == [
        "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode() for key in (NEW, OLD)
    ]


def test_the_webhook_s_own_format_and_profile_are_used(trials: Trials) -> None:
    with Endpoint(Line.answer) as endpoint:
        asked = webhook(
            endpoint.url,
            brand="convo",
            signing=SigningProfile.HEX,
            payload_format=PayloadFormat.EVENT,
            secret=sealed("plain secret"),
        )
        trials.try_out(asked, "webhook.test")
    headers, body = head_and_body(endpoint.requests[0])
    assert headers["x-convo-event"] == "webhook.test"
    assert headers["x-convo-signature"] == hmac.digest(b"plain secret", body, hashlib.sha256).hex()
    sent = json.loads(body)
    assert sent["event"] == "webhook.test"
    assert isinstance(sent["data"]["message"], str)  # seed 001: `webhook.test | message`


@pytest.mark.parametrize("status", [Status.PAUSED, Status.SUSPENDED])
def test_a_webhook_that_gets_nothing_may_be_tried(trials: Trials, status: Status) -> None:
    with Endpoint(Line.answer) as endpoint:
        assert trials.try_out(replace(webhook(endpoint.url), status=status)).delivered


def test_an_error_answer_is_shown_with_its_body(trials: Trials, log: Log) -> None:
    with Endpoint(answering(b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\nboom")) as endpoint:
        trial = trials.try_out(webhook(endpoint.url))
        assert endpoint.accepted == 1
    assert (trial.status, trial.body, trial.delivered) == (500, b"boom", False)
    assert trial.error == "the endpoint answered 500, and only 2xx is a success"
    assert log.attempt.outcome == "dead"


def test_a_redirect_is_an_answer_and_never_followed(trials: Trials) -> None:
    with Endpoint(Line.answer) as inside:
        moved = f"HTTP/1.1 307 Moved\r\nLocation: {inside.url}\r\nContent-Length: 0\r\n\r\n".encode()
        with Endpoint(answering(moved)) as endpoint:
            trial = trials.try_out(webhook(endpoint.url))
        assert (trial.status, trial.delivered, inside.accepted) == (307, False, 0)


def test_a_long_body_is_cut_and_said_to_be(trials: Trials) -> None:
    with Endpoint(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n" + b"x" * 20_000)) as endpoint:
        trial = trials.try_out(webhook(endpoint.url))
    assert (len(trial.body), trial.truncated) == (16_384, True)


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        (Line.hold, FailureKind.TIMEOUT, "no whole answer came in time"),
        (lambda line: line.read(), FailureKind.RESET, "closed the connection"),
        (answering(b"SMTP ready\r\n\r\n"), FailureKind.PROTOCOL, "not a valid HTTP/1.1 answer"),
    ],
)
def test_a_failure_is_told_in_words_for_its_customer(
    trials: Trials, log: Log, script: Callable[[Line], None], kind: FailureKind, words: str
) -> None:
    with Endpoint(script) as endpoint:
        trial = trials.try_out(webhook(endpoint.url, timeout_ms=1_000))
    assert (trial.status, trial.body, trial.delivered) == (None, b"", False)
    assert trial.error is not None
    assert words in trial.error
    assert "127.0.0.1" not in trial.error
    assert (log.attempt.failure, log.attempt.outcome) == (str(kind), "dead")


@pytest.mark.parametrize("host", ["127.0.0.2", "10.0.0.1", "[::1]", "localhost4.invalid"])
def test_what_is_told_of_a_refused_address_or_name_tells_nothing_of_the_network(trials: Trials, host: str) -> None:
    trial = trials.try_out(webhook(f"http://{host}:1/"))
    assert trial.status is None
    assert trial.error == REFUSED


@pytest.mark.parametrize(
    ("resolution", "kind"),
    [
        (NoAddress(), FailureKind.DNS),
        (Unanswered(), FailureKind.DNS),
        (Addresses(("10.0.0.1", "127.0.0.77")), FailureKind.ADDRESS_REFUSED),
    ],
)
def test_a_name_without_an_address_that_may_be_called_opens_no_connection(
    log: Log, resolution: Resolution, kind: FailureKind
) -> None:
    asked: list[tuple[str, str]] = []

    def resolve(tenant: str, host: str) -> Resolution:
        asked.append((tenant, host))
        return resolution

    def unopened() -> Transport:
        raise AssertionError("nothing is to be sent")

    trials = trials_of(log, open_engine=unopened, resolve=resolve)
    trial = trials.try_out(webhook("https://a.example/"))
    assert asked == [("acme", "a.example")]
    assert (trial.status, trial.elapsed_ms) == (None, 0)
    assert trial.error == REFUSED
    assert (log.attempt.failure, log.attempt.elapsed_ms) == (kind, 0)


def test_a_request_goes_to_the_address_that_its_name_was_looked_up_to(log: Log) -> None:
    with Endpoint(Line.answer) as endpoint:
        trials = trials_of(log, resolve=lambda *_: Addresses(("127.0.0.1",)))
        assert trials.try_out(webhook(f"http://a.example:{endpoint.port}/")).delivered


def test_a_secret_that_cannot_be_opened_is_an_attempt_that_failed(trials: Trials, log: Log) -> None:
    trial = trials.try_out(webhook("https://a.example/", secret=SealedSecret(key_id="gone", sealed=b"x" * 40)))
    assert trial.error is not None
    assert "could not be signed" in trial.error
    assert log.attempt.failure == "unsignable"


@pytest.mark.parametrize("event_type", ["", "order.*", "*", "or\u2028der", "a" * 201])
def test_a_type_that_no_event_can_have_is_refused_and_nothing_sent(trials: Trials, log: Log, event_type: str) -> None:
    with pytest.raises(FieldInvalid) as refused:
        trials.try_out(webhook("https://a.example/"), event_type)
    assert refused.value.field == "type"
    assert log.records == []


def test_a_type_beyond_a_closed_catalogue_is_refused(trials: Trials) -> None:
    with pytest.raises(FieldInvalid, match="not an event type here"):
        trials.try_out(webhook("https://a.example/", brand="convo"), "order.created")


def test_an_attempt_that_could_not_be_logged_is_no_result(trials: Trials, log: Log) -> None:
    log.broken = True
    with Endpoint(answering(OK)) as endpoint, pytest.raises(KafkaBroken):
        trials.try_out(webhook(endpoint.url))


class Writer:
    """Kafka's answer to a record is what the test says it is."""

    def __init__(self, written: "Future[Place]") -> None:
        self._written = written

    def write(self, record: NewRecord) -> "Future[Place]":
        return self._written


def test_a_process_s_writer_is_waited_for() -> None:
    record = NewRecord(topic="t.attempts", key=b"wh_1", value=b"")
    written: Future[Place] = Future()
    threading.Timer(0.1, written.set_result, [Place(partition=0, offset=7)]).start()
    logging_by(Writer(written))(record)
    refused: Future[Place] = Future()
    refused.set_exception(KafkaBroken("no broker"))
    with pytest.raises(KafkaBroken, match="no broker"):
        logging_by(Writer(refused))(record)


def test_its_data_is_what_was_given(trials: Trials, log: Log) -> None:
    with Endpoint(answering(OK)) as endpoint:
        trials.try_out(webhook(endpoint.url), "order.created", b'{"n":7}')
    _, body = head_and_body(endpoint.requests[0])
    assert json.loads(body)["data"] == {"n": 7}
    assert (log.attempt.trigger, log.attempt.request_body) == ("test", body)


def test_one_tenant_and_all_together_have_so_much_room_and_no_more(log: Log) -> None:
    trials = trials_of(log)
    answered: list[Trial] = []
    go_on = threading.Event()

    def script(line: Line) -> None:
        line.read()
        go_on.wait(10)
        line.send(OK)

    with Endpoint(script) as endpoint:

        def tried(tenant: str) -> None:
            answered.append(trials.try_out(webhook(endpoint.url, tenant, timeout_ms=10_000)))

        def start(tenant: str) -> threading.Thread:
            before = len(endpoint.requests)
            thread = threading.Thread(target=tried, args=(tenant,))
            thread.start()
            while len(endpoint.requests) == before:
                assert thread.is_alive()
            return thread

        threads = [start("acme") for _ in range(OF_A_TENANT)]
        with pytest.raises(Busy):
            tried("acme")
        threads += [start(f"tenant{number}") for number in range(AT_ONCE - OF_A_TENANT)]
        with pytest.raises(Busy):
            tried("another")
        go_on.set()
        for thread in threads:
            thread.join(10)
        assert len(answered) == AT_ONCE
        tried("acme")
    assert all(trial.delivered for trial in answered)


def test_room_is_given_back_after_an_error(log: Log) -> None:
    def broken() -> Transport:
        raise OSError("no descriptors")

    trials = trials_of(log, networks=("192.0.2.1/32",), open_engine=broken)
    for _ in range(OF_A_TENANT + 1):
        with pytest.raises(OSError, match="no descriptors"):
            trials.try_out(webhook("https://192.0.2.1/"))


def test_what_cannot_leave_is_no_test_and_is_not_logged(log: Log) -> None:
    with small_proxy() as proxy, Endpoint(Line.answer) as endpoint:
        proxy.everybody = refusal(407)
        settings = Settings(
            allow_networks=LOOPBACK,
            topic_prefix="t.",
            egress_proxy=SecretStr(f"http://127.0.0.1:{proxy.port}"),
            egress_check=("check.test:443",),
        )
        trials = Trials(settings, OneAttempt(settings, KEYRING, log.write, sealing=None, now_ms=lambda: NOW_MS))
        with pytest.raises(Busy, match="nothing can be sent now") as refused:
            trials.try_out(webhook(endpoint.url), "order.created")
        assert not refused.value.own
        assert (log.records, endpoint.accepted) == ([], 0)
        proxy.everybody, proxy.leads["check.test", 443] = STANDS, endpoint.port
        assert trials.try_out(webhook(endpoint.url), "order.created").status == 200
        named = settings.model_copy(update={"egress_guard": "proxy"})
        trials = Trials(named, OneAttempt(named, KEYRING, log.write, sealing=None, now_ms=lambda: NOW_MS))
        proxy.leads["hooks.test", 80] = endpoint.port
        assert trials.try_out(webhook("http://hooks.test/"), "order.created").status == 200
        assert proxy.asked[-1] == ("hooks.test", 80), "the proxy looks the name up, and nobody here"
