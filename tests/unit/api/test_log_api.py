"""The delivery log by the API: lists, filters, cursors, one attempt, its bodies, exports; and whose it is."""

import base64
import csv
import io
import json
import subprocess
import time
from typing import Final

import pytest
from msgspec import structs
from starlette.testclient import TestClient

from consumer.control.keys import USUAL_SCOPES, Scope
from consumer.kafka.client import KafkaBroken
from consumer.shares import Busy
from consumer.signing.timestamps import rfc3339
from consumer.webhooks.cache import CacheUnavailable
from tests.attempts import plain
from tests.dead_letters import dead_letter
from tests.memory_api import MemoryApi
from tests.memory_log import BEGAN_MS, DELIVERY

FAILED: Final = structs.replace(plain, status=503, outcome="retry", next_tier="5s", response_body=b"try later")
DEAD: Final = structs.replace(
    plain, subscription_id="wh_2", event_type="invoice.sent", status=None, failure="dns", outcome="dead", number=8,
    reason="exhausted", elapsed_ms=4_321.0, trigger="replay", job_id="job_1", event_id="e2",
)  # fmt: skip


@pytest.fixture
def api() -> MemoryApi:
    made = MemoryApi(brands=("hookline", "convo", "featurebase"))
    made.log.add()
    made.log.add(FAILED)
    made.log.add(DEAD)
    made.log.add(tenant="other", delivery_id="f" * 32)
    made.log.add(brand="convo", delivery_id="e" * 32)
    return made


def listed(client: TestClient, query: str = "", view: str = "attempts") -> list[str]:
    answer = client.get(f"/v1/{view}?{query}")
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["data"]]


def at(number: int) -> str:
    return f"att_3_{number}_{number:08x}"


def test_attempts_are_listed_newest_first_and_only_the_callers_own(api: MemoryApi) -> None:
    answer = api.client().get("/v1/attempts").json()
    assert [each["id"] for each in answer["data"]] == [at(2), at(1), at(0)]
    assert answer["object"] == "list"
    assert (answer["nextCursor"], answer["searchedTo"], answer["asOf"] is None) == (None, None, False)
    dead, failed, _ = answer["data"]
    assert (failed["status"], failed["outcome"], failed["failure"]) == (503, "retry", None)
    assert (dead["failure"], dead["reason"], dead["elapsedMs"]) == ("no_public_address", "exhausted", None)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("webhook=wh_2", [2]),
        ("webhook=wh_1&webhook=wh_2", [2, 1, 0]),
        ("outcome=delivered", [0]),
        ("outcome=retry&outcome=dead", [2, 1]),
        ("code=503", [1]),
        ("code=2xx&code=none", [2, 0]),
        ("reason=no_public_address", [2]),
        ("reason=exhausted", [2]),
        ("reason=timeout", []),
        ("type=order.created", [1, 0]),
        ("type=invoice.*", [2]),
        ("event=e2", [2]),
        ("trigger=replay", [2]),
        ("job=job_1", [2]),
        ("since=2026-09-21T14:13:21Z", [2, 1]),
        ("until=2026-09-21T14:13:21Z", [0]),
        ("slowerThanMs=1000", [2]),
        ("contains=later", [1]),
        ("outcome=retry&type=order.created&since=2026-09-21", [1]),
        ("outcome=retry&type=invoice.sent", []),
    ],
)
def test_each_filter_alone_and_together(api: MemoryApi, query: str, found: list[int]) -> None:
    assert listed(api.client(), query) == [at(number) for number in found]


def test_a_delivery_is_one_row_at_its_latest_attempt(api: MemoryApi) -> None:
    again = structs.replace(plain, number=2, first_attempt_ms=BEGAN_MS + 1_000, event_id="e")
    api.log.add(again, delivery_id="00000001" + DELIVERY[8:])
    client = api.client()
    rows = client.get("/v1/deliveries").json()["data"]
    assert [row["id"][:8] for row in rows] == ["00000001", "00000002", "00000000"]
    assert (rows[0]["status"], rows[0]["attempts"], rows[1]["status"]) == ("delivered", 2, "failed")
    assert rows[0]["lastAttempt"]["number"] == 2
    assert listed(client, "status=failed", "deliveries") == [rows[1]["id"]]
    one = client.get(f"/v1/deliveries/{rows[0]['id']}?webhook=wh_1").json()
    assert [each["number"] for each in one["attemptsKept"]] == [1, 2]
    assert one["explanation"] is None
    failed = client.get(f"/v1/deliveries/{rows[1]['id']}").json()
    assert failed["explanation"]["code"] == "no_public_address"


def test_a_delivery_that_never_had_an_attempt_is_found_among_the_dead_letters(api: MemoryApi) -> None:
    buried = dead_letter()
    api.dead_letters.add(buried)
    shown = api.client().get(f"/v1/deliveries/{buried.delivery.id}").json()
    assert (shown["status"], shown["reason"], shown["lastAttempt"]) == ("failed", buried.reason, None)
    assert api.client().get(f"/v1/deliveries/{'0' * 32}").status_code == 404


def test_pages_go_on_from_one_another_while_more_arrive(api: MemoryApi) -> None:
    client = api.client()
    for _ in range(20):
        api.log.add()
    seen: list[str] = []
    path = "/v1/attempts?limit=7"
    while True:
        answer = client.get(path).json()
        seen += [each["id"] for each in answer["data"]]
        api.log.add()
        if answer["nextCursor"] is None:
            break
        path = f"/v1/attempts?limit=7&cursor={answer['nextCursor']}"
    assert len(seen) == len(set(seen)) == 23


def test_a_tail_asks_for_what_is_newer(api: MemoryApi) -> None:
    client = api.client()
    latest = client.get("/v1/attempts").json()["latestCursor"]
    assert listed(client, f"after={latest}") == []
    new = [api.log.add() for _ in range(2)]
    assert listed(client, f"after={latest}") == new


@pytest.mark.parametrize(
    "query",
    [
        "colour=red",
        "outcome=lost",
        "code=600x",
        "code=",
        "reason=whim",
        "trigger=whim",
        "since=yesterday",
        "since=2999-01-01T00:00:00Z",
        "slowerThanMs=-1",
        "contains=ab",
        "cursor=abc",
        "after=abc",
        "limit=101",
        "limit=1&limit=2",
    ],
)
def test_what_cannot_be_asked_is_refused_by_its_name(api: MemoryApi, query: str) -> None:
    answer = api.client().get(f"/v1/attempts?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == query.partition("=")[0]


def test_a_cursor_is_of_its_own_list_filters_and_tenant_only(api: MemoryApi) -> None:
    client = api.client()
    cursor = client.get("/v1/attempts?limit=1").json()["nextCursor"]
    assert client.get(f"/v1/attempts?limit=2&cursor={cursor}").status_code == 200
    for asking, path in (
        (client, f"/v1/attempts?code=503&cursor={cursor}"),
        (client, f"/v1/deliveries?cursor={cursor}"),
        (client, f"/v1/attempts?after={cursor}"),
        (client, f"/v1/attempts?cursor=A{cursor}"),
        (api.client(tenant="other"), f"/v1/attempts?cursor={cursor}"),
    ):
        assert asking.get(path).status_code == 422, path


def test_the_next_try_is_told_as_not_before_and_never_as_a_time_that_is_over(api: MemoryApi) -> None:
    now_ms = time.time_ns() // 1_000_000
    coming = api.log.add(FAILED, at_ms=now_ms)
    late = api.log.add(FAILED, at_ms=now_ms - 60_000)
    client = api.client()
    rows = {name: client.get(f"/v1/attempts/{name}").json() for name in (coming, late)}
    assert rows[coming]["nextAttemptAt"] == rfc3339(now_ms + 100 + 5_000)
    assert rows[coming]["overdue"] is False
    assert (rows[late]["nextAttemptAt"], rows[late]["overdue"]) == (None, None)
    of_late = client.get(f"/v1/deliveries/{rows[late]['delivery']}").json()
    for told in (of_late, of_late["lastAttempt"], *of_late["attemptsKept"]):
        assert (told["nextAttemptAt"], told["overdue"]) == (None, True)


def test_a_try_that_was_made_is_not_overdue(api: MemoryApi) -> None:
    late_ms = time.time_ns() // 1_000_000 - 60_000
    first = api.log.add(FAILED, at_ms=late_ms)
    client = api.client()
    delivery = client.get(f"/v1/attempts/{first}").json()["delivery"]
    api.log.add(at_ms=late_ms + 5_000, number=2, delivery_id=delivery)
    told = client.get(f"/v1/deliveries/{delivery}").json()
    assert [each["overdue"] for each in told["attemptsKept"]] == [False, False]
    assert told["overdue"] is False
    assert [row["overdue"] for row in client.get("/v1/attempts").json()["data"] if row["delivery"] == delivery] == [
        False,
        None,
    ]


def test_it_is_said_that_there_was_more_of_an_answer(api: MemoryApi) -> None:
    name = api.log.add(response_truncated=True)
    assert api.client().get(f"/v1/attempts/{name}").json()["response"]["truncated"] is True


def test_one_attempt_tells_all_that_is_kept_of_it(api: MemoryApi) -> None:
    shown = api.client().get(f"/v1/attempts/{at(1)}").json()
    assert (shown["request"]["body"], shown["request"]["bodyEncoding"]) == ("{}", "utf-8")
    assert shown["request"]["headers"] == [{"name": "content-type", "value": "application/json"}]
    assert (shown["response"]["status"], shown["response"]["body"]) == (503, "try later")
    assert shown["explanation"]["code"] == "unavailable"
    assert shown["timing"] == {
        "dnsMs": None, "connectMs": 0.25, "tlsMs": 0.5, "firstByteMs": 1.25, "totalMs": 1.5, "newConnection": True
    }  # fmt: skip
    assert [each["number"] for each in shown["schedule"]] == [2, 3, 4, 5, 6, 7, 8]
    assert shown["nextAttemptAt"] in {None, shown["schedule"][0]["notBefore"]}
    assert shown["signature"] is None
    signed = api.log.add(request_headers=(("webhook-signature", "v1,aaaa v1,bbbb"),))
    assert api.client().get(f"/v1/attempts/{signed}").json()["signature"] == {
        "profile": "standard",
        "header": "webhook-signature",
        "signedContent": "{webhook-id}.{webhook-timestamp}.{body}",
        "signedWith": "both",
    }
    hidden = api.client().get(f"/v1/attempts/{at(2)}").json()
    assert (hidden["failure"], hidden["elapsedMs"], hidden["response"]) == ("no_public_address", None, None)
    assert set(hidden["timing"].values()) == {None}


@pytest.mark.parametrize("of", ["/request-body", "/response-body", ""])
def test_what_is_not_ones_own_is_not_there(api: MemoryApi, of: str) -> None:
    client = api.client()
    for name in (
        f"att_3_3_{'f' * 8}",
        f"att_3_4_{'e' * 8}",
        "att_3_0_00000009",
        "att_9_0_00000000",
        "x",
        "att_3_99_00",
    ):
        assert client.get(f"/v1/attempts/{name}{of}").status_code == 404, name


def test_bodies_are_for_whoever_may_see_them(api: MemoryApi) -> None:
    client = api.client(Scope.READ)
    shown = client.get(f"/v1/attempts/{at(1)}").json()
    assert (shown["request"]["body"], shown["response"]["body"], shown["curl"]) == (None, None, None)
    assert shown["request"]["bodyBytes"] == 2
    assert client.get(f"/v1/attempts/{at(1)}/request-body").status_code == 403
    assert client.get("/v1/attempts?contains=later").status_code == 403
    assert client.get("/v1/attempts/export?contains=later").status_code == 403
    assert Scope.BODIES in USUAL_SCOPES


def test_bodies_are_downloaded_and_shown_to_no_browser(api: MemoryApi) -> None:
    name = api.log.add(request_body=b"\0\xff<script>", response_body=b"")
    answer = api.client().get(f"/v1/attempts/{name}/request-body")
    assert answer.content == b"\0\xff<script>"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert api.client().get(f"/v1/attempts/{name}/response-body").content == b""
    shown = api.client().get(f"/v1/attempts/{name}").json()
    assert shown["request"]["bodyEncoding"] == "base64"
    assert base64.b64decode(shown["request"]["body"]) == b"\0\xff<script>"


@pytest.mark.parametrize(
    ("kept", "why"), [("none", "not kept"), ("erased", "its tenant was erased"), ("locked", "lacks what opens it")]
)
def test_a_body_that_is_not_kept_is_said_not_to_be_and_never_shown_as_empty(
    api: MemoryApi, kept: str, why: str
) -> None:
    client = api.client()
    name = api.log.add(request_body=b"", response_body=b"", bodies=kept)
    shown = client.get(f"/v1/attempts/{name}").json()
    for part in (shown["request"], shown["response"]):
        assert (part["body"], part["bodyBytes"], part["bodyKept"], part["cut"]) == (None, None, kept, False)
    assert shown["curl"] is None
    for of in ("request", "response"):
        answer = client.get(f"/v1/attempts/{name}/{of}-body")
        assert (answer.status_code, why in answer.json()["detail"]) == (410, True)
    whole = client.get(f"/v1/attempts/{at(0)}").json()
    assert (whole["request"]["bodyKept"], whole["response"]["bodyKept"]) == ("whole", "whole")


def test_a_redacted_body_is_told_as_such_and_no_command_sends_it(api: MemoryApi) -> None:
    client = api.client()
    name = api.log.add(request_body=b'{"card":"[redacted]"}', response_body=b"", bodies="redacted")
    shown = client.get(f"/v1/attempts/{name}").json()
    assert (shown["request"]["body"], shown["request"]["bodyKept"]) == ('{"card":"[redacted]"}', "redacted")
    assert (shown["response"]["bodyKept"], shown["curl"]) == ("none", None)
    answer = client.get(f"/v1/attempts/{name}/request-body")
    assert (answer.status_code, answer.content) == (200, b'{"card":"[redacted]"}')
    assert "redacted" in answer.headers["content-disposition"]
    assert client.get(f"/v1/attempts/{name}/response-body").status_code == 410


def test_a_large_body_comes_cut_between_two_characters(api: MemoryApi) -> None:
    name = api.log.add(request_body=b"x" + "ü".encode() * 40_000)
    shown = api.client().get(f"/v1/attempts/{name}").json()["request"]
    assert (shown["cut"], shown["bodyEncoding"], shown["bodyBytes"]) == (True, "utf-8", 80_001)
    assert shown["body"] == "x" + "ü" * 32_767


@pytest.mark.parametrize(
    ("body", "header"), [(b"it's $HOME `id` \\ %s\n\n", "a'b; echo $x"), (b"\0\xff'\n", "plain"), (b"", "")]
)
def test_the_curl_command_sends_the_same_bytes(api: MemoryApi, body: bytes, header: str) -> None:
    name = api.log.add(
        request_body=body,
        url="https://example.com/a?b=[1]&c='x'",
        request_headers=(("x-own", "[redacted]"), ("x-a", header)),
    )
    command = api.client().get(f"/v1/attempts/{name}").json()["curl"]
    # curl is a function here that prints what it was given, and what it reads.
    shell = f'curl() {{ for each; do printf "%s\\0" "$each"; done; cat; }}\n{command}'
    given = subprocess.run(["sh", "-c", shell], capture_output=True, check=True, timeout=10).stdout
    words = given.split(b"\0")
    assert given.endswith(b"\0" + body)
    assert f"x-a: {header}".encode() in words
    assert b"https://example.com/a?b=[1]&c='x'" in words
    assert not any(b"redacted" in word for word in words)


@pytest.mark.parametrize("text", ["\u202egpj.exe", "\x1b[31m", "a\tb", "a\r\nb", "\u200b"])
def test_nothing_that_cannot_be_seen_is_in_a_curl_command(api: MemoryApi, text: str) -> None:
    name = api.log.add(request_body=text.encode())
    command = api.client().get(f"/v1/attempts/{name}").json()["curl"]
    assert command.isprintable()
    fed = command.partition(" | curl")[0]
    assert subprocess.run(["sh", "-c", fed], capture_output=True, check=True, timeout=10).stdout == text.encode()


def test_what_is_kept_no_longer_is_gone_and_still_listed(api: MemoryApi) -> None:
    api.log.begins = 1
    client = api.client()
    assert client.get(f"/v1/attempts/{at(0)}").status_code == 410
    path = f"/v1/attempts/{at(0)}/request-body"
    assert client.get(path).json()["detail"].endswith("kept no longer: they were for 30 days")
    api.kept_for_ms = 7_200_000
    assert client.get(path).json()["detail"].endswith("they were for 2 hours")
    api.kept_for_ms = None
    assert client.get(path).json()["detail"].endswith("kept no longer")
    assert at(0) in listed(client)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (CacheUnavailable("away"), 503),
        (KafkaBroken("away"), 503),
        (Busy("4 readers", own=True, retry_after_s=1), 429),
        (Busy("4 readers", own=False, retry_after_s=1), 503),
    ],
)
def test_what_does_not_work_is_said(api: MemoryApi, error: Exception, status: int) -> None:
    api.log.away = error
    for path in ("/v1/attempts", "/v1/deliveries", f"/v1/attempts/{at(0)}", "/v1/attempts/export"):
        answer = api.client().get(path)
        assert (answer.status_code, "Retry-After" in answer.headers) == (status, True), path


def test_an_export_has_the_rows_of_the_list_and_computes_nothing(api: MemoryApi) -> None:
    for word in ("\uff1d1", "\n=1", "=1+1", "+1", "-1", "@x", "\tx", 'a"b,c\nd'):
        api.log.add(event_type=word)
    client = api.client()
    answer = client.get("/v1/attempts/export")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))
    assert [row["id"] for row in rows] == listed(client, "limit=100")
    computed = ["'\tx", "'@x", "'-1", "'+1", "'=1+1", "'\n=1", "'\uff1d1"]
    assert [row["type"] for row in rows[:8]] == ['a"b,c\nd', *computed]
    lines = client.get("/v1/attempts/export?format=jsonl&outcome=retry").text.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [at(1)]
    assert client.get("/v1/attempts/export?outcome=delivered&type=none").content.decode().count("\n") == 1


def test_a_tenant_has_its_share_of_exports_and_gives_them_back(api: MemoryApi) -> None:
    leaving = [api.services.exports.enter("acme") for _ in range(2)]
    assert api.client().get("/v1/attempts/export").status_code == 429
    assert api.client(tenant="other").get("/v1/attempts/export").status_code == 200
    for leave in leaving:
        leave()
    for _ in range(5):
        assert api.client().get("/v1/attempts/export").status_code == 200


def test_the_log_stands_beside_each_brands_webhooks_in_its_form(api: MemoryApi) -> None:
    answer = api.client(brand="convo").get("/api/v1/attempts").json()
    assert [each["id"] for each in answer["data"]] == [f"att_3_4_{'e' * 8}"]
    assert "object" not in answer
    one = api.client(brand="convo").get(f"/api/v1/attempts/att_3_4_{'e' * 8}").json()
    assert one["data"]["object"] == "attempt"
    assert api.client(brand="featurebase").get("/v2/deliveries").json()["object"] == "list"
    assert api.client(brand="convo").get("/v1/attempts").status_code == 404
