"""A delivery sent again now, over real sockets: the same event and body, a new signature, and its record."""

import base64
import hashlib
import hmac

import pytest
from msgspec.structs import replace

from consumer.control.one_attempt import OneAttempt
from consumer.control.resend_now import Again, ResendNow, of_attempt, of_dead
from consumer.delivery.delivery import Attempt, DeadLetter, Delivery, is_now
from consumer.delivery.outcome import DeathReason
from consumer.kafka.client import KafkaBroken
from consumer.kafka.records import decode_attempt
from consumer.kafka.topic_writer import Place
from consumer.kafka.writing import NewRecord
from consumer.log.archive import Kept
from consumer.log.attempts import head_of, sent_of
from consumer.log.health import NO_HEALTH, folded
from consumer.settings import Settings
from consumer.webhooks.keyring import Keyring
from consumer.webhooks.subscription import Status, Subscription
from tests.attempts import plain
from tests.conformance.scripted import Endpoint, Line
from tests.deliveries import event
from tests.webhook_samples import subscription

KEYRING = Keyring({"k1": b"\x01" * 32})
SECRET = b"n" * 32
NOW_MS = 1_790_000_000_500
BODY = b'{"as":"before"}'
SENT = replace(
    plain,
    delivery_id="d" * 32,
    subscription_id="wh_1",
    tenant="acme",
    event_id="order 7",
    event_type="order.paid",
    event_topic="orders",
    event_partition=3,
    event_offset=77,
    number=2,
    first_attempt_ms=NOW_MS - 9_000,
    outcome="retry",
    request_body=BODY,
    content_type="application/json",
    request_headers=(("Webhook-Id", "order~207~~00aa"), ("traceparent", "00-aa-bb-01")),
)


def webhook(url: str, status: Status = Status.ACTIVE) -> Subscription:
    sealed = KEYRING.seal(b"whsec_" + base64.b64encode(SECRET), tenant="acme", subscription_id="wh_1")
    return subscription("wh_1", "acme", url=url, secret=sealed, timeout_ms=2_000, status=status)


class Log:
    def __init__(self) -> None:
        self.records: list[NewRecord] = []
        self.told: list[str] = []
        self.place: Place | None = Place(partition=5, offset=8)

    def write(self, record: NewRecord) -> Place | None:
        self.records.append(record)
        return self.place


def resent(
    again: Again,
    *,
    delivered: bool = False,
    answer: bytes | None = None,
    status: Status = Status.ACTIVE,
    log: Log | None = None,
) -> tuple[Kept, dict[str, str], bytes]:
    """What was kept, and the headers and the body that came."""
    log = log or Log()
    settings = Settings(allow_networks=("127.0.0.1/32",), topic_prefix="t.")
    sender = ResendNow(
        OneAttempt(settings, KEYRING, log.write, sealing=None, now_ms=lambda: NOW_MS),
        log.told.append,
        entropy=lambda size: b"e" * size,
    )
    with Endpoint(Line.answer if answer is None else lambda line: line.answer(answer)) as endpoint:
        kept = sender.send(webhook(endpoint.url, status), again, delivered=delivered)
    head, _, body = endpoint.requests[0].partition(b"\r\n\r\n")
    lines = [line.split(": ", 1) for line in head.decode().split("\r\n")[1:]]
    headers = {name.lower(): value for name, value in lines}
    [record] = log.records
    assert (record.topic, record.key, decode_attempt(record.value or b"")) == ("t.attempts", b"wh_1", kept.attempt)
    return kept, headers, body


def test_what_waits_of_one_that_was_accepted_now_is_not_wanted_any_more() -> None:
    log = Log()
    resent(told(), log=log)
    assert log.told == ["d" * 32]
    before, refused = Log(), Log()
    resent(told(), log=before, delivered=True)
    resent(told(), log=refused, answer=b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
    assert before.told == refused.told == []


def told(attempt: Attempt = SENT) -> Again:
    again = of_attempt(attempt, attempts=2)
    assert again is not None
    return again


@pytest.mark.parametrize("status", Status)
def test_it_is_one_attempt_more_of_the_same_event_and_body_whatever_the_webhooks_status(status: Status) -> None:
    kept, headers, body = resent(told(), status=status)
    assert body == BODY
    assert (headers["webhook-id"], headers["traceparent"]) == ("order~207~~00aa", "00-aa-bb-01")
    content = f"order~207~~00aa.{headers['webhook-timestamp']}.".encode() + body
    signed = hmac.digest(SECRET, content, hashlib.sha256)
    assert headers["webhook-signature"] == "v1," + base64.b64encode(signed).decode()
    attempt = kept.attempt
    assert (kept.partition, kept.offset, kept.logged_ms) == (5, 8, NOW_MS)
    assert (attempt.delivery_id, attempt.number, attempt.outcome) == ("d" * 32, 3, "delivered")
    assert (attempt.event_id, attempt.event_topic, attempt.event_partition, attempt.event_offset) == (
        "order 7",
        "orders",
        3,
        77,
    )
    assert (attempt.first_attempt_ms, attempt.at_ms) == (NOW_MS - 9_000, NOW_MS)
    assert is_now(attempt.trigger, attempt.job_id)


def test_one_that_is_not_accepted_is_logged_and_held_against_nobody() -> None:
    kept, _, _ = resent(told(), answer=b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno")
    attempt = kept.attempt
    assert (attempt.outcome, attempt.reason, attempt.status, attempt.response_body) == (
        "dead",
        DeathReason.RETRIES_NONE,
        500,
        b"no",
    )


def test_one_that_had_been_delivered_is_a_delivery_of_its_own() -> None:
    again = told()
    kept, headers, _ = resent(again, delivered=True)
    attempt = kept.attempt
    assert attempt.delivery_id != again.delivery.id
    assert (attempt.number, attempt.first_attempt_ms, attempt.replay_id) == (1, None, (b"e" * 16).hex())
    assert headers["webhook-id"] == "order~207~~00aa"


def test_a_dead_letter_tells_what_its_attempts_do_not() -> None:
    buried = DeadLetter(
        delivery=Delivery(id="d" * 32, event=event("evt_1"), subscription_id="wh_1", attempts=0, trigger="event"),
        reason=DeathReason.SUSPENDED,
        detail="",
        failed_at_ms=NOW_MS,
        url="https://example.com/",
        brand="hookline",
    )
    again = of_dead(buried)
    assert again is not None
    kept, headers, body = resent(again)
    assert (headers["webhook-id"], kept.attempt.delivery_id, kept.attempt.number) == ("evt_1", "d" * 32, 1)
    assert b'"n":1' in body
    assert is_now(kept.attempt.trigger, kept.attempt.job_id)
    assert of_dead(replace(buried, left_out_bytes=1)) is None


@pytest.mark.parametrize("lost", [{"request_body": b""}, {"request_headers": ()}])
def test_an_attempt_without_body_or_id_tells_too_little(lost: dict[str, object]) -> None:
    assert of_attempt(replace(SENT, **lost), attempts=2) is None


def test_one_whose_place_is_not_known_is_told_as_kafkas_fault() -> None:
    log = Log()
    log.place = None
    with pytest.raises(KafkaBroken):
        resent(told(), log=log)
    assert len(log.records) == 1


def test_health_passes_over_its_record() -> None:
    log = Log()
    resent(told(), log=log, answer=b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
    sent = sent_of(head_of(log.records[0].value or b""), NOW_MS)
    assert folded(NO_HEALTH, sent) is NO_HEALTH
