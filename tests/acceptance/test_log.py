"""The delivery log as real processes: what was sent is listed, looked at and exported, by API and command line."""

import csv
import hashlib
import io
import json
import subprocess
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from tests.acceptance.api import client, new_key, url_of
from tests.acceptance.conftest import BuildStage
from tests.acceptance.deadline import until
from tests.acceptance.happenings import Happening
from tests.acceptance.hookline import Hookline, clean, command
from tests.acceptance.receipts import Receipt, receiving
from tests.acceptance.receiver import Endpoint, Temper
from tests.acceptance.stage import Stage
from tests.acceptance.watched import every_metric_is_told, told

OPTIONS = {
    "HOOKLINE_API_LISTEN": "127.0.0.1:0",
    "HOOKLINE_API_REQUESTS_PER_S": "1000",
    "HOOKLINE_RETRY_DELAYS": "1s,3s",
}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EVENTS = 50
ROLES = ("projection", "deliver", "retry", "log", "jobs", "api")


@pytest.fixture
def stage(build_stage: BuildStage) -> Stage:
    return build_stage(options=OPTIONS, partitions=2)


def listed(acme: httpx.Client, path: str) -> list[dict[str, Any]]:
    """All rows of a list, in pages of 7 (checks P01 to P03)."""
    rows: list[dict[str, Any]] = []
    cursor = None
    while True:
        params = {"limit": 7} | ({} if cursor is None else {"cursor": cursor})
        answer = acme.get(path, params=httpx.URL(path).params.merge(params))
        assert answer.status_code == 200, answer.text
        told = answer.json()
        rows += told["data"]
        cursor = told["nextCursor"]
        if cursor is None:
            return rows


def printed(stage: Stage, *arguments: str) -> list[dict[str, Any]]:
    """What `hookline log list` prints."""
    asked = command("log", "list", "--json", *arguments)
    ended = subprocess.run(asked, env=clean(stage.environment), capture_output=True, text=True, check=True)
    return [json.loads(line) for line in ended.stdout.splitlines()]


def lasting(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """These, without what becomes another as time passes."""
    return [{name: value for name, value in row.items() if name not in {"nextAttemptAt", "overdue"}} for row in rows]


def each_is_listed_once(acme: httpx.Client, hooks: Mapping[str, str]) -> list[dict[str, Any]]:
    """Checks P01, P02 and P04. Returns the failed attempts."""
    deliveries = listed(acme, "/v1/deliveries")
    assert len({row["id"] for row in deliveries}) == len(deliveries) == 2 * EVENTS
    assert Counter(row["attempts"] for row in deliveries) == {1: EVENTS, 3: EVENTS}
    attempts = listed(acme, "/v1/attempts")
    assert len({row["id"] for row in attempts}) == len(attempts) == 4 * EVENTS
    failed = listed(acme, f"/v1/attempts?webhook={hooks['flaky']}&code=5xx&type=order.*&since=1h")
    assert {row["status"] for row in failed} == {503}
    assert len(failed) == 2 * EVENTS
    assert listed(acme, f"/v1/attempts?webhook={hooks['healthy']}&outcome=retry") == []
    return failed


def its_hours_add_up_to_what_was_sent(acme: httpx.Client, hooks: Mapping[str, str]) -> None:
    """Check P24: each event failed twice at the flaky endpoint."""
    wanted = {"healthy": (EVENTS, 0), "flaky": (EVENTS, 2 * EVENTS)}

    def hours(name: str) -> tuple[int, int]:
        told = acme.get(f"/v1/webhooks/{hooks[name]}/stats").json()
        added = tuple(sum(each[of] for each in told["buckets"] or ()) for of in ("delivered", "failed"))
        assert told["totals"] is None or added == (told["totals"]["delivered"], told["totals"]["failed"])
        return added[0], added[1]

    until(lambda: {name: hours(name) for name in wanted} == wanted, within_s=10, missing=lambda: f"{hours('flaky')}")


def all_of_one_is_told(acme: httpx.Client, flaky: str, receipts: Sequence[Receipt]) -> dict[str, Any]:
    """Checks P06 and P11, and a text that is sought in bodies. Returns an attempt that failed."""
    one = listed(acme, f"/v1/deliveries?webhook={flaky}")[0]
    told = acme.get(f"/v1/deliveries/{one['id']}").json()
    assert [each["number"] for each in told["attemptsKept"]] == [1, 2, 3]
    shown: dict[str, Any] = acme.get(f"/v1/attempts/{told['attemptsKept'][0]['id']}").json()
    assert shown["explanation"]["code"] == "unavailable"
    assert shown["timing"]["firstByteMs"] > 0
    headers = {each["name"].lower(): each["value"] for each in shown["request"]["headers"]}
    assert headers["x-own"] == "[redacted]"
    sent = ("flaky", headers["webhook-id"])
    [got] = {each.body for each in receipts if (each.endpoint, each.webhook_id) == sent}
    body = acme.get(f"/v1/attempts/{shown['id']}/request-body")
    assert hashlib.sha256(body.content).digest() == hashlib.sha256(got).digest()
    of_event = listed(acme, f"/v1/deliveries?event={headers['webhook-id']}&webhook={flaky}")
    assert [row["id"] for row in of_event] == [one["id"]]
    found = acme.get("/v1/attempts", params={"contains": got.decode()[:200], "webhook": flaky, "limit": 100}).json()
    assert shown["id"] in {row["id"] for row in found["data"]}
    return shown


def what_is_kept_no_longer_is_gone(stage: Stage, acme: httpx.Client, name: str) -> None:
    """Check P08."""
    _, partition, offset, _ = name.split("_")
    admin = AdminClient({"bootstrap.servers": stage.environment["HOOKLINE_KAFKA_BOOTSTRAP_SERVERS"]})
    place = TopicPartition(stage.topics.attempts, int(partition), int(offset) + 1)
    next(iter(admin.delete_records([place]).values())).result()
    assert acme.get(f"/v1/attempts/{name}").status_code == 410
    assert name in {row["id"] for row in listed(acme, "/v1/attempts?code=503")}


def status_is_shown(stage: Stage, running: Hookline) -> None:
    """What came of all this is on one screen, and as JSON."""

    def told_by() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(stage.command("status", "--json", "--at", running.admin()))
        return found

    # The role `log` looks at all webhooks once in 10 s.
    until(lambda: told_by()["webhooks"] == {"accepting": 2}, within_s=30, missing=lambda: f"{told_by()}", every_s=1.0)
    status = told_by()
    assert (status["ready"], status["alive"], status["reasons"]) == (True, True, [])
    assert [each["role"] for each in status["processes"]] == [*ROLES]
    assert status["attempts"]["delivered"] == 2 * EVENTS
    assert status["attempts"]["retry"] == 2 * EVENTS
    assert "deliver/0" in stage.command("status", "--at", running.admin())
    attempts = told(running, openmetrics=True)["hookline_attempts_total"]
    assert {each["code"] for each in attempts} >= {"2xx", "5xx"}


def test_what_was_sent_is_found_again(stage: Stage) -> None:
    healthy = Endpoint(name="healthy", temper=Temper.HEALTHY, secret=SECRET)
    flaky = Endpoint(name="flaky", temper=Temper.FLAKY, secret=SECRET)
    with (
        receiving([healthy, flaky], stage.folder) as receiver,
        stage.running(*ROLES, "--processes", "1") as running,
        stage.publisher() as publisher,
    ):
        url = url_of(running)
        running.assigned("deliver")
        key = new_key(stage, "--tenant", "acme")
        with client(url, key) as acme:
            hooks = {}
            for endpoint in (healthy, flaky):
                own = {"headers": {"X-Own": "canary"}}
                made = acme.post(
                    "/v1/webhooks",
                    json={
                        "url": receiver.url(endpoint),
                        "secret": SECRET,
                        "topics": ["order.*"],
                        "requestConfig": own,
                    },
                )
                assert made.status_code == 201, made.text
                hooks[endpoint.name] = made.json()["id"]
            time.sleep(1.5)  # the staleness bound
            publisher.publish([Happening(n=n, tenant="acme", type="order.paid") for n in range(EVENTS)])
            until(
                lambda: receiver.read() is not None and sum(each.accepted for each in receiver.receipts) == 2 * EVENTS,
                within_s=60,
                missing=lambda: f"{len(receiver.receipts)} receipts",
            )
            until(
                lambda: len(listed(acme, "/v1/deliveries?status=delivered")) == 2 * EVENTS,
                within_s=20,
                missing=lambda: str(Counter(row["status"] for row in listed(acme, "/v1/deliveries"))),
            )

            failed = each_is_listed_once(acme, hooks)
            its_hours_add_up_to_what_was_sent(acme, hooks)
            shown = all_of_one_is_told(acme, hooks["flaky"], receiver.receipts)
            attempts = listed(acme, "/v1/attempts")
            exported = acme.get("/v1/attempts/export", params={"code": "503"})
            assert len(list(csv.DictReader(io.StringIO(exported.text, newline="")))) == len(failed)  # P12
            assert lasting(printed(stage, "--api", url, "--key", key)) == lasting(attempts)  # P45
            assert [row["id"] for row in printed(stage, "--tenant", "acme")] == [row["id"] for row in attempts]
            tried = acme.post(f"/v1/webhooks/{hooks['healthy']}/test").json()
            assert acme.get(f"/v1/attempts/{tried['attemptId']}").json()["trigger"] == "test"
            with client(url, new_key(stage, "--tenant", "other")) as other:
                assert other.get(f"/v1/attempts/{shown['id']}").status_code == 404
                assert other.get("/v1/attempts").json()["data"] == []
            every_metric_is_told(running, ROLES)
            status_is_shown(stage, running)
            what_is_kept_no_longer_is_gone(stage, acme, str(shown["id"]))
        running.stop()
