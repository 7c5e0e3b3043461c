from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.webhooks.history import Deletion
from consumer.webhooks.record import decode, encode, rewrite_of, state_of
from consumer.webhooks.subscription import FormerSecret, OnFailure, SealedSecret, Status, Subscription, Unblock
from consumer.webhooks.works import signed
from consumer.wire import RecordCorrupt
from tests.webhook_samples import subscription

FULL = subscription(
    product="p",
    event_types=("a", "b.*"),
    filter_json='{"a": [1]}',
    former_secrets=(FormerSecret(secret=SealedSecret(key_id="k0", sealed=b"\x00\xff"), until_ms=5),),
    status=Status.SUSPENDED,
    header_names=("X-A",),
    sealed_headers=SealedSecret(key_id="k1", sealed=b"h"),
    rate_per_s=0.5,
    max_concurrency=3,
    ordering="data.order.id",
    on_failure=OnFailure.BLOCK,
    unblocks=(Unblock(at_ms=7, drop=True), Unblock(at_ms=8, drop=False, delivery_id="ab")),
    revision=7,
    changes=6,
    works=("0" * 28, "a" * 28),
    uid="billing",
    metadata=(("team", "a"), ("b", "")),
)


@pytest.mark.parametrize("each", [subscription(), FULL])
def test_what_is_encoded_is_decoded_equal(each: Subscription) -> None:
    assert decode(encode(each)) == each
    assert encode(each)[:2] == b"\xc3\x01"


def test_truncated_or_followed_is_corrupt() -> None:
    value = encode(FULL)
    for cut in range(len(value)):
        with pytest.raises(RecordCorrupt):
            decode(value[:cut])
    with pytest.raises(RecordCorrupt, match="follow"):
        decode(value + b"\x00")


@given(st.binary(max_size=200))
def test_any_bytes_behind_the_head_are_read_or_refused(tail: bytes) -> None:
    try:
        decode(encode(FULL)[:10] + tail)
    except RecordCorrupt:
        return


@pytest.mark.parametrize("value", [b"", b"{}", b"\xc3\x01", b"\xc3\x01" + b"\x00" * 20])
def test_other_encodings_are_corrupt(value: bytes) -> None:
    with pytest.raises(RecordCorrupt):
        decode(value)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("rate_per_s", 1e-306),
        ("rate_per_s", float("nan")),
        ("rate_per_s", 1e308),
        ("timeout_ms", 999),
        ("timeout_ms", 2**31 - 1),
        ("max_concurrency", 0),
        ("ordering", "topic"),
        ("max_concurrency", -(2**31)),
        ("created_at_ms", 2**63 - 1),
        ("updated_at_ms", -(2**63)),
        ("status_since_ms", 2**63 - 1),
        ("revision", 2**31 - 1),
        ("changes", -1),
    ],
)
def test_a_number_out_of_range_is_corrupt(name: str, number: float) -> None:
    with pytest.raises(RecordCorrupt, match=name):
        decode(encode(replace(FULL, **{name: number})))  # type: ignore[arg-type] # a field of numbers


def test_a_filter_that_does_not_compile_is_corrupt() -> None:
    with pytest.raises(RecordCorrupt, match="filter"):
        decode(encode(subscription(filter_json='{"a": 1}')))


@pytest.mark.parametrize("works", [("0" * 27,), ("g" * 28,), ("0" * 28,) * 9])
def test_works_that_are_none_are_corrupt(works: tuple[str, ...]) -> None:
    with pytest.raises(RecordCorrupt, match="works"):
        decode(encode(subscription(works=works)))


def test_a_deletion_keeps_the_name_of_its_request() -> None:
    deleted = signed(Deletion(id="wh_1", tenant="acme", changes=3, revision=4), "a" * 28)
    written = rewrite_of(deleted)
    read = state_of(written.key, written.value, written.headers)
    assert isinstance(read, Deletion)
    assert (read.work, dict(written.headers)["hookline-work"]) == ("a" * 28, b"a" * 28)


@pytest.mark.parametrize("state", [FULL, Deletion(id="wh_1", tenant="ä", changes=3, revision=4)])
def test_a_state_survives_the_topic(state: object) -> None:
    assert isinstance(state, type(FULL) | Deletion)
    written = rewrite_of(state)
    assert state_of(written.key, written.value, written.headers) == state


@pytest.mark.parametrize(
    ("key", "value", "headers"),
    [
        (None, encode(FULL), ()),
        (b"other", encode(FULL), ()),
        (b"\xff", None, (("hookline-tenant", b"t"), ("hookline-changes", b"1"))),
        (b"wh_1", None, ()),
        (b"wh_1", None, (("hookline-tenant", b"t"),)),
        (b"wh_1", None, (("hookline-tenant", None), ("hookline-changes", b"1"))),
        (b"wh_1", None, (("hookline-tenant", b"t"), ("hookline-changes", b"-1"))),
        (b"wh_1", None, (("hookline-tenant", b"\xff"), ("hookline-changes", b"1"))),
        (b"wh_1", None, (("hookline-tenant", b"t"), ("hookline-changes", b"1"), ("hookline-work", b"me"))),
    ],
)
def test_what_cannot_be_routed_is_corrupt(
    key: bytes | None, value: bytes | None, headers: tuple[tuple[str, bytes | None], ...]
) -> None:
    with pytest.raises(RecordCorrupt):
        state_of(key, value, headers)
