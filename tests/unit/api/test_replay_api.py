"""A replay by the API: which deliveries are meant, and where they are found."""

from typing import Any

import pytest
from msgspec.structs import replace
from starlette.testclient import TestClient

from consumer.control.keys import Scope
from consumer.jobs.job import Chosen, Matching, Spot, Wish
from consumer.replay.plan import Place
from tests.dead_letters import dead_letter
from tests.memory_api import OPERATOR, OWNER, MemoryApi
from tests.sending_again import NOBODYS, errors, listed, only


@pytest.fixture
def api() -> MemoryApi:
    return MemoryApi(brands=("hookline", "convo"))


def test_by_a_filter_is_a_job_of_what_the_filter_says(api: MemoryApi, acme: TestClient, webhook: str) -> None:
    sought = {
        "status": ["failed", "retrying"],
        "code": ["5xx", "503", "none"],
        "reason": ["no_public_address", "expired"],
        "type": ["order.*"],
        "since": "2026-01-01",
        "until": "2026-01-02T00:00:00Z",
    }
    body = {"filter": sought, "again": True, "ratePerS": 7, "dryRun": True, "position": "after"}
    answer = acme.post(f"/v1/webhooks/{webhook}/replay", json=body)
    told = answer.json()
    assert (answer.status_code, told["state"], told["kind"], told["webhook"]) == (202, "counted", "replay", webhook)
    assert told["filter"] == {
        "status": ["failed", "retrying"],
        "code": ["503", "5xx", "none"],
        "reason": ["expired", "no_public_address"],
        "type": ["order.*"],
    }
    assert (told["since"], told["until"]) == ("2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z")
    asked = only(api).asked
    assert asked.subject == Matching(
        statuses=frozenset({"failed", "retrying"}),
        codes=frozenset({"5xx", "503", "none"}),
        reasons=frozenset({"dns", "address_refused", "expired"}),
        types=("order.*",),
        since_ms=1_767_225_600_000,
        until_ms=1_767_312_000_000,
    )
    assert (asked.again, asked.rate_per_s, asked.place, asked.wish) == (True, 7, Place.AFTER, Wish.COUNT)
    assert (asked.owner, asked.most) == (OWNER, api.plane.settings.max_replays)
    assert acme.get(f"/v1/jobs/{told['id']}").json() == told


def test_without_more_words_it_runs_what_failed(api: MemoryApi, webhook: str) -> None:
    key, text = api.key(Scope.REPLAY)
    api.bearing(text).post(f"/v1/webhooks/{webhook}/replay", json={"filter": {}})
    asked = only(api).asked
    assert asked.subject == Matching()
    assert (asked.again, asked.rate_per_s, asked.place, asked.wish) == (False, 50, Place.BEFORE, Wish.RUN)
    assert asked.created_by == key.id
    acting = api.bearing(OPERATOR, **{"Hookline-Tenant": "acme"})
    told = acting.post(f"/v1/webhooks/{webhook}/replay", json={"filter": {}}).json()
    assert told["createdBy"] == "operator"


def test_named_deliveries_are_found_where_they_lie(api: MemoryApi, acme: TestClient, webhook: str) -> None:
    first, second = listed(api, webhook), listed(api, webhook, status=200, outcome="delivered")
    buried = dead_letter(3, webhook)
    api.dead_letters.add(dead_letter(2, "wh_other"), buried)
    ids = [second, buried.delivery.id, first, second]
    answer = acme.post(f"/v1/webhooks/{webhook}/replay", json={"deliveries": ids})
    assert (answer.status_code, answer.json()["filter"]) == (202, {"deliveries": 3})
    attempts = f"{api.plane.settings.topic_prefix}attempts"
    assert only(api).asked.subject == Chosen(
        spots=(Spot(attempts, 3, 1), Spot("dead-letter", 0, 1), Spot(attempts, 3, 0))
    )


def test_a_thousand_are_looked_up_at_once(api: MemoryApi, acme: TestClient, webhook: str) -> None:
    ids = [listed(api, webhook) for _ in range(900)]
    letters = [dead_letter(number, webhook) for number in range(100)]
    api.dead_letters.add(*letters)
    ids += [each.delivery.id for each in letters]
    assert acme.post(f"/v1/webhooks/{webhook}/replay", json={"deliveries": ids}).status_code == 202
    subject = only(api).asked.subject
    assert isinstance(subject, Chosen)
    assert len(subject.spots) == 1_000
    assert (api.log.pages, api.dead_letters.looked) == (1, 1)
    too_many = acme.post(f"/v1/webhooks/{webhook}/replay", json={"deliveries": [*ids, NOBODYS]})
    assert errors(too_many) == {"deliveries": "too_many"}


def test_what_is_listed_costs_no_look_at_the_dead_letters(api: MemoryApi, acme: TestClient, webhook: str) -> None:
    acme.post(f"/v1/webhooks/{webhook}/replay", json={"deliveries": [listed(api, webhook)]})
    acme.post(f"/v1/webhooks/{webhook}/replay", json={"deliveries": ["x", "\u0000", "a" * 5_000]})
    assert (api.log.pages, api.dead_letters.looked) == (1, 0)


def test_those_that_there_are_not_are_named_by_their_places(api: MemoryApi, acme: TestClient, webhook: str) -> None:
    other = str(api.webhook(acme)["id"])
    there = listed(api, webhook)
    foreign = [
        listed(api, other),
        listed(api, webhook, tenant="other"),
        listed(api, webhook, brand="convo"),
        "no id",
    ]
    for letter in (
        dead_letter(1, other),
        dead_letter(2, webhook, tenant="other"),
        replace(dead_letter(3, webhook), brand="convo"),
    ):
        api.dead_letters.add(letter)
        foreign.append(letter.delivery.id)
    answer = acme.post(f"/v1/webhooks/{webhook}/replay", json={"deliveries": [there, *foreign]})
    assert errors(answer) == {f"deliveries.{number}": "not_a_choice" for number in range(1, 8)}
    assert not any(each in answer.text for each in foreign)
    many = acme.post(f"/v1/webhooks/{webhook}/replay", json={"deliveries": [f"{n:032x}" for n in range(999)]})
    assert len(errors(many)) == 20
    assert not api.jobs.known


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"filter": "missing"}),
        ({"filter": {}, "deliveries": [NOBODYS]}, {"filter": "duplicate"}),
        ({"filter": None, "deliveries": None}, {"filter": "missing"}),
        ({"deliveries": []}, {"deliveries": "empty"}),
        ({"deliveries": [1]}, {"deliveries.0": "wrong_type"}),
        ({"deliveries": NOBODYS}, {"deliveries": "wrong_type"}),
        ({"filter": {}, "ratePerS": 0}, {"ratePerS": "out_of_range"}),
        ({"filter": {}, "ratePerS": 1_001}, {"ratePerS": "out_of_range"}),
        ({"filter": {}, "ratePerS": 1.5}, {"ratePerS": "wrong_type"}),
        ({"filter": {}, "ratePerS": "7"}, {"ratePerS": "wrong_type"}),
        ({"filter": {}, "again": 1}, {"again": "wrong_type"}),
        ({"filter": {}, "position": "beside"}, {"position": "not_a_choice"}),
        ({"filter": {}, "most": 99}, {"most": "unknown"}),
        ({"filter": {"webhook": "wh_2"}}, {"filter.webhook": "unknown"}),
        ({"filter": {"status": []}}, {"filter.status": "empty"}),
        ({"filter": {"status": ["dead"]}}, {"filter.status.0": "not_a_choice"}),
        ({"filter": {"type": ["a"] * 51}}, {"filter.type": "too_many"}),
        (
            {"filter": {"code": ["5x"], "reason": ["bad"], "type": ["a*b"], "since": "soon"}},
            {
                "filter.code": "malformed",
                "filter.reason": "not_a_choice",
                "filter.type": "malformed",
                "filter.since": "malformed",
            },
        ),
        ({"filter": {"since": "2999-01-01"}}, {"filter.since": "out_of_range"}),
        ({"filter": {"since": "1h", "until": "2h"}}, {"filter.until": "out_of_range"}),
        ({"filter": {"code": ["x"]}, "ratePerS": 0}, {"filter.code": "malformed", "ratePerS": "out_of_range"}),
    ],
)
def test_what_cannot_be_is_told_all_at_once(
    api: MemoryApi, acme: TestClient, webhook: str, body: dict[str, Any], wrong: dict[str, str]
) -> None:
    assert errors(acme.post(f"/v1/webhooks/{webhook}/replay", json=body)) == wrong
    assert not api.jobs.wishes


def test_of_a_webhook_that_is_not_there_nothing_is_replayed(api: MemoryApi, acme: TestClient, webhook: str) -> None:
    paths = [(acme, "/v1/webhooks/wh_none"), (api.client(tenant="other"), f"/v1/webhooks/{webhook}")]
    for client, path in paths:
        assert client.post(f"{path}/replay", json={"filter": {}}).status_code == 404
        assert client.post(f"{path}/recover", json={"since": "2h"}).status_code == 404
    acme.delete(f"/v1/webhooks/{webhook}")
    assert acme.post(f"/v1/webhooks/{webhook}/replay", json={"filter": {}}).status_code == 404
    assert not api.jobs.wishes


def test_look_ups_have_places_and_a_tenant_its_share_of_them(api: MemoryApi, webhook: str) -> None:
    body = {"deliveries": [listed(api, webhook)]}
    leaving = [api.services.look_ups.enter("acme") for _ in range(2)]
    refused = api.client().post(f"/v1/webhooks/{webhook}/replay", json=body)
    assert (refused.status_code, "retry-after" in refused.headers) == (429, True)
    assert api.client().post(f"/v1/webhooks/{webhook}/replay", json={"filter": {}}).status_code == 202
    other = api.client(tenant="other")
    theirs = str(api.webhook(other)["id"])
    assert errors(other.post(f"/v1/webhooks/{theirs}/replay", json=body)) == {"deliveries.0": "not_a_choice"}
    for leave in leaving:
        leave()
    for _ in range(5):
        assert api.client().post(f"/v1/webhooks/{webhook}/replay", json=body).status_code == 202
