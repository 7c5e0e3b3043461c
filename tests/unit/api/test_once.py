"""Requests with an Idempotency-Key: done once, answered alike."""

import base64
from dataclasses import replace

import pytest
from pydantic import SecretStr

from consumer.control.errands import CLAIMED_MS, KEPT_MS, Errands
from consumer.control.keys import Scope
from consumer.control.trial import Trial
from consumer.shares import Busy
from tests.memory_api import OPERATOR, SETTINGS, MemoryApi

WISH = {"url": "https://example.com/hook"}
KEY = {"Idempotency-Key": "order-7"}


def test_a_creation_sent_twice_is_done_once_in_whatever_process(api: MemoryApi) -> None:
    text = api.key()[1]
    first = api.bearing(text).post("/v1/webhooks", json=WISH, headers=KEY)
    again = MemoryApi(api.topics).bearing(text).post("/v1/webhooks", json=WISH, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["etag"] == first.headers["etag"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert len(api.topics.subscriptions.records) == 1


def test_the_answer_is_sealed_on_the_topic(api: MemoryApi) -> None:
    first = api.client().post("/v1/webhooks", json=WISH, headers=KEY)
    secret = first.json()["secret"]
    written = b"".join(record.value or b"" for record in api.topics.state.records)
    assert secret.encode() not in written
    assert base64.b64encode(secret.encode())[4:-4] not in written
    assert b"order-7" not in b"".join(
        (record.key or b"") + (record.value or b"") for record in api.topics.state.records
    )


def test_a_key_belongs_to_one_request(api: MemoryApi) -> None:
    acme = api.client()
    acme.post("/v1/webhooks", json=WISH, headers=KEY)
    other = acme.post("/v1/webhooks", json=WISH | {"name": "x"}, headers=KEY)
    assert (other.status_code, "another request" in other.json()["detail"]) == (422, True)
    assert [(each["field"], each["code"]) for each in other.json()["errors"]] == [("Idempotency-Key", "reused")]
    id_ = acme.get("/v1/webhooks").json()["data"][0]["id"]
    assert acme.post(f"/v1/webhooks/{id_}/secret", headers=KEY).status_code == 422
    stranger = api.client(tenant="other").post("/v1/webhooks", json=WISH, headers=KEY)
    assert (stranger.status_code, stranger.json()["tenant"]) == (201, "other")


def test_of_a_request_the_condition_is_a_part(api: MemoryApi) -> None:
    acme = api.client()
    id_ = api.webhook(acme)["id"]
    first = acme.post(f"/v1/webhooks/{id_}/pause", headers=KEY | {"If-Match": '"1"'})
    again = acme.post(f"/v1/webhooks/{id_}/pause", headers=KEY | {"If-Match": '"1"'})
    assert (first.status_code, again.text, again.headers["etag"]) == (200, first.text, '"2"')
    assert acme.post(f"/v1/webhooks/{id_}/pause", headers=KEY).status_code == 422


def test_an_answer_is_that_keys_which_asked_and_no_other_hears_that_there_is_one(api: MemoryApi) -> None:
    """Else whoever of the tenant sends the same request is told the text of a key that works."""
    body = {"scopes": ["admin"]}
    first = api.client(Scope.ADMIN).post("/v1/keys", json=body, headers=KEY)
    other = api.client(Scope.ADMIN).post("/v1/keys", json=body, headers=KEY)
    assert (first.status_code, other.status_code) == (201, 201)
    assert "idempotency-replayed" not in other.headers
    assert other.json()["key"] != first.json()["key"]


def test_an_answer_is_not_the_operators_nor_that_of_the_operators_next_key(api: MemoryApi) -> None:
    acting = {"Hookline-Tenant": "acme"} | KEY
    first = api.bearing(OPERATOR).post("/v1/keys", json={}, headers=acting)
    assert api.bearing(OPERATOR).post("/v1/keys", json={}, headers=acting).json() == first.json()
    customers = api.client(*Scope).post("/v1/keys", json={}, headers=KEY)
    assert customers.json()["key"] != first.json()["key"]
    later = OPERATOR + "2"
    after = MemoryApi(api.topics, settings=SETTINGS.model_copy(update={"operator_key": SecretStr(later)}))
    answer = after.bearing(later).post("/v1/keys", json={}, headers=acting)
    assert (answer.status_code, answer.json()["key"] != first.json()["key"]) == (201, True)


def test_what_a_key_may_no_more_is_not_answered_from_before(api: MemoryApi) -> None:
    """Nothing changes a key's scopes today: this is what holds when something does."""
    key, text = api.key(Scope.ADMIN, Scope.WRITE)
    body = {"scopes": ["write"]}
    assert api.bearing(text).post("/v1/keys", json=body, headers=KEY).status_code == 201
    api.write_key(replace(key, scopes=frozenset({Scope.ADMIN})))
    assert api.bearing(text).post("/v1/keys", json=body, headers=KEY).status_code == 403


def test_a_claim_that_another_took_over_is_not_given_up_by_the_first(api: MemoryApi) -> None:
    """Or a third would do what the second has done."""
    text = api.key()[1]
    id_ = api.webhook(api.bearing(text))["id"]
    rival = MemoryApi(api.topics)
    rival.plane.now_ms += CLAIMED_MS
    theirs: list[str] = []

    def slow(_subscription: object, event_type: str) -> Trial:
        del event_type
        theirs.append(rival.bearing(text).post(f"/v1/webhooks/{id_}/test", headers=KEY).text)
        api.plane.fresh()  # as a process follows the topic all the time
        raise Busy("busy", own=True, retry_after_s=1)

    api.plane.trial = slow
    assert api.bearing(text).post(f"/v1/webhooks/{id_}/test", headers=KEY).status_code == 429
    again = rival.bearing(text).post(f"/v1/webhooks/{id_}/test", headers=KEY)
    assert (again.text, again.headers["idempotency-replayed"]) == (theirs[0], "true")


def test_two_of_the_header_are_a_400(api: MemoryApi) -> None:
    twice = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    assert api.client().post("/v1/webhooks", json=WISH, headers=twice).status_code == 400


def test_what_was_refused_may_be_sent_again(api: MemoryApi) -> None:
    acme = api.client()
    refused = acme.post("/v1/webhooks", json={"url": "http://example.com"}, headers=KEY)
    assert refused.status_code == 422
    assert acme.post("/v1/webhooks", json=WISH, headers=KEY).status_code == 201


@pytest.mark.parametrize("key", ["", " ", "x" * 256])
def test_a_key_that_cannot_be_is_a_400(api: MemoryApi, key: str) -> None:
    assert api.client().post("/v1/webhooks", json=WISH, headers={"Idempotency-Key": key}).status_code == 400


def test_one_that_is_under_way_is_a_409_until_its_time_is_over(api: MemoryApi) -> None:
    text = api.key()[1]
    acme = api.bearing(text)
    id_ = api.webhook(acme)["id"]
    rival = MemoryApi(api.topics)
    found: list[tuple[int, str]] = []

    def slow(_subscription: object, event_type: str) -> Trial:
        refused = rival.bearing(text).post(f"/v1/webhooks/{id_}/test", headers=KEY)
        found.append((refused.status_code, refused.headers["retry-after"]))
        del event_type
        raise Busy("busy", own=True, retry_after_s=1)

    api.plane.trial = slow
    assert acme.post(f"/v1/webhooks/{id_}/test", headers=KEY).status_code == 429
    assert found == [(409, "1")]
    assert rival.bearing(text).post(f"/v1/webhooks/{id_}/test", headers=KEY).status_code == 200


def test_of_two_that_claim_at_once_one_does_it(api: MemoryApi) -> None:
    text = api.key()[1]
    rival = MemoryApi(api.topics)
    theirs: list[int] = []
    api.topics.state.before_write = lambda: theirs.append(
        rival.bearing(text).post("/v1/webhooks", json=WISH, headers=KEY).status_code
    )
    ours = api.bearing(text).post("/v1/webhooks", json=WISH, headers=KEY)
    assert (theirs, ours.status_code, ours.headers["idempotency-replayed"]) == ([201], 201, "true")
    assert len(api.topics.subscriptions.records) == 1
    kept = Errands()
    last = {record.key: record for record in api.topics.state.records}
    for record in last.values():  # as compaction leaves them
        kept.apply(record)
    assert kept.outdated(2**60)
    assert all(errand.answer is not None for errand in kept._errands.values())


def test_after_a_day_it_is_forgotten_and_swept(api: MemoryApi) -> None:
    acme = api.client(Scope.WRITE)
    first = acme.post("/v1/webhooks", json=WISH, headers=KEY)
    api.plane.now_ms += KEPT_MS
    again = acme.post("/v1/webhooks", json=WISH, headers=KEY)
    assert again.json()["id"] != first.json()["id"]
    api.plane.now_ms += KEPT_MS
    assert api.plane.once.sweep() == 1
    api.plane.fresh()
    assert api.plane.once.sweep() == 0
