"""A record of any other client's is read without raising, and what cannot be read of it is told."""

from typing import cast

from confluent_kafka import Message

from consumer.events.decode import decode
from consumer.events.event import Poison
from consumer.events.rules import EventRules
from consumer.events.schema import Schemas
from consumer.kafka.message import record
from consumer.kafka.provenance import poison_headers

VALUE = b'{"type":"a","tenant":"t"}'


class Unreadable:
    """What confluent-kafka 2.16 gives for a header whose name is not UTF-8."""

    def __init__(self) -> None:
        self.asked = 0

    def headers(self) -> object:
        self.asked += 1
        assert self.asked == 1, "the second answer holds null pointers"
        return b"\xff".decode()

    def topic(self) -> str:
        return "orders"

    def partition(self) -> int:
        return 3

    def offset(self) -> int:
        return 7

    def key(self) -> bytes:
        return b"k"

    def value(self) -> bytes:
        return VALUE

    def timestamp(self) -> tuple[int, int]:
        return 1, 1_700_000_000_000

    def leader_epoch(self) -> int:
        return 4


def test_a_header_s_name_that_is_not_utf_8_makes_poison_that_keeps_key_and_value_and_names_the_place() -> None:
    read = record(cast("Message", Unreadable()))
    assert (read.key, read.value, read.headers, read.headers_readable) == (b"k", VALUE, (), False)
    found = decode(read, Schemas(), EventRules())
    assert isinstance(found, Poison)
    assert found.reason == "undecodable"
    assert "header" in found.detail
    assert [value for _, value in poison_headers(read, found)[:2]] == [b"orders", b"\0\0\0\x03"]
