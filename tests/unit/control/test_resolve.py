"""The system's resolver, stood in for where libc asks it."""

import socket
import threading
import time

import pytest

from consumer.control.resolve import AT_ONCE, OF_A_TENANT, Addresses, NoAddress, Unanswered, resolve
from consumer.shares import Busy


def test_the_hosts_file_is_the_system_s_answer_too() -> None:
    found = resolve("acme", "localhost")
    assert isinstance(found, Addresses)
    assert set(found.addresses) <= {"127.0.0.1", "::1"}


def test_an_address_is_told_once_for_each_family(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:200::1", 0, 0, 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1", 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1", 0)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: entries)
    assert resolve("acme", "a.example") == Addresses(("2001:200::1", "1.1.1.1"))


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
    assert resolve("acme", "a.example") == resolution


def test_a_resolver_that_hangs_is_not_waited_for_and_takes_up_so_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    asked: list[str] = []

    def getaddrinfo(host: str, *_: object, **__: object) -> list[object]:
        asked.append(host)
        go_on.wait(10)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    before = time.monotonic()
    assert resolve("acme", "0.example", limit_s=0.2) == Unanswered()
    assert 0.19 < time.monotonic() - before < 1
    for number in range(1, OF_A_TENANT):
        assert resolve("acme", f"{number}.example", limit_s=0.001) == Unanswered()
    with pytest.raises(Busy) as own:
        resolve("acme", "more.example", limit_s=0.001)
    for number in range(OF_A_TENANT, AT_ONCE):
        assert resolve(f"tenant{number}", "a.example", limit_s=0.001) == Unanswered()
    with pytest.raises(Busy) as full:
        resolve("another", "a.example", limit_s=0.001)
    assert (own.value.own, full.value.own) == (True, False)
    assert len(asked) == AT_ONCE
    go_on.set()
    assert resolve("acme", "again.example") == Addresses(("1.1.1.1",))


def test_a_tenant_whose_name_servers_are_silent_leaves_room_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def getaddrinfo(host: str, *_: object, **__: object) -> list[object]:
        if host.startswith("silent"):
            go_on.wait(10)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    for number in range(OF_A_TENANT):
        assert resolve("slow", f"silent{number}.example", limit_s=0.001) == Unanswered()
    for _ in range(20):
        with pytest.raises(Busy, match="of this tenant"):
            resolve("slow", "silent.example", limit_s=0.001)
        assert resolve("other", "a.example") == Addresses(("1.1.1.1",))
    go_on.set()


def test_no_thread_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])
    for _ in range(50):
        resolve("acme", "a.example")
    deadline = time.monotonic() + 5
    while any(thread.name == "resolver" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
