"""What one tenant's event, endpoint or producer sends costs the others nothing: one Hookline, all of them at once.

Each of these inputs alone is held by a test at the layer that reads it. Here they come together, on real processes: no
process may end, and a tenant that did nothing gets its events as on any other day.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import Producer

from consumer.events.event import Record
from consumer.kafka.records import decode_attempt
from tests.acceptance.conftest import BuildStage
from tests.acceptance.deadline import until
from tests.acceptance.happenings import Happening, Hook, owed
from tests.acceptance.ledger import judge
from tests.acceptance.stage import Stage, new_secret
from tests.hostile import raw_producer
from tests.hostile.answers import Ending, Played
from tests.hostile.endpoint import HostileEndpoint

GOOD = 300
EVENTS_OF_ITS_OWN = 5  # for each hostile endpoint
ZEROS = "0" * 1_330_000  # with zstd far below the 1 MB that a topic takes by default

ODD_BUT_WHOLE = b"HTTP/1.1 200 OK\r\nHTTP/x: 1\r\nContent-Length: 0\r\n\r\n"
ANSWERS = (
    b"HTTP/1.1 200OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 503 x\r\nRetry-After: Mon, 1 Jan 99999999999999999999 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 503 x\r\nRetry-After: " + b"9" * 5_000 + b"\r\nContent-Length: 0\r\n\r\n",
    ODD_BUT_WHOLE,
    b"HTTP/1.1 200 OK\r\nX: " + b"\xff" * 40 + b"\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01",
)


def test_hostile_events_endpoints_and_records_stop_nobody_else(build_stage: BuildStage) -> None:
    stage = build_stage(partitions=2)
    quiet = Hook(name="quiet", tenant="quiet")
    filtered = Hook(name="filtered", tenant="filtered", filter_json='{"n": [{"numeric": ["<", 5]}]}')
    with (
        _answering() as hostile,
        stage.receiving([quiet, filtered]) as receiver,
        stage.running("--processes", "1") as running,
        stage.publisher() as publisher,
    ):
        urls = (f"http://127.0.0.1:{hostile.port}/{number}" for number in range(len(ANSWERS)))
        stage.subscribe((hook, url, new_secret()) for hook, url in zip(_neighbours(), urls, strict=True))
        running.assigned("deliver")
        running.assigned("retry")
        publisher.publish(_good(range(GOOD // 2)))
        publisher.flush()
        _send_hostile(stage)
        publisher.publish(_good(range(GOOD // 2, GOOD)))
        promises = owed([each for each in publisher.flush() if each.happening.tenant == "quiet"], [quiet])

        def delivered() -> bool:
            receiver.read()
            return not judge(promises, receiver.receipts).lost and not _uncommitted(stage)

        until(delivered, within_s=60, every_s=0.5, missing=lambda: f"{_uncommitted(stage)}\n{running.tail}")
        assert running.stop()[0] == 0, running.tail
        receiver.read()
        assert [line for line in running.said("process ended") if line["code"] != 0] == [], running.tail
    mine = [each for each in receiver.receipts if each.endpoint == "quiet"]
    assert judge(promises, mine, stage.buried()).duplicates == {}
    # A number too large to compare meets no numeric rule; the event behind it is delivered.
    assert [json.loads(each.body)["data"] for each in receiver.receipts if each.endpoint == "filtered"] == [{"n": 1}]
    attempts = [decode_attempt(each.value or b"") for each in stage.read(stage.topics.attempts)]
    for number, hook in enumerate(_neighbours()):
        outcomes = {attempt.outcome for attempt in attempts if attempt.subscription_id == hook.name}
        if ANSWERS[number] == ODD_BUT_WHOLE:  # one that was under way at the end may have been handed over
            assert "delivered" in outcomes
        else:
            assert outcomes
            assert outcomes <= {"retry", "dead"}
    assert sorted(_reason(each) for each in stage.read(stage.topics.poison)) == ["too_large", "undecodable"]


def _uncommitted(stage: Stage) -> dict[tuple[str, int], int]:
    places = stage.positions("deliver", [stage.event_topic])
    return {place: each.end - each.committed for place, each in places.items() if each.end > each.committed}


@contextmanager
def _answering() -> Iterator[HostileEndpoint]:
    plays = {number: Played((answer,), Ending.CLOSE) for number, answer in enumerate(ANSWERS)}
    with HostileEndpoint(plays) as endpoint:
        yield endpoint


def _neighbours() -> list[Hook]:
    return [Hook(name=f"hostile-{number}", tenant=f"hostile-{number}") for number in range(len(ANSWERS))]


def _good(numbers: range) -> list[Happening]:
    return [
        Happening(n=n, type="a.b", tenant=tenant)
        for n in numbers
        for tenant in ("quiet", *(hook.tenant for hook in _neighbours() if n < EVENTS_OF_ITS_OWN))
    ]


def _send_hostile(stage: Stage) -> None:
    bootstrap = stage.settings.kafka["bootstrap.servers"]
    producer = Producer({"bootstrap.servers": bootstrap, "compression.type": "zstd", "message.max.bytes": 4_000_000})
    for data in ("[1e309]", '{"n": 1e309}', f'{{"n": {"9" * 5_000}}}', '{"n": 1}', f'"{ZEROS}"'):
        producer.produce(stage.event_topic, f'{{"type":"a","tenant":"filtered","data":{data}}}'.encode())
    assert producer.flush(30) == 0
    raw_producer.write(bootstrap, stage.event_topic, b'{"type":"a","tenant":"quiet","data":1}', [(b"\xff", b"x")])


def _reason(poison: Record) -> str:
    return (dict(poison.headers)["hookline-reason"] or b"").decode()
