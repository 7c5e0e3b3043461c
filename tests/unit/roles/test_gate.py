"""Sealed records wait for their keys in front of the core, and nothing else does."""

import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.data_keys.data_key import DataKey
from consumer.delivery.again import Again, Found, Look, Stretch
from consumer.delivery.offsets import Partition, Window
from consumer.delivery.step import LookAhead, SeenAhead
from consumer.events.event import Record
from consumer.roles.gate import Gate, found_again, gate, seen_ahead
from consumer.roles.lookup import Lookup
from consumer.roles.tap import Tap

TOPIC = "retry.5s"
KEYS = [DataKey(bytes([number] * 8), "acme", bytes(32)) for number in range(3)]


def record(partition: int, offset: int, key: DataKey | None) -> Record:
    value = b"plain" if key is None else key.sealed(b"sealed")
    return Record(topic=TOPIC, partition=partition, offset=offset, key=None, value=value, headers=(), timestamp_ms=0)


class Log:
    """Partitions with records, of which none comes while it is paused."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = list(records)
        self.assignment = frozenset((each.topic, each.partition) for each in records)
        self.paused: set[Partition] = set()
        self.read: dict[Partition, int] = {}

    def take(self, most: int, wait_s: float) -> list[Record]:
        del wait_s
        taken = [each for each in self.records if (each.topic, each.partition) not in self.paused][:most]
        self.records = [each for each in self.records if each not in taken]
        self.read |= {(each.topic, each.partition): each.offset + 1 for each in taken}
        return taken

    def ends(self) -> Mapping[Partition, int]:
        left = {(each.topic, each.partition) for each in self.records}
        ends = {place: end for place, end in self.read.items() if place not in left}
        self.read = {place: end for place, end in self.read.items() if place in left}  # an end is told once
        return ends

    def pause(self, partitions: Sequence[Partition]) -> None:
        self.paused.update(partitions)

    def resume(self, partitions: Sequence[Partition]) -> None:
        self.paused.difference_update(partitions)


class Keys:
    """Those that are known; nothing more is found out while `away`."""

    def __init__(self) -> None:
        self.settled: set[bytes] = set()
        self.away = False

    def is_settled(self, key_id: bytes) -> bool:
        return key_id in self.settled

    def settle(self, key_ids: Collection[bytes], within_s: float) -> bool:
        del within_s
        if not self.away:
            self.settled.update(key_ids)
        return not self.away


class AtOnce(Lookup[frozenset[bytes], None]):
    """Answers when it is let."""

    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self.asked: list[frozenset[bytes]] = []

    def ask(self, question: frozenset[bytes]) -> None:
        self.asked.append(question)

    def take(self) -> list[None]:
        if not self.asked:
            return []
        self.keys.settle(self.asked.pop(0), 0)
        return [None]

    def close(self) -> None: ...


def gated(records: Sequence[Record]) -> tuple[Gate, Log, Keys]:
    log, keys = Log(records), Keys()
    return Gate(log, keys, AtOnce(keys)), log, keys


def test_what_is_not_sealed_goes_through_and_asks_nobody() -> None:
    records = [record(0, 0, None), record(1, 0, None)]
    passing, _, keys = gated(records)
    assert passing.take(10, 0) == records
    assert passing.ends() == {(TOPIC, 0): 1, (TOPIC, 1): 1}
    assert keys.settled == set()


def test_a_record_whose_key_is_not_known_holds_up_its_partition_alone() -> None:
    records = [record(0, 0, None), record(0, 1, KEYS[0]), record(0, 2, None), record(1, 0, None)]
    passing, log, keys = gated(records)
    keys.away = True
    assert passing.take(10, 0) == [records[0], records[3]]
    assert log.paused == {(TOPIC, 0)}
    assert passing.ends() == {(TOPIC, 1): 1}
    log.records.append(record(1, 1, None))
    assert passing.take(10, 0) == [record(1, 1, None)]
    keys.away = False
    assert passing.take(1, 0) == records[1:2]
    assert passing.ends() == {(TOPIC, 1): 2}, "one that was read is not given yet"
    assert passing.take(10, 0) == records[2:3]
    assert passing.ends() == {(TOPIC, 0): 3}
    assert log.paused == set()


def test_a_partition_that_others_have_paused_stays_so() -> None:
    passing, log, _ = gated([record(0, 0, KEYS[0])])
    assert passing.take(10, 0) == []
    passing.pause([(TOPIC, 0)])
    assert len(passing.take(10, 0)) == 1
    assert log.paused == {(TOPIC, 0)}
    passing.resume([(TOPIC, 0)])
    assert log.paused == set()


def test_a_resume_waits_for_what_is_held_back() -> None:
    passing, log, keys = gated([record(0, 0, KEYS[0])])
    keys.away = True
    assert passing.take(10, 0) == []
    passing.resume([(TOPIC, 0)])
    assert log.paused == {(TOPIC, 0)}


def test_what_was_held_back_of_a_partition_that_went_never_comes() -> None:
    passing, _, keys = gated([record(0, 0, KEYS[0])])
    keys.away = True
    assert passing.take(10, 0) == []
    assert passing.ends() == {}
    passing.forget([(TOPIC, 0)])
    keys.away = False
    assert passing.take(10, 0) == []
    assert passing.ends() == {}


@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from([None, *KEYS])), max_size=40),
    st.lists(st.integers(1, 7), min_size=1, max_size=10),
    st.lists(st.booleans(), min_size=1, max_size=10),
)
def test_every_record_comes_once_and_in_its_order(
    given_records: list[tuple[int, DataKey | None]], most: list[int], away: list[bool]
) -> None:
    records = [record(partition, offset, key) for offset, (partition, key) in enumerate(given_records)]
    passing, log, keys = gated(records)
    tap = Tap(passing)
    taken: list[Record] = []
    for turn in range(200):
        keys.away = away[turn % len(away)] and turn < 100
        taken += tap.take(turn * 100, most[turn % len(most)], 0)
    for number in range(3):
        assert [each for each in taken if each.partition == number] == [
            each for each in records if each.partition == number
        ]
    assert log.paused == set()


def test_a_gate_with_its_own_thread_asks_until_it_knows() -> None:
    log, keys = Log([record(0, 0, KEYS[0])]), Keys()
    with closing(gate(log, keys)) as passing:
        until_s = time.monotonic() + 10
        while not passing.take(10, 0):
            assert time.monotonic() < until_s
            time.sleep(0.001)


@pytest.mark.parametrize("away", [False, True])
def test_what_is_read_beside_the_loop_is_given_when_its_keys_are_settled(*, away: bool) -> None:
    keys = Keys()
    keys.away = away
    one = record(0, 7, KEYS[1])
    look = LookAhead(token=1, partition=(TOPIC, 0), offset=5, keys=frozenset())
    seen = SeenAhead(token=1, end=9, records=(one,), at_end=True)
    assert seen_ahead(lambda _: seen, keys)(look) == (SeenAhead(token=1, end=5) if away else seen)
    again = Again(Window((TOPIC, 0)), (Stretch("a" * 36, 5, 9, 3),), {"a" * 24: 3})
    found = Found(again, [(again.stretches[0], one)], {"a" * 36: 9}, 9)
    assert found_again(lambda _: found, keys)(again) == (Look(again).found() if away else found)
