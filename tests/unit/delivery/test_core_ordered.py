"""Ordered webhooks through the core: events line up in the ordered topic, and its lines decide who is sent."""

from dataclasses import replace

from msgspec import structs

from consumer.delivery.core import Core
from consumer.delivery.delivery import Delivery, delivery_id
from consumer.delivery.offsets import Position
from consumer.delivery.order_partition import BEFORE
from consumer.delivery.step import LineUp
from consumer.delivery.stopping import Fate, fate
from consumer.events.event import Event, Record, SchemaNeeded
from consumer.webhooks import draft
from consumer.webhooks.ordering import line_of
from consumer.webhooks.reader import Loaded, Unavailable
from consumer.webhooks.subscription import OnFailure, Retries, Status, Subscription
from tests.deliveries import (
    NOW_MS,
    SCHEDULE,
    delivery,
    event,
    failure,
    rules,
    subscription,
    target_of,
)
from tests.ordered_stage import EVENTS, LINES, STANDING, Bench, events, record


def test_no_more_is_taken_in_while_heads_wait_for_nothing_but_this_process() -> None:
    """What its partitions have no place for would be left in the log, and read twice."""
    wanted = subscription(ordering="key")

    def decode(record: Record) -> Delivery:
        line = line_of("acme", wanted.id, wanted.ordering, b"key %d" % record.offset, b"{}")
        return structs.replace(delivery(event(f"evt_{record.offset}"), wanted.id), order=line)

    core = Core(rules(), decode=decode, target=target_of)
    core.assigned({LINES: Position(0)})
    taken = 0
    while core.room and taken < 1_000:
        line = decode(record(LINES, taken, b"")).order
        assert line is not None
        core.records(NOW_MS, [record(LINES, taken, line.encode())])
        taken += 1
    assert taken == 256
    step = core.next(NOW_MS, NOW_MS)
    for tenant in step.load:
        core.loaded(NOW_MS, tenant, Loaded(version="1", subscriptions=(wanted,)))
    assert core.next(NOW_MS, NOW_MS).send
    assert core.room


def test_a_key_goes_out_one_after_the_other_and_keys_beside_each_other() -> None:
    bench = Bench()
    for offset, (key, each) in enumerate(zip((b"a", b"a", b"b"), events("a1", "a2", "b1"), strict=True)):
        bench.publish(key, each, offset)
    assert bench.turn() == ["a1", "b1"]
    assert bench.core.positions()[EVENTS].offset == 3
    bench.answer("a1")
    assert bench.turn() == ["a2"]


def test_a_failing_head_blocks_its_key_alone_and_is_tried_again_in_its_place() -> None:
    bench = Bench()
    for offset, (key, each) in enumerate(zip((b"a", b"a", b"b"), events("a1", "a2", "b1"), strict=True)):
        bench.publish(key, each, offset)
    bench.turn()
    bench.answer("a1", 500)
    bench.answer("b1")
    assert bench.turn(after_ms=SCHEDULE.delays_ms[1] - 1) == []
    assert bench.turn(after_ms=1 + SCHEDULE.jitter_ms(bench.log[0].id, 1)) == ["a1"]
    bench.answer("a1")
    assert bench.turn() == ["a2"]


def test_a_restart_goes_on_with_the_attempts_made_and_the_time_left() -> None:
    bench = Bench()
    for offset, each in enumerate(events("a1", "a2")):
        bench.publish(b"a", each, offset)
    bench.turn()
    bench.answer("a1", 500)
    bench.turn()
    bench.start(bench.core.positions())
    assert bench.turn(after_ms=SCHEDULE.delays_ms[1] - 1_000) == []
    assert bench.turn(after_ms=2_000 + SCHEDULE.jitter_ms(bench.log[0].id, 1)) == ["a1"]
    for tier in range(2, SCHEDULE.last + 1):
        bench.answer("a1", 500)
        assert bench.turn(after_ms=SCHEDULE.delays_ms[tier] * 2) == ["a1"], tier
    bench.answer("a1", 500)
    assert bench.turn() == ["a2"]
    [bury] = bench.buried
    assert (bury.dead_letter.reason, bury.dead_letter.delivery.attempts) == ("exhausted", SCHEDULE.last + 1)


def test_a_key_goes_on_when_its_head_is_given_up() -> None:
    bench = Bench(subscription(ordering="key", retries=Retries.NONE))
    for offset, each in enumerate(events("a1", "a2")):
        bench.publish(b"a", each, offset)
    bench.turn()
    bench.answer("a1", 500)
    assert bench.turn() == ["a2"]
    assert [bury.dead_letter.delivery.event.id for bury in bench.buried] == ["a1"]


def test_a_field_of_the_data_is_a_key_and_an_event_without_it_has_no_order() -> None:
    bench = Bench(subscription(ordering="data.n"))
    same = events("a1", "a2", "other")
    bench.publish(b"x", same[0], 0)
    bench.publish(b"y", same[1], 1)
    bench.publish(b"x", structs.replace(same[2], data=b'{"m":1}'), 2)
    assert sorted(bench.turn()) == ["a1", "other"]
    assert len(bench.log) == 2


def test_what_is_not_ordered_goes_straight_to_its_endpoint() -> None:
    bench = Bench(subscription("a", ordering="key"), subscription("b", url="https://b.example/"))
    bench.publish(b"k", event("e1"), 0)
    step = bench.core.next(bench.now_ms, bench.now_ms)
    bench.core.loaded(bench.now_ms, "acme", Loaded(version="1", subscriptions=bench.subscriptions))
    step = bench.core.next(bench.now_ms, bench.now_ms)
    assert [request.url for _, request in step.send] == ["https://b.example/"]
    assert [type(write) for _, write in step.write] == [LineUp]


def test_an_event_whose_schema_is_awaited_keeps_its_place() -> None:
    bench = Bench()
    bench.publish(b"a", event("warm"), 0)
    bench.turn()
    bench.publish(b"a", SchemaNeeded(schema_id=7), 1)
    bench.publish(b"a", event("later", offset=2), 2)
    bench.turn()
    assert [each.event.id for each in bench.log] == ["warm"]
    bench.contents[EVENTS, 1] = event("earlier", offset=1)
    bench.core.schema_answered(bench.now_ms, 7)
    bench.turn()
    assert [each.event.id for each in bench.log] == ["warm", "earlier", "later"]


def test_an_event_of_a_tenant_that_was_asked_for_keeps_its_place() -> None:
    bench = Bench()
    bench.known = False
    bench.publish(b"a", event("earlier"), 0)
    bench.turn()
    bench.core.loaded(bench.now_ms, "acme", Unavailable(reason="away"))
    bench.publish(b"a", event("later", offset=1), 1)
    bench.known = True
    bench.turn(after_ms=1_000)
    assert [each.event.id for each in bench.log] == ["earlier", "later"]


def test_a_suspended_webhook_s_line_is_buried_in_its_order_and_a_paused_one_s_dropped() -> None:
    bench = Bench(subscription("a", ordering="key", status=Status.SUSPENDED))
    for offset, each in enumerate(events("a1", "a2")):
        bench.publish(b"a", each, offset)
    assert bench.turn() == []
    assert [bury.dead_letter.delivery.event.id for bury in bench.buried] == ["a1", "a2"]
    assert bench.core.positions()[LINES].offset == 2


def test_a_head_that_waits_for_its_slot_wakes_its_process_when_that_comes() -> None:
    bench = Bench(subscription(ordering="key", rate_per_s=0.01))
    for offset in range(4):
        bench.publish(b"%d" % offset, event(f"e{offset}", offset=offset), offset)
    [first] = bench.turn()
    bench.answer(first)
    turns, until_ms = 0, bench.now_ms + 95_000
    while bench.now_ms < until_ms:
        assert bench.turn() == []
        turns += 1
        wake_ms = bench.core.next(bench.now_ms, bench.now_ms).wake_ms
        assert wake_ms is not None
        bench.now_ms = max(wake_ms, bench.now_ms + 1)
    assert turns < 30
    assert bench.turn(after_ms=6_000) != []


def _stopped(*names: str, shared: bool = False) -> tuple[Bench, Subscription]:
    """A bench whose key `a` has stopped with its first event, with the others behind it."""
    blocking = subscription(ordering="key", on_failure=OnFailure.BLOCK, retries=Retries.NONE)
    bench = Bench(blocking, shared=shared)
    for offset, each in enumerate(events(*names)):
        bench.publish(b"a", each, offset)
    assert bench.turn() == [names[0]]
    bench.answer(names[0], 500)
    assert bench.turn() == []
    assert bench.core.counted()["keys_blocked"] == 1
    return bench, blocking


def test_a_given_up_head_stops_its_key_and_no_other() -> None:
    bench, _ = _stopped("a1", "a2")
    bench.publish(b"b", event("b1", offset=2), 2)
    assert bench.turn(after_ms=3_600_000 // 4) == ["b1"]
    bench.answer("b1")
    assert bench.turn() == []
    assert bench.buried == []
    assert bench.core.positions()[LINES].offset == 0


def test_a_dropped_head_is_dead_lettered_and_its_key_goes_on() -> None:
    bench, blocking = _stopped("a1", "a2")
    bench.change(draft.unblock(blocking, drop=True, delivery_id=bench.log[0].id, now_ms=bench.now_ms + 1))
    assert bench.turn(after_ms=6_000) == ["a2"]
    assert [bury.dead_letter.reason for bury in bench.buried] == ["blocked"]
    bench.answer("a2", 500)
    assert bench.turn(after_ms=6_000) == []
    assert len(bench.buried) == 1


def test_how_many_keys_have_stopped_is_told_with_the_standing_of_their_webhook_and_that_none_has_any_more() -> None:
    bench, blocking = _stopped("a1", "a2", shared=True)
    bench.publish(b"b", event("b1", offset=2), 2)
    assert bench.turn(after_ms=1_000) == ["b1"]
    bench.answer("b1", 500)
    bench.turn()
    bench.turn(after_ms=1_000)
    assert bench.told[-1] == 2
    bench.turn(after_ms=60_000)
    assert bench.told[-1] == 2
    bench.change(draft.unblock(blocking, drop=True, delivery_id="", now_ms=bench.now_ms + 1))
    assert bench.turn(after_ms=6_000) == ["a2"]
    bench.answer("a2")
    bench.turn(after_ms=1_000)
    assert bench.told[-1] == 0


def test_a_new_owner_tells_it_too() -> None:
    bench, _ = _stopped("a1", "a2", shared=True)
    bench.told.clear()
    bench.start(bench.core.positions())
    bench.turn()
    bench.turn(after_ms=1_000)
    assert bench.told[-1] == 1


def test_a_stopped_head_is_tried_once_more_when_its_customer_says_so_and_stops_again_where_it_fails() -> None:
    bench, blocking = _stopped("a1", "a2")
    again = draft.unblock(blocking, drop=False, delivery_id="", now_ms=bench.now_ms + 1)
    bench.change(again)
    assert bench.turn(after_ms=6_000) == ["a1"]
    bench.answer("a1", 500)
    for _ in range(3):
        assert bench.turn(after_ms=6_000) == []
    bench.change(draft.unblock(again, drop=False, delivery_id="", now_ms=bench.now_ms + 1))
    assert bench.turn(after_ms=6_000) == ["a1"]
    bench.answer("a1")
    assert bench.turn() == ["a2"]
    assert bench.buried == []


def test_what_stood_in_line_for_as_long_as_it_may_wait_is_dead_lettered_untried() -> None:
    bench = Bench()
    for offset, each in enumerate(events("a1", "a2")):
        bench.publish(b"a", each, offset)
    assert bench.turn() == ["a1"]
    bench.now_ms += SCHEDULE.wait_for_ms
    bench.answer("a1")
    assert bench.turn() == []
    assert [(bury.dead_letter.delivery.event.id, bury.dead_letter.reason) for bury in bench.buried] == [
        ("a2", "waited")
    ]


def test_another_delivery_s_unblocking_is_nothing_to_a_key() -> None:
    bench, blocking = _stopped("a1", "a2")
    bench.change(draft.unblock(blocking, drop=True, delivery_id=bench.log[1].id, now_ms=bench.now_ms + 1))
    assert bench.turn(after_ms=6_000) == []


def test_a_restart_leaves_a_key_stopped() -> None:
    bench, blocking = _stopped("a1", "a2")
    bench.start(bench.core.positions())
    assert bench.turn(after_ms=60_000) == []
    bench.change(draft.unblock(blocking, drop=True, delivery_id="", now_ms=bench.now_ms))
    assert bench.turn(after_ms=6_000) == ["a2"]


def test_a_key_that_nobody_lets_go_on_suspends_its_webhook_and_all_is_dead_lettered_in_order() -> None:
    bench, _ = _stopped("a1", "a2", "a3")
    for _ in range(4):
        assert bench.turn(after_ms=SCHEDULE.wait_for_ms // 3) == []
    assert [each.status for each in bench.suspended] == [Status.SUSPENDED]
    assert [(bury.dead_letter.delivery.event.id, bury.dead_letter.reason) for bury in bench.buried] == [
        ("a1", "suspended"),
        ("a2", "suspended"),
        ("a3", "suspended"),
    ]
    assert bench.core.positions()[LINES].offset == 3


def test_a_stop_ends_before_the_log_forgets_what_stopped() -> None:
    blocking = subscription(ordering="key", on_failure=OnFailure.BLOCK)
    for late_ms, found in ((0, Fate.STAYS), (1, Fate.SUSPENDS)):
        stopped = structs.replace(delivery(), first_due_ms=NOW_MS, stopped_ms=NOW_MS + 190)
        assert fate(stopped, blocking, NOW_MS + 199 + late_ms, stays_for_ms=100, crowded=False) is found


def test_a_webhook_that_stops_more_keys_than_a_partition_may_keep_for_it_is_suspended() -> None:
    bench = Bench(subscription(ordering="key", on_failure=OnFailure.BLOCK, retries=Retries.NONE))
    for offset in range(20):
        bench.publish(b"%d" % offset, event(f"e{offset}", offset=offset), offset)
        for sent in bench.turn():
            bench.answer(sent, 500)
        bench.turn()
    assert bench.suspended == []
    bench.turn(after_ms=6_000)
    assert len(bench.suspended) == 1
    assert len(bench.buried) == 20


def _replayed(of: Event) -> Delivery:
    """A dead letter of the key `a`, as it is written again."""
    line = line_of("acme", "sub_1", "key", b"a", b"")
    return structs.replace(delivery(of), id=delivery_id(of, "sub_1", "again"), order=line, replay_id="again", replays=1)


def test_a_replay_goes_before_what_waits_of_its_key_or_after_it() -> None:
    bench = Bench()
    published = events("earlier", "a1", "a2", "dead")
    for offset, each in enumerate(published[1:3], start=1):
        bench.publish(b"a", each, offset)
    assert bench.turn() == ["a1"]
    bench.line_up(_replayed(published[0]), BEFORE)
    bench.line_up(_replayed(published[3]))
    assert bench.turn() == []
    bench.answer("a1", 500)
    assert bench.turn() == ["earlier"]
    bench.answer("earlier")
    assert bench.turn() == []
    assert bench.turn(after_ms=SCHEDULE.delays_ms[1] * 2) == ["a1"]
    bench.answer("a1")
    assert bench.turn() == ["a2"]
    bench.answer("a2")
    assert bench.turn() == ["dead"]


def test_a_replay_goes_before_a_head_that_has_stopped() -> None:
    bench, _ = _stopped("a1", "a2")
    bench.line_up(_replayed(event("earlier", offset=9)), BEFORE)
    assert bench.turn() == ["earlier"]
    bench.answer("earlier")
    assert bench.turn(after_ms=6_000) == []


def test_more_replays_than_a_line_may_hold_before_what_waits_are_dead_letters_again() -> None:
    bench, _ = _stopped("a1")
    for offset in range(70):
        bench.line_up(_replayed(event(f"r{offset}", offset=100 + offset)), BEFORE)
    assert bench.turn() == ["r0"]
    assert [bury.dead_letter.delivery.event.id for bury in bench.buried] == [f"r{each}" for each in range(64, 70)]
    assert {bury.dead_letter.reason for bury in bench.buried} == {"blocked"}


def _failed_until_the_last_tier(bench: Bench, name: str) -> None:
    """It waits for the longest delay, for its last attempt."""
    for tier in range(1, SCHEDULE.last + 1):
        bench.core.answered(bench.now_ms, bench.sent.pop(name), failure())
        if tier < SCHEDULE.last:
            assert bench.turn(after_ms=SCHEDULE.delays_ms[tier] * 2) == [name]
    assert bench.turn(after_ms=1_000) == []


def test_after_a_recovery_heads_that_failed_go_forward() -> None:
    bench = Bench()
    for offset, (key, each) in enumerate(zip((b"a", b"a"), events("a1", "a2"), strict=True)):
        bench.publish(key, each, offset)
    bench.turn()
    _failed_until_the_last_tier(bench, "a1")
    bench.core.standing(bench.now_ms, "sub_1", replace(STANDING, recovered_ms=0.0))
    assert bench.turn(after_ms=1_100) == ["a1"]
    bench.answer("a1")
    assert bench.turn() == ["a2"]


def test_a_head_that_fails_after_the_recovery_waits_for_its_own_time() -> None:
    bench = Bench()
    bench.publish(b"a", event("a1"), 0)
    bench.turn()
    bench.answer("a1", 500)
    recovered_ms = float(SCHEDULE.delays_ms[1])
    bench.turn(after_ms=SCHEDULE.delays_ms[1] * 2)
    bench.core.standing(bench.now_ms, "sub_1", replace(STANDING, recovered_ms=recovered_ms))
    bench.answer("a1", 500)
    assert bench.turn(after_ms=1_100) == []


def test_a_key_that_has_stopped_does_not_go_forward() -> None:
    bench, _ = _stopped("a1", "a2")
    bench.core.standing(bench.now_ms, "sub_1", replace(STANDING, recovered_ms=0.0))
    for _ in range(10):
        assert bench.turn(after_ms=1_100) == []
