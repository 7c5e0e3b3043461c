"""Which bodies the log keeps, and that what cannot be redacted is not kept."""

from dataclasses import replace
from typing import Literal

import pytest
from msgspec import structs

from consumer.delivery.delivery import Attempt
from consumer.delivery.kept_bodies import KeptBodies, keeping
from consumer.delivery.logged import Tried, logged
from consumer.delivery.outcome import DELIVERED, Dead, DeathReason, Outcome, Retry
from consumer.events.redaction import paths_of
from consumer.settings import Settings
from consumer.webhooks.subscription import PayloadFormat, Subscription
from tests.deliveries import delivery, event, response, subscription, target_of

DATA = b'{"card":{"number":"4111"},"n":1}'
CARD = ("data.card.number",)


def tried(to: Subscription | None = None, data: bytes = DATA) -> Tried:
    target = target_of(to or subscription())
    of = structs.replace(event(), data=data)
    body, content_type = target.signer.body(of)
    request = target.signer.request(event=of, body=body, content_type=content_type, now_ms=0)
    return Tried(
        delivery=delivery(of), target=target, started_ms=0, body=body, content_type=content_type, request=request
    )


def kept(
    job: Tried,
    outcome: Outcome = DELIVERED,
    *,
    of: Literal["all", "failed", "none"] = "all",
    redact: tuple[str, ...] = (),
) -> Attempt:
    answer = structs.replace(response(), body=b"card 4111 accepted")
    attempt = logged(job, answer, outcome, None)
    keep = keeping(Settings(log_bodies=of, redact=redact))
    return attempt if keep is None else keep(attempt, job)


def test_usually_all_is_kept_and_nothing_is_asked() -> None:
    assert keeping(Settings()) is None
    attempt = kept(tried())
    assert (attempt.bodies, DATA in attempt.request_body, attempt.response_body) == (
        "whole",
        True,
        b"card 4111 accepted",
    )


@pytest.mark.parametrize(
    ("outcome", "of", "has"),
    [
        (DELIVERED, "failed", "none"),
        (Retry(tier=1), "failed", "whole"),
        (Dead(reason=DeathReason.EXHAUSTED), "failed", "whole"),
        (DELIVERED, "none", "none"),
        (Retry(tier=1), "none", "none"),
    ],
)
def test_of_which_attempts_bodies_are_kept(outcome: Outcome, of: Literal["all", "failed", "none"], has: str) -> None:
    attempt = kept(tried(), outcome, of=of)
    assert attempt.bodies == has
    assert (attempt.request_body == b"", attempt.response_body == b"") == (has == "none", has == "none")
    assert attempt.request_headers != ()


@pytest.mark.parametrize(
    "payload", [PayloadFormat.STANDARD, PayloadFormat.RAW, PayloadFormat.CLOUDEVENTS, PayloadFormat.SLACK]
)
def test_a_redacted_body_is_what_would_be_sent_of_redacted_data_and_no_answer_is_kept(payload: PayloadFormat) -> None:
    to = replace(subscription(), payload_format=payload)
    job = tried(to)
    attempt = kept(job, redact=CARD)
    assert b"4111" in job.body or payload is PayloadFormat.SLACK
    assert (attempt.bodies, b"4111" in attempt.request_body, attempt.response_body) == ("redacted", False, b"")
    assert (
        attempt.request_body
        == target_of(to).signer.body(structs.replace(event(), data=DATA.replace(b"4111", b"[redacted]")))[0]
    )


def test_where_nothing_was_redacted_all_is_kept() -> None:
    attempt = kept(tried(data=b'{"n":1}'), redact=CARD)
    assert (attempt.bodies, attempt.response_body) == ("whole", b"card 4111 accepted")


def test_a_body_that_was_rendered_before_is_redacted_as_long_as_it_would_be_the_same_today() -> None:
    job = tried()
    again = replace(job, delivery=structs.replace(job.delivery, body=job.body))
    assert kept(again, redact=CARD) == kept(job, redact=CARD)
    assert kept(again, redact=CARD).bodies == "redacted"


@pytest.mark.parametrize(
    "job",
    [
        replace(tried(), delivery=structs.replace(tried().delivery, event=structs.replace(event(), data=b""))),
        replace(tried(), delivery=structs.replace(tried().delivery, body=b"rendered as the webhook was before: 4111")),
        tried(data=b"[" * 40 + b"4111" + b"]" * 40),
    ],
)
def test_what_cannot_be_redacted_is_not_kept(job: Tried) -> None:
    attempt = kept(job, redact=CARD)
    assert (attempt.bodies, attempt.request_body, attempt.response_body) == ("none", b"", b"")


def test_nothing_is_said_to_be_left_out_where_there_was_nothing() -> None:
    job = tried()
    bare = structs.replace(logged(job, response(), DELIVERED, None), request_body=b"")
    assert KeptBodies(of="none", paths=paths_of(CARD)).kept(bare, job) == bare
