"""A record of a newer Hookline is known as one, of whatever kind, and stops whoever follows its topic."""

import threading
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import pytest
from fastavro.utils import generate_one

from consumer.data_keys.data_key import DataKey
from consumer.delivery import done_map
from consumer.delivery.hold import Erased, Newer
from consumer.events.event import Poison, Record
from consumer.jobs.made_of import made_of
from consumer.json import Json
from consumer.kafka.newer import NewerRecord, is_newer, stop_before
from consumer.kafka.records import decode_attempt, decode_dead_letter, encode_attempt
from consumer.kafka.sealed import KeyDestroyed
from consumer.kafka.topic_specs import Topics
from consumer.roles.retry import Until, reading
from consumer.schemas import avro_histories
from consumer.settings import Settings
from consumer.wire import WireFormat
from tests.attempts import plain

TOPICS: Final = Topics.of(Settings())
KINDS: Final[Mapping[str, tuple[dict[str, Json], ...]]] = {
    str(history[0]["name"]): history for history in avro_histories()
}
# Every kind of record, and where it lies.
LIES_ON: Final[Mapping[str, str]] = {
    "Delivery": TOPICS.retry(1),
    "Chunk": TOPICS.retry(0),
    "DeadLetter": TOPICS.dead_letter,
    "Attempt": TOPICS.attempts,
    "Subscription": TOPICS.subscriptions,
    "ApiKey": TOPICS.state,
    "Canary": TOPICS.state,
    "Errand": TOPICS.state,
    "Job": TOPICS.jobs,
    "JobAsked": TOPICS.jobs,
    "PortalEnd": TOPICS.state,
    "Replay": TOPICS.jobs,
    "Republished": TOPICS.jobs,
    "Deed": TOPICS.audit,
    "DataKey": TOPICS.tenant_keys,
    "Sealed": TOPICS.ordered,
    "AttemptContents": TOPICS.attempts,  # inside of what is sealed there
}
NO_RECORD: Final = "Event"
"""A schema for producers: events are read by whatever schema they have."""


def of_later(schema: dict[str, Json]) -> bytes:
    """A record as a later version might write it: with one more field."""
    further: dict[str, Json] = {"name": "of_later", "type": "int", "default": 0}
    later: dict[str, Json] = {**schema, "fields": [*cast("list[Json]", schema["fields"]), further]}
    row = cast("dict[str, Any]", generate_one(later))
    return WireFormat([later]).encode(row)


def on(topic: str, value: bytes | None, key: bytes | None = b"k") -> Record:
    return Record(topic=topic, partition=3, offset=17, key=key, value=value, headers=(), timestamp_ms=0)


def test_every_kind_of_record_is_looked_at_here() -> None:
    assert {*KINDS} == {*LIES_ON, NO_RECORD}


@pytest.mark.parametrize("kind", LIES_ON)
def test_one_of_a_later_version_is_newer_and_those_that_were_shipped_are_not(kind: str) -> None:
    assert is_newer(of_later(KINDS[kind][0]))
    for schema in KINDS[kind]:
        row = cast("dict[str, Any]", generate_one(schema))
        assert not is_newer(WireFormat([schema]).encode(row))


@pytest.mark.parametrize("kind", LIES_ON)
def test_whoever_follows_its_topic_stops_before_it_and_says_where(kind: str) -> None:
    with pytest.raises(NewerRecord, match=rf"{LIES_ON[kind]}-3 at offset 17: a newer Hookline.*update"):
        stop_before(on(LIES_ON[kind], of_later(KINDS[kind][0])))


KEY: Final = DataKey(bytes(8), "acme", bytes(32))


def test_a_sealed_attempt_of_a_later_version_is_newer_by_what_stands_in_the_clear() -> None:
    assert is_newer(KEY.sealed(b"x", clear=of_later(KINDS["Attempt"][0])))
    assert not is_newer(KEY.sealed(b"x", clear=encode_attempt(plain)))
    assert not is_newer(KEY.sealed(b"x")[:33]), "what is cut is broken"


@pytest.mark.parametrize("topic", [TOPICS.retry(1), TOPICS.ordered])
def test_the_role_retry_stops_before_what_is_newer_once_it_is_opened(topic: str) -> None:
    until = Until(threading.Event())
    read = reading(TOPICS, until, KEY.opened)
    newer = on(topic, KEY.sealed(of_later(KINDS["Delivery"][0])))
    assert read(newer) == Newer()
    assert until.before == newer


def test_of_what_is_sealed_retry_drops_the_erased_and_rejects_what_was_changed() -> None:
    def destroyed(_: bytes) -> bytes:
        raise KeyDestroyed

    until, sealed = Until(threading.Event()), KEY.sealed(b"{}")
    assert reading(TOPICS, until, destroyed)(on(TOPICS.retry(1), sealed)) == Erased()
    changed = reading(TOPICS, until, DataKey(bytes(8), "acme", bytes([1] * 32)).opened)(on(TOPICS.retry(1), sealed))
    assert isinstance(changed, Poison)
    assert changed.detail == "sealed, and changed since"
    assert not until.is_set()


@pytest.mark.parametrize("value", [None, b"", b"{}", b"\xc3\x01", b"\xc3\x01short", b"\xc3\x02" + bytes(20)])
def test_what_does_not_begin_as_our_records_do_is_broken_and_not_newer(value: bytes | None) -> None:
    assert not is_newer(value)
    stop_before(on(TOPICS.state, value))


@pytest.mark.parametrize(
    ("topic", "kind"), [(TOPICS.retry(1), "Delivery"), (TOPICS.retry(0), "Chunk"), (TOPICS.ordered, "Delivery")]
)
def test_the_role_retry_begins_nothing_from_there_on(topic: str, kind: str) -> None:
    until = Until(threading.Event())
    read = reading(TOPICS, until, bytes)
    assert isinstance(read(on(topic, b"{}")), Poison)
    assert not until.is_set()
    newer = on(topic, of_later(KINDS[kind][0]))
    assert read(newer) == Newer()
    assert until.is_set()
    assert read(on(topic, b"{}")) == Newer()  # else it might overtake the other
    assert until.before is newer


def test_it_ends_when_it_is_asked_to_as_ever() -> None:
    stop = threading.Event()
    until = Until(stop)
    assert not until.wait(0)
    stop.set()
    assert until.is_set()
    assert until.wait(0)


@pytest.mark.parametrize(("kind", "decode"), [("DeadLetter", decode_dead_letter), ("Attempt", decode_attempt)])
def test_a_job_does_not_take_one_for_nothing(kind: str, decode: Callable[[bytes], object]) -> None:
    record = on(LIES_ON[kind], of_later(KINDS[kind][0]))
    with pytest.raises(NewerRecord):
        made_of(record, decode, "not one")


def test_a_map_of_another_version_is_none_so_that_all_it_told_of_is_delivered_again() -> None:
    ours = done_map.encode(7, 9, [7])
    assert done_map.decode(ours, 7) is not None
    version, _, rest = ours.partition("|")
    assert version == "v4"
    for other in ("v3", "v5", "v10"):
        assert done_map.decode(f"{other}|{rest}", 7) is None
