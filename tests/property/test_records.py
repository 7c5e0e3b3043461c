"""What is written on Hookline's topics is read back equal; anything else is refused."""

from typing import Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import structs

from consumer.delivery.delivery import Attempt, Bodies, Chunk, DeadLetter, Delivery
from consumer.events.event import Event
from consumer.kafka import records
from consumer.kafka.attempt_decoding import EventPlace, Head, decode_head, decode_placed
from consumer.kafka.attempt_encoding import ATTEMPT
from consumer.kafka.delivery_decoding import decode_delivery, delivery_of
from consumer.kafka.delivery_encoding import DELIVERY
from consumer.kafka.records import Replay
from consumer.schemas import avro_history
from consumer.wire import RecordCorrupt, WireFormat
from tests.attempts import plain
from tests.deliveries import delivery

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
maybe_text = st.none() | text
long = st.integers(-(2**63), 2**63 - 1)
int32 = st.integers(-(2**31), 2**31 - 1)
headers = st.lists(st.tuples(text, text), max_size=12).map(tuple)

events = st.builds(
    Event,
    id=text,
    type=text,
    tenant=text,
    product=maybe_text,
    time_ms=long,
    data=st.binary(),
    topic=text,
    partition=int32,
    offset=long,
    timestamp_ms=long,
    traceparent=maybe_text,
    source=maybe_text,
    tracestate=maybe_text,
)
deliveries = st.builds(
    Delivery,
    id=text,
    event=events,
    subscription_id=text,
    body=st.none() | st.binary(),
    content_type=text,
    replay_id=maybe_text,
    replays=int32,
    attempts=int32,
    spills=int32,
    handed_over=st.booleans(),
    order=maybe_text,
    tier=st.just(-1),
    first_due_ms=long,
    first_attempt_ms=st.none() | long,
    last_status=st.none() | int32,
    last_reason=text,
    last_attempt_ms=st.none() | long,
    slot_ms=st.none() | long,
    waiting_since_ms=st.none() | long,
    waited_ms=long,
    climbed=int32,
    trigger=text,
    job_id=maybe_text,
)
chunks = st.builds(Chunk, event=events, subscription_ids=st.lists(text, max_size=100).map(tuple), first_due_ms=long)
dead_letters = st.builds(
    DeadLetter, delivery=deliveries, reason=text, detail=text, failed_at_ms=long, url=text, brand=text
)
time = st.none() | st.floats(allow_nan=False)
attempts = st.builds(
    Attempt,
    delivery_id=text,
    event_id=text,
    event_type=text,
    tenant=text,
    subscription_id=text,
    number=int32,
    at_ms=long,
    first_attempt_ms=st.none() | long,
    url=text,
    status=st.none() | int32,
    failure=maybe_text,
    elapsed_ms=st.floats(allow_nan=False),
    outcome=text,
    next_tier=maybe_text,
    reason=maybe_text,
    replay_id=maybe_text,
    trigger=text,
    job_id=maybe_text,
    brand=text,
    response_truncated=st.booleans(),
    failure_detail=text,
    product=maybe_text,
    content_type=text,
    event_time_ms=long,
    event_topic=text,
    event_partition=int32,
    event_offset=long,
    first_due_ms=long,
    dns_ms=time,
    connect_ms=time,
    tls_ms=time,
    first_byte_ms=time,
    bodies=st.sampled_from(Bodies) | text,
    request_headers=headers,
    response_headers=headers,
    request_body=st.binary(),
    response_body=st.binary(),
)
one_of_each = (
    (records.encode_attempt(plain), records.decode_attempt),
    (records.encode_replay(Replay(delivery_id="d", generation=1, at_ms=2)), records.decode_replay),
)


@given(deliveries)
def test_a_delivery_is_written_by_hand_as_fastavro_writes_it(each: Delivery) -> None:
    assert records.encode_delivery(each) == DELIVERY.encode(records._delivery_row(each))


def test_a_delivery_whose_text_is_no_unicode_is_not_written_as_another() -> None:
    for odd in (structs.replace(delivery(), content_type="\ud800"), structs.replace(delivery(), order="\udfff")):
        with pytest.raises(UnicodeEncodeError):
            records.encode_delivery(odd)


@given(deliveries, st.data())
def test_a_delivery_that_is_cut_or_changed_is_read_as_fastavro_reads_it_or_refused(
    each: Delivery, data: st.DataObject
) -> None:
    value = records.encode_delivery(each)
    assert decode_delivery(value, 3) == delivery_of(DELIVERY.decode(value), 3) == structs.replace(each, tier=3)
    at, byte = data.draw(st.integers(0, len(value) - 1)), data.draw(st.integers(0, 255))
    for odd in (value[:at], value[:at] + bytes((byte,)) + value[at + 1 :], value[:10] + data.draw(st.binary())):
        try:
            read = decode_delivery(odd, 3)
        except RecordCorrupt:
            continue
        assert read == delivery_of(DELIVERY.decode(odd), 3)


@given(deliveries, st.integers(0, 7))
def test_a_delivery_comes_back_with_the_tier_of_its_topic(delivery: Delivery, tier: int) -> None:
    assert records.decode_delayed(records.encode_delivery(delivery), tier) == structs.replace(delivery, tier=tier)


@given(chunks)
def test_a_chunk_comes_back_equal(chunk: Chunk) -> None:
    assert records.decode_delayed(records.encode_chunk(chunk), 0) == chunk


@given(dead_letters)
def test_a_dead_letter_comes_back_equal(dead_letter: DeadLetter) -> None:
    assert records.decode_dead_letter(records.encode_dead_letter(dead_letter)) == dead_letter


@given(st.builds(Replay, delivery_id=text, generation=int32, at_ms=long))
def test_a_replay_comes_back_equal(replay: Replay) -> None:
    assert records.decode_replay(records.encode_replay(replay)) == replay


@given(attempts)
@example(structs.replace(plain, url="x" * 5_000, request_headers=(("n" * 3_000, "v" * 70_000),)))
@example(structs.replace(plain, request_body=b"x" * 1_048_576, elapsed_ms=float("inf")))
def test_an_attempt_comes_back_equal_and_is_written_as_fastavro_writes_it(attempt: Attempt) -> None:
    value = records.encode_attempt(attempt)
    assert value == ATTEMPT.encode(_row(attempt))
    assert records.decode_attempt(value) == attempt


_fastavro_head = ATTEMPT.reading(Head.__struct_fields__)


@given(attempts)
@example(structs.replace(plain, url="x" * 5_000))
def test_the_head_of_an_attempt_is_what_fastavro_reads(attempt: Attempt) -> None:
    value = records.encode_attempt(attempt)
    head = decode_head(value)
    assert structs.asdict(head) == _fastavro_head(value)
    place = EventPlace(attempt.event_topic, attempt.event_partition, attempt.event_offset)
    assert decode_placed(value) == (head, place)


@given(attempts, st.data())
def test_a_head_that_is_cut_or_changed_is_refused_or_read_but_never_anything_else(
    attempt: Attempt, data: st.DataObject
) -> None:
    bare = structs.replace(attempt, request_headers=(), response_headers=(), request_body=b"", response_body=b"")
    value = records.encode_attempt(bare)
    at, byte = data.draw(st.integers(0, len(value) - 1)), data.draw(st.integers(0, 255))
    for odd in (value[:at], value[:at] + bytes((byte,)) + value[at + 1 :], value[:10] + data.draw(st.binary())):
        try:
            read = structs.asdict(decode_head(odd))
        except RecordCorrupt:
            continue
        try:
            whole = _fastavro_head(odd)
        except RecordCorrupt:
            continue  # what follows the head is not looked at
        assert repr(read) == repr(whole)  # as text: a changed float may be no number


def test_an_attempt_of_the_schema_before_has_its_bodies_whole() -> None:
    before = avro_history("Attempt")[1]
    known = {field["name"] for field in cast("list[dict[str, str]]", before["fields"])}
    value = WireFormat((before,)).encode({name: told for name, told in _row(plain).items() if name in known})
    assert known == {*_row(plain)} - {"bodies"}
    assert records.decode_attempt(value) == plain
    assert plain.sent == plain.request_body


def test_an_attempt_of_the_first_schema_says_what_it_said() -> None:
    earlier = WireFormat((avro_history("Attempt")[-1],))
    known = {field["name"] for field in cast("list[dict[str, str]]", avro_history("Attempt")[-1]["fields"])}
    value = earlier.encode({name: told for name, told in _row(plain).items() if name in known})
    asked = structs.replace(
        plain,
        brand="",
        event_time_ms=0,
        event_topic="",
        event_partition=-1,
        event_offset=-1,
        first_due_ms=0,
        connect_ms=None,
        tls_ms=None,
        first_byte_ms=None,
    )
    assert records.decode_attempt(value) == asked
    assert structs.asdict(decode_head(value)).items() <= structs.asdict(asked).items()


def test_a_lone_surrogate_in_a_header_does_not_stop_the_log() -> None:
    odd = structs.replace(plain, response_headers=(("x", "a\ud800b"),))
    assert records.decode_attempt(records.encode_attempt(odd)).response_headers == (("x", "a?b"),)


@given(attempts)
def test_a_shortened_attempt_keeps_all_but_its_bodies(attempt: Attempt) -> None:
    assert records.decode_attempt(records.shortened(records.encode_attempt(attempt))) == structs.replace(
        attempt, request_body=b"", response_body=b"", response_truncated=True, bodies=Bodies.NONE
    )


@given(deliveries, st.data())
def test_a_truncated_or_continued_record_is_refused(delivery: Delivery, data: st.DataObject) -> None:
    value = records.encode_delivery(delivery)
    with pytest.raises(RecordCorrupt):
        records.decode_delayed(value[: data.draw(st.integers(0, len(value) - 1))], 0)
    with pytest.raises(RecordCorrupt):
        records.decode_delayed(value + b"\0", 0)


@given(st.binary(max_size=200))
def test_garbage_is_refused_or_read_but_never_anything_else(garbage: bytes) -> None:
    head = records.encode_delivery(Delivery(id="", event=_event, subscription_id=""))[:10]
    for value in (garbage, head + garbage):
        try:
            records.decode_delayed(value, 0)
        except RecordCorrupt:
            continue
        assert value.startswith(head)


def test_one_kind_is_not_read_as_another() -> None:
    (attempt, _), (replay, _) = one_of_each
    with pytest.raises(RecordCorrupt):
        records.decode_attempt(replay)
    with pytest.raises(RecordCorrupt):
        records.decode_replay(attempt)
    with pytest.raises(RecordCorrupt):
        records.decode_delayed(attempt, 0)


def _row(attempt: Attempt) -> dict[str, Any]:
    row = structs.asdict(attempt)
    for name in ("request_headers", "response_headers"):
        row[name] = [{"name": key, "value": value} for key, value in row[name]]
    return row


_event = Event(
    id="",
    type="",
    tenant="",
    product=None,
    time_ms=0,
    data=b"",
    topic="",
    partition=0,
    offset=0,
    timestamp_ms=0,
)
