"""The pages with everything in memory, to be looked at: python -m tests.portal_stage [PORT]. Ends with Ctrl-C.

Prints a link to each tenant: one with forty webhooks and hostile names, one with nothing at all. And where the console
is, with its key.
"""

import random
import socket
import sys
import threading
import time
from dataclasses import replace
from functools import partial

from msgspec import structs
from pydantic import SecretStr

from consumer.api.server import Server
from consumer.brands.brand import Brand
from consumer.brands.loader import load_brands
from consumer.console.supervised import Now, Pace, Process, Told, Topic, Trouble
from consumer.control.keys import USUAL_SCOPES, Scope
from consumer.control.portal_links import url_of
from consumer.control.resend_now import Again
from consumer.control.trial import Trial
from consumer.events.event import Record
from consumer.jobs.conduct import AskedJob
from consumer.jobs.job import Answered, Counts, Job, Kind, Matching, Missed, Reason, Sampled, State
from consumer.kafka.lag import Behind
from consumer.kafka.provenance import Origin
from consumer.log.archive import Kept
from consumer.log.health import Health, LastStatus
from consumer.portal.statistics import Day, Hour
from consumer.replay.poison import PoisonRecord
from consumer.settings import Settings
from consumer.standings.store import Backlog
from consumer.webhooks.subscription import Subscription
from tests.attempts import plain
from tests.dead_letters import dead_letter
from tests.memory_api import KEYS, NOW_MS, OPERATOR, OWNER
from tests.memory_jobs import idle
from tests.memory_portal import MemoryPortal

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}javascript:\u202eevil"
NAMES = (
    "Billing",
    "Warehouse",
    "CRM sync",
    "Slack bridge for the operations team in Zürich and São Paulo",
    "",
    "Analytics",
)
ORDER = (
    b'{"type":"order.paid","timestamp":"2026-03-19T14:30:00.000Z","data":{"order":42,"total":99.50,"country":"FR",'
    b'"lines":[{"sku":"A-1","n":2},{"sku":"B-7","n":1}]}}'
)
TYPES = ("order.paid", "order.sent", "user.created")


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8099
    base = f"http://localhost:{port}"
    settings = Settings(
        encryption_keys=KEYS,
        operator_key=SecretStr(OPERATOR),
        portal_url=base,
        portal_embed_origins=("http://127.0.0.1:8098",),
        api_requests_per_s=1_000,
    )
    portal = MemoryPortal(settings=settings, brands=sorted(load_brands()))
    filled(portal)
    listener = socket.create_server(("127.0.0.1", port))
    links = {
        "all": portal.link(*USUAL_SCOPES, user="Ada Lovelace", return_url="https://app.example.com/settings/hooks"),
        "empty": portal.link(*USUAL_SCOPES, tenant="empty"),
        "reading": portal.link(Scope.READ),
        **{
            name: portal.link(
                *USUAL_SCOPES,
                embed_origins=("http://127.0.0.1:8098",),
                expires_in_ms=expires_in_ms,
                return_url="https://app.example.com/settings/hooks",
            )
            for name, expires_in_ms in (("framed", 90_000), ("framed2", 3_600_000), ("framed3", 3_600_000))
        },
        **{name: portal.link(*Scope, brand=name, user="Ada") for name in sorted(load_brands())},
    }
    with Server(portal.app, listener, drain_s=1):
        for name, text in links.items():
            print(f"{name}: {url_of(base, text)}", flush=True)  # noqa: T201 # its output is its purpose
        print(f"console: {base}/console, by the key {OPERATOR}", flush=True)  # noqa: T201 # same
        threading.Event().wait()


def filled(portal: MemoryPortal) -> None:
    """Forty webhooks of acme's, a log, dead letters, statistics."""
    draw = random.Random(7)
    api = portal.api
    now_ms = time.time_ns() // 1_000_000
    api.log.began_ms = now_ms - 700_000
    api.log.as_of_ms = now_ms
    client = api.client(*Scope)
    ids: list[str] = []
    for number in range(40):
        name = (
            HOSTILE.replace("\u202e", "") if number == 3 else f"{NAMES[number % 6]} {number}" if number % 6 != 4 else ""
        )
        made = api.webhook(
            client,
            url=f"https://hooks{number}.example.com/v1/tenants/0f8c7e/incoming/webhooks/of-a-rather-long-path?key={number}",
            name=name,
            description="Everything that the accounting team needs to know." if number % 3 == 0 else "",
            topics=["*"] if number % 4 == 0 else [TYPES[number % 3], "invoice.*"],
            requestConfig={"headers": {"X-Team": "billing"}} if number % 5 == 0 else {},
            filter={"amount": [{"numeric": [">", 100]}]} if number == 0 else None,
            ordering="data.order" if number == 7 else None,
            onFailure="block" if number == 7 else None,
        )
        ids.append(made["id"])
        _condition(portal, draw, made["id"], number, now_ms)
    _log(portal, draw, ids)
    _stopped(portal, ids[7], now_ms)
    for number in range(30):
        api.dead_letters.add(
            dead_letter(number, ids[number % 7], type_=TYPES[number % 3], failed_at_ms=now_ms - number * 3_600_000)
        )
    api.plane.webhooks.pause(OWNER, ids[5])
    portal.suspend(ids[9])
    api.plane.trial = _answer
    api.plane.answer_now = partial(_answer_now, portal)
    _jobs(portal, ids, now_ms)
    _console(portal, draw, now_ms)
    for name in sorted(api.brands.keys() - {"hookline"}):
        _of_a_brand(portal, draw, api.brands[name], now_ms)


def _of_a_brand(portal: MemoryPortal, draw: random.Random, brand: Brand, now_ms: int) -> None:
    """A few webhooks and a small log of another brand's."""
    api, types = portal.api, [each.type for each in brand.catalogue] or ["page.updated"]
    client = api.client(*Scope, brand=brand.name)
    for number in range(5):
        wishes: dict[str, object] = {brand.api.list_field: types[number : number + 2]}
        made = api.webhook(client, brand.api.base_path, url=f"https://in{number}.acme.example/{brand.name}", **wishes)
        _condition(portal, draw, made["id"], number * 3, now_ms)
        for each in range(9):
            status = 503 if number == 0 and each % 3 else 200
            api.log.add(
                structs.replace(
                    plain, subscription_id=made["id"], event_type=types[each % len(types)], brand=brand.name,
                    event_id=f"{brand.name}-{number}-{each}", status=status, elapsed_ms=20 + draw.random() * 200,
                    outcome="delivered" if status == 200 else "dead", reason=None if status == 200 else "exhausted",
                    request_body=ORDER, url=made["url"],
                )
            )  # fmt: skip


def _condition(portal: MemoryPortal, draw: random.Random, id_: str, number: int, now_ms: int) -> None:
    failing, untried = number in {0, 9}, number == 12
    if untried:
        return
    at_ms = now_ms - number * 97_000 - 4_000
    portal.api.healths.known[id_] = Health(
        avg_response_ms=40 + draw.random() * 200,
        errors_since_last_success=12 if failing else 0,
        consecutive_failures=12 if failing else 0,
        last_success_at_ms=now_ms - 7_200_000 if failing else at_ms,
        last_status=LastStatus(code=503 if failing else 200, message="", at_ms=at_ms),
        failing_since_ms=now_ms - 3_600_000 if failing else None,
        last_attempt_at_ms=at_ms,
    )
    hours = tuple(
        Hour(
            delivered=0 if failing and hour > 20 else draw.randrange(0, 400),
            failed=draw.randrange(0, 60) if failing or number % 7 == 3 else 0,
            mean_ms=30 + draw.random() * 90,
        )
        for hour in range(24)
    )
    portal.statistics.known[id_] = Day(hours=hours)


def _log(portal: MemoryPortal, draw: random.Random, ids: list[str]) -> None:
    log = portal.api.log
    hostile = (
        b'{"note":"'
        + HOSTILE.replace("\u202e", "\\u202e").encode()
        + b'","total":1e309,"id":12345678901234567890,"a":[],"b":{}}'
    )
    for number in range(300):
        webhook = ids[min(39, int(draw.expovariate(0.15)))]
        type_ = TYPES[number % 3] if number != 297 else HOSTILE[:90]
        body = hostile if number % 50 == 47 else ORDER
        sent = structs.replace(
            plain,
            subscription_id=webhook,
            event_type=type_,
            event_id=f"orders-3-{18273645 + number}",
            event_time_ms=portal.api.log.began_ms + number * 1_000 - 65_000,
            first_due_ms=portal.api.log.began_ms + number * 1_000 - 64_000,
            url="https://hooks.example.com/v1/tenants/0f8c7e/incoming",
            request_body=body,
            request_headers=(
                ("content-type", "application/json"), ("user-agent", "Hookline-Webhooks/1.0"),
                ("webhook-id", f"orders-3-{18273645 + number}"), ("webhook-timestamp", "1763712000"),
                ("webhook-signature", "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="), ("X-Team", "[redacted]"),
            ),
            response_headers=(("content-type", "text/html"), ("server", "nginx"), ("x-evil", "<b>\x1b[31m</b>")),
            response_body=b"<h1>Thanks</h1>\n<script>alert(1)</script>" if number % 3 else b'{"ok":true}',
            elapsed_ms=12 + draw.random() * 180, dns_ms=3.2, connect_ms=8.4, tls_ms=14.9, first_byte_ms=60.0,
        )  # fmt: skip
        kind = number % 11
        if kind == 4:
            sent = structs.replace(sent, status=503, outcome="retry", next_tier="5m", number=3, elapsed_ms=91.0)
        elif kind == 8:
            sent = structs.replace(sent, status=None, failure="timeout", outcome="dead", reason="exhausted", number=8,
                                   elapsed_ms=10_004.0, response_body=b"", first_byte_ms=None)  # fmt: skip
        elif kind == 9:
            sent = structs.replace(sent, status=None, failure="dns", outcome="retry", next_tier="5s", response_body=b"")
        elif number % 37 == 5:
            sent = structs.replace(sent, trigger="test", event_type="webhook.test")
        log.add(sent)


def _stopped(portal: MemoryPortal, webhook: str, now_ms: int) -> None:
    """Three keys of an ordered webhook have stopped; of one nobody knows by which delivery."""
    portal.api.backlogs.known[webhook] = Backlog(waiting=12, until_ms=now_ms + 60_000, blocked=3)
    answers: tuple[dict[str, object], ...] = ({"status": 500}, {"status": None, "failure": "timeout"})
    for number, answer in enumerate(answers):
        dead = structs.replace(
            plain, subscription_id=webhook, event_type=(HOSTILE[:90], "order.paid")[number], outcome="dead",
            reason="blocked", number=8, event_id=f"orders-3-{77 + number}", request_body=ORDER, **answer,
        )  # fmt: skip
        portal.api.log.add(dead, at_ms=portal.now_ms() - number)


def _console(portal: MemoryPortal, draw: random.Random, now_ms: int) -> None:
    """A machine with a role that waits, groups that are behind, poison, and tenants."""
    for number in range(30):
        name = ("globex", "Initech GmbH & Co. KG", "umbrella-corporation-europe-middle-east-and-africa")[number % 3]
        client = portal.api.client(tenant=f"{name}-{number}")
        for _ in range(draw.randrange(4)):
            portal.api.webhook(client, url=f"https://in.{number}.example.com/hooks")
    console = portal.console
    console.index = replace(console.index, since_ms=now_ms - 86_400_000, as_of_ms=now_ms - 1_800, filling=2)
    roles = [("deliver", 3), ("retry", 2), ("projection", 1), ("log", 1), ("api", 1), ("jobs", 1)]
    processes = [
        Process(role=role, slot=slot, running=True, reasons=[], restarts=0, silent_for_s=0.3)
        for role, slots in roles
        for slot in range(slots)
    ]
    processes[4] = structs.replace(processes[4], reasons=["it is no member of its group yet"], restarts=2)
    processes[-1] = structs.replace(processes[-1], running=False, reasons=["it is not running"], silent_for_s=None)
    topics = [
        Topic(topic="orders", unfinished=1_204, oldest_age_s=3.1),
        Topic(topic="hookline.retry.5s", unfinished=31, oldest_age_s=4.0),
        Topic(topic="hookline.retry.5m", unfinished=310, oldest_age_s=900.0),
    ]
    told = Told(
        version="1.0", processes=processes, topics=topics, attempts={"delivered": 1.0}, events={"matched": 1.0},
        troubles=[Trouble(role="retry", what="redis unreachable", for_s=75.0)],
    )  # fmt: skip
    console.told = Now(told=told, pace=Pace(over_s=2.0, events=812.5, attempts=1_630.0, accepted=0.987))
    lags = [("events", "orders", 12, 100), ("events", "users", 6, 0), ("log", "hookline.attempts", 12, 40)]
    lags += [("retry", f"hookline.retry.{delay}", 12, 60) for delay in ("0s", "5s", "5m")]
    console.behind = [
        Behind(
            group=f"hookline.{group}", topic=topic, partition=partition, committed=1_000, told="",
            end=1_000 + (draw.randrange(most) if most else 0),
        )
        for group, topic, partitions, most in lags
        for partition in range(partitions)
    ]  # fmt: skip
    bad = Record(
        topic="orders", partition=3, offset=18_273_645, key=b"k", value=b"{", headers=(), timestamp_ms=now_ms - 90_000
    )
    for reason in ("not_json", "no_tenant"):
        origin = Origin(
            topic="orders", partition=3, offset=18_273_645, timestamp_ms=now_ms - 90_000, reason=reason,
            detail="expecting value: line 1 column 1 (char 0) <b>", left_out_bytes=0,
        )  # fmt: skip
        console.poison.append(PoisonRecord(record=bad, headers=(), origin=origin))


def _jobs(portal: MemoryPortal, ids: list[str], now_ms: int) -> None:
    """One in each state; and a role that counts, and sends some of it whenever it is looked at."""
    desk, sample = portal.api.jobs, tuple(
        Sampled(event_id=f"orders-3-{number}", event_type=TYPES[number % 3], at_ms=now_ms - number * 60_000)
        for number in range(5)
    )  # fmt: skip
    counts = Counts(
        looked=52_310,
        matched=1_250,
        sent=640,
        skipped={"delivered": 40, "waiting": 7},
        types={"order.paid": 800, "order.sent": 403},
    )
    for number, state in enumerate(each for each in State if each is not State.REFUSED):
        stopped = state in {State.PAUSED, State.FAILED}
        id_ = desk.put(
            OWNER,
            ids[number],
            state=state,
            kind=Kind.RECOVER if number % 2 else Kind.REPLAY,
            subject=Missed(since_ms=now_ms - 7_200_000, until_ms=now_ms)
            if number % 2
            else Matching(types=("order.*",)),
            created_at_ms=now_ms - (9 - number) * 600_000,
            counts=Counts() if state in {State.COUNTING, State.COUNTED} else counts,
            counted=replace(counts, sent=0),
            reached_ms=now_ms - 3_000_000,
            sample=sample,
            reason=(Reason.ENDPOINT_FAILS if state is State.PAUSED else Reason.TOO_MANY) if stopped else None,
            started_at_ms=None if state in {State.COUNTING, State.COUNTED} else now_ms - 300_000,
            finished_at_ms=now_ms - 60_000 if state in {State.DONE, State.CANCELED, State.FAILED} else None,
        )
        desk.made_of[id_] = Answered(tried=600, attempts=640, delivered=560, failed=12, streak=0)
    desk.role, desk.later = idle, partial(_goes_on, sample)


def _goes_on(sample: tuple[Sampled, ...], known: AskedJob) -> Job:
    job = known.job
    match job.state:
        case State.COUNTING:
            looked = 0 if job.counted is None else job.counted.looked
            counted = Counts(looked=looked + 20_000, matched=looked // 40, skipped={"delivered": looked // 900})
            state = State.COUNTED if looked > 40_000 else State.COUNTING
            return replace(job, state=state, counted=counted, sample=sample, reached_ms=NOW_MS)
        case State.RUNNING if job.counts.sent < 1_000:
            sent = job.counts.sent + 100
            return replace(job, counts=replace(job.counts, looked=sent * 40, matched=sent, sent=sent), sample=sample)
        case State.RUNNING:
            return replace(job, state=State.DONE, finished_at_ms=NOW_MS)
        case _:
            return job


def _answer_now(portal: MemoryPortal, again: Again) -> Kept:
    delivery = again.delivery
    made = structs.replace(
        plain, subscription_id=delivery.subscription_id, delivery_id=delivery.id, number=delivery.attempts + 1,
        trigger="resend", status=503, outcome="dead", event_type=delivery.event.type, event_id=delivery.event.id,
        elapsed_ms=91.0, response_body=b'{"error":"<b>still down</b>"}',
    )  # fmt: skip
    portal.api.log.add(made, delivery_id=delivery.id)
    return Kept(partition=3, offset=len(portal.api.log.attempts) - 1, logged_ms=made.at_ms, attempt=made)


def _answer(subscription: Subscription, event_type: str) -> Trial:
    del subscription
    return Trial(
        event_id="test_1",
        event_type=event_type,
        status=500,
        body=b'{"error":"no such <order>"}',
        truncated=False,
        error="the endpoint answered 500",
        elapsed_ms=183.2,
        attempt_id=None,
    )


if __name__ == "__main__":
    main()
