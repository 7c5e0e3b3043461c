"""Who passes the barrier, and how many questions it takes."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from consumer.control.barrier import Barrier
from consumer.kafka.client import KafkaBroken
from consumer.kafka.ends import Ends


class View:
    """Has been read up to an offset."""

    def __init__(self, topic: str, at: int) -> None:
        self.topic = topic
        self.at = at
        self.asked: list[tuple[Mapping[int, int], float]] = []

    def reached(self, positions: Mapping[int, int], timeout_s: float) -> bool:
        self.asked.append((positions, timeout_s))
        return self.at >= positions[0]


class Broker:
    """Answers with the ends as they are when a question comes, once `answering`."""

    def __init__(self) -> None:
        self.end = 5
        self.questions = 0
        self.asked = threading.Semaphore(0)
        self.answering = threading.Event()
        self.answering.set()

    def ask(self, timeout_s: float) -> Ends:
        del timeout_s
        self.questions += 1
        end = self.end
        self.asked.release()
        assert self.answering.wait(10)
        return {"webhooks": {0: end}, "state": {0: 1}}


@pytest.fixture
def made() -> Iterator[Callable[..., Barrier]]:
    barriers: list[Barrier] = []

    def make(ask: Callable[[float], Ends], *views: View) -> Barrier:
        barriers.append(Barrier(ask, views))
        return barriers[-1]

    yield make
    for barrier in barriers:
        barrier.close()


def test_it_is_passed_when_every_view_has_read_to_the_ends(made: Callable[..., Barrier]) -> None:
    webhooks, state = View("webhooks", 5), View("state", 1)
    made(Broker().ask, webhooks, state).wait(1.0)
    assert [positions for positions, _ in (*webhooks.asked, *state.asked)] == [{0: 5}, {0: 1}]


@pytest.mark.parametrize(("webhooks", "state"), [(4, 1), (5, 0)])
def test_a_view_that_is_behind_holds_it(made: Callable[..., Barrier], webhooks: int, state: int) -> None:
    barrier = made(Broker().ask, View("webhooks", webhooks), View("state", state))
    with pytest.raises(KafkaBroken, match="webhooks" if webhooks < 5 else "state"):
        barrier.wait(1.0)


def test_who_comes_while_a_question_is_under_way_shares_the_next_one(made: Callable[..., Barrier]) -> None:
    broker, webhooks = Broker(), View("webhooks", 9)
    barrier = made(broker.ask, webhooks)
    broker.answering.clear()
    with ThreadPoolExecutor(20) as pool:
        first = pool.submit(barrier.wait, 10.0)
        assert broker.asked.acquire(timeout=10)
        broker.end = 6  # written after the first question was asked: those who come now must see it
        come = threading.Semaphore(0)

        def wait() -> None:
            come.release()
            barrier.wait(10.0)

        others = [pool.submit(wait) for _ in range(19)]
        for _ in others:
            assert come.acquire(timeout=10)
        time.sleep(0.05)  # they are on their way
        broker.answering.set()
        for each in (first, *others):
            each.result(10)
    assert 2 <= broker.questions <= 5, "two; a busy machine has stragglers"
    assert sorted(positions[0] for positions, _ in webhooks.asked) == [5] + 19 * [6]


def test_kafka_away_is_raised_for_everybody_and_asked_again_for_the_next(made: Callable[..., Barrier]) -> None:
    answers: Iterator[Ends | KafkaBroken] = iter([KafkaBroken("away", code="X"), {"webhooks": {0: 1}}])

    def ask(timeout_s: float) -> Ends:
        del timeout_s
        answer = next(answers)
        if isinstance(answer, KafkaBroken):
            raise answer
        return answer

    barrier = made(ask, View("webhooks", 1))
    with pytest.raises(KafkaBroken, match="away"):
        barrier.wait(1.0)
    barrier.wait(1.0)


def test_no_answer_in_time_is_kafka_broken(made: Callable[..., Barrier]) -> None:
    broker = Broker()
    broker.answering.clear()
    barrier = made(broker.ask, View("webhooks", 9))
    with pytest.raises(KafkaBroken, match=r"within 0\.05 s"):
        barrier.wait(0.05)
    broker.answering.set()


def test_what_the_question_took_is_no_longer_there_for_reading(made: Callable[..., Barrier]) -> None:
    view = View("webhooks", 9)

    def ask(timeout_s: float) -> Ends:
        del timeout_s
        time.sleep(0.05)
        return {"webhooks": {0: 1}}

    made(ask, view).wait(1.0)
    assert view.asked[0][1] < 0.96


def test_a_bug_is_raised_where_it_is_waited_for_and_does_not_end_the_barrier(made: Callable[..., Barrier]) -> None:
    broker = Broker()
    failing = iter([True, False])

    def ask(timeout_s: float) -> Ends:
        if next(failing):
            raise ZeroDivisionError
        return broker.ask(timeout_s)

    barrier = made(ask, View("webhooks", 9))
    with pytest.raises(ZeroDivisionError):
        barrier.wait(1.0)
    barrier.wait(1.0)


def test_a_tenant_that_waits_a_hundred_times_takes_no_place_from_another(made: Callable[..., Barrier]) -> None:
    """All who wait share one question: there are no places to take."""
    broker = Broker()
    barrier = made(broker.ask, View("webhooks", 5), View("state", 5))
    broker.answering.clear()
    with ThreadPoolExecutor(101) as threads:
        greedy = [threads.submit(barrier.wait, 10.0) for _ in range(100)]
        other = threads.submit(barrier.wait, 10.0)
        broker.answering.set()
        other.result(10)
        for each in greedy:
            each.result(10)
    assert broker.questions <= 3
