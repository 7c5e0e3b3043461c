"""Requests with an Idempotency-Key: done once, answered alike."""

import base64
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace

import pytest
from httpx2 import Response
from pydantic import SecretStr
from starlette.testclient import TestClient

from consumer.control.errands import CLAIMED_MS, KEPT_MS, MOST, Errand, Errands, encode, record_key
from consumer.control.keys import Scope
from consumer.control.trial import Trial
from consumer.control.work import Work
from consumer.events.event import Record
from consumer.kafka.client import KafkaBroken
from consumer.kafka.topic_writer import Place
from consumer.kafka.writing import NewRecord
from consumer.shares import Busy
from consumer.webhooks import works
from consumer.webhooks.subscription import SealedSecret, Subscription
from tests.memory_api import OPERATOR, OWNER, SETTINGS, MemoryApi, Topics
from tests.memory_topic import MemoryTopic

WISH = {"url": "https://example.com/hook"}
KEY = {"Idempotency-Key": "order-7"}


@pytest.fixture
def api() -> MemoryApi:
    return MemoryApi()


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
    """A live key's text was told to whoever of the tenant sent the same request."""
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
    """No face changes a key's scopes: this is what holds if one ever does."""
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


class Losing(MemoryTopic):
    """Takes records; while `losing`, nobody is told of those whose keys begin so."""

    losing = False

    def __init__(self, of: bytes = b"") -> None:
        super().__init__()
        self._of = of

    def write(self, record: NewRecord) -> "Future[Place]":
        written = super().write(record)
        if self.losing and (record.key or b"").startswith(self._of):
            written = Future()
            written.set_exception(KafkaBroken("the answer got lost"))
        return written


class Lost(MemoryTopic):
    """Takes none."""

    def write(self, record: NewRecord) -> "Future[Place]":
        del record
        failed: Future[Place] = Future()
        failed.set_exception(KafkaBroken("it never came"))
        return failed


def test_a_creation_whose_outcome_is_unknown_is_found_by_whoever_takes_it_up() -> None:
    topic = Losing()
    api = MemoryApi(Topics(subscriptions=topic))
    acme = api.client()
    topic.losing = True
    assert acme.post("/v1/webhooks", json=WISH, headers=KEY).status_code == 503
    topic.losing = False
    early = acme.post("/v1/webhooks", json=WISH, headers=KEY)
    assert (early.status_code, early.headers["retry-after"]) == (409, "1")
    api.plane.now_ms += CLAIMED_MS
    late = acme.post("/v1/webhooks", json=WISH, headers=KEY)
    assert late.status_code == 201
    assert late.json()["secret"].startswith("whsec_")
    assert len(acme.get("/v1/webhooks").json()["data"]) == 1


def test_a_rotation_whose_outcome_is_unknown_is_not_done_once_more() -> None:
    topic = Losing()
    api = MemoryApi(Topics(subscriptions=topic))
    acme = api.client()
    made = api.webhook(acme)
    path = f"/v1/webhooks/{made['id']}/secret"
    topic.losing = True
    assert acme.post(path, headers=KEY | {"If-Match": '"1"'}).status_code == 503
    topic.losing = False
    api.plane.now_ms += CLAIMED_MS
    late = acme.post(path, headers=KEY | {"If-Match": '"1"'})
    assert (late.status_code, late.headers["etag"]) == (200, '"2"')
    kept = api.plane.webhooks.get(OWNER, made["id"])
    assert opened(api, kept, kept.secret) == late.json()["secret"]
    (former,) = kept.former_secrets
    assert opened(api, kept, former.secret) == made["secret"], "the old one goes on signing beside it"
    assert acme.post(path, headers=KEY | {"If-Match": '"1"'}).text == late.text


@pytest.mark.parametrize("own", [None, "whsec_" + base64.b64encode(bytes(range(32))).decode()])
def test_a_rotation_that_another_followed_is_not_done_once_more(own: str | None) -> None:
    topic = Losing()
    api = MemoryApi(Topics(subscriptions=topic))
    acme = api.client()
    path = f"/v1/webhooks/{api.webhook(acme)['id']}/secret"
    body = {} if own is None else {"secret": own}
    topic.losing = True
    assert acme.post(path, json=body, headers=KEY).status_code == 503
    topic.losing = False
    newer = acme.post(path)
    assert newer.headers["etag"] == '"3"'
    api.plane.now_ms += CLAIMED_MS
    late = acme.post(path, json=body, headers=KEY)
    assert (late.status_code, late.headers["etag"]) == (200, '"3"')
    assert late.json()["secret"] != newer.json()["secret"]


Change = Callable[[TestClient, str, dict[str, str]], Response]
EVERY_CHANGE: dict[str, Change] = {
    "patch": lambda client, path, headers: client.patch(path, json={"name": "n"}, headers=headers),
    "pause": lambda client, path, headers: client.post(f"{path}/pause", headers=headers),
    "resume": lambda client, path, headers: client.post(f"{path}/resume", headers=headers),
    "delete": lambda client, path, headers: client.delete(path, headers=headers),
}


@pytest.mark.parametrize("condition", ['"2"', '"2", "7"'])
@pytest.mark.parametrize("change", EVERY_CHANGE.values(), ids=EVERY_CHANGE)
def test_a_change_whose_outcome_is_unknown_is_found_though_its_condition_holds_no_more(
    change: Change, condition: str
) -> None:
    topic = Losing()
    api = MemoryApi(Topics(subscriptions=topic))
    acme = api.client()
    path = f"/v1/webhooks/{api.webhook(acme)['id']}"
    other = "pause" if change is EVERY_CHANGE["resume"] else "resume"
    acme.post(f"{path}/pause")
    if other == "resume":
        acme.post(f"{path}/resume")
        condition = condition.replace("2", "3")
    topic.losing = True
    assert change(acme, path, KEY | {"If-Match": condition}).status_code == 503
    topic.losing = False
    written = len(topic.records)
    api.plane.now_ms += CLAIMED_MS
    late = change(acme, path, KEY | {"If-Match": condition})
    assert (late.status_code, len(topic.records)) == (200, written), late.text


def test_a_change_that_others_followed_is_found_and_not_made_over_theirs() -> None:
    topic = Losing()
    api = MemoryApi(Topics(subscriptions=topic))
    acme = api.client()
    path = f"/v1/webhooks/{api.webhook(acme)['id']}"
    change = {"url": "https://example.org/hook", "requestConfig": {"headers": {"X-A": "b"}}}
    topic.losing = True
    assert acme.patch(path, json=change, headers=KEY).status_code == 503
    topic.losing = False
    for number in range(works.MOST - 1):
        headers = {"Idempotency-Key": str(number)}
        assert acme.patch(path, json={"url": f"https://example.net/{number}"}, headers=headers).status_code == 200
    api.plane.now_ms += CLAIMED_MS
    api.check = never  # nothing is looked up for what was done
    late = acme.patch(path, json=change, headers=KEY)
    assert (late.status_code, late.json()["url"]) == (200, f"https://example.net/{works.MOST - 2}")


def test_a_change_that_comes_late_is_found_while_it_is_made_once_more() -> None:
    """What was not acknowledged in time may be written while its repetition is under way."""
    api = MemoryApi()
    acme = api.client()
    id_ = api.webhook(acme)["id"]
    work, one = Work(name="0" * 28, seed=b"s" * 32), MemoryApi(api.topics).plane
    one.fresh()
    api.topics.subscriptions.before_write = lambda: one.webhooks.pause(OWNER, id_, if_match={1}, work=work)
    paused = api.plane.webhooks.pause(OWNER, id_, if_match={1}, work=work)
    assert (paused.revision, len(paused.works)) == (2, 1)


def never(url: str) -> None:
    raise AssertionError(url)


def test_a_rotation_that_was_not_done_is_finished_with_the_secret_that_it_drew(monkeypatch: pytest.MonkeyPatch) -> None:
    topic = Losing()
    api = MemoryApi(Topics(subscriptions=topic))
    acme = api.client()
    id_ = api.webhook(acme)["id"]
    path = f"/v1/webhooks/{id_}/secret"
    with monkeypatch.context() as away:
        away.setattr(topic, "write", Lost().write)
        assert acme.post(path, headers=KEY).status_code == 503
    api.plane.now_ms += CLAIMED_MS
    late = acme.post(path, headers=KEY)
    assert (late.status_code, late.headers["etag"]) == (200, '"2"')
    kept = api.plane.webhooks.get(OWNER, id_)
    assert opened(api, kept, kept.secret) == late.json()["secret"]


def test_a_key_whose_creation_is_unknown_is_found_and_told_by_whoever_takes_it_up() -> None:
    topic = Losing(b"key:")
    api = MemoryApi(Topics(state=topic))
    admin = api.client(Scope.ADMIN)
    keys = len(admin.get("/v1/keys").json()["data"])
    topic.losing = True
    assert admin.post("/v1/keys", json={"scopes": ["admin"]}, headers=KEY).status_code == 503
    topic.losing = False
    api.plane.now_ms += CLAIMED_MS
    late = admin.post("/v1/keys", json={"scopes": ["admin"]}, headers=KEY)
    assert late.status_code == 201
    assert len(admin.get("/v1/keys").json()["data"]) == keys + 1
    assert api.bearing(late.json()["key"]).get("/v1/keys").status_code == 200
    assert late.json()["key"].encode() not in b"".join(record.value or b"" for record in topic.records)


def test_a_key_that_was_revoked_before_its_creation_was_taken_up_stays_revoked() -> None:
    topic = Losing(b"key:")
    api = MemoryApi(Topics(state=topic))
    admin = api.client(Scope.ADMIN)
    before = {each["id"] for each in admin.get("/v1/keys").json()["data"]}
    topic.losing = True
    assert admin.post("/v1/keys", json={"scopes": ["admin"]}, headers=KEY).status_code == 503
    topic.losing = False
    (id_,) = {each["id"] for each in admin.get("/v1/keys").json()["data"]} - before
    assert admin.delete(f"/v1/keys/{id_}").status_code == 200
    api.plane.now_ms += CLAIMED_MS
    late = admin.post("/v1/keys", json={"scopes": ["admin"]}, headers=KEY).json()
    assert (late["id"], late["status"]) == (id_, "revoked")
    assert api.bearing(late["key"]).get("/v1/keys").status_code == 401


def opened(api: MemoryApi, of: Subscription, sealed: SealedSecret) -> str:
    return api.plane.keyring.open(sealed, tenant=of.tenant, subscription_id=of.id).decode()


def test_what_a_work_draws_is_the_same_in_every_try_and_another_for_each_draw() -> None:
    work = Work(name="w", seed=b"s" * 32)
    first, second = work.entropy(), work.entropy()
    drawn = [first(32), first(32), first(12)]
    assert drawn == [second(32), second(32), second(12)]
    assert len({each[:12] for each in drawn}) == 3
    assert Work(name="w", seed=b"t" * 32).entropy()(32) != drawn[0]


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


def errand(at_ms: int, claimant: str = "a") -> Errand:
    return Errand(work="w", claimant=claimant, fingerprint=b"f", at_ms=at_ms)


def record(name: str, of: Errand, offset: int = 0) -> Record:
    return Record(
        topic="state",
        partition=0,
        offset=offset,
        key=record_key(name),
        value=encode(of),
        headers=(),
        timestamp_ms=0,
    )


def test_memory_has_a_bound_and_what_falls_out_is_swept() -> None:
    kept = Errands(most=3, of_a_tenant=2)
    for number in range(5):
        kept.apply(record(f"n{number}", errand(number)))
    assert kept.find("n0", 5) is None
    assert kept.find("n4", 5) == errand(4)
    assert kept.outdated(5) == ["n0", "n1", "n2"]
    assert MOST >= 10_000


def test_a_tenant_with_many_keys_pushes_out_his_own_and_nobody_elses() -> None:
    kept = Errands(most=10, of_a_tenant=4)
    kept.apply(record("theirs", replace(errand(0), tenant="other")))
    for number in range(1, 100):
        kept.apply(record(f"n{number}", replace(errand(number), tenant="greedy")))
    assert kept.find("theirs", 100) is not None
    assert [kept.find(f"n{number}", 100) is not None for number in (95, 96, 99)] == [False, True, True]
    kept.forget()
    kept.apply(record("anew", errand(1)))
    assert kept.find("anew", 2) is not None


def test_beyond_the_whole_the_oldest_goes() -> None:
    kept = Errands(most=3, of_a_tenant=2)
    for number in range(4):
        kept.apply(record(f"n{number}", replace(errand(number), tenant=f"t{number}")))
    assert [kept.find(f"n{number}", 5) is not None for number in range(4)] == [False, True, True, True]


def test_a_foreign_record_is_passed_over() -> None:
    kept = Errands()
    kept.apply(
        Record(topic="state", partition=0, offset=0, key=record_key("n"), value=b"x", headers=(), timestamp_ms=0)
    )
    assert kept.find("n", 0) is None
