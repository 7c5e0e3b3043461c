"""A schema that cannot be had delays its own records only, and never keeps a process from ending."""

import select
import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import cast

from consumer.events.registry import Registry, RegistryUnreachable
from consumer.events.schema import RefusedSchema, SchemaAnswer, UnknownSchema
from consumer.roles.schema_lookup import SchemaLookup
from consumer.telemetry.counters import counters

WITHIN_S = 10.0


class Asked:
    """A registry whose answers the test decides."""

    def __init__(self, answer: Callable[[int], SchemaAnswer]) -> None:
        self.answer = answer
        self.asked: list[int] = []

    def fetch(self, schema_id: int) -> SchemaAnswer:
        self.asked.append(schema_id)
        return self.answer(schema_id)


def opened(asked: Asked) -> SchemaLookup:
    return SchemaLookup(cast("Registry", asked), again_s=0.01)


def taken(lookup: SchemaLookup, number: int) -> set[int]:
    return set(answered(lookup, number))


def answered(lookup: SchemaLookup, number: int) -> dict[int, SchemaAnswer]:
    """So many answers. The descriptor is readable a moment before the first one is there."""
    found: dict[int, SchemaAnswer] = {}
    until_s = time.monotonic() + WITHIN_S
    while len(found) < number:
        assert select.select([lookup.fd], [], [], max(0.0, until_s - time.monotonic()))[0], f"only {found}"
        for answers in lookup.take():
            found |= answers
    return found


def test_a_schema_is_asked_for_until_it_is_answered() -> None:
    def away_twice(schema_id: int) -> SchemaAnswer:
        if len(asked.asked) <= 2:
            raise RegistryUnreachable
        return UnknownSchema()

    asked = Asked(away_twice)
    with closing(opened(asked)) as lookup:
        lookup.ask(7)
        assert taken(lookup, 1) == {7}
    assert asked.asked == [7, 7, 7]


def test_one_that_hangs_and_many_that_are_refused_delay_no_other() -> None:
    released = threading.Event()

    def odd(schema_id: int) -> SchemaAnswer:
        if schema_id == 1:
            released.wait(WITHIN_S)
        if schema_id < 100:
            raise RegistryUnreachable
        return UnknownSchema()

    with closing(opened(Asked(odd))) as lookup:
        for schema_id in [*range(1, 100), *range(100, 200)]:
            lookup.ask(schema_id)
        assert taken(lookup, 100) == set(range(100, 200))
        released.set()


def test_those_asked_for_in_vain_never_hold_all_threads() -> None:
    released = threading.Event()
    hanging = threading.Semaphore(0)

    def hangs_the_second_time(schema_id: int) -> SchemaAnswer:
        if schema_id == 100:
            return UnknownSchema()
        if asked.asked.count(schema_id) > 1:
            hanging.release()
            released.wait(WITHIN_S)
        raise RegistryUnreachable

    asked = Asked(hangs_the_second_time)
    with closing(opened(asked)) as lookup:
        for schema_id in range(20):
            lookup.ask(schema_id)
        for _ in range(3):
            assert hanging.acquire(timeout=WITHIN_S)
        assert not hanging.acquire(timeout=0.2)
        lookup.ask(100)
        assert taken(lookup, 1) == {100}
        released.set()


def test_a_schema_that_we_fail_to_compile_costs_its_own_records_only() -> None:
    def breaks(schema_id: int) -> SchemaAnswer:
        if schema_id == 1:
            raise OverflowError("a word of the schema")
        return UnknownSchema()

    counted = dict(counters.snapshot()).get("bugs{decode}", 0)
    with closing(opened(Asked(breaks))) as lookup:
        lookup.ask(1)
        refused = answered(lookup, 1)[1]
        assert isinstance(refused, RefusedSchema)
        assert refused.reason == "bug"
        assert "OverflowError in decode" in refused.detail
        assert "a word" not in refused.detail
        lookup.ask(2)
        assert taken(lookup, 1) == {2}
    assert dict(counters.snapshot())["bugs{decode}"] == counted + 1


def test_a_registry_that_is_away_does_not_keep_a_process_from_ending() -> None:
    def away(schema_id: int) -> SchemaAnswer:
        raise RegistryUnreachable

    lookup = opened(Asked(away))
    lookup.ask(7)
    lookup.close()
    assert lookup._threads
    assert not any(thread.is_alive() for thread in lookup._threads)


def test_one_that_never_answers_is_left_behind_and_tells_nobody() -> None:
    released = threading.Event()

    def hangs(schema_id: int) -> SchemaAnswer:
        released.wait(WITHIN_S)
        return UnknownSchema()

    asked = Asked(hangs)
    lookup = opened(asked)
    lookup.ask(7)
    while not asked.asked:
        time.sleep(0.001)
    began_s = time.monotonic()
    lookup.close()
    assert time.monotonic() - began_s < WITHIN_S / 2
    released.set()
    for thread in lookup._threads:
        thread.join(WITHIN_S)
