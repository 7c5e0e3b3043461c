"""The head of an attempt is read by hand because it is read of every attempt."""

import time
from collections.abc import Callable

import pytest
from msgspec import structs

from consumer.kafka.attempt_decoding import Head, decode_head
from consumer.kafka.attempt_encoding import ATTEMPT, encode_attempt
from consumer.wire import RecordCorrupt
from tests.attempts import plain

USUAL = structs.replace(
    plain,
    delivery_id="5f0c6d0e9b7a4c1d8e2f3a4b5c6d7e8f",
    event_id="orders-3-18273645",
    subscription_id="wh_01a0c3f2d800b4e1f0a99c3d77e2",
    request_headers=tuple((f"header-name-{number}", "v" * 24) for number in range(7)),
    response_headers=tuple((f"header-name-{number}", "v" * 24) for number in range(5)),
    request_body=b"x" * 1_024,
)


def test_it_takes_at_most_two_thirds_of_what_fastavro_takes() -> None:
    value = encode_attempt(USUAL)
    by_fastavro = ATTEMPT.reading(Head.__struct_fields__)
    times: dict[Callable[[bytes], object], list[float]] = {decode_head: [], by_fastavro: []}
    for _ in range(20):  # they take turns: whatever else this machine does befalls both
        for read, taken in times.items():
            began_s = time.process_time()
            for _ in range(200):
                read(value)
            taken.append(time.process_time() - began_s)
    assert min(times[decode_head]) < min(times[by_fastavro]) * 2 / 3


def test_what_follows_the_head_is_not_looked_at() -> None:
    value = encode_attempt(USUAL)
    assert decode_head(value[:-1_100]) == decode_head(value)
    with pytest.raises(RecordCorrupt, match="malformed"):
        decode_head(value[:60])
    with pytest.raises(RecordCorrupt, match="no schema of this record"):
        decode_head(b"{}")
