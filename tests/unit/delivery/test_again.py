"""One look through a partition, for stretches of several scopes."""

import random

import pytest

from consumer.delivery.again import Again, Found, Look, Stretch
from consumer.delivery.offsets import Window
from consumer.events.event import Record

WEBHOOK, OTHER = "a" * 24, "b" * 24
ONE, TWO = WEBHOOK + "1" * 12, WEBHOOK + "2" * 12
WINDOW = Window(("hookline.ordered", 0))


def record(offset: int, name: str | None) -> Record:
    key = None if name is None else name.encode()
    return Record(topic="hookline.ordered", partition=0, offset=offset, key=key, value=b"", headers=(), timestamp_ms=0)


def asked(*stretches: Stretch, room: int = 1_000) -> Again:
    return Again(WINDOW, stretches, {WEBHOOK: room})


def looked(log: list[str | None], *stretches: Stretch, most: int | None = None, room: int = 1_000) -> Found:
    """A look through so many records of the log, from where it begins."""
    look = Look(asked(*stretches, room=room))
    begin = look.found().came_to
    for offset in range(begin, len(log) if most is None else begin + most):
        stretch = look.meet(offset, None if (name := log[offset]) is None else name.encode())
        if stretch is not None:
            look.take(stretch, record(offset, log[offset]))
    return look.found()


def offsets(found: Found, scope: str) -> list[int]:
    return [record.offset for stretch, record in found.records if stretch.scope == scope]


def test_one_look_finds_what_was_left_of_several_keys_and_of_their_webhook() -> None:
    log = [ONE, TWO, ONE, OTHER + "1" * 12, None, TWO, ONE, TWO, ONE]
    found = looked(log, Stretch(ONE, 2, 6, 9), Stretch(TWO, 1, 6, 9), Stretch(WEBHOOK, 6, 9, 9))
    assert offsets(found, ONE) == [2]
    assert offsets(found, TWO) == [1, 5]
    assert offsets(found, WEBHOOK) == [6, 7, 8]
    assert [record.offset for _, record in found.records] == [1, 2, 5, 6, 7, 8]
    assert found.ends == {ONE: 6, TWO: 6, WEBHOOK: 9}


def test_a_scope_that_has_what_it_asked_for_tells_so_and_the_others_go_on() -> None:
    found = looked([ONE, TWO, ONE, TWO, ONE, TWO], Stretch(ONE, 0, 6, 2), Stretch(TWO, 0, 6, 9))
    assert offsets(found, ONE) == [0, 2]
    assert offsets(found, TWO) == [1, 3, 5]
    assert found.ends == {ONE: 3, TWO: 6}


def test_where_a_webhook_has_all_it_has_room_for_all_its_stretches_end() -> None:
    log: list[str | None] = [ONE, TWO, ONE, ONE, TWO, ONE, ONE]
    found = looked(log, Stretch(ONE, 0, 6, 9), Stretch(TWO, 2, 6, 9), Stretch(WEBHOOK, 6, 7, 9), room=3)
    assert offsets(found, ONE) == [0, 2, 3]
    assert found.ends == {ONE: 4, TWO: 4, WEBHOOK: 6}


def test_a_full_key_leaves_its_records_to_nobody() -> None:
    found = looked([ONE, ONE, ONE, ONE], Stretch(ONE, 0, 3, 1), Stretch(WEBHOOK, 3, 4, 9))
    assert offsets(found, ONE) == [0]
    assert offsets(found, WEBHOOK) == [3]


def test_it_ends_when_all_have_what_they_asked_for_and_nothing_is_met_beyond() -> None:
    look = Look(asked(Stretch(ONE, 0, 90, 1), Stretch(TWO, 1, 2, 9)))
    for offset, name in enumerate((ONE, TWO)):
        assert not look.ends
        stretch = look.meet(offset, name.encode())
        assert stretch is not None
        look.take(stretch, record(offset, name))
    assert look.ends
    assert look.meet(2, ONE.encode()) is None
    assert look.found().came_to == 2


def test_where_it_did_not_come_to_nothing_is_told() -> None:
    found = looked([ONE] * 20, Stretch(ONE, 2, 20, 90), Stretch(WEBHOOK, 12, 20, 90), most=5)
    assert found.ends == {ONE: 7, WEBHOOK: 12}
    assert found.came_to == 7
    assert not found.in_vain


def test_it_is_in_vain_where_nothing_was_met() -> None:
    look = Look(asked(Stretch(ONE, 2, 20, 90), Stretch(TWO, 3, 20, 90)))
    assert look.found().in_vain
    assert look.found().ends == {ONE: 2, TWO: 3}
    look.passed(4)
    assert not look.found().in_vain
    assert look.found().ends == {ONE: 4, TWO: 4}


def test_the_end_of_the_log_is_the_end_of_every_stretch() -> None:
    look = Look(asked(Stretch(ONE, 2, 20, 90), Stretch(WEBHOOK, 20, 25, 90)))
    look.at_end()
    assert look.ends
    assert look.found().ends == {ONE: 20, WEBHOOK: 25}


def test_what_comes_twice_is_met_once() -> None:
    look = Look(asked(Stretch(ONE, 0, 9, 9)))
    assert look.meet(3, ONE.encode()) is not None
    assert look.meet(3, ONE.encode()) is None
    assert look.meet(1, ONE.encode()) is None


@pytest.mark.parametrize("seed", range(200))
def test_look_by_look_each_scope_gets_all_of_its_records_once(seed: int) -> None:
    """Whatever a look costs at most, and whatever each scope asks for."""
    dice = random.Random(seed)
    log: list[str | None] = [dice.choice((ONE, TWO, WEBHOOK + "3" * 12, OTHER + "1" * 12)) for _ in range(60)]
    begins = {ONE: dice.randrange(30), TWO: dice.randrange(30), WEBHOOK: dice.randrange(30, 60)}
    ends = {ONE: begins[WEBHOOK], TWO: begins[WEBHOOK], WEBHOOK: 60}
    at, got = dict(begins), {scope: list[int]() for scope in begins}
    while any(at[scope] < ends[scope] for scope in at):
        stretches = [Stretch(each, at[each], ends[each], dice.randrange(1, 9)) for each in at if at[each] < ends[each]]
        most = min(dice.randrange(1, 20), 60 - min(each.offset for each in stretches))
        found = looked(log, *stretches, most=most, room=dice.randrange(1, 9))
        for scope, end in found.ends.items():
            assert end >= at[scope]
            got[scope] += offsets(found, scope)
            at[scope] = end
    for scope, begin in begins.items():
        of_it = [offset for offset, name in enumerate(log) if name is not None and name.startswith(scope)]
        assert got[scope] == [offset for offset in of_it if begin <= offset < ends[scope]]
