"""The REST API as real processes: what is written through one is seen through all, whatever goes away in between."""

import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import redis

from tests.acceptance.api import client, new_key, url_of
from tests.acceptance.conftest import BuildStage
from tests.acceptance.deadline import until
from tests.acceptance.happenings import Happening
from tests.acceptance.hookline import clean, command
from tests.acceptance.receipts import receiving
from tests.acceptance.receiver import Endpoint, Temper
from tests.acceptance.stage import Stage

LISTEN = {"HOOKLINE_API_LISTEN": "127.0.0.1:0"}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def stage(build_stage: BuildStage) -> Stage:
    return build_stage(options=LISTEN)


def test_a_created_webhook_gets_its_first_delivery_within_two_and_a_half_seconds(stage: Stage) -> None:
    endpoint = Endpoint(name="hook", temper=Temper.HEALTHY, secret=SECRET)
    with (
        receiving([endpoint], stage.folder) as receiver,
        stage.running("projection", "deliver", "api", "--processes", "1") as running,
        stage.publisher() as publisher,
    ):
        url = url_of(running)
        running.assigned("deliver")
        with client(url, new_key(stage, "--tenant", "acme")) as acme:
            created = acme.post(
                "/v1/webhooks", json={"url": receiver.url(endpoint), "topics": ["order.*"], "secret": SECRET}
            )
            answered_s = time.monotonic()
            assert created.status_code == 201, created.text
            while not receiver.read():
                # Until the staleness bound has passed, an event may come too early for the new webhook.
                publisher.publish([Happening(n=1, tenant="acme", type="order.paid")])
                assert time.monotonic() - answered_s <= 8, running.tail
                time.sleep(0.05)
            assert receiver.receipts[0].status == 200
            tried = acme.post(f"/v1/webhooks/{created.json()['id']}/test")
            assert (tried.status_code, tried.json()["status"], tried.json()["error"]) == (200, 200, None)
        code, took_s = running.stop()
        assert (code, took_s < 10) == (0, True)


def test_dead_letters_are_seen_and_sent_again(stage: Stage) -> None:
    dead = Endpoint(name="dead", temper=Temper.DEAD, secret=SECRET)
    healthy = Endpoint(name="healthy", temper=Temper.HEALTHY, secret=SECRET)
    with (
        receiving([dead, healthy], stage.folder) as receiver,
        stage.running("projection", "deliver", "retry", "jobs", "api", "--processes", "1") as running,
        stage.publisher() as publisher,
        client(url_of(running), new_key(stage, "--tenant", "acme")) as acme,
    ):
        wish = {"url": receiver.url(dead), "secret": SECRET, "retries": "none"}
        id_ = acme.post("/v1/webhooks", json=wish).json()["id"]
        running.assigned("deliver")
        time.sleep(1)  # the staleness bound
        publisher.publish([Happening(n=n, tenant="acme", type="order.paid") for n in range(5)])
        until(lambda: len(_buried(acme, id_)) == 5, within_s=20, missing=lambda: running.tail)
        assert [each["reason"] for each in _buried(acme, id_)] == ["retries_none"] * 5
        assert acme.patch(f"/v1/webhooks/{id_}", json={"url": receiver.url(healthy)}).status_code == 200
        dry = acme.post(f"/v1/webhooks/{id_}/dead-letters/replay", json={"dryRun": True}, timeout=30)
        assert (dry.json()["matched"], dry.json()["replayed"], dry.json()["dryRun"]) == (5, 5, True)
        one = acme.post(f"/v1/dead-letters/{_buried(acme, id_)[0]['id']}/replay", timeout=30)
        assert (one.status_code, one.json()["replayed"]) == (200, 1)
        rest = acme.post(f"/v1/webhooks/{id_}/dead-letters/replay", timeout=30)
        assert (rest.json()["replayed"], rest.json()["skipped"]) == (4, {"already_replayed": 1})

        def arrived() -> int:
            receiver.read()
            return len([each for each in receiver.receipts if each.endpoint == "healthy" and each.accepted])

        until(lambda: arrived() == 5, within_s=20, missing=lambda: running.tail)


def _buried(acme: httpx.Client, webhook: str) -> list[dict[str, str]]:
    page = acme.get("/v1/dead-letters", params={"webhook": webhook, "since": "1h"}, timeout=30).json()
    assert page["nextCursor"] is None
    return list(page["data"])


def test_nothing_is_lost_or_half_written_whatever_goes_away(stage: Stage) -> None:
    with (
        stage.running("api", log_name="one.log") as one,
        stage.running("api", log_name="two.log") as two,
        client(url_of(one), key := new_key(stage, "--tenant", "acme")) as here,
        client(url_of(two), key) as there,
    ):
        made = _created(here, there)
        _both_patches_hold(here, there, made[0])
        redis.Redis.from_url(stage.environment["HOOKLINE_REDIS_URL"]).flushdb()
        assert _listed(here) == _listed(there) == sorted(made)
        retried = {"Idempotency-Key": "order-7"}
        first = here.post("/v1/webhooks", json=_WISH, headers=retried)
        second = there.post("/v1/webhooks", json=_WISH, headers=retried)
        assert (first.status_code, second.status_code) == (201, 201)
        assert first.json() == second.json()
        assert (first.headers.get("idempotency-replayed"), second.headers["idempotency-replayed"]) == (None, "true")
        with client(url_of(two), new_key(stage, "--tenant", "acme")) as another:
            own = another.post("/v1/webhooks", json=_WISH, headers=retried)
            assert (own.status_code, own.headers.get("idempotency-replayed")) == (201, None)
            assert own.json()["secret"] != first.json()["secret"]
            made.append(own.json()["id"])
        one.kill("api")
        with client(url_of(one, times=2), key) as again:
            assert _listed(again) == sorted([*made, first.json()["id"]])
            third = again.post("/v1/webhooks", json=_WISH, headers=retried)
            assert third.json() == first.json()
            revoked = [each["id"] for each in _keys(stage)]
            assert again.get("/v1/webhooks").status_code == 200
            _revoke(stage, revoked[0])
            assert again.get("/v1/webhooks").status_code == 401
            assert there.get("/v1/webhooks").status_code == 401


_WISH = {"url": "http://127.0.0.1:9/hook"}


def _created(here: httpx.Client, there: httpx.Client) -> list[str]:
    """Webhooks written through both at once; each is read through the other right after its answer."""

    def create(number: int) -> str:
        writer, reader = (here, there) if number % 2 else (there, here)
        answer = writer.post("/v1/webhooks", json=_WISH | {"name": str(number)})
        assert answer.status_code == 201, answer.text
        seen = reader.get(f"/v1/webhooks/{answer.json()['id']}")
        assert (seen.status_code, seen.json()["name"]) == (200, str(number))
        return str(answer.json()["id"])

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(create, range(40)))


def _both_patches_hold(here: httpx.Client, there: httpx.Client, id_: str) -> None:
    path = f"/v1/webhooks/{id_}"
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(here.patch, path, json={"name": "here"})
        other = pool.submit(there.patch, path, json={"description": "there"})
        assert (one.result().status_code, other.result().status_code) == (200, 200)
    now = here.get(path).json()
    assert (now["name"], now["description"]) == ("here", "there")
    assert here.patch(path, json={"name": "late"}, headers={"If-Match": '"1"'}).status_code == 412


def _listed(customer: httpx.Client) -> list[str]:
    """All webhooks, page by page."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = customer.get("/v1/webhooks", params={"limit": 7} | ({"cursor": cursor} if cursor else {})).json()
        found += [each["id"] for each in page["data"]]
        cursor = page["nextCursor"]
        if cursor is None:
            return sorted(found)


def _keys(stage: Stage) -> list[dict[str, str]]:
    done = subprocess.run(
        command("keys", "list", "--json"),
        cwd=stage.folder,
        env=clean(stage.environment),
        capture_output=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def _revoke(stage: Stage, key_id: str) -> None:
    subprocess.run(command("keys", "revoke", key_id), cwd=stage.folder, env=clean(stage.environment), check=True)


def test_an_address_that_cannot_be_is_named(stage: Stage) -> None:
    with stage.running("api", HOOKLINE_API_LISTEN="nowhere:http") as running:
        assert running.wait(20) == 78
        assert "HOOKLINE_API_LISTEN" in running.log


def test_without_kafka_it_says_that_it_is_not_ready_and_stops_in_time(stage: Stage) -> None:
    with stage.running("api", HOOKLINE_KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:9") as running:
        running.until_said("listening", role="api")
        said = running.said("listening", role="api")[0]
        url = f"http://{said['host']}:{said['port']}"
        assert httpx.get(f"{url}/livez").status_code == 200
        unready = httpx.get(f"{url}/readyz", timeout=10)
        assert (unready.status_code, bool(unready.json()["reasons"])) == (503, True)
        code, took_s = running.stop()
        assert (code, took_s < 10) == (0, True)
