"""What is sealed with a tenant's data key is opened equal, or not at all."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from consumer.data_keys.data_key import DataKey
from consumer.data_keys.sealing import Sealing
from consumer.delivery.delivery import Attempt, Delivery
from consumer.kafka import records
from consumer.kafka.attempt_decoding import decode_head, decode_placed
from consumer.kafka.attempt_sealing import put_together
from consumer.kafka.newer import is_newer
from consumer.kafka.sealed import OVERHEAD_BYTES, SEALED, clear_of, is_sealed, key_id_of
from consumer.wire import RecordCorrupt
from tests.property.test_records import attempts, deliveries

ID: Final = bytes(range(8))
SECRET: Final = bytes(range(32))
SEALS: Final = Sealing(lambda tenant: DataKey(ID, tenant, SECRET))
KEY: Final = DataKey(ID, "acme", SECRET)


@given(plain=st.binary(max_size=2_000), clear=st.binary(max_size=200), deflate=st.booleans())
def test_what_is_sealed_is_opened_equal_and_is_the_record_that_its_schema_says(
    plain: bytes, clear: bytes, *, deflate: bool
) -> None:
    value = KEY.sealed(plain, clear=clear, deflate=deflate)
    assert KEY.opened(value) == plain
    assert (is_sealed(value), is_newer(value), key_id_of(value), clear_of(value)) == (True, False, ID, clear)
    row = SEALED.decode(value)
    assert (row["key_id"], row["clear"], len(row["nonce"])) == (ID, clear, 12)
    assert row["deflated"] is (deflate and len(plain) >= 256)
    assert len(plain) < 8 or plain not in row["sealed"]
    assert row["deflated"] or len(value) <= len(plain) + len(clear) + OVERHEAD_BYTES


@given(
    plain=st.binary(min_size=1, max_size=600),
    clear=st.binary(max_size=50),
    deflate=st.booleans(),
    at=st.integers(min_value=0),
    change=st.integers(1, 255),
)
def test_a_change_of_any_byte_is_found(plain: bytes, clear: bytes, at: int, change: int, *, deflate: bool) -> None:
    value = bytearray(KEY.sealed(plain, clear=clear, deflate=deflate))
    value[at % len(value)] ^= change
    changed = bytes(value)
    if not is_sealed(changed) or key_id_of(changed) != ID:
        return  # it is none of ours, or says that another key sealed it
    with pytest.raises(RecordCorrupt):
        KEY.opened(changed)


@given(plain=st.binary(max_size=600), cut=st.integers(min_value=1))
def test_what_is_cut_or_followed_by_something_is_found(plain: bytes, cut: int) -> None:
    value = KEY.sealed(plain)
    for spoiled in (value[: -(cut % len(value)) or None] if cut % len(value) else b"", value + b"\x00"):
        if is_sealed(spoiled):
            with pytest.raises(RecordCorrupt):
                KEY.opened(spoiled)


def test_another_tenants_key_opens_nothing() -> None:
    value = KEY.sealed(b"an order")
    with pytest.raises(RecordCorrupt, match="changed"):
        DataKey(ID, "other", bytes(32)).opened(value)


@given(deliveries)
def test_a_delivery_that_was_sealed_is_the_same_delivery(delivery: Delivery) -> None:
    value = records.encode_delivery(delivery)
    assert KEY.opened(SEALS.whole(delivery.event.tenant, value)) == value


@given(attempts)
def test_an_attempt_that_was_sealed_is_the_same_attempt(attempt: Attempt) -> None:
    plain = records.encode_attempt(attempt)
    value = SEALS.attempt(attempt.tenant, plain)
    clear = records.decode_clear(value)
    assert put_together(clear, KEY.opened(value)) == attempt
    assert decode_head(value) == replace(decode_head(plain), url=attempt.url.partition("?")[0])
    assert decode_placed(value)[1] == decode_placed(plain)[1]
    assert clear == replace(
        attempt,
        url=attempt.url.partition("?")[0],
        failure_detail="",
        request_headers=(),
        response_headers=(),
        request_body=b"",
        response_body=b"",
    )


@given(attempts)
def test_a_sealed_attempt_that_is_too_large_is_written_without_its_contents(attempt: Attempt) -> None:
    value = SEALS.attempt(attempt.tenant, records.encode_attempt(attempt))
    short = records.decode_attempt(records.shortened(value))
    assert short == replace(records.decode_clear(value), response_truncated=True, bodies="none")


def test_no_nonce_comes_twice_also_behind_the_end_of_the_count() -> None:
    drawn = iter([b"firstdrw", b"seconddr"])
    key = DataKey(ID, "acme", SECRET, draw=lambda _: next(drawn), count=2**32 - 2)
    nonces = [SEALED.decode(key.sealed(b""))["nonce"] for _ in range(4)]
    assert nonces == [
        b"firstdrw\xff\xff\xff\xfe",
        b"firstdrw\xff\xff\xff\xff",
        b"seconddr\x00\x00\x00\x00",
        b"seconddr\x00\x00\x00\x01",
    ]
