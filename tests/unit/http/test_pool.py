"""Which idle connection a request gets."""

import socket
from collections.abc import Iterator

import pytest

from consumer.http.addressee import Addressee
from consumer.http.connection import Connection
from consumer.http.pool import IDLE_S, Pool

A = Addressee(origin="https://a.example:443", name="a.example", port=443, secure=True, begins="")
B = Addressee(origin="https://b.example:443", name="b.example", port=443, secure=True, begins="")
ADDRESS = "192.0.2.1"


class Made:
    """Makes connections, and closes them."""

    def __init__(self) -> None:
        self.sockets: list[socket.socket] = []

    def connection(self, to: Addressee = A, address: str = ADDRESS) -> Connection:
        self.sockets.append(socket.socket())
        return Connection(self.sockets[-1], address, to, None)


@pytest.fixture
def made() -> Iterator[Made]:
    made = Made()
    yield made
    for each in made.sockets:
        each.close()


def test_it_is_one_of_the_same_origin_and_address(made: Made) -> None:
    pool, connection = Pool(), made.connection()
    pool.put(connection, 0)
    assert pool.take(B.origin, ADDRESS, 0) is None
    assert pool.take(A.origin, "192.0.2.2", 0) is None
    assert pool.take(A.origin, ADDRESS, 0) is connection
    assert pool.take(A.origin, ADDRESS, 0) is None
    assert len(pool) == 0


def test_it_is_the_one_used_last_and_the_oldest_goes_first(made: Made) -> None:
    pool = Pool()
    first, second, other = made.connection(), made.connection(), made.connection(B)
    for now_s, each in enumerate((first, other, second)):
        pool.put(each, now_s)
    assert pool.oldest() is first
    assert pool.take(A.origin, ADDRESS, 3) is second
    pool.put(second, 4)
    pool.drop(first)
    assert pool.oldest() is other
    assert pool.take(A.origin, ADDRESS, 5) is second


def test_what_was_idle_for_too_long_is_not_used(made: Made) -> None:
    pool, old, young = Pool(), made.connection(), made.connection(B)
    pool.put(old, 0)
    pool.put(young, 1)
    assert pool.expired(IDLE_S - 0.1) is None
    assert pool.take(A.origin, ADDRESS, IDLE_S) is None
    assert pool.expired(IDLE_S) is old
    pool.drop(old)
    assert pool.expired(IDLE_S) is None
    assert pool.take(B.origin, ADDRESS, IDLE_S) is young
    assert pool._by_place == {}
