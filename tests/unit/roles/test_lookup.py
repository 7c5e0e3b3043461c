"""Questions asked in one thread and answered in another."""

import os
import select
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest

from consumer.roles.lookup import Lookup


@pytest.fixture
def hurried_threads() -> Iterator[None]:
    """The interpreter changes threads at every chance."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def taken(lookup: Lookup[int, int]) -> list[int]:
    """The next replies, waited for."""
    found: list[int] = []
    while not found:
        assert select.select([lookup.fd], [], [], 10)[0], "no reply within 10 s"
        found = lookup.take()
    return found


def squared(number: int) -> int:
    return number * number


def test_replies_come_in_the_order_of_the_questions() -> None:
    with closing(Lookup("squares", squared)) as squares:
        for number in range(5):
            squares.ask(number)
        found: list[int] = []
        while len(found) < 5:
            found += taken(squares)
        assert found == [0, 1, 4, 9, 16]
        assert squares.take() == []


def test_a_reply_can_be_taken_in_the_very_moment_it_comes(hurried_threads: None) -> None:
    # Taken without waiting for the descriptor, as the loop does on each of its turns.
    with closing(Lookup("squares", squared)) as squares:
        for number in range(2_000):
            squares.ask(number)
            found: list[int] = []
            while not found:
                found = squares.take()
            assert found == [number * number]
        with pytest.raises(BlockingIOError):
            os.read(squares.fd, 1)  # every wake was read with its reply


def test_an_exception_surfaces_where_replies_are_taken() -> None:
    def refuse(_question: int) -> int:
        raise ZeroDivisionError

    with closing(Lookup("refusing", refuse)) as refusing:
        refusing.ask(1)
        with pytest.raises(ZeroDivisionError):
            taken(refusing)
