"""Requests with an Idempotency-Key whose outcome nobody heard: what they made is found, and made once."""

import base64
from collections.abc import Callable

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from consumer.control.errands import CLAIMED_MS
from consumer.control.keys import Scope
from consumer.control.work import Work
from consumer.webhooks import works
from consumer.webhooks.subscription import SealedSecret, Subscription
from tests.memory_api import OWNER, MemoryApi, Topics
from tests.memory_topic import Losing, Lost

WISH = {"url": "https://example.com/hook"}
KEY = {"Idempotency-Key": "order-7"}


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
