"""From an event to its endpoint through a proxy: core and engine, as `roles/worker.py` drives them, without Kafka."""

import time
from collections.abc import Iterator, Sequence

import pytest

from consumer.delivery.core import Core
from consumer.delivery.delivery import Attempt
from consumer.delivery.lane import Patience
from consumer.delivery.names import ProxysNames
from consumer.delivery.offsets import Partition, Position
from consumer.events.event import Event
from consumer.http.guard import ProxysGuard
from consumer.http.sockets import SocketsTransport
from consumer.webhooks.reader import Loaded
from tests.conformance.proxies import STANDS, SmallProxy, refusal, small_proxy
from tests.conformance.scripted import Endpoint, Line
from tests.deliveries import NOW_MS, event, limits, record_at, rules, subscription, target_of

PLACE: Partition = ("events", 0)
GOOD, BAD = "good", "bad"


class Loop:
    """Each event is for one tenant, which has one webhook at a host of its name.

    What has waited for `wait_ms` goes to a delay topic.
    """

    def __init__(self, proxy: SmallProxy, wait_ms: int) -> None:
        self.transport = SocketsTransport(ProxysGuard(), proxy=proxy.named(("check.test", 443)))
        self._events: list[Event] = []
        self._core = Core(
            rules(of_limits=limits(patience=Patience(wait_ms=wait_ms))),
            decode=lambda record: self._events[record.offset],
            target=target_of,
            names=ProxysNames(),
        )
        self._core.assigned({PLACE: Position(0)})
        self._began_s = time.monotonic()
        self.attempts: list[Attempt] = []
        self.written = 0

    @property
    def now_ms(self) -> int:
        return NOW_MS + int((time.monotonic() - self._began_s) * 1_000)

    @property
    def committed(self) -> int:
        return self._core.positions()[PLACE].offset

    def publish(self, tenants: Sequence[str]) -> None:
        first = len(self._events)
        self._events += [event(f"e{first + n}", tenant=tenant, offset=first + n) for n, tenant in enumerate(tenants)]
        self._core.records(
            self.now_ms,
            [record_at(PLACE, offset, self.now_ms) for offset in range(first, len(self._events))],
        )

    def turn(self) -> None:
        now_ms = self.now_ms
        step = self._core.next(now_ms, now_ms, **({} if self.transport.open else {"most": 0}))
        for tenant in {**step.load, **step.load_alone}:
            webhook = subscription(f"sub_{tenant}", tenant=tenant, url=f"http://{tenant}.test/hook")
            self._core.loaded(self.now_ms, tenant, Loaded(version="1", subscriptions=(webhook,)))
        for token in step.cancel:
            self.transport.cancel(token)
        for token, request in step.send:
            self.transport.submit(token, request)
        self.attempts += [attempt for _, attempt in step.attempts]
        for token, _ in step.write:
            self.written += 1
            self._core.acknowledged(token)
        for token, answer in self.transport.poll(0.01):
            self._core.answered(self.now_ms, token, answer)
        for token in self.transport.unsent():
            self._core.unsent(self.now_ms, token)

    def until(self, offset: int) -> None:
        while self.committed < offset:
            self.turn()
        self.turn()  # the last attempts' records


@pytest.fixture
def proxy() -> Iterator[SmallProxy]:
    with small_proxy() as opened, Endpoint(Line.answer) as endpoint:
        opened.leads |= {("check.test", 443): endpoint.port, (f"{GOOD}.test", 80): endpoint.port}
        opened.says[f"{BAD}.test", 80] = refusal(503)
        yield opened


@pytest.fixture
def loop(proxy: SmallProxy) -> Iterator[Loop]:
    opened = Loop(proxy, wait_ms=2_000)
    yield opened
    opened.transport.close()


@pytest.fixture
def patient(proxy: SmallProxy) -> Iterator[Loop]:
    """One that does not give anything to a delay topic because the machine is slow."""
    opened = Loop(proxy, wait_ms=60_000)
    yield opened
    opened.transport.close()


def test_one_tenants_refused_endpoint_fails_for_itself_while_the_others_are_delivered(loop: Loop) -> None:
    loop.publish([BAD, GOOD] * 40)
    loop.until(80)
    accepted = [attempt for attempt in loop.attempts if attempt.tenant == GOOD]
    failed = [attempt for attempt in loop.attempts if attempt.tenant == BAD]
    assert {(attempt.status, attempt.number) for attempt in accepted} == {(200, 1)}
    assert len(accepted) == 40
    assert {attempt.failure for attempt in failed} == {"connect"}, "and its breaker spares the proxy the rest"
    assert loop.written == 40, "what is refused waits for its retry"
    assert loop.transport.open


@pytest.mark.parametrize("says", [refusal(407), refusal(503), b""], ids=["407", "503", "no word"])
def test_while_the_proxy_is_broken_nothing_is_an_attempt_and_nothing_is_written_away(
    patient: Loop, proxy: SmallProxy, says: bytes
) -> None:
    proxy.everybody = says
    patient.publish([GOOD] * 40)
    until_s = time.monotonic() + 1.0
    while time.monotonic() < until_s:
        patient.turn()
    assert (patient.attempts, patient.written, patient.committed) == ([], 0, 0)
    proxy.everybody = STANDS
    patient.until(40)
    assert [(attempt.status, attempt.number) for attempt in patient.attempts] == [(200, 1)] * 40
    assert patient.written == 0
