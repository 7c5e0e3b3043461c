"""What the native step writes, a request and the record of its attempt, are the bytes that Python makes."""

from dataclasses import replace as with_

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consumer.brands.loader import load_brands
from consumer.delivery.answer import Kept, Timing
from consumer.delivery.delivery import Delivery, Trigger
from consumer.delivery.entry import Entry
from consumer.delivery.lane import Job
from consumer.delivery.logged import Unread
from consumer.delivery.offsets import Window
from consumer.delivery.outcome import DELIVERED, Dead, DeathReason, Outcome, Retry
from consumer.delivery.target import Target
from consumer.events.event import Event
from consumer.http import addressee
from consumer.kafka.attempt_encoding import encode_attempt, encode_unread
from consumer.kafka.records import decode_attempt
from consumer.signing.request import Request
from consumer.signing.signer import Signer
from consumer.webhooks.subscription import PayloadFormat, SigningProfile, Subscription
from tests.hostile.answers import Played, answers
from tests.unit.signing.signing_parts import (
    EVENT,
    HOOKLINE,
    KEYRING,
    NOW_MS,
    OLD_SEED_SECRET,
    OLD_STANDARD_SECRET,
    PLAIN_SECRET,
    subscription,
)

native = pytest.importorskip("hookline_native", reason="make native builds it, with cargo")

from consumer.http.native import prepare  # noqa: E402 # only where there is one

OVERLAP_MS = 60_000
FORMER = {
    SigningProfile.STANDARD: OLD_STANDARD_SECRET,
    SigningProfile.ED25519: OLD_SEED_SECRET,
    SigningProfile.STRIPE: PLAIN_SECRET + "of before",
}
ADDRESSES = ("192.0.2.1",)

text = st.text(st.characters(), max_size=20)
written_texts = st.text(st.characters(codec="utf-8"), max_size=20)
maybe = st.none() | written_texts
times = st.integers(-(2**62), 2**62)
events = st.builds(
    Event,
    id=text,
    type=text | st.sampled_from(("order.created", " a", "a b", "a\r\nb")),
    tenant=text,
    product=st.none() | text,
    time_ms=times | st.integers(1_500_000_000_000, 2_000_000_000_000) | st.sampled_from((2**63, -(2**63) - 1)),
    data=st.binary(max_size=200) | st.just(b'{"n": 1.50}'),
    topic=st.just("orders"),
    partition=st.integers(0, 2**31 - 1),
    offset=times,
    timestamp_ms=times,
    traceparent=st.none() | st.just("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    source=st.none() | written_texts,
)
own_headers = st.dictionaries(
    st.from_regex(r"x-[a-z]{1,8}", fullmatch=True), st.text("abc XYZ~", max_size=9).map(str.strip), max_size=3
)
outcomes: st.SearchStrategy[tuple[Outcome, str | None]] = st.sampled_from(
    ((DELIVERED, None), (Retry(tier=1), "5s"), *((Dead(reason=reason), None) for reason in DeathReason))
)


@st.composite
def webhooks(draw: st.DrawFn) -> tuple[Signer, Signer, Subscription]:
    """A signer that writes, the one that is Python, and whose they are."""
    profile = draw(st.sampled_from(SigningProfile))
    rotated = FORMER.get(profile) if draw(st.booleans()) else None
    made = subscription(
        profile,
        previous=rotated,
        until_ms=NOW_MS + OVERLAP_MS,
        headers=draw(own_headers),
        payload_format=draw(st.sampled_from(PayloadFormat)),
    )
    path = draw(st.sampled_from(("", "/", "/hook?a=b", "/%20~")))
    brand = draw(st.sampled_from(sorted(load_brands().values(), key=lambda each: each.name)))
    made = with_(
        made,
        url=draw(st.sampled_from(("https://Hook.Test", "http://hook.test:8080", "https://[2001:db8::1]:8443"))) + path,
        brand=brand.name,
    )
    return Signer(made, brand, KEYRING, prepare), Signer(made, brand, KEYRING), made


def in_python(signer: Signer, event: Event, rendered: tuple[bytes, str] | None, now_ms: int) -> Request:
    body, content_type = rendered or signer.body(event)
    return signer.request(event=event, body=body, content_type=content_type, now_ms=now_ms, addresses=ADDRESSES)


def bytes_of(request: Request) -> bytes:
    """As the sockets engine sends it."""
    to = addressee.addressee(request.url)
    assert to is not None
    return b"".join(addressee.written(to.begins, request))


def is_told(event: Event) -> bool:
    """Whether every text is Unicode, and every number has 64 bits."""
    texts = [event.id, event.type, event.tenant, event.product or "", event.source or ""]
    return not any("\ud800" <= each <= "\udfff" for told in texts for each in told) and abs(event.time_ms) < 2**63


@given(
    webhooks(),
    events,
    st.none() | st.tuples(st.binary(max_size=99), st.sampled_from(("application/json", "text/x"))),
    st.sampled_from((0, NOW_MS, NOW_MS + OVERLAP_MS)),
)
def test_a_request_is_the_one_that_python_makes(
    webhook: tuple[Signer, Signer, Subscription], event: Event, rendered: tuple[bytes, str] | None, now_ms: int
) -> None:
    signer, python, _ = webhook
    written = signer.written(event, rendered, now_ms, ADDRESSES)
    if written is None:
        assert not is_told(event)
        return
    request = in_python(python, event, rendered, now_ms)
    assert isinstance(written, native.Written)
    assert written.whole == bytes_of(request)
    assert (written.body, written.content_type) == (request.body, request.content_type)
    assert (written.headers, written.addresses) == (request.headers, request.addresses)
    assert written.shown == signer.shown(written) == python.shown(request)


def test_nothing_is_left_to_python_that_can_be_told() -> None:
    for profile in SigningProfile:
        for payload_format in PayloadFormat:
            signer = Signer(subscription(profile, payload_format=payload_format), HOOKLINE, KEYRING, prepare)
            assert signer.written(EVENT, None, NOW_MS, ADDRESSES) is not None


@st.composite
def deliveries(draw: st.DrawFn, event: Event) -> Delivery:
    return Delivery(
        id=draw(text),
        event=event,
        subscription_id=draw(text),
        replay_id=draw(maybe),
        attempts=draw(st.integers(0, 2**31 - 2)),
        first_due_ms=draw(times),
        first_attempt_ms=draw(st.none() | times),
        trigger=draw(st.sampled_from(Trigger) | written_texts),
        job_id=draw(maybe),
    )


@given(
    webhooks(),
    events.filter(is_told).flatmap(deliveries),
    answers,
    outcomes,
    st.tuples(st.floats(0, 1e9), *[st.none() | st.floats(0, 1e9)] * 3),
)
def test_a_record_is_the_one_that_python_makes(
    webhook: tuple[Signer, Signer, Subscription],
    delivery: Delivery,
    played: Played,
    follows: tuple[Outcome, str | None],
    took: tuple[float, float | None, float | None, float | None],
) -> None:
    (signer, python, made), event = webhook, delivery.event
    elapsed_ms, connect_ms, tls_ms, first_byte_ms = took
    came = native.read_answer(played.whole, elapsed_ms, (connect_ms, tls_ms, first_byte_ms))
    if came is None:
        return
    written = signer.written(event, None, NOW_MS, ADDRESSES)
    assert isinstance(written, native.Written)
    timing = Timing(connect_ms=connect_ms, tls_ms=tls_ms, first_byte_ms=first_byte_ms)
    window = Window(("orders", 0))
    job = Job(
        entry=Entry(window, 0),
        delivery=delivery,
        target=Target(made, lambda _: python),
        started_ms=delivery.first_due_ms,
        request=written,
    )
    kept = Kept(status=came.status, elapsed_ms=elapsed_ms, timing=timing, came=came)
    outcome, tier = follows
    unread = Unread(job=job, answer=kept, outcome=outcome, next_tier=tier)
    request = in_python(python, event, None, NOW_MS)
    in_both = encode_attempt(replace(unread, job=replace(job, request=request)).read())
    assert encode_unread(unread) == in_both
    assert encode_attempt(unread.read()) == in_both
    decode_attempt(in_both)


def test_an_answer_of_a_written_request_is_read_when_it_is_asked_for() -> None:
    answer = b"HTTP/1.1 503 No\r\nRetry-After: 7\r\nX: \xe9\r\nContent-Length: 20000\r\n\r\n" + b"x" * 20_000
    came = native.read_answer(answer, 1.0, (None, None, 0.5))
    kept = Kept(status=503, elapsed_ms=1.0, timing=Timing(), came=came)
    assert kept.headers == (("Retry-After", "7"), ("X", "\xe9"), ("Content-Length", "20000"))
    assert (kept.body, kept.body_truncated) == (b"x" * 16_384, True)


def test_no_secret_is_in_a_repr() -> None:
    signer = Signer(subscription(headers={"x-key": "hunter2"}), HOOKLINE, KEYRING, prepare)
    written = signer.written(EVENT, None, NOW_MS, ADDRESSES)
    assert written is not None
    assert ("x-key", "hunter2") in written.headers
    assert ("x-key", "hunter2") not in written.shown
    for each in (written, signer._endpoint, native.read_answer(b"HTTP/1.1 204 x\r\n\r\n", 1.0, (None, None, None))):
        assert repr(each).startswith("<builtins.")
        assert "hunter2" not in f"{each} {each!r}"


def test_what_no_request_can_be_sent_to_is_not_prepared() -> None:
    nowhere = with_(subscription(), url="ftp://hook.test/")
    signer = Signer(nowhere, HOOKLINE, KEYRING, prepare)
    assert not signer.writes
    assert signer.written(EVENT, None, NOW_MS, ADDRESSES) is None
