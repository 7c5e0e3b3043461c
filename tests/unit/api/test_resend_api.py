"""One delivery sent again by the API: the table of how it stands, and what the job of one came to."""

from dataclasses import replace
from typing import Final

import pytest
from httpx2 import Response
from msgspec import structs
from starlette.testclient import TestClient

from consumer.api import job_asking
from consumer.jobs.conduct import AskedJob
from consumer.jobs.job import Chosen, Counts, Job, Kind, Reason, Skip, Spot, State, Wish
from tests.dead_letters import dead_letter
from tests.memory_api import MemoryApi
from tests.memory_jobs import at_once, idle
from tests.sending_again import NOBODYS, conflict, errors, listed, only

STANDS: Final[dict[str, dict[str, object]]] = {
    "failed": {"status": 503, "outcome": "dead"},
    "retrying": {"status": 503, "outcome": "retry", "next_tier": "5s"},
}


@pytest.fixture
def api() -> MemoryApi:
    return MemoryApi(brands=("hookline", "convo"))


def resent(client: TestClient, delivery: str, body: object = None, query: str = "") -> Response:
    return client.post(f"/v1/deliveries/{delivery}/resend{query}", json=body)


def answer_of(api: MemoryApi) -> str:
    """The one delivery that is listed."""
    [attempt] = api.log.attempts
    return attempt.delivery_id


@pytest.mark.parametrize("stands", STANDS)
def test_one_is_a_job_of_one_that_has_ended(api: MemoryApi, acme: TestClient, webhook: str, stands: str) -> None:
    listed(api, webhook)
    delivery = listed(api, webhook, **STANDS[stands])
    answer = resent(acme, delivery)
    told = answer.json()
    assert (answer.status_code, told["kind"], told["state"], told["made"]) == (202, "resend", "done", ["0" * 32])
    asked = only(api).asked
    attempts = f"{api.plane.settings.topic_prefix}attempts"
    assert (asked.kind, asked.subject) == (Kind.RESEND, Chosen(spots=(Spot(attempts, 3, 1),)))
    assert (asked.webhook, asked.wish, asked.again) == (webhook, Wish.RUN, False)


def test_one_that_never_was_tried_is_found_among_the_dead_letters(
    api: MemoryApi, acme: TestClient, webhook: str
) -> None:
    letter = dead_letter(1, webhook)
    api.dead_letters.add(letter)
    assert resent(acme, letter.delivery.id).status_code == 202
    assert only(api).asked.subject == Chosen(spots=(Spot("dead-letter", 0, 0),))


def test_what_was_accepted_is_sent_again_only_on_purpose(api: MemoryApi, acme: TestClient, webhook: str) -> None:
    delivery = listed(api, webhook, status=200, outcome="delivered")
    assert conflict(resent(acme, delivery)) == ("already_delivered", None)
    assert not api.jobs.wishes
    assert resent(acme, delivery, {"again": True}).status_code == 202
    assert only(api).asked.again


@pytest.mark.parametrize(
    ("skip", "status", "code"),
    [
        (Skip.ALREADY_REPLAYED, 409, "already_resent"),
        (Skip.DELIVERED, 409, "already_delivered"),
        (Skip.REPLAY_LIMIT, 409, "replay_limit"),
        (Skip.WAITING, 409, "waiting"),
        (Skip.NOT_KEPT, 410, None),
        (Skip.NOT_TOLD, 410, None),
        (Skip.PAYLOAD_LEFT_OUT, 410, None),
        ("of_a_later_hookline", 410, None),
    ],
)
def test_what_the_job_did_not_send_is_told(
    api: MemoryApi, webhook: str, skip: str, status: int, code: str | None
) -> None:
    def skips(known: AskedJob) -> Job:
        return replace(known.job, state=State.DONE, counts=Counts(looked=1, matched=1, skipped={skip: 1}))

    api.jobs.role = skips
    answer = resent(api.client(), listed(api, webhook))
    assert (answer.status_code, answer.json().get("code")) == (status, code)


def test_a_stub_is_gone_before_it_is_asked_for(api: MemoryApi, acme: TestClient, webhook: str) -> None:
    letter = structs.replace(dead_letter(1, webhook, body=None), left_out_bytes=2_000_000)
    api.dead_letters.add(letter)
    assert resent(acme, letter.delivery.id).status_code == 410
    assert not api.jobs.wishes


def test_a_webhook_that_is_sent_nothing_is_told(api: MemoryApi, acme: TestClient, webhook: str) -> None:
    delivery = listed(api, webhook)
    acme.post(f"/v1/webhooks/{webhook}/pause")
    assert conflict(resent(acme, delivery)) == ("webhook_paused", None)
    assert conflict(resent(acme, delivery, {"again": True})) == ("webhook_paused", None)
    acme.delete(f"/v1/webhooks/{webhook}")
    assert resent(acme, delivery).status_code == 404
    assert not api.jobs.wishes


@pytest.mark.parametrize(
    ("reason", "status", "code"),
    [
        (Reason.WEBHOOK_SUSPENDED, 409, "webhook_suspended"),
        (Reason.WEBHOOK_PAUSED, 409, "webhook_paused"),
        (Reason.BEHIND, 503, None),
    ],
)
def test_one_that_pauses_itself_is_taken_back(
    api: MemoryApi, webhook: str, reason: Reason, status: int, code: str | None
) -> None:
    def pauses(known: AskedJob) -> Job:
        running = known.job.state is State.RUNNING
        return replace(known.job, state=State.PAUSED, reason=reason) if running else known.job

    api.jobs.role = pauses
    answer = resent(api.client(), listed(api, webhook))
    assert (answer.status_code, answer.json().get("code")) == (status, code)
    assert only(api).job.state is State.CANCELED


def test_one_that_ends_while_it_is_taken_back_was_sent(api: MemoryApi, acme: TestClient, webhook: str) -> None:
    def pauses_and_ends(known: AskedJob) -> Job:
        if known.job.state is State.RUNNING:
            return replace(known.job, state=State.PAUSED, reason=Reason.BEHIND)
        return at_once(replace(known, job=replace(known.job, state=State.RUNNING)))

    api.jobs.role = pauses_and_ends
    assert resent(acme, listed(api, webhook)).json()["state"] == "done"


@pytest.mark.parametrize(("reason", "status"), [(Reason.WEBHOOK_DELETED, 404), (Reason.KAFKA, 503), (Reason.BUG, 503)])
def test_one_that_fails_is_told(api: MemoryApi, acme: TestClient, webhook: str, reason: Reason, status: int) -> None:
    api.jobs.role = lambda known: replace(known.job, state=State.FAILED, reason=reason)
    assert resent(acme, listed(api, webhook)).status_code == status


def test_one_that_takes_longer_is_looked_at_later(
    api: MemoryApi, acme: TestClient, webhook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.jobs.role = idle
    monkeypatch.setattr(job_asking, "PATIENCE_S", 0.1)
    answer = resent(acme, listed(api, webhook))
    assert (answer.status_code, answer.json()["state"], answer.json()["made"]) == (202, "running", [])
    assert conflict(resent(acme, answer_of(api))) == ("same_job", answer.json()["id"])


def test_it_is_waited_for(api: MemoryApi, acme: TestClient, webhook: str) -> None:
    looked: list[int] = []

    def done_when_looked_at_twice(known: AskedJob) -> Job:
        looked.append(1)
        return known.job if len(looked) < 2 else at_once(known)

    api.jobs.role, api.jobs.later = idle, done_when_looked_at_twice
    assert resent(acme, listed(api, webhook)).json()["state"] == "done"
    assert len(looked) == 2


def test_what_is_not_ones_own_is_not_there(api: MemoryApi, acme: TestClient, webhook: str) -> None:
    delivery, letter = listed(api, webhook), dead_letter(1, webhook)
    api.dead_letters.add(letter)
    foreign = [
        (api.client(tenant="other"), "/v1"),
        (api.client(brand="convo"), "/api/v1"),
    ]
    for client, prefix in foreign:
        for name in (delivery, letter.delivery.id):
            answer = client.post(f"{prefix}/deliveries/{name}/resend")
            assert answer.status_code == 404, prefix
    for name in ("x", NOBODYS, "a" * 256, "%00", "..%2e"):
        assert resent(acme, name).status_code == 404, name
    assert resent(acme, delivery, query="?webhook=wh_other").status_code == 404
    assert not api.jobs.wishes
    assert resent(acme, delivery, query=f"?webhook={webhook}").status_code == 202


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"again": 1}, {"again": "wrong_type"}),
        ({"again": None}, {"again": "wrong_type"}),
        ({"webhook": "wh_2"}, {"webhook": "unknown"}),
        ([], {"the body": "wrong_type"}),
    ],
)
def test_what_cannot_be_is_told(
    api: MemoryApi, acme: TestClient, webhook: str, body: object, wrong: dict[str, str]
) -> None:
    assert errors(resent(acme, listed(api, webhook), body)) == wrong


def test_those_that_wait_have_places_and_a_tenant_its_share(api: MemoryApi, acme: TestClient, webhook: str) -> None:
    delivery = listed(api, webhook)
    leaving = [api.services.resends.enter("acme") for _ in range(4)]
    assert resent(acme, delivery).status_code == 429
    assert resent(api.client(tenant="other"), delivery).status_code == 404
    for leave in leaving:
        leave()
    for _ in range(9):
        assert resent(acme, delivery).status_code == 202
