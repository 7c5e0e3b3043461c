"""Records that can never become events lie in `poison` as they came, and stop or bloat nothing."""

import json
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from confluent_kafka import KafkaError, Message, Producer

from consumer.events.event import Record
from consumer.events.reasons import PoisonReason
from tests.acceptance.conftest import BuildStage
from tests.acceptance.deadline import until
from tests.acceptance.happenings import Encoder, Form, Happening, Hook, owed
from tests.acceptance.ledger import judge, shown
from tests.acceptance.stage import Stage

Headers: TypeAlias = tuple[tuple[str, bytes | None], ...]
Place: TypeAlias = tuple[int, int]

MIB = 1_048_576
PARTITIONS = 2
GOOD = 600
TOMBSTONES = 7
GROWTH_MB = 120  # what fetching and forwarding 10 MB records may cost for a while; keeping them would cost more
NO_SUCH_SCHEMA = 2_147_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Hostile:
    """A record as a producer may send it by mistake or on purpose."""

    value: bytes
    headers: Headers = ()
    key: bytes | None = b"key \x00\xff"


def _envelope(**members: object) -> bytes:
    return json.dumps({"id": "h", "type": "a.b", "tenant": "acme", "data": {}} | members).encode()


def _without(name: str) -> bytes:
    members = {"id": "h", "type": "a.b", "tenant": "acme", "data": {}}
    del members[name]
    return json.dumps(members).encode()


def _cloudevent(**changes: bytes | None) -> Headers:
    attributes: dict[str, bytes | None] = {
        "ce_specversion": b"1.0",
        "ce_id": b"1",
        "ce_source": b"/x",
        "ce_type": b"a.b",
        "ce_subject": b"acme",
    }
    for name, value in changes.items():
        if value is None:
            del attributes[name]
        else:
            attributes[name] = value
    return tuple(attributes.items())


def hostile(avro: bytes) -> list[Hostile]:
    """Sixty of them; `avro` is a good event in single-object encoding."""
    bodies = [
        # not JSON, not text, not anything
        b"",
        b" ",
        b"garbage",
        b"\xff\xfe\x00\x01",
        bytes(range(256)),
        b"\xef\xbb\xbf" + _envelope(),
        _envelope().decode().encode("utf-16"),
        _envelope()[:-1],
        _envelope() + b"}",
        _envelope() + _envelope(),
        b'{"type":"a.b","tenant":"acme","data":NaN}',
        b'{"type":"a.b","tenant":"acme","data":[Infinity]}',
        b'{"type":"a.b","tenant":"acme","data":"\\ud800"}',
        b'{"type":"a.b","tenant":"\\udfff","data":1}',
        b'{"type":"a.b","tenant":"ac\xc3","data":1}',
        b"{'type':'a.b','tenant':'acme'}",
        b'{"type":"a.b","tenant":"acme","data":01}',
        b'{"type":"a.b","tenant":"acme",}',
        # JSON, but no event
        b"null",
        b"true",
        b"[]",
        b'"text"',
        b"1e999",
        b"{}",
        _without("type"),
        _without("tenant"),
        _envelope(type=7),
        _envelope(tenant=7),
        _envelope(tenant=["acme"]),
        _envelope(tenant=""),
        _envelope(tenant="x" * 201),
        _envelope(tenant="a\nb"),
        _envelope(type="a\x00b"),
        _envelope(id=5),
        _envelope(id=""),
        _envelope(id="i" * 201),
        _envelope(product={}),
        _envelope(time="yesterday"),
        _envelope(time="2026-01-31T12:00:00"),
        _envelope(time=10**30),
        b'{"type":"a.b","tenant":"acme","tenant":"globex","data":1}',
        # too much of it
        b'{"type":"a.b","tenant":"acme","data":' + b"[" * 65 + b"]" * 65 + b"}",
        b'{"type":"a.b","tenant":"acme","data":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        _envelope(data="x" * (MIB + 1)),
        _envelope(data="x" * (10 * MIB)),
        b"\x00" * (10 * MIB),
        # Avro
        b"\x00",
        b"\x00\x00\x00",
        b"\x00" + struct.pack(">i", NO_SUCH_SCHEMA) + b"x",
        b"\x00" + struct.pack(">i", -1) + b"x",
        b"\xc3\x01",
        b"\xc3\x01" + b"\x00" * 8 + b"x",
        avro[: len(avro) // 2],
        avro + b"\x00",
    ]
    declared = [
        Hostile(value=b"{}", headers=_cloudevent(ce_source=None)),
        Hostile(value=b"{}", headers=_cloudevent(ce_subject=None)),
        Hostile(value=b"{}", headers=_cloudevent(ce_specversion=b"0.3")),
        Hostile(value=b"[]", headers=(("content-type", b"application/cloudevents-batch+json"),)),
        Hostile(
            value=b'{"no": "type"}',
            key=None,
            # A forged provenance, a header without a value, one of a name twice and one that is no text.
            headers=(
                ("kafka_dlt-original-topic", b"forged"),
                ("empty", None),
                ("twice", b"1"),
                ("twice", b"2"),
                ("odd", b"\xff\x00"),
            ),
        ),
    ]
    return [Hostile(value=body, headers=(("n", b"%d" % n),)) for n, body in enumerate(bodies)] + declared


def test_sixty_hostile_records_among_good_ones(build_stage: BuildStage, registry_url: str) -> None:
    stage = build_stage(
        registry_url=registry_url, partitions=PARTITIONS, event_config={"max.message.bytes": str(12 * MIB)}
    )
    encoder = Encoder(stage.event_topic)
    bad = hostile(encoder(Happening(n=0, type="a.b", tenant="acme", form=Form.SINGLE_OBJECT))[0])
    assert len(bad) == 60
    hook = Hook(name="all", tenant="acme")
    with (
        stage.receiving([hook]) as receiver,
        stage.running("--processes", "1") as running,
        stage.publisher() as publisher,
    ):
        running.assigned("deliver")
        publisher.publish(_good(range(50)))
        publisher.flush()
        until(
            lambda: receiver.read() is not None and len(receiver.receipts) >= 50,
            within_s=30,
            missing=lambda: running.tail,
        )
        before_mb = running.rss_mb("deliver")
        most_mb = before_mb
        places = _sent(stage, bad)
        publisher.publish(_good(range(50, GOOD)))
        promises = owed(publisher.flush(), [hook])

        def ended() -> bool:
            nonlocal most_mb
            most_mb = max(most_mb, running.rss_mb("deliver"))
            receiver.read()
            return not judge(promises, receiver.receipts).lost and not stage.unfinished()

        until(
            ended,
            within_s=60,
            every_s=0.2,
            missing=lambda: f"{judge(promises, receiver.receipts).broken()} {stage.unfinished()}\n{running.tail}",
        )
        assert running.stop()[0] == 0, running.tail
        receiver.read()
        verdict = judge(promises, receiver.receipts, stage.buried())
        poison = {_source(each): each for each in stage.read(stage.topics.poison)}
        counted = running.said("counters", role="deliver")[-1]["total"]

    assert verdict.broken() == ""
    assert verdict.duplicates == {}
    assert poison.keys() == places.keys(), f"not in poison: {shown(places[each] for each in places.keys() - poison)}"
    for place, sent in places.items():
        _as_it_came(sent, poison[place], stage.event_topic)
    assert isinstance(counted, dict)
    assert counted["poison"] == len(bad)
    assert counted["dropped{tombstone}"] == TOMBSTONES
    assert most_mb - before_mb < GROWTH_MB, f"{before_mb:.0f} MB before, {most_mb:.0f} MB at most"


def _good(numbers: Iterable[int]) -> list[Happening]:
    forms = (Form.JSON, Form.SINGLE_OBJECT, Form.REGISTRY, Form.CLOUDEVENTS_BINARY, Form.OWN_AVRO)
    return [
        Happening(n=n, id=f"good-{n}", type="a.b", tenant="acme", form=forms[n % len(forms)], time_ms=1_790_000_000_000)
        for n in numbers
    ]


def _sent(stage: Stage, bad: list[Hostile]) -> dict[Place, Hostile]:
    """Publish them, with tombstones in between; where each of them lies."""
    producer = Producer(
        {"bootstrap.servers": stage.settings.kafka["bootstrap.servers"], "message.max.bytes": 12 * MIB, "acks": "all"}
    )
    places: dict[Place, Hostile] = {}
    for number, each in enumerate(bad):

        def acknowledged(error: KafkaError | None, message: Message, of: Hostile = each) -> None:
            assert error is None, error
            partition, offset = message.partition(), message.offset()
            assert partition is not None
            assert offset is not None
            places[partition, offset] = of

        producer.produce(
            stage.event_topic,
            each.value,
            each.key,
            partition=number % PARTITIONS,
            headers=list(each.headers),
            on_delivery=acknowledged,
        )
        if number < TOMBSTONES:
            producer.produce(stage.event_topic, None, b"gone", partition=number % PARTITIONS)
        producer.poll(0)
    assert producer.flush(30) == 0
    return places


def _source(poison: Record) -> Place:
    headers = dict(poison.headers)
    partition, offset = headers["kafka_dlt-original-partition"], headers["kafka_dlt-original-offset"]
    assert partition is not None
    assert offset is not None
    return struct.unpack(">i", partition)[0], struct.unpack(">q", offset)[0]


def _as_it_came(sent: Hostile, poison: Record, topic: str) -> None:
    """Key and value byte for byte, the original headers in their order, then ours, with a reason."""
    assert poison.key == sent.key
    assert poison.value == sent.value
    ours = dict(poison.headers)
    assert ours["kafka_dlt-original-topic"] == topic.encode()
    assert (ours["hookline-reason"] or b"").decode() in set(PoisonReason), (sent.value[:80], ours)
    assert ours["hookline-detail"], sent.value[:80]
    assert ours["kafka_dlt-exception-message"]
    kept = tuple(header for header in sent.headers if header[0] != "kafka_dlt-original-topic")
    assert poison.headers[: len(kept)] == kept
