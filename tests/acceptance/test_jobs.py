"""What was not delivered is sent again as real processes do it: resent, recovered, paused, killed in the middle."""

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import pytest

from tests.acceptance.api import client, new_key, url_of
from tests.acceptance.conftest import BuildStage
from tests.acceptance.deadline import until
from tests.acceptance.happenings import Happening, Publisher
from tests.acceptance.hookline import Hookline
from tests.acceptance.receipts import Receiver, receiving
from tests.acceptance.receiver import Endpoint, Temper
from tests.acceptance.stage import Stage

OPTIONS: Final = {
    "HOOKLINE_API_LISTEN": "127.0.0.1:0",
    "HOOKLINE_API_REQUESTS_PER_S": "1000",
    "HOOKLINE_RETRY_DELAYS": "200ms",
}
SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
STALE_S: Final = 1.5
FAILED: Final = 30
WHILE_PAUSED: Final = 20
ALL: Final = FAILED + WHILE_PAUSED


@pytest.fixture
def stage(build_stage: BuildStage) -> Stage:
    return build_stage(options=OPTIONS, partitions=2)


@dataclass(slots=True, kw_only=True)
class Scene:
    """All roles at work, a customer, and endpoints that accept everything or nothing."""

    customer: httpx.Client
    running: Hookline
    receiver: Receiver
    publisher: Publisher
    endpoints: dict[str, Endpoint] = field(default_factory=dict)

    def webhook(self, endpoint: str) -> str:
        made = self.customer.post(
            "/v1/webhooks",
            json={"url": self.receiver.url(self.endpoints[endpoint]), "secret": SECRET, "topics": ["order.*"]},
        )
        assert made.status_code == 201, made.text
        time.sleep(STALE_S)
        return str(made.json()["id"])

    def change(self, webhook: str, **changes: str) -> None:
        assert self.customer.patch(f"/v1/webhooks/{webhook}", json=changes).status_code == 200
        time.sleep(STALE_S)

    def post(self, path: str, status: int, **body: object) -> dict[str, Any]:
        answer = self.customer.post(path, json=body or None)
        assert answer.status_code == status, (path, answer.text)
        told: dict[str, Any] = answer.json()
        return told

    def job(self, id_: str) -> dict[str, Any]:
        answer = self.customer.get(f"/v1/jobs/{id_}")
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def until_job(self, id_: str, *states: str, within_s: float = 30) -> dict[str, Any]:
        until(lambda: self.job(id_)["state"] in states, within_s=within_s, missing=lambda: f"{self.job(id_)}")
        return self.job(id_)

    def accepted(self, endpoint: str) -> Counter[str]:
        """How often each event was accepted there."""
        self.receiver.read()
        met = (each for each in self.receiver.receipts if each.endpoint == endpoint and each.accepted)
        return Counter(each.webhook_id for each in met)

    def until_accepted(self, endpoint: str, number: int) -> None:
        until(
            lambda: self.accepted(endpoint).total() >= number,
            within_s=30,
            missing=lambda: f"{self.accepted(endpoint).total()} of {number}\n{self.running.tail}",
        )


@contextmanager
def at_work(stage: Stage) -> Iterator[Scene]:
    tempers = {"fails": Temper.DEAD} | dict.fromkeys(["first", "second", "third", "fourth"], Temper.HEALTHY)
    endpoints = {name: Endpoint(name=name, temper=temper, secret=SECRET) for name, temper in tempers.items()}
    roles = ("projection", "deliver", "retry", "log", "jobs", "api")
    with (
        receiving([*endpoints.values()], stage.folder) as receiver,
        stage.running(*roles, "--processes", "1") as running,
        stage.publisher() as publisher,
    ):
        url = url_of(running)
        running.assigned("deliver")
        running.until_said("leading", role="jobs")
        with client(url, new_key(stage, "--tenant", "acme")) as customer:
            scene = Scene(
                customer=customer, running=running, receiver=receiver, publisher=publisher, endpoints=endpoints
            )
            yield scene
        assert running.stop()[0] == 0, running.tail


def publish(scene: Scene, numbers: range) -> None:
    scene.publisher.publish([Happening(n=n, id=f"evt-{n}", tenant="acme", type="order.paid") for n in numbers])
    scene.publisher.flush()


def deliveries(scene: Scene, webhook: str, status: str) -> list[dict[str, Any]]:
    asked = {"webhook": webhook, "status": status, "limit": "100"}
    rows: list[dict[str, Any]] = scene.customer.get("/v1/deliveries", params=asked).json()["data"]
    return rows


def one_that_failed_is_sent_again(scene: Scene, webhook: str) -> str:
    """Checks P13 and P14. Returns the event that was accepted twice."""
    failed = deliveries(scene, webhook, "failed")[0]
    again = f"/v1/deliveries/{failed['id']}/resend"
    [made] = scene.post(again, 202)["made"]
    scene.until_accepted("first", 1)
    until(lambda: len(deliveries(scene, webhook, "delivered")) == 1, within_s=10, missing=lambda: "it is not listed")
    [delivered] = deliveries(scene, webhook, "delivered")
    assert (delivered["id"], delivered["trigger"]) == (made, "resend")
    assert scene.customer.get(f"/v1/deliveries/{made}").json()["replayOf"] == failed["id"]
    scene.receiver.read()
    sent = [each for each in scene.receiver.receipts if each.webhook_id == failed["eventId"]]
    assert [each.endpoint for each in sent] == ["fails", "fails", "first"]
    assert len({each.body for each in sent}) == 1
    assert scene.post(again, 409)["code"] == "already_resent"
    assert scene.post(f"/v1/deliveries/{made}/resend", 409)["code"] == "already_delivered"
    scene.post(f"/v1/deliveries/{made}/resend", 202, again=True)
    scene.until_accepted("first", 2)
    return str(failed["eventId"])


def of_a_paused_one_only_now(scene: Scene, webhook: str) -> str:
    """Check P14. Returns the event that was accepted."""
    one = deliveries(scene, webhook, "failed")[-1]
    again = f"/v1/deliveries/{one['id']}/resend"
    assert scene.post(again, 409)["code"] == "webhook_paused"
    told = scene.post(again, 200, now=True)
    assert (told["response"]["status"], told["trigger"], told["outcome"]) == (200, "resend", "delivered")
    return str(one["eventId"])


def by_the_command_line_too(stage: Stage, scene: Scene, webhook: str) -> None:
    """An operator's own process sends one now, and reads the same statistics as the API's."""
    one = deliveries(scene, webhook, "failed")[FAILED // 2]
    sent = json.loads(stage.command("resend", one["id"], "--now", "--tenant", "acme", "--json"))
    assert (sent["response"]["status"], sent["trigger"], sent["outcome"]) == (200, "resend", "delivered")
    until(
        lambda: one["id"] not in {each["id"] for each in deliveries(scene, webhook, "failed")},
        within_s=10,
        missing=lambda: "the log does not tell of it",
    )

    def totals() -> list[dict[str, Any]]:
        asked = json.loads(stage.command("webhooks", "stats", webhook, "--tenant", "acme", "--json"))
        return [each["totals"] for each in (asked, scene.customer.get(f"/v1/webhooks/{webhook}/stats").json())]

    until(lambda: (found := totals())[0] == found[1] and found[0], within_s=10, missing=lambda: f"{totals()}")


def all_that_was_missed_is_recovered(scene: Scene, webhook: str, twice: str, once: str) -> None:
    """Checks P15 and P18: what failed, and what came while it was paused; nothing that was accepted."""
    job = scene.post(f"/v1/webhooks/{webhook}/recover", 202, since="1h", dryRun=True)
    counted = scene.until_job(job["id"], "counted")["counted"]
    assert (counted["matched"], counted["sent"], counted["skipped"]) == (ALL, 0, {"delivered": 3}), counted
    scene.post(f"/v1/jobs/{job['id']}/start", 200)
    done = scene.until_job(job["id"], "done")
    assert done["counts"]["sent"] == ALL - 3
    scene.until_accepted("first", ALL + 1)
    time.sleep(1)  # what is sent too often would come now
    found = scene.accepted("first")
    assert found == Counter({f"evt-{n}": 1 for n in range(ALL)}) + Counter([twice])
    assert once in found
    until(lambda: scene.job(job["id"])["counts"]["delivered"] == ALL - 3, within_s=10, missing=lambda: f"{done}")
    nothing = scene.post(f"/v1/webhooks/{webhook}/recover", 202, since="1h")
    assert scene.until_job(nothing["id"], "done")["counts"]["sent"] == 0


def who_comes_later_gets_what_was_before_though_the_role_is_killed(scene: Scene) -> None:
    """Checks P17 and P19."""
    webhook = scene.webhook("second")
    job = scene.post(f"/v1/webhooks/{webhook}/recover", 202, since="1h", ratePerS=20)["id"]
    scene.until_accepted("second", ALL // 4)
    [started] = [each for each in scene.running.said("process started") if each["of"] == "jobs"]
    os.kill(int(str(started["of_pid"])), signal.SIGKILL)
    done = scene.until_job(job, "done")
    scene.until_accepted("second", ALL)
    assert (done["counts"]["sent"], done["counts"]["matched"]) == (ALL, ALL)
    time.sleep(1)
    assert scene.accepted("second") == Counter({f"evt-{n}": 1 for n in range(ALL)})


def one_is_paused_goes_on_and_is_canceled(scene: Scene) -> None:
    """Check P16."""
    webhook = scene.webhook("third")
    job = scene.post(f"/v1/webhooks/{webhook}/recover", 202, since="1h", ratePerS=5)["id"]
    scene.until_accepted("third", 2)
    assert scene.post(f"/v1/webhooks/{webhook}/recover", 409, since="2h")["code"] == "one_running"
    assert scene.post(f"/v1/jobs/{job}/pause", 200)["state"] == "paused"
    time.sleep(0.5)  # what it has sent arrives
    before = scene.accepted("third").total()
    time.sleep(3)
    assert scene.accepted("third").total() == before == scene.job(job)["counts"]["sent"]
    scene.post(f"/v1/jobs/{job}/resume", 200)
    scene.until_accepted("third", before + 2)
    assert scene.post(f"/v1/jobs/{job}/cancel", 200)["state"] == "canceled"
    time.sleep(0.5)
    before = scene.accepted("third").total()
    time.sleep(2)
    assert scene.accepted("third").total() == before == scene.job(job)["counts"]["sent"] < ALL


def one_whose_endpoint_fails_pauses_by_itself(scene: Scene) -> None:
    """Check P20."""
    webhook = scene.webhook("fails")
    job = scene.post(f"/v1/webhooks/{webhook}/recover", 202, since="1h", ratePerS=20)["id"]
    paused = scene.until_job(job, "paused", "done")
    assert (paused["state"], paused["reason"]) == ("paused", "endpoint_fails"), paused
    assert paused["counts"]["sent"] < ALL


def test_what_was_not_delivered_is_sent_again(stage: Stage) -> None:
    with at_work(stage) as scene:
        webhook = scene.webhook("fails")
        publish(scene, range(FAILED))
        until(
            lambda: len(deliveries(scene, webhook, "failed")) == FAILED, within_s=30, missing=lambda: scene.running.tail
        )
        scene.change(webhook, url=scene.receiver.url(scene.endpoints["first"]))
        twice = one_that_failed_is_sent_again(scene, webhook)
        scene.post(f"/v1/webhooks/{webhook}/pause", 200)
        time.sleep(STALE_S)
        publish(scene, range(FAILED, ALL))
        once = of_a_paused_one_only_now(scene, webhook)
        by_the_command_line_too(stage, scene, webhook)
        scene.post(f"/v1/webhooks/{webhook}/resume", 200)
        time.sleep(STALE_S)
        all_that_was_missed_is_recovered(scene, webhook, twice, once)
        who_comes_later_gets_what_was_before_though_the_role_is_killed(scene)
        one_is_paused_goes_on_and_is_canceled(scene)
        one_whose_endpoint_fails_pauses_by_itself(scene)


def test_a_recovery_for_a_webhook_that_the_cache_does_not_know_yet_waits_for_it(stage: Stage) -> None:
    """The role `jobs` knows it from the topic; `retry` from the cache, which it believes for ten seconds."""
    with at_work(stage) as scene:
        scene.webhook("second")
        publish(scene, range(3))
        scene.until_accepted("second", 3)
        projection = scene.running.pid("projection")
        os.kill(projection, signal.SIGSTOP)
        try:
            wanted = {"url": scene.receiver.url(scene.endpoints["first"]), "secret": SECRET, "topics": ["order.*"]}
            webhook = scene.post("/v1/webhooks", 201, **wanted)["id"]
            job = scene.post(f"/v1/webhooks/{webhook}/recover", 202, since="1h")["id"]
            assert scene.until_job(job, "done")["counts"]["sent"] == 3
            time.sleep(STALE_S)
            assert scene.accepted("first") == {}
        finally:
            os.kill(projection, signal.SIGCONT)
        scene.until_accepted("first", 3)
        assert set(scene.accepted("first").values()) == {1}
