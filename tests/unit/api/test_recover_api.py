"""A recovery by the API, and what holds for every job that is asked for: beside others, once, and in each form."""

from collections.abc import Callable
from typing import Any, Final

import pytest
from msgspec.structs import replace
from starlette.testclient import TestClient

from consumer.control.owner import Owner
from consumer.jobs.conduct import AskedJob
from consumer.jobs.job import Kind, Missed, Wish
from consumer.kafka.client import KafkaBroken
from tests.dead_letters import dead_letter
from tests.memory_api import MemoryApi
from tests.memory_jobs import idle
from tests.sending_again import conflict, errors, listed, only

KEY: Final = {"Idempotency-Key": "order-7"}


@pytest.fixture
def api() -> MemoryApi:
    return MemoryApi(brands=("hookline", "convo"))


def test_it_is_a_job_of_what_was_missed(api: MemoryApi, acme: TestClient, webhook: str) -> None:
    body = {
        "since": "2026-01-01T00:00:00Z", "until": "2026-01-02", "types": ["order.*", "x"], "ratePerS": 1000,
        "again": True, "dryRun": True,
    }  # fmt: skip
    answer = acme.post(f"/v1/webhooks/{webhook}/recover", json=body)
    assert (answer.status_code, answer.json()["kind"]) == (202, "recover")
    asked = only(api).asked
    assert asked.subject == Missed(since_ms=1_767_225_600_000, until_ms=1_767_312_000_000, types=("order.*", "x"))
    assert (asked.again, asked.rate_per_s, asked.wish, asked.kind) == (True, 1_000, Wish.COUNT, Kind.RECOVER)


def test_it_ends_now_unless_it_is_said(api: MemoryApi, acme: TestClient, webhook: str) -> None:
    assert acme.post(f"/v1/webhooks/{webhook}/recover", json={"since": "2h", "types": None}).status_code == 202
    asked = only(api).asked
    assert isinstance(asked.subject, Missed)
    assert asked.subject.until_ms - asked.subject.since_ms == 7_200_000
    assert 0 <= asked.created_at_ms - asked.subject.until_ms < 60_000
    assert (asked.subject.types, asked.wish, asked.again) == ((), Wish.RUN, False)


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"since": "missing"}),
        ({"since": None}, {"since": "wrong_type"}),
        ({"since": ""}, {"since": "malformed"}),
        ({"since": 1}, {"since": "wrong_type"}),
        ({"since": "2999-01-01"}, {"since": "out_of_range"}),
        ({"since": "2h", "until": "2999-01-01"}, {"until": "out_of_range"}),
        ({"since": "1h", "until": "2h"}, {"until": "out_of_range"}),
        ({"since": "2026-01-01", "until": "2026-01-01"}, {"until": "out_of_range"}),
        ({"since": "2h", "types": []}, {"types": "empty"}),
        ({"since": "2h", "types": ["a*b"]}, {"types": "malformed"}),
        ({"since": "2h", "types": "a"}, {"types": "wrong_type"}),
        ({"since": "2h", "types": ["a"] * 51}, {"types": "too_many"}),
        ({"since": "2h", "position": "after"}, {"position": "unknown"}),
        ({"since": "soon", "dryRun": "yes"}, {"since": "malformed", "dryRun": "wrong_type"}),
    ],
)
def test_what_cannot_be_is_told_all_at_once(
    api: MemoryApi, acme: TestClient, webhook: str, body: dict[str, Any], wrong: dict[str, str]
) -> None:
    assert errors(acme.post(f"/v1/webhooks/{webhook}/recover", json=body)) == wrong
    assert not api.jobs.wishes


def test_what_is_kept_no_longer_is_refused_with_since_when_it_can_be(
    api: MemoryApi, acme: TestClient, webhook: str
) -> None:
    api.kept_since_ms = 1_767_225_600_000
    answer = acme.post(f"/v1/webhooks/{webhook}/recover", json={"since": "2025-12-31"})
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert (error["field"], error["code"]) == ("since", "out_of_range")
    assert "events are kept since 2026-01-01T00:00:00.000Z" in error["message"]
    assert acme.post(f"/v1/webhooks/{webhook}/recover", json={"since": "2026-01-01"}).status_code == 202


def test_a_suspended_webhook_may_be_counted(api: MemoryApi, acme: TestClient, webhook: str) -> None:
    acme.post(f"/v1/webhooks/{webhook}/pause")
    answer = acme.post(f"/v1/webhooks/{webhook}/recover", json={"since": "2h", "dryRun": True})
    assert (answer.status_code, answer.json()["state"]) == (202, "counted")


def test_the_same_job_is_refused_with_its_id_unless_again(api: MemoryApi, acme: TestClient, webhook: str) -> None:
    path, body = f"/v1/webhooks/{webhook}/replay", {"filter": {"since": "2026-01-01"}, "dryRun": True}
    first = acme.post(path, json=body).json()["id"]
    assert conflict(acme.post(path, json=body)) == ("same_job", first)
    assert acme.post(path, json=body | {"again": True}).status_code == 202


def test_one_runs_for_a_webhook(api: MemoryApi, acme: TestClient, webhook: str) -> None:
    api.jobs.role = idle
    first = acme.post(f"/v1/webhooks/{webhook}/replay", json={"filter": {}}).json()
    assert first["state"] == "running"
    assert conflict(acme.post(f"/v1/webhooks/{webhook}/recover", json={"since": "2h"})) == (
        "one_running",
        first["id"],
    )
    assert acme.post(f"/v1/webhooks/{webhook}/recover", json={"since": "2h", "dryRun": True}).status_code == 202


def test_a_tenant_has_five(api: MemoryApi, acme: TestClient, webhook: str) -> None:
    path = f"/v1/webhooks/{webhook}/replay"
    for hour in range(5):
        body = {"filter": {"since": f"2026-01-01T0{hour}:00:00Z"}, "dryRun": True}
        assert acme.post(path, json=body).status_code == 202
    assert conflict(acme.post(path, json={"filter": {}, "dryRun": True})) == ("too_many_jobs", None)
    other = api.client(tenant="other")
    theirs = str(api.webhook(other)["id"])
    assert other.post(f"/v1/webhooks/{theirs}/replay", json={"filter": {}}).status_code == 202


def test_without_the_role_nothing_is_begun(api: MemoryApi, acme: TestClient, webhook: str) -> None:
    api.jobs.nobody()
    answer = acme.post(f"/v1/webhooks/{webhook}/recover", json={"since": "2h"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "role jobs" in answer.json()["detail"]


def test_a_request_that_is_sent_twice_is_one_job(api: MemoryApi, acme: TestClient, webhook: str) -> None:
    path, body = f"/v1/webhooks/{webhook}/recover", {"since": "2h"}
    first, again = (acme.post(path, json=body, headers=KEY) for _ in range(2))
    assert (first.status_code, again.text) == (202, first.text)
    assert again.headers["idempotency-replayed"] == "true"
    assert list(api.jobs.known) == [first.json()["id"]]


def test_one_whose_answer_was_lost_is_found_and_not_asked_for_again(
    api: MemoryApi, acme: TestClient, webhook: str
) -> None:
    """The job was asked for, and its answer got lost: a later try, whatever has become true since, finds it."""
    delivery = listed(api, webhook)
    asks: list[tuple[str, dict[str, object]]] = [
        (f"/v1/webhooks/{webhook}/replay", {"deliveries": [delivery]}),
        (f"/v1/webhooks/{webhook}/recover", {"since": "2h"}),
        (f"/v1/deliveries/{delivery}/resend", {}),
    ]
    for number, (path, body) in enumerate(asks):
        key = {"Idempotency-Key": f"k{number}"}
        ask, known = api.jobs.ask, set(api.jobs.known)

        def lost(asked: Any, ask: Callable[[Any], AskedJob] = ask) -> AskedJob:  # noqa: ANN401 # as it is
            ask(asked)
            raise KafkaBroken("the answer got lost")

        api.jobs.ask = lost  # type: ignore[method-assign] # an answer that gets lost
        assert acme.post(path, json=body, headers=key).status_code == 503
        api.jobs.ask = ask  # type: ignore[method-assign] # and none that does
        api.plane.now_ms += 120_000
        [made] = set(api.jobs.known) - known
        api.log.attempts.clear()
        found = acme.post(path, json=body, headers=key)
        assert (found.status_code, found.json().get("id")) == (202, made), found.text
        listed(api, webhook)
    assert len(api.jobs.wishes) == len(asks)


def test_each_brand_has_the_routes_beside_its_webhooks_in_its_form(api: MemoryApi) -> None:
    convo = api.client(brand="convo")
    made = str(api.webhook(convo, "/api/v1/webhooks")["id"])
    letter = replace(dead_letter(1, made), brand="convo")
    api.dead_letters.add(letter)
    for path, body in (
        (f"/api/v1/webhooks/{made}/replay", {"filter": {}}),
        (f"/api/v1/webhooks/{made}/recover", {"since": "2h"}),
        (f"/api/v1/deliveries/{letter.delivery.id}/resend", {}),
    ):
        told = convo.post(path, json=body)
        assert (told.status_code, told.json()["data"]["object"]) == (202, "job")
    assert {each.asked.owner for each in api.jobs.known.values()} == {Owner(tenant="acme", brand="convo")}
