"""From an event to its endpoint by the endpoint's name: core, resolver and engine, without Kafka.

A loop as `roles/worker.py` has it, on real sockets and real name servers of this machine.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from consumer.delivery.answer import FailureKind
from consumer.delivery.core import Core
from consumer.delivery.delivery import Attempt
from consumer.delivery.names import Names
from consumer.delivery.offsets import Partition, Position
from consumer.events.event import Event
from consumer.http.guard import AddressGuard
from consumer.http.resolver import Resolver
from consumer.roles.name_lookup import NameLookup
from consumer.webhooks.reader import Loaded
from tests.conformance.conftest import SEVERAL, Opener
from tests.conformance.scripted import OK, Endpoint, Line
from tests.deliveries import NOW_MS, event, record_at, rules, subscription, target_of
from tests.name_server import NXDOMAIN, NameServer, Said, Says

PLACE: Partition = ("events", 0)
SILENT = None
HERE = Said(("127.0.0.1",))


class Loop:
    """A delivery process's loop. Each host is a tenant with one webhook; each event is for one host."""

    def __init__(self, open_engine: Opener, server: NameServer, port: int, *, ahead_ms: int = 0) -> None:
        guard = AddressGuard(SEVERAL)
        self.transport = open_engine(guard)
        self.names = NameLookup(Resolver([server.address]))
        self.transport.watch(self.names.fd)
        self._events: list[Event] = []
        self._port = port
        self._core = Core(
            rules(),
            decode=lambda record: self._events[record.offset],
            target=target_of,
            names=Names(guard.refuses),
        )
        self._core.assigned({PLACE: Position(0)})
        self._began_s = time.monotonic()
        self.ahead_ms = ahead_ms
        self.attempts: dict[str, list[tuple[float, Attempt]]] = {}

    @property
    def now_ms(self) -> int:
        return NOW_MS + self.ahead_ms + int((time.monotonic() - self._began_s) * 1_000)

    def publish(self, hosts: Sequence[str]) -> None:
        records = []
        for host in hosts:
            offset = len(self._events)
            self._events.append(event(f"evt_{offset}", tenant=host, offset=offset))
            records.append(record_at(("events", 0), offset))
        self._core.records(self.now_ms, records)

    def turn(self) -> None:
        now_ms = self.now_ms
        step = self._core.next(now_ms, now_ms)
        for host in step.load:
            url = f"http://{host}:{self._port}/hook"
            webhook = subscription(f"wh_{host}", tenant=host, url=url)
            self._core.loaded(now_ms, host, Loaded(version="1", subscriptions=(webhook,)))
        self.names.ask(step.names)
        for token, request in step.send:
            self.transport.submit(token, request)
        for _, attempt in step.attempts:
            self.attempts.setdefault(attempt.tenant, []).append((time.monotonic(), attempt))
        for token, _ in step.write:
            self._core.acknowledged(token)
        for token, answer in self.transport.poll(0.01):
            self._core.answered(self.now_ms, token, answer)
        for host, resolution in self.names.take():
            self._core.named(self.now_ms, host, resolution)

    def until(self, done: Callable[[], bool], within_s: float = 10.0) -> None:
        end_s = time.monotonic() + within_s
        while not done():
            assert time.monotonic() < end_s, self.attempts
            self.turn()

    def tried(self, host: str, times: int = 1) -> list[Attempt]:
        """The attempts for this host, waited for."""
        self.until(lambda: len(self.attempts.get(host, ())) >= times)
        return [attempt for _, attempt in self.attempts[host]]


@contextmanager
def looping(open_engine: Opener, says: Says, script: Callable[[Line], None] = Line.answer) -> Iterator[Loop]:
    with NameServer(says) as server, Endpoint(script, host="0.0.0.0") as endpoint:
        loop = Loop(open_engine, server, endpoint.port)
        try:
            yield loop
        finally:
            loop.transport.close()
            loop.names.close()


def closing(line: Line) -> None:
    line.read()
    line.send(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))


def waits_s(loop: Loop, hosts: Sequence[str]) -> list[float]:
    """From an event to its endpoint's answer, for the first event of each host, one after the other."""
    waits: list[float] = []
    for host in hosts:
        before = time.monotonic()
        loop.publish([host])
        assert [attempt.status for attempt in loop.tried(host)] == [200]
        waits.append(time.monotonic() - before)
    return waits


def test_two_hundred_silent_names_hold_up_no_new_connection(open_engine: Opener) -> None:
    def says(name: str) -> Said | None:
        return SILENT if name.startswith("silent") else Said(("127.0.0.1",), after_s=0.02)

    with looping(open_engine, says) as loop:
        alone = waits_s(loop, [f"alone{number}.test" for number in range(15)])
        loop.publish([f"silent{number}.test" for number in range(200)])
        for _ in range(10):
            loop.turn()
        beside = waits_s(loop, [f"beside{number}.test" for number in range(15)])
        assert statistics.median(beside) < 2 * statistics.median(alone) + 0.3  # a silent name costs seconds
        assert not any(host.startswith("silent") for host in loop.attempts)


def test_closing_waits_for_no_name(open_engine: Opener) -> None:
    with looping(open_engine, lambda _: SILENT) as loop:
        loop.publish([f"silent{number}.test" for number in range(50)])
        for _ in range(10):
            loop.turn()
        before = time.monotonic()
    assert time.monotonic() - before < 4


def test_a_late_answer_is_waited_for_and_is_not_the_endpoints_time(open_engine: Opener) -> None:
    with looping(open_engine, lambda _: Said(("127.0.0.1",), after_s=0.6)) as loop:
        loop.publish(["late.test"])
        [attempt] = loop.tried("late.test")
        assert attempt.status == 200
        assert attempt.elapsed_ms < 590


def test_a_name_that_stays_silent_fails_when_its_time_is_over(open_engine: Opener) -> None:
    with looping(open_engine, lambda _: SILENT) as loop:
        loop.publish(["silent.test"])
        loop.turn()
        loop.turn()
        loop.ahead_ms = 5_000
        [attempt] = loop.tried("silent.test")
        assert (attempt.failure, attempt.request_headers) == (FailureKind.DNS, ())
        loop.publish(["silent.test"])  # and whatever else it is asked for, as long as it is silent
        assert len(loop.tried("silent.test", 2)) == 2


def test_a_name_that_leads_inside_and_one_that_does_not_exist_fail_alike(open_engine: Opener) -> None:
    zone = {"inside.test": Said(("10.0.0.1", "127.0.0.77")), "nobody.test": Said(error=NXDOMAIN)}
    with looping(open_engine, zone.__getitem__) as loop:
        loop.publish(["inside.test", "nobody.test"])
        inside, nobody = (loop.tried(host)[0] for host in ("inside.test", "nobody.test"))
        assert (inside.failure, nobody.failure) == (FailureKind.ADDRESS_REFUSED, FailureKind.DNS)
        for attempt in (inside, nobody):
            assert (attempt.elapsed_ms, attempt.request_headers, attempt.status) == (0, (), None)


def test_a_name_that_turns_inside_is_called_no_longer(open_engine: Opener) -> None:
    zone = {"hook.test": Said(("127.0.0.1",), ttl_s=0)}
    with looping(open_engine, zone.__getitem__, closing) as loop:
        loop.publish(["hook.test"])
        loop.tried("hook.test")
        zone["hook.test"] = Said(("127.0.0.77",), ttl_s=0)
        loop.ahead_ms = 10_000  # its time to live, which is taken for longer
        loop.publish(["hook.test"])
        loop.tried("hook.test", 2)  # by what was known, while its servers are asked
        loop.until(lambda: not loop._core.busy)
        loop.publish(["hook.test"])
        known, again, turned = loop.tried("hook.test", 3)
        assert (known.status, again.status, turned.failure) == (200, 200, FailureKind.ADDRESS_REFUSED)


@pytest.mark.parametrize("order", [("127.0.0.1", "127.0.0.77"), ("127.0.0.77", "127.0.0.1")])
def test_of_several_addresses_the_refused_are_not_tried(open_engine: Opener, order: tuple[str, str]) -> None:
    with looping(open_engine, lambda _: Said(order)) as loop:
        loop.publish(["both.test"])
        assert [attempt.status for attempt in loop.tried("both.test")] == [200]


def test_of_several_addresses_a_dead_one_costs_no_attempt(open_engine: Opener) -> None:
    with NameServer(lambda _: Said(("127.0.0.2", "127.0.0.1"))) as server, Endpoint(Line.answer) as endpoint:
        loop = Loop(open_engine, server, endpoint.port)
        loop.publish(["dead.test"])
        assert [attempt.status for attempt in loop.tried("dead.test")] == [200]
        loop.names.close()
