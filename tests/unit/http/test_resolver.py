"""c-ares against a name server on this machine, which is silent, late, or wrong."""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import pytest

from consumer.delivery.names import Addresses, NoAddress, Resolution, Unanswered
from consumer.http.resolver import Resolver
from tests.name_server import AAAA, NXDOMAIN, SERVFAIL, A, NameServer, Said

SILENT = None


@contextmanager
def asking(zone: Mapping[str, Said | None]) -> Iterator[Callable[[str], Resolution]]:
    """Asks for one name and waits for its answer; a name that is not in the zone does not exist."""
    with NameServer(lambda name: zone.get(name, Said(error=NXDOMAIN))) as server:
        resolver = Resolver([server.address])

        def ask(host: str) -> Resolution:
            told: queue.SimpleQueue[Resolution] = queue.SimpleQueue()
            resolver.ask(host, told.put)
            return told.get(timeout=20)

        yield ask
        resolver.close()


def test_addresses_come_with_their_time_to_live() -> None:
    zone = {"a.test": Said(("192.0.2.1", "192.0.2.2", "2001:db8::1"), ttl_s=77)}
    with asking(zone) as ask:
        found = ask("a.test")
    assert isinstance(found, Addresses)
    assert (set(found.addresses), found.ttl_s) == ({"192.0.2.1", "192.0.2.2", "2001:db8::1"}, 77)


def test_an_address_is_written_as_the_system_writes_it() -> None:
    with asking({"a.test": Said(("::ffff:127.0.0.1",))}) as ask:
        assert ask("a.test") == Addresses(("::ffff:127.0.0.1",), 60)


@pytest.mark.parametrize(
    ("said", "resolution"),
    [
        pytest.param(Said(error=NXDOMAIN), NoAddress(), id="no such name"),
        pytest.param(Said(), NoAddress(), id="a name without addresses"),
        pytest.param(Said(error=SERVFAIL), Unanswered(), id="servers that cannot say"),
        pytest.param(Said(("192.0.2.1",), after_s=0.7), Addresses(("192.0.2.1",), 60), id="late"),
    ],
)
def test_none_is_told_from_not_known(said: Said, resolution: Resolution) -> None:
    with asking({"a.test": said}) as ask:
        assert ask("a.test") == resolution


@pytest.mark.parametrize("host", ["münchen.test", "a" * 64 + ".test", ("a" * 60 + ".") * 5, "..", ""])
def test_what_is_no_name_has_no_address(host: str) -> None:
    with asking({}) as ask:
        assert ask(host) == NoAddress()


def test_the_hosts_file_is_read_first() -> None:
    with asking({}) as ask:
        found = ask("localhost")
    assert isinstance(found, Addresses)
    assert set(found.addresses) <= {"127.0.0.1", "::1"}


def test_both_kinds_of_address_are_asked_for_at_once() -> None:
    with NameServer(lambda _: Said(("192.0.2.1",))) as server:
        told = threading.Event()
        resolver = Resolver([server.address])
        resolver.ask("a.test", lambda _: told.set())
        assert told.wait(10)
        assert sorted(server.asked) == [("a.test", A), ("a.test", AAAA)]
        resolver.close()


def waits_s(resolver: Resolver, hosts: list[str]) -> list[float]:
    """How long each was waited for, asked for one after the other."""
    waits: list[float] = []
    for host in hosts:
        told = threading.Event()
        before = time.monotonic()
        resolver.ask(host, lambda _, told=told: told.set())  # type: ignore[misc]
        assert told.wait(20)
        waits.append(time.monotonic() - before)
    return sorted(waits)


def test_two_hundred_silent_names_hold_up_no_other() -> None:
    def says(name: str) -> Said | None:
        return SILENT if name.startswith("silent") else Said(("192.0.2.1",), after_s=0.02)

    with NameServer(says) as server:
        resolver = Resolver([server.address])
        alone = waits_s(resolver, [f"alone{number}.test" for number in range(20)])
        heard: list[Resolution] = []
        for number in range(200):
            resolver.ask(f"silent{number}.test", heard.append)
        beside = waits_s(resolver, [f"beside{number}.test" for number in range(20)])
        resolver.close()
    assert heard == []
    assert beside[10] < 2 * alone[10] + 0.02


def test_closing_waits_for_no_name_and_tells_of_none() -> None:
    with NameServer(lambda _: SILENT) as server:
        resolver = Resolver([server.address])
        heard: list[Resolution] = []
        for number in range(50):
            resolver.ask(f"silent{number}.test", partial(heard.append))
        while not server.asked:
            time.sleep(0.01)
        before = time.monotonic()
        resolver.close()
        assert time.monotonic() - before < 4  # a silent name has seconds
        time.sleep(0.2)
    assert heard == []
