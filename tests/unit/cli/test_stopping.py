import os
import signal
import threading
from collections.abc import Iterator

from consumer.cli.stopping import Stop


def test_the_first_signal_asks_and_the_next_means_what_it_always_did() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with Stop() as stop:
        asked = [stop.asked]
        os.kill(os.getpid(), signal.SIGTERM)
        asked.append(stop.asked)
        assert asked == [False, True]
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_steps_are_given_until_their_end() -> None:
    with Stop() as stop:
        steps = iter("ab")
        assert [stop.next_of(steps), stop.next_of(steps), stop.next_of(steps)] == ["a", "b", None]
    assert not stop.asked


def test_a_signal_ends_the_wait_for_a_step() -> None:
    reading, writing = os.pipe()

    def never() -> Iterator[bytes]:
        yield os.read(reading, 1)

    with Stop() as stop:
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
        assert stop.next_of(never()) is None
        assert stop.asked
    os.close(reading)
    os.close(writing)
