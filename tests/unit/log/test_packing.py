"""Where an attempt belongs is told from its record, without an entry of it."""

from itertools import product

import pytest
from msgspec.structs import replace

from consumer.delivery.delivery import Trigger
from consumer.events.event import Record
from consumer.kafka.records import encode_attempt
from consumer.log.attempts import head_of
from consumer.log.entry import unpack
from consumer.log.index import Kind
from consumer.log.packing import Packing
from consumer.settings import Settings
from tests.attempts import plain


@pytest.mark.parametrize(
    ("outcome", "number", "trigger"),
    [*product(("delivered", "retry", "dead"), (1, 2), (*Trigger, "of another version"))],
)
def test_an_attempt_has_its_place_in_the_list_that_its_entry_is_of(outcome: str, number: int, trigger: str) -> None:
    value = encode_attempt(replace(plain, delivery_id="0a" * 16, outcome=outcome, number=number, trigger=trigger))
    record = Record(topic="attempts", partition=0, offset=7, key=None, value=value, headers=(), timestamp_ms=1_000)
    packing, head = Packing(Settings(), lambda: 2_000), head_of(value)
    taken = packing.taken(record, head)
    assert (taken.bucket, taken.name) == packing.place(head)
    assert taken.name.kind is (Kind.PLAIN if unpack(taken.packed).plain else Kind.EVENTFUL)
