"""Ordered webhooks whose lines are clear: their events are sent by who reads them, without the ordered topic."""

from dataclasses import replace

import pytest
from msgspec import structs

from consumer.delivery.answer import FailureKind
from consumer.delivery.direct import _LONG, _MANY, _TOO_LONG
from consumer.delivery.offsets import Position
from consumer.webhooks.subscription import OnFailure, Retries, Status, Subscription
from tests.deliveries import SCHEDULE, event, failure, subscription
from tests.ordered_stage import EVENTS, LINES, Bench, record

ORDERED = subscription(ordering="key")


class Stage(Bench):
    """A bench that knows that the ordered topic has nothing of a line. Events are published in their order."""

    def __init__(self, *webhooks: Subscription) -> None:
        super().__init__(*(webhooks or (ORDERED,)), asks=True)
        self.offset = 0

    def comes(self, name: str, key: bytes = b"a") -> None:
        self.publish(key, event(name, offset=self.offset), self.offset)
        self.offset += 1

    def comes_all(self, *names: str, key: bytes = b"a") -> None:
        for name in names:
            self.comes(name, key)

    @property
    def lined_up(self) -> list[str]:
        return [each.event.id for each in self.log]


def test_a_clear_key_goes_out_one_after_the_other_and_nothing_is_lined_up() -> None:
    stage = Stage()
    stage.comes_all("a1", "a2")
    stage.comes("b1", b"b")
    assert stage.turn() == ["a1", "b1"]
    assert stage.core.positions()[EVENTS].offset == 0
    stage.answer("b1")
    assert stage.turn() == []
    stage.answer("a1")
    assert stage.turn() == ["a2"]
    stage.answer("a2")
    stage.turn()
    assert stage.core.positions()[EVENTS] == Position(3)
    assert stage.lined_up == []


def test_a_head_that_fails_is_lined_up_with_all_that_came_after_it_and_is_not_tried_early() -> None:
    stage = Stage()
    stage.comes_all("a1", "a2")
    stage.turn()
    stage.comes("a3")
    stage.answer("a1", 500)
    assert stage.turn() == []
    stage.comes("a4")
    assert stage.turn() == []
    assert stage.lined_up == ["a1", "a2", "a3", "a4"]
    assert stage.core.positions()[EVENTS].offset == 4
    delay_ms = SCHEDULE.delays_ms[1]
    assert stage.turn(after_ms=delay_ms - 1) == []
    assert stage.turn(after_ms=1 + SCHEDULE.jitter_ms(stage.log[0].id, 1)) == ["a1"]
    for name, following in (("a1", ["a2"]), ("a2", ["a3"]), ("a3", ["a4"]), ("a4", [])):
        stage.answer(name)
        assert stage.turn() == following


def test_a_restart_of_who_retries_it_does_not_begin_its_delay_anew() -> None:
    stage = Stage()
    stage.comes("a1")
    stage.turn()
    stage.answer("a1", 500)
    stage.turn()
    delay_ms = SCHEDULE.delays_ms[1] + SCHEDULE.jitter_ms(stage.log[0].id, 1)
    stage.turn(after_ms=delay_ms // 2)
    stage.start(stage.core.positions())
    assert stage.turn() == []
    assert stage.turn(after_ms=delay_ms // 2 + 2_000) == ["a1"]
    [attempts] = {each.attempts for each in stage.log}
    assert attempts == 1


def test_the_key_goes_direct_again_when_all_that_was_lined_up_has_ended() -> None:
    stage = Stage()
    stage.comes("a1")
    stage.turn()
    stage.answer("a1", 500)
    stage.turn()
    stage.comes("a2")
    assert stage.turn(after_ms=2 * SCHEDULE.delays_ms[1]) == ["a1"]
    stage.answer("a1")
    assert stage.turn() == ["a2"]
    stage.answer("a2")
    stage.comes("a3")  # it is not known yet that a2 has ended
    assert stage.turn() == ["a3"]
    assert stage.lined_up == ["a1", "a2", "a3"]
    stage.answer("a3")
    for _ in range(3):
        stage.turn(after_ms=300)
    stage.comes("a4")
    assert stage.turn() == ["a4"]
    assert stage.lined_up == ["a1", "a2", "a3"]


@pytest.mark.parametrize("status", [Status.PAUSED, Status.SUSPENDED])
def test_what_waits_of_a_webhook_that_stops_ends_in_its_order(status: Status) -> None:
    stage = Stage()
    stage.comes_all("a1", "a2", "a3")
    stage.turn()
    stage.change(replace(ORDERED, status=status, revision=2))
    stage.answer("a1")
    assert stage.turn(after_ms=2_000) == []
    buried = [bury.dead_letter.delivery.event.id for bury in stage.buried]
    assert buried == ([] if status is Status.PAUSED else ["a2", "a3"])
    assert stage.core.positions()[EVENTS].offset == 3
    assert stage.lined_up == []


def test_a_head_that_is_given_up_is_dead_lettered_and_its_key_goes_on() -> None:
    stage = Stage(subscription(ordering="key", retries=Retries.NONE))
    stage.comes_all("a1", "a2")
    stage.turn()
    stage.answer("a1", 500)
    assert stage.turn() == ["a2"]
    assert [bury.dead_letter.delivery.event.id for bury in stage.buried] == ["a1"]


def test_a_key_that_may_stop_goes_by_the_topic_where_it_can() -> None:
    stage = Stage(subscription(ordering="key", on_failure=OnFailure.BLOCK, retries=Retries.NONE))
    stage.comes_all("a1", "a2")
    assert stage.turn() == ["a1"]
    assert stage.lined_up == ["a1", "a2"]


def test_a_key_whose_webhook_begins_to_stop_keys_goes_on_by_the_topic() -> None:
    stage = Stage()
    stage.comes_all("a1", "a2", "a3")
    stage.turn()
    stage.change(replace(ORDERED, on_failure=OnFailure.BLOCK, retries=Retries.NONE, revision=2))
    stage.turn(after_ms=2_000)
    stage.answer("a1")
    assert stage.turn() == ["a2"]
    assert stage.lined_up == ["a2", "a3"]


def test_a_partition_that_goes_takes_what_waits_with_it_and_its_next_owner_lines_it_up() -> None:
    stage = Stage()
    stage.comes_all("a1", "a2")
    stage.turn()
    stage.core.drain(stage.now_ms, [EVENTS])
    stage.answer("a1", 500)
    assert stage.turn() == []
    assert stage.lined_up == ["a1"]
    assert stage.core.drained
    positions = stage.core.positions()
    assert positions[EVENTS].offset == 1
    stage.start(positions | {LINES: Position(0)})
    stage.publish(b"a", event("a2", offset=1), 1)
    assert stage.turn() == []
    assert stage.lined_up == ["a1", "a2"]


def test_what_was_begun_behind_a_head_that_is_handed_over_at_a_drain_goes_with_it() -> None:
    """Its event has another delivery that ended: left to be read again, that one would be made twice."""
    stage = Stage(ORDERED, subscription("by-data", url="https://b.example/", ordering="data.n"))
    stage.comes("a1")
    stage.turn()
    stage.answer("a1")  # by-data's: its line goes on
    stage.comes("a2")
    stage.turn()
    stage.core.drain(stage.now_ms, [EVENTS])
    stage.turn(after_ms=3_000)
    stage.core.hand_over(stage.now_ms)
    stage.turn(most=0)  # as where what is written has no room
    assert stage.core.drained
    assert stage.core.positions()[EVENTS].offset == 2


def test_a_partition_that_is_lost_and_comes_back_sends_nothing_twice() -> None:
    stage = Stage()
    stage.comes_all("a1", "a2")
    stage.turn()
    positions = stage.core.positions()
    stage.core.lost([EVENTS])
    stage.core.assigned({EVENTS: positions[EVENTS]})
    stage.answer("a1")
    for offset, name in enumerate(("a1", "a2"), start=0):
        stage.publish(b"a", event(name, offset=offset), offset)
    assert stage.turn(after_ms=300) == ["a2"]
    assert stage.lined_up == []


def test_a_line_with_many_followers_goes_by_the_topic_when_its_head_has_ended() -> None:
    stage = Stage()
    names = [f"a{number}" for number in range(_LONG + 1)]
    stage.comes_all(*names)
    assert stage.turn() == ["a0"]
    assert stage.lined_up == []
    stage.answer("a0")
    assert stage.turn() == ["a1"]
    assert stage.lined_up == names[1:]


def test_a_head_that_is_not_answered_while_very_many_wait_behind_it_is_handed_over() -> None:
    stage = Stage()
    names = [f"a{number}" for number in range(_TOO_LONG + 1)]
    stage.comes_all(*names)
    assert stage.turn() == ["a0"]
    assert stage.turn(after_ms=1_000) == []
    assert stage.lined_up == []
    assert stage.turn(after_ms=1_500) == []
    assert stage.lined_up == names
    assert stage.core.positions()[EVENTS].offset == len(names)
    token = stage.sent.pop("a0")
    stage.core.answered(stage.now_ms, token, failure(FailureKind.TIMEOUT))
    assert stage.turn(after_ms=120_000) == ["a0"]
    assert stage.checked == [stage.log[0].id]  # whether it was accepted after all


def test_short_lines_that_are_very_many_are_handed_over_too() -> None:
    stage = Stage(ORDERED)
    for number in range(_MANY + 10):
        stage.comes_all(f"{number}-1", f"{number}-2", key=b"%d" % number)
        stage.turn()
    stage.turn(after_ms=2_500)
    assert stage.core._direct._followers < _MANY
    assert stage.core.room


def test_the_first_events_of_a_partition_wait_until_it_is_known_whether_their_keys_are_clear() -> None:
    stage = Stage()
    stage.knows_nothing = True
    stage.comes_all("a1", "a2")
    stage.comes("b1", b"b")
    assert stage.turn() == []
    assert stage.lined_up == []
    assert stage.core.busy
    stage.tell()
    assert stage.turn() == ["a1", "b1"]


def test_where_nobody_can_be_asked_they_are_lined_up() -> None:
    stage = Stage()
    stage.knows_nothing = True
    stage.comes_all("a1", "a2")
    stage.turn()
    stage.tell_nothing()
    assert stage.turn() == ["a1"]
    assert stage.lined_up == ["a1", "a2"]


def test_a_key_of_two_partitions_has_two_lines() -> None:
    stage = Stage()
    other = ("events", 1)
    stage.core.assigned({other: Position(0)})
    stage.comes_all("a1", "a2")
    stage.contents[other, 0] = structs.replace(event("other"), partition=1)
    stage.core.records(stage.now_ms, [record(other, 0, b"a")])
    assert sorted(stage.turn()) == ["a1", "other"]
