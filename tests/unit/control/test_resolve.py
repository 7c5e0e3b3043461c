"""The system's resolver, stood in for where libc asks it."""

import socket
import threading
import time

import pytest

from consumer.control import resolve as resolving
from consumer.control.resolve import Addresses, NoAddress, Unanswered, resolve


def test_the_hosts_file_is_the_system_s_answer_too() -> None:
    found = resolve("localhost")
    assert isinstance(found, Addresses)
    assert set(found.addresses) <= {"127.0.0.1", "::1"}


def test_an_address_is_told_once_for_each_family(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:200::1", 0, 0, 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1", 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1", 0)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: entries)
    assert resolve("a.example") == Addresses(("2001:200::1", "1.1.1.1"))


@pytest.mark.parametrize(
    ("code", "resolution"),
    [
        (socket.EAI_NONAME, NoAddress()),
        (socket.EAI_NODATA, NoAddress()),
        (socket.EAI_AGAIN, Unanswered()),
        (socket.EAI_FAIL, Unanswered()),
        (socket.EAI_SYSTEM, Unanswered()),
    ],
)
def test_none_is_told_from_not_known(
    monkeypatch: pytest.MonkeyPatch, code: int, resolution: NoAddress | Unanswered
) -> None:
    def getaddrinfo(*_: object, **__: object) -> None:
        raise socket.gaierror(code, "said by the test")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    assert resolve("a.example") == resolution


def test_a_resolver_that_hangs_is_not_waited_for_and_takes_up_so_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    asked: list[str] = []

    def getaddrinfo(host: str, *_: object, **__: object) -> list[object]:
        asked.append(host)
        go_on.wait(10)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    before = time.monotonic()
    assert resolve("0.example", limit_s=0.2) == Unanswered()
    assert 0.19 < time.monotonic() - before < 1
    for number in range(1, 40):
        assert resolve(f"{number}.example", limit_s=0.001) == Unanswered()
    assert len(asked) == resolving._AT_ONCE
    go_on.set()
    assert resolve("again.example") == Addresses(("1.1.1.1",))


def test_no_thread_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])
    for _ in range(50):
        resolve("a.example")
    deadline = time.monotonic() + 5
    while any(thread.name == "resolver" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
