"""What is sent when a delivery is to be sent again now, and what is told of it."""

import pytest
from msgspec import structs

from consumer.api.problem import Refusal
from consumer.api.resend_now import resent_now
from consumer.control.owner import Owner
from consumer.control.refusal import WebhookUnknown
from consumer.control.resend_now import Again, AlreadyDelivered
from consumer.log.archive import Kept
from tests.attempts import plain
from tests.dead_letters import dead_letter
from tests.memory_api import OWNER, MemoryApi

FAILED = {"status": 500, "outcome": "dead", "reason": "exhausted", "number": 3}


class Stage:
    """An API with one webhook, whose endpoint answers 200."""

    def __init__(self) -> None:
        self.api = MemoryApi()
        self.webhook = self.api.webhook(self.api.client())["id"]
        self.api.plane.answer_now = self._answer

    def attempt(self, **changed: object) -> str:
        """Log one. Returns its delivery."""
        fields: dict[str, object] = {"subscription_id": self.webhook, "request_headers": (("webhook-id", "e"),)}
        self.api.log.add(plain, **{**fields, **changed})
        return self.api.log.attempts[-1].delivery_id

    def send(
        self,
        delivery: str,
        *,
        webhook: str | None = None,
        again: bool = False,
        owner: Owner = OWNER,
    ) -> Kept:
        return resent_now(self.api.services, owner, delivery, webhook, again=again)

    @property
    def sent(self) -> tuple[str, Again, bool]:
        [one] = self.api.plane.resent
        return one

    def _answer(self, again: Again) -> Kept:
        delivery = again.delivery
        attempt = structs.replace(
            plain, delivery_id=delivery.id, number=delivery.attempts + 1, trigger="resend", outcome="delivered"
        )
        return Kept(partition=3, offset=99, logged_ms=attempt.at_ms, attempt=attempt)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_the_answer_is_the_attempt_that_was_made(stage: Stage) -> None:
    failed = stage.attempt(**FAILED)
    kept = stage.send(failed)
    assert (kept.attempt.delivery_id, kept.attempt.number, kept.attempt.outcome) == (failed, 4, "delivered")
    webhook, again, delivered = stage.api.plane.resent[0]
    assert (webhook, again.delivery.id, again.delivery.body, delivered) == (
        stage.webhook,
        failed,
        plain.request_body,
        False,
    )


def test_one_that_was_accepted_needs_again(stage: Stage) -> None:
    done = stage.attempt()
    with pytest.raises(AlreadyDelivered):
        stage.send(done)
    assert stage.api.plane.resent == []
    stage.send(done, again=True)
    assert stage.sent[2] is True


def test_the_newest_attempt_that_has_it_tells_what_was_sent(stage: Stage) -> None:
    first = stage.attempt(**FAILED | {"number": 1, "outcome": "retry"}, request_body=b'{"n":1}')
    stage.attempt(**FAILED | {"number": 2}, delivery_id=first, request_body=b"", request_headers=())
    stage.send(first)
    assert (stage.sent[1].delivery.body, stage.sent[1].delivery.attempts) == (b'{"n":1}', 2)


def test_what_no_attempt_tells_its_dead_letter_does(stage: Stage) -> None:
    buried = dead_letter(1, stage.webhook)
    stage.api.dead_letters.add(buried)
    stage.send(buried.delivery.id)
    assert (stage.sent[1].delivery.id, stage.sent[1].delivery.event) == (buried.delivery.id, buried.delivery.event)
    with pytest.raises(Refusal) as refused:
        stage.send(buried.delivery.id, webhook="wh_other")
    assert refused.value.status == 404


def test_what_is_kept_no_longer_is_gone(stage: Stage) -> None:
    failed = stage.attempt(**FAILED)
    stage.api.log.begins = 10
    with pytest.raises(Refusal) as refused:
        stage.send(failed)
    assert refused.value.status == 410


def test_where_no_request_could_be_made_there_is_none_to_send(stage: Stage) -> None:
    failed = stage.attempt(**FAILED | {"outcome": "retry"}, request_body=b"", request_headers=())
    with pytest.raises(Refusal) as refused:
        stage.send(failed)
    assert (refused.value.status, "no request of it could be made" in refused.value.detail) == (410, True)
    assert "send it again without now" in refused.value.detail
    stage.attempt(**FAILED, delivery_id=failed, request_body=b"")  # made, and too large for its record
    with pytest.raises(Refusal) as refused:
        stage.send(failed)
    assert "not kept" in refused.value.detail


@pytest.mark.parametrize("bodies", ["redacted", "none", "a later word"])
def test_a_body_that_the_log_does_not_have_as_it_was_is_never_sent(stage: Stage, bodies: str) -> None:
    body = b"" if bodies == "none" else b'{"card":"[redacted]"}'
    failed = stage.attempt(**FAILED, bodies=bodies, request_body=body)
    with pytest.raises(Refusal) as refused:
        stage.send(failed)
    assert (refused.value.status, "without now" in refused.value.detail) == (410, True)
    assert stage.api.plane.resent == []
    stage.attempt(**FAILED, delivery_id=failed)  # one of before the setting has it whole
    stage.attempt(**FAILED, delivery_id=failed, bodies=bodies, request_body=body)
    stage.send(failed)
    assert stage.sent[1].delivery.body == plain.request_body


@pytest.mark.parametrize("delivery", ["no id", "f" * 32])
def test_what_is_none_is_not_found(stage: Stage, delivery: str) -> None:
    with pytest.raises(Refusal) as refused:
        stage.send(delivery)
    assert refused.value.status == 404


def test_another_owners_is_not_found_and_one_without_its_webhook_is_refused(stage: Stage) -> None:
    failed = stage.attempt(**FAILED)
    with pytest.raises(Refusal) as refused:
        stage.send(failed, owner=Owner(tenant="other", brand="hookline"))
    assert refused.value.status == 404
    orphan = stage.attempt(**FAILED, subscription_id="wh_gone")
    with pytest.raises(WebhookUnknown):
        stage.send(orphan)
    assert stage.api.plane.resent == []
