"""Requests with an Idempotency-Key: done once, answered alike."""

import base64
from concurrent.futures import Future

import pytest

from consumer.control.errands import CLAIMED_MS, KEPT_MS, MOST, Errand, Errands, encode, record_key
from consumer.control.keys import Scope
from consumer.control.trial import Trial, TrialsBusy
from consumer.events.event import Record
from consumer.kafka.client import KafkaBroken
from consumer.kafka.topic_writer import Place
from consumer.kafka.writing import NewRecord
from tests.dead_letters import dead_letter
from tests.memory_api import MemoryApi, Topics
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


def test_rotations_tests_and_replays_are_done_once_too(api: MemoryApi) -> None:
    acme = api.client()
    id_ = api.webhook(acme)["id"]
    letter = dead_letter(1, id_)
    api.dead_letters.add(letter)
    paths = [
        f"/v1/webhooks/{id_}/secret",
        f"/v1/webhooks/{id_}/test",
        f"/v1/dead-letters/{letter.delivery.id}/replay",
        f"/v1/webhooks/{id_}/dead-letters/replay",
    ]
    for number, path in enumerate(paths):
        key = {"Idempotency-Key": f"k{number}"}
        first, again = acme.post(path, headers=key), acme.post(path, headers=key)
        assert first.status_code == 200, path
        assert (again.text, again.headers["idempotency-replayed"]) == (first.text, "true"), path
    assert acme.get(f"/v1/webhooks/{id_}").headers["etag"] == '"2"'
    assert len(api.plane.tried) == 1
    assert len(api.dead_letters.replayed) == 2


def test_a_key_belongs_to_one_request(api: MemoryApi) -> None:
    acme = api.client()
    acme.post("/v1/webhooks", json=WISH, headers=KEY)
    other = acme.post("/v1/webhooks", json=WISH | {"name": "x"}, headers=KEY)
    assert (other.status_code, "another request" in other.json()["detail"]) == (422, True)
    id_ = acme.get("/v1/webhooks").json()["data"][0]["id"]
    assert acme.post(f"/v1/webhooks/{id_}/secret", headers=KEY).status_code == 422
    stranger = api.client(tenant="other").post("/v1/webhooks", json=WISH, headers=KEY)
    assert (stranger.status_code, stranger.json()["tenant"]) == (201, "other")


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
    found: list[int] = []

    def slow(_subscription: object, event_type: str) -> Trial:
        found.append(rival.bearing(text).post(f"/v1/webhooks/{id_}/test", headers=KEY).status_code)
        del event_type
        raise TrialsBusy("busy")

    api.plane.trial = slow
    assert acme.post(f"/v1/webhooks/{id_}/test", headers=KEY).status_code == 429
    assert found == [409]
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
    """Takes records; while `losing`, nobody is told."""

    losing = False

    def write(self, record: NewRecord) -> "Future[Place]":
        written = super().write(record)
        if self.losing:
            written = Future()
            written.set_exception(KafkaBroken("the answer got lost"))
        return written


def test_a_creation_whose_outcome_is_unknown_is_found_by_whoever_takes_it_up() -> None:
    topic = Losing()
    api = MemoryApi(Topics(subscriptions=topic))
    acme = api.client()
    topic.losing = True
    assert acme.post("/v1/webhooks", json=WISH, headers=KEY).status_code == 503
    topic.losing = False
    early = acme.post("/v1/webhooks", json=WISH, headers=KEY)
    assert (early.status_code, int(early.headers["retry-after"]) <= 60) == (409, True)
    api.plane.now_ms += CLAIMED_MS
    late = acme.post("/v1/webhooks", json=WISH, headers=KEY)
    assert late.status_code == 201
    assert late.json()["secret"].startswith("whsec_")
    assert len(acme.get("/v1/webhooks").json()["data"]) == 1


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
    kept = Errands(most=2)
    for number in range(5):
        kept.apply(record(f"n{number}", errand(number)))
    assert kept.find("n0", 5) is None
    assert kept.find("n4", 5) == errand(4)
    assert kept.outdated(5) == ["n0", "n1", "n2"]
    assert MOST >= 10_000


def test_a_foreign_record_is_passed_over() -> None:
    kept = Errands()
    kept.apply(
        Record(topic="state", partition=0, offset=0, key=record_key("n"), value=b"x", headers=(), timestamp_ms=0)
    )
    assert kept.find("n", 0) is None
