from consumer.delivery.core import Core
from consumer.delivery.offsets import Position
from consumer.delivery.step import Delay
from consumer.webhooks.reader import Loaded
from tests.deliveries import NOW_MS, event, limits, record_at, response, rules, subscription, target_of

STALL_MS = 3_000  # longer than the patience
PLACE = ("events", 0)


def core_with(records: int) -> Core:
    """A core that was given so many events of one webhook, and no turn since."""
    core = Core(
        rules(of_limits=limits(lane_concurrency=4)), decode=lambda record: event(offset=record.offset), target=target_of
    )
    core.assigned({PLACE: Position(0)})
    core.records(NOW_MS, [record_at(PLACE, offset) for offset in range(records)])
    core.next(NOW_MS, NOW_MS)
    core.loaded(NOW_MS, "acme", Loaded(version="1", subscriptions=(subscription(),)))
    return core


def test_what_waited_only_for_a_stalled_process_is_sent_and_not_spilled() -> None:
    core = core_with(3)
    step = core.next(NOW_MS + STALL_MS, NOW_MS)
    assert len(step.send) == 3
    assert step.write == []


def test_what_waited_for_its_endpoint_is_spilled() -> None:
    core = core_with(6)
    flying = core.next(NOW_MS, NOW_MS).send
    assert len(flying) == 4
    core.answered(NOW_MS + STALL_MS, flying[0][0], response())
    step = core.next(NOW_MS + STALL_MS, NOW_MS)
    assert len(step.send) == 1
    assert [type(write) for _, write in step.write] == [Delay]


def test_what_has_waited_goes_on_no_faster_than_the_lanes_have_room() -> None:
    core = core_with(10_000)
    sent = 0
    flying = core.next(NOW_MS, NOW_MS).send
    assert core.room == 0
    while flying:
        sent += len(flying)
        assert core.busy
        for token, _ in flying:
            core.answered(NOW_MS, token, response())
        flying = core.next(NOW_MS, NOW_MS).send
    assert sent == 10_000
    assert core.room > 0


def test_nothing_is_begun_while_its_record_would_have_no_room() -> None:
    core = core_with(100)
    assert core.next(NOW_MS, NOW_MS, most=0).send == []
    late = core.next(NOW_MS + STALL_MS, NOW_MS, most=0)
    assert late.send == []
    assert late.write == []
    assert len(core.next(NOW_MS + STALL_MS, NOW_MS).send) == 4
