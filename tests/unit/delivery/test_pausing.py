from consumer.delivery.core import Core
from consumer.delivery.hold import Newer
from consumer.delivery.offsets import Position
from consumer.delivery.pausing import WINDOW_MOST
from tests.deliveries import NOW_MS, record_at, rules, target_of

FULL = ("events", 0)
OTHER = ("events", 1)


def test_a_partition_is_paused_with_the_last_record_that_it_may_have_unfinished_and_no_other_is() -> None:
    core = Core(rules(), decode=lambda _: Newer(), target=target_of)
    core.assigned({FULL: Position(0), OTHER: Position(0)})
    core.records(NOW_MS, [record_at(FULL, offset) for offset in range(100)])
    core.records(NOW_MS, [record_at(place, 100) for place in (FULL, OTHER, FULL)])
    core.records(NOW_MS, [record_at(FULL, offset) for offset in range(101, WINDOW_MOST - 1)])
    assert core.next(NOW_MS, NOW_MS).pause == []
    core.records(NOW_MS, [record_at(OTHER, 101), record_at(FULL, WINDOW_MOST - 1)])
    assert core.next(NOW_MS, NOW_MS).pause == [FULL]
    core.records(NOW_MS, [record_at(FULL, WINDOW_MOST)])
    assert core.next(NOW_MS, NOW_MS).pause == []
    assert core.paused == {FULL}
