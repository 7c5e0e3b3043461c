from typing import get_args

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consumer.delivery.delivery import DeadLetter, Delivery
from consumer.events.event import Event, Poison, Record
from consumer.kafka.provenance import Family, Origin, dead_letter_headers, poison_headers, told_apart

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


@given(
    headers=st.lists(
        st.tuples(
            st.sampled_from(
                ["a", "kafka_dlt-x", "hookline-left-out-bytes", "__connect.errors.topic", "hookline-reason"]
            ),
            st.none() | st.binary(max_size=4),
        )
    ),
    left_out_bytes=st.sampled_from([0, 7]),
    family=st.sampled_from(get_args(Family)),
)
def test_a_poison_record_is_told_apart_from_what_we_wrote_beside_it(
    headers: list[tuple[str, bytes | None]], left_out_bytes: int, family: Family
) -> None:
    record = replace(RECORD, headers=tuple(headers))
    written = poison_headers(record, POISON, left_out_bytes=left_out_bytes, family=family)
    origin, own = told_apart(written)
    ours = {name for name, _ in poison_headers(replace(RECORD, headers=()), POISON, left_out_bytes=1, family=family)}
    assert own == tuple(each for each in headers if each[0] not in ours)
    assert origin == Origin(
        topic="orders",
        partition=3,
        offset=2**40,
        timestamp_ms=RECORD.timestamp_ms if family == "kafka_dlt" else None,
        reason="not_json",
        detail="byte 0 is 0xff",
        left_out_bytes=left_out_bytes,
    )


def test_headers_that_another_program_spoiled_tell_nothing_and_stay() -> None:
    whole = poison_headers(RECORD, POISON, left_out_bytes=9)
    for name in {name for name, _ in whole} & {
        "kafka_dlt-original-topic",
        "kafka_dlt-original-partition",
        "kafka_dlt-original-offset",
        "hookline-reason",
        "hookline-detail",
        "hookline-left-out-bytes",
    }:
        spoiled = tuple((each, b"\xff" if each == name else value) for each, value in whole)
        assert told_apart(spoiled) == (None, spoiled), name
    negative = tuple((each, b"\xff" * 8 if each.endswith("-offset") else value) for each, value in whole)
    assert told_apart(negative) == (None, negative)
    assert told_apart(()) == (None, ())
    assert told_apart((("kafka_dlt-original-topic", None),)) == (None, (("kafka_dlt-original-topic", None),))
