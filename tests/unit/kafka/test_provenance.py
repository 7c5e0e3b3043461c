from dataclasses import replace

from consumer.delivery.delivery import DeadLetter, Delivery
from consumer.events.event import Event, Poison, Record
from consumer.kafka.provenance import dead_letter_headers, poison_headers

RECORD = Record(
    topic="orders",
    partition=3,
    offset=2**40,
    key=b"k",
    value=b"\xff",
    headers=(("a", b"1"), ("kafka_dlt-original-topic", b"forged"), ("b", None), ("a", b"2")),
    timestamp_ms=1_763_712_000_123,
)
POISON = Poison(reason="not_json", detail="byte 0 is 0xff")


def test_the_originals_headers_stay_in_order_and_forged_ones_are_replaced() -> None:
    headers = poison_headers(RECORD, POISON)
    assert headers[:3] == (("a", b"1"), ("b", None), ("a", b"2"))
    assert [value for name, value in headers if name == "kafka_dlt-original-topic"] == [b"orders"]


def test_spring_reads_numbers_big_endian() -> None:
    headers = dict(poison_headers(RECORD, POISON))
    assert headers["kafka_dlt-original-partition"] == b"\x00\x00\x00\x03"
    assert headers["kafka_dlt-original-offset"] == b"\x00\x00\x01\x00\x00\x00\x00\x00"
    assert headers["kafka_dlt-original-timestamp"] == (1_763_712_000_123).to_bytes(8, "big")
    assert headers["kafka_dlt-exception-message"] == b"not_json: byte 0 is 0xff"
    assert headers["hookline-reason"] == b"not_json"
    assert headers["hookline-detail"] == b"byte 0 is 0xff"


def test_connect_reads_text_and_the_four_are_there_all_the_same() -> None:
    headers = dict(poison_headers(RECORD, POISON, family="connect"))
    assert headers["__connect.errors.topic"] == b"orders"
    assert headers["__connect.errors.partition"] == b"3"
    assert headers["__connect.errors.offset"] == str(2**40).encode()
    assert headers["__connect.errors.exception.message"] == b"not_json: byte 0 is 0xff"
    assert {
        "kafka_dlt-original-topic",
        "kafka_dlt-original-partition",
        "kafka_dlt-original-offset",
        "kafka_dlt-exception-message",
    } <= headers.keys()


def test_a_detail_may_quote_what_cannot_be_written_and_stays_short() -> None:
    headers = dict(poison_headers(RECORD, replace(POISON, detail="\ud800" + "x" * 10_000)))
    detail = headers["hookline-detail"]
    assert detail is not None
    assert detail.startswith(b"\\ud800x")
    assert len(detail) < 1_100


def test_a_dead_letter_names_its_event() -> None:
    event = Event(
        id="e",
        type="t",
        tenant="acme",
        product=None,
        time_ms=0,
        data=b"{}",
        topic="orders",
        partition=1,
        offset=7,
        timestamp_ms=5,
    )
    delivery = Delivery(id="d", event=event, subscription_id="wh_1")
    letter = DeadLetter(delivery=delivery, reason="gone", detail="", failed_at_ms=9, url="https://x", brand="hookline")
    headers = dict(dead_letter_headers(letter))
    assert headers["kafka_dlt-original-topic"] == b"orders"
    assert headers["kafka_dlt-original-offset"] == (7).to_bytes(8, "big")
    assert headers["kafka_dlt-exception-message"] == b"gone"
