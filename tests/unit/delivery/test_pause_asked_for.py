"""After a Retry-After one request goes first; the others follow as that and theirs are answered."""

from consumer.delivery.lane import Job
from consumer.delivery.limit import Limit
from consumer.delivery.outcome import read
from consumer.delivery.traffic import Traffic
from tests.deliveries import NOW_MS, job, limits, response, subscription

AT_ONCE = 16
HOOK = subscription()


class Bench:
    """One endpoint, to which there is always more to send."""

    def __init__(self) -> None:
        self.traffic = Traffic(limits(in_flight=1_000, lane_concurrency=AT_ONCE))
        self.now_ms = NOW_MS

    def start(self) -> list[Job]:
        while self.traffic.queued < AT_ONCE:
            assert self.traffic.offer(job(HOOK), self.now_ms) is None
        return list(self.traffic.start(self.now_ms))

    def answer(self, begun: Job, status: int = 200, *headers: tuple[str, str]) -> None:
        self.traffic.answered(begun, read(response(status, *headers), self.now_ms), self.now_ms)

    def warm(self) -> list[Job]:
        """As many under way as there may be."""
        begun = self.start()
        while len(begun) < AT_ONCE:
            self.answer(begun.pop(0))
            begun += self.start()
        return begun


def test_after_a_pause_that_was_asked_for_one_request_goes_first() -> None:
    bench = Bench()
    first, *others = bench.warm()
    bench.answer(first, 429, ("retry-after", "1"))
    for each in others:  # sent before it asked: they say nothing of what it takes afterwards
        bench.answer(each)
    assert bench.start() == []
    bench.now_ms += 1_000
    rounds = []
    for _ in range(5):
        begun = bench.start()
        rounds.append(len(begun))
        for each in begun:
            bench.answer(each)
    assert rounds == [1, 2, 4, 8, 9]  # up to the half of what there was, and then by one a round


def test_without_a_pause_half_of_them_go_on() -> None:
    bench = Bench()
    for each in bench.warm():
        bench.answer(each, 503)
    assert len(bench.start()) == AT_ONCE // 2


def test_refused_again_after_the_pause_it_grows_to_less() -> None:
    limit = Limit(start=16, floor=1, cut=1 / 2)
    for second in (0, 1_000):
        limit.objected(second)
        limit.paused()
    assert (limit.now, limit.most) == (1, 4)
    for _ in range(3):
        limit.accepted(16)
    assert limit.now == 4
    limit.accepted(16)
    assert limit.now == 4.25
