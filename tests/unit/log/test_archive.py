"""What is read back: the caller's own, by so many readers at once and no more."""

from collections.abc import Iterator, Sequence
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from consumer.events.event import Record
from consumer.kafka.client import KafkaBroken, KafkaFatal
from consumer.kafka.picking import NothingThere
from consumer.kafka.records import encode_attempt
from consumer.log.archive import READERS_OF_A_TENANT, Archive, AttemptUnknown
from consumer.log.attempt_id import Place, attempt_id, place_of
from consumer.settings import Settings
from consumer.shares import Busy
from tests.attempts import plain

ID: Final = "5f0c6d0e9b7a4c1d8e2f3a4b5c6d7e8f"
OURS: Final = structs.replace(plain, delivery_id=ID)
PLACE: Final = Place(partition=3, offset=7, delivery=ID[:8])


class Topic:
    """Holds one value at every place, or breaks."""

    def __init__(self, value: bytes | None = None, broken: Exception | None = None) -> None:
        self.value = encode_attempt(OURS) if value is None else value
        self.broken = broken
        self.opened = 0
        self.closed = 0

    def open(self) -> "Topic":
        self.opened += 1
        return self

    def pick(self, partition: int, offset: int, *, within_s: float) -> Record:
        assert 0 < within_s <= 2
        if self.broken is not None:
            raise self.broken
        return Record(
            topic="attempts",
            partition=partition,
            offset=offset,
            key=None,
            value=self.value,
            headers=(),
            timestamp_ms=5,
        )

    def pick_all(self, partition: int, offsets: Sequence[int], *, until_s: float) -> Iterator[Record]:
        del until_s
        for offset in offsets:
            yield self.pick(partition, offset, within_s=1)

    def close(self) -> None:
        self.closed += 1


def archive(topic: Topic) -> Archive:
    return Archive(Settings(), open_picker=topic.open)


def test_an_attempt_is_read_and_its_reader_kept() -> None:
    topic = Topic()
    reading = archive(topic)
    for _ in range(3):
        found = reading.read("acme", "hookline", PLACE)
        assert (found.attempt, found.partition, found.offset, found.logged_ms) == (OURS, 3, 7, 5)
    assert topic.opened == 1
    reading.close()
    assert topic.closed == 1


@pytest.mark.parametrize(
    ("tenant", "brand", "place"),
    [
        ("other", "hookline", PLACE),
        ("acme", "convo", PLACE),
        ("acme", "hookline", Place(partition=3, offset=7, delivery="00000000")),
    ],
)
def test_what_is_not_the_callers_own_is_as_if_it_were_not_there(tenant: str, brand: str, place: Place) -> None:
    reading = archive(Topic())
    with pytest.raises(AttemptUnknown):
        reading.read(tenant, brand, place)
    if place == PLACE:
        assert list(reading.scan(tenant, brand, 3, [7], until_s=0)) == []


def test_what_is_no_attempt_is_none() -> None:
    for topic in (Topic(b"no attempt"), Topic(broken=NothingThere())):
        with pytest.raises(AttemptUnknown):
            archive(topic).read("acme", "hookline", PLACE)
    assert list(archive(Topic(b"no attempt")).scan("acme", "hookline", 3, [7], until_s=0)) == []


def test_a_tenant_has_its_share_of_the_readers_and_gives_them_back() -> None:
    topic = Topic()
    reading = archive(topic)
    scans = [reading.scan("acme", "hookline", 3, [1, 2], until_s=0) for _ in range(READERS_OF_A_TENANT)]
    for scan in scans:
        next(scan)
    with pytest.raises(Busy):
        reading.read("acme", "hookline", PLACE)
    with pytest.raises(AttemptUnknown):
        reading.read("other", "hookline", PLACE)
    for scan in scans:
        list(scan)
    reading.read("acme", "hookline", PLACE)
    assert topic.opened == READERS_OF_A_TENANT + 1


def test_a_reader_that_can_never_work_again_is_not_kept() -> None:
    topic = Topic(broken=KafkaFatal("over"))
    reading = archive(topic)
    with pytest.raises(KafkaBroken):
        reading.read("acme", "hookline", PLACE)
    assert (topic.opened, topic.closed) == (1, 1)
    topic.broken = KafkaBroken("away")
    with pytest.raises(KafkaBroken):
        reading.read("acme", "hookline", PLACE)
    topic.broken = None
    reading.read("acme", "hookline", PLACE)
    assert (topic.opened, topic.closed) == (2, 1)


@given(st.integers(0, 999_999), st.integers(0, 10**18 - 1), st.binary(min_size=16, max_size=16))
def test_an_id_says_where_its_record_lies(partition: int, offset: int, delivery: bytes) -> None:
    text = attempt_id(partition=partition, offset=offset, delivery_id=delivery.hex())
    assert place_of(text) == Place(partition=partition, offset=offset, delivery=delivery.hex()[:8])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "att_1_2",
        "att_01_2_5f0c6d0e",
        "att_1_-2_5f0c6d0e",
        "att_1_2_5F0C6D0E",
        "att_1_2_5f0c6d0e\n",
        "att_\u0661_2_5f0c6d0e",
    ],
)
def test_what_is_no_id_is_none(text: str) -> None:
    assert place_of(text) is None
