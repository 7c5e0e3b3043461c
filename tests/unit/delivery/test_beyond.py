"""What waits behind all that is held, read ahead: in a whole core, with a reader that reads the partition's records."""

from msgspec.structs import replace

from consumer.delivery import hold
from consumer.delivery.delivery import Delivery
from consumer.delivery.offsets import Position
from consumer.delivery.step import LookAhead, SeenAhead, Step
from consumer.events.event import Record
from tests.deliveries import NOW_MS, response, subscription
from tests.unit.delivery.test_forward import LAST, TOPICS, Bench, back, broken, failed, of, told

PLACE = (TOPICS[LAST], 0)


class Deep(Bench):
    """Its partitions hold far more than the core does. `most` records are read ahead at once."""

    most = 50

    def __init__(self, *subscriptions: object) -> None:
        super().__init__(*subscriptions)  # type: ignore[arg-type]
        self.log: list[Record] = []
        self.next = 0
        self.looks: list[LookAhead] = []
        self.away = False

    def append(self, *deliveries: Delivery) -> None:
        for each in deliveries:
            offset = len(self.log)
            self.contents[PLACE, offset] = replace(each, tier=LAST)
            self.log.append(
                Record(
                    topic=PLACE[0],
                    partition=PLACE[1],
                    offset=offset,
                    key=each.subscription_id.encode(),
                    value=b"x" * 100,
                    headers=(),
                    timestamp_ms=NOW_MS + self.at_ms,
                )
            )

    def read(self) -> None:
        """The consumer: as long as the partition is not paused."""
        while self.next < len(self.log) and PLACE not in self.core.paused:
            self.core.records(NOW_MS + self.at_ms, self.log[self.next : self.next + 1])
            self.next += 1

    def _next(self) -> Step:
        step = super()._next()
        if step.ahead is not None:
            self.looks.append(step.ahead)
            if not self.away:
                self.core.ahead(NOW_MS + self.at_ms, self.answer_to(step.ahead))
        return step

    def answer_to(self, look: LookAhead) -> SeenAhead:
        assert look.partition == PLACE
        end = min(len(self.log), look.offset + self.most)
        records = tuple(each for each in self.log[look.offset : end] if each.key in look.keys)
        return SeenAhead(token=look.token, end=end, records=records, at_end=end == len(self.log))


def others(number: int, to: str = "sub_2") -> list[Delivery]:
    return [of(f"{to}/{each}", to=to) for each in range(number)]


def deep() -> Deep:
    """A thousand of another webhook fill the hold; behind them lie 100 of each."""
    bench = Deep(subscription(), subscription("sub_2", url="https://other.example/hook"))
    bench.append(*others(hold.RECORDS_MOST))
    for number in range(100):
        bench.append(of(f"mine {number}"), of(f"other {number}", to="sub_2"))
    bench.read()
    assert bench.next <= hold.RECORDS_MOST
    return bench


def test_behind_what_is_held_all_of_a_webhook_that_recovered_goes_forward_in_its_order() -> None:
    bench = deep()
    broken(bench)
    back(bench)
    bench.turn(after_ms=1_000)
    went = bench.rest()
    assert [each for each in went if each.startswith("mine")] == [f"mine {number}" for number in range(100)]
    assert not any(each.startswith("other") for each in went)
    assert len(bench.looks) < 40


def test_what_went_forward_is_skipped_in_its_turn_and_by_who_comes_after_a_crash() -> None:
    bench = deep()
    broken(bench)
    back(bench)
    bench.turn(after_ms=1_000)
    bench.rest()
    position = bench.core.positions()[PLACE]
    assert position.offset == 0
    bench.core.lost([PLACE])
    again = deep()
    again.core.lost([PLACE])
    again.core.assigned({PLACE: position})
    again.next = 0
    again.read()
    went: list[str] = []
    while again.next < len(again.log):
        went += again.turn(after_ms=22_000)
        again.answer(*[each for each in went if each in again.sent])
        again.read()
    assert not any(each.startswith("mine") for each in went)


def test_a_lane_without_room_takes_no_more_and_memory_holds_one_answer() -> None:
    bench = deep()
    broken(bench)
    back(bench)
    sent = bench.turn(after_ms=1_000)
    while not any(each.startswith("mine") for each in sent):
        sent = bench.turn()
    assert sent == [f"mine {number}" for number in range(4)]  # half of what a lane begins with
    looks = len(bench.looks)
    for _ in range(10):
        assert bench.turn() == []
    assert len(bench.looks) == looks


def test_an_answer_for_a_partition_that_is_gone_or_came_back_has_no_effect() -> None:
    bench = deep()
    bench.away = True
    broken(bench)
    back(bench)
    bench.turn(after_ms=1_000)
    [look] = bench.looks
    answer = bench.answer_to(look)
    bench.core.lost([PLACE])
    bench.core.ahead(NOW_MS + bench.at_ms, answer)
    assert bench.turn() == []
    bench.core.assigned({PLACE: Position(0)})
    bench.core.ahead(NOW_MS + bench.at_ms, answer)
    assert bench.turn() == []


def test_nothing_is_read_ahead_for_a_webhook_that_has_not_recovered_or_where_all_is_held() -> None:
    bench = deep()
    bench.turn(after_ms=5_000)
    assert bench.looks == []
    bench = Deep(subscription())
    bench.append(of("a"))
    bench.read()
    told(bench, "sub_1")
    bench.turn(after_ms=1_000)
    assert bench.looks == []


def test_what_failed_since_is_left_to_its_turn() -> None:
    bench = Deep(subscription(), subscription("sub_2", url="https://other.example/hook"))
    bench.append(*others(hold.RECORDS_MOST))
    broken(bench)
    bench.append(failed("since", at_ms=60_000), failed("before", at_ms=bench.at_ms))
    bench.read()
    back(bench)
    bench.turn(after_ms=1_000)
    assert bench.rest() == ["before"]
    bench.at_ms += 20_000
    went: list[str] = []
    for _ in range(200):
        sent = bench.turn(after_ms=100)
        bench.answer(*sent, with_=response())
        went += sent
        bench.read()
    assert "since" in went
    assert went.count("before") == 0
