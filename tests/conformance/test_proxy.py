"""Requests that leave through a forward proxy: how it is asked, and whose failure a failure is."""

import base64
import logging
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import pytest
from cryptography import x509

from consumer.delivery.answer import Answer, Failure, FailureKind
from consumer.http.guard import AddressGuard, ProxysGuard
from consumer.http.proxied_course import ProxiedCourse
from consumer.http.sockets import SocketsTransport
from consumer.signing.request import Request
from tests.certificates import ADDRESS, Authority
from tests.conformance import scripted
from tests.conformance.conftest import LOOPBACK, SEVERAL
from tests.conformance.proxies import STANDS, Says, SmallProxy, Target, refusal, small_proxy, until
from tests.conformance.scripted import Endpoint, Line, kind, status
from tests.conformance.test_connections import full_backlog

request = partial(scripted.request, timeout_ms=30_000)  # and none of these tests waits for it
finish = partial(scripted.finish, within_s=60)

CHECK: Target = ("check.test", 443)
PASSWORD = "p@ss:w%rd"

# What a proxy says of an endpoint that it does not connect to, and of everybody when it is broken itself.
REFUSALS: dict[str, Says] = {
    "403": refusal(403),
    "407": refusal(407),
    "502": refusal(502),
    "503": refusal(503),
    "a redirect": b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\n\r\n",
    "no word": b"",
    "half a word": b"HTTP/1.1 200 OK\r\nX",
    "no HTTP": b"SSH-2.0-OpenSSH\r\n",
}


class Stage:
    """A proxy, a server that it reaches whenever it works, and an engine that knows both."""

    def __init__(self, stack: ExitStack, authority: Authority) -> None:
        self._stack = stack
        self._authority = authority
        self.proxy: SmallProxy = stack.enter_context(small_proxy())
        checked = self.endpoint(Line.hold)
        self.proxy.leads[CHECK] = checked.port
        self.checked = checked

    def endpoint(self, script: object = Line.answer, *, tls: bool = False, name: str = "127.0.0.1") -> Endpoint:
        context = self._authority.server(_alternative(name)) if tls else None
        return self._stack.enter_context(Endpoint(script, tls=context))  # type: ignore[arg-type]

    def engine(
        self,
        *,
        guard: AddressGuard | None = None,
        scheme: str = "http",
        user: str | None = None,
        checks: tuple[Target, ...] = (CHECK,),
    ) -> SocketsTransport:
        transport = SocketsTransport(
            guard or AddressGuard(LOOPBACK),
            ca_file=self._authority.ca_file,
            proxy=self.proxy.named(*checks, scheme=scheme, user=user, password=PASSWORD),
        )
        self._stack.callback(transport.close)
        return transport


def _alternative(name: str) -> x509.GeneralName:
    return ADDRESS if name == "127.0.0.1" else x509.DNSName(name)


@pytest.fixture
def stage(authority: Authority) -> Iterator[Stage]:
    with ExitStack() as stack:
        yield Stage(stack, authority)


def outcome(transport: SocketsTransport, asked: Request) -> Answer | None:
    """Its answer; None where it came back as unsent."""
    transport.submit(7, asked)
    answers = finish(transport)
    unsent = list(transport.unsent())
    assert (list(answers), unsent) in (([7], []), ([], [7]))
    return answers.get(7)


# ── how it is asked ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("scheme", ["http", "socks5"])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_request_reaches_its_endpoint_through_the_proxy_and_its_tunnel_is_kept(
    stage: Stage, scheme: str, tls: bool
) -> None:
    endpoint = stage.endpoint(tls=tls)
    transport = stage.engine(scheme=scheme)
    for _ in range(2):
        answer = outcome(transport, request(endpoint.url))
        assert answer is not None
        assert status(answer) == 200
    assert stage.proxy.times(("127.0.0.1", endpoint.port)) == 1
    assert endpoint.accepted == 1
    assert len(endpoint.requests) == 2


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_our_guard_gives_the_proxy_an_address_and_its_own_gives_it_the_name(stage: Stage, scheme: str) -> None:
    endpoint = stage.endpoint(tls=True, name="hooks.test")
    url = f"https://hooks.test:{endpoint.port}/hook"
    ours = stage.engine(scheme=scheme)
    assert status(_some(outcome(ours, request(url, addresses=["127.0.0.1"])))) == 200
    assert stage.proxy.asked[-1] == ("127.0.0.1", endpoint.port)
    its = stage.engine(scheme=scheme, guard=ProxysGuard())
    assert status(_some(outcome(its, request(url, addresses=["hooks.test"])))) == 200
    assert stage.proxy.asked[-1] == ("hooks.test", endpoint.port)
    # The certificate is the endpoint's and is checked for the URL's name, whatever the proxy was asked for.
    wrong = outcome(its, request(f"https://other.test:{endpoint.port}/hook", addresses=["other.test"]))
    assert kind(_some(wrong)) is FailureKind.TLS


def test_an_address_that_our_guard_refuses_is_not_asked_for(stage: Stage) -> None:
    answer = outcome(stage.engine(), request("http://10.0.0.1/hook"))
    assert kind(_some(answer)) is FailureKind.ADDRESS_REFUSED
    assert stage.proxy.asked == [CHECK]


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_the_login_goes_to_the_proxy_alone(stage: Stage, scheme: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    endpoint = stage.endpoint()
    transport = stage.engine(scheme=scheme, user="hook:line")
    assert status(_some(outcome(transport, request(endpoint.url)))) == 200
    said = stage.proxy.heads[-1]
    wanted = b"hook:line:p@ss:w%rd"
    assert (base64.b64encode(wanted) if scheme == "http" else wanted) in said
    assert b"roxy" not in b"".join(endpoint.requests)
    stage.proxy.says["127.0.0.1", endpoint.port] = refusal(407)
    endpoint.requests.clear()
    told = repr(outcome(stage.engine(scheme=scheme, user="hook:line"), request(endpoint.url)))
    told += repr(stage.proxy.named(user="hook:line", password=PASSWORD)) + caplog.text
    assert PASSWORD not in told
    assert "hook:line" not in told


def test_the_endpoints_addresses_are_asked_for_one_after_the_other(stage: Stage) -> None:
    endpoint = stage.endpoint()
    url = f"http://hooks.test:{endpoint.port}/hook"
    stage.proxy.says["127.0.0.2", endpoint.port] = refusal(503)
    transport = stage.engine(guard=AddressGuard(SEVERAL))
    assert status(_some(outcome(transport, request(url, addresses=["127.0.0.2", "127.0.0.1"])))) == 200
    assert stage.proxy.asked == [CHECK, ("127.0.0.2", endpoint.port), ("127.0.0.1", endpoint.port)]


def test_what_the_endpoint_says_with_the_proxys_last_word_is_the_endpoints(stage: Stage) -> None:
    """A server that speaks first is no HTTP server: that is its own failure, and no check is made for it."""
    transport = stage.engine()
    stage.proxy.says["127.0.0.1", 9] = STANDS + b"220 mail.test ESMTP\r\n"
    answer = outcome(transport, request("http://127.0.0.1:9/"))
    assert kind(_some(answer)) is FailureKind.PROTOCOL
    assert stage.proxy.times(CHECK) == 1


# ── whose failure it is ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("says", REFUSALS.values(), ids=REFUSALS)
def test_an_endpoint_that_the_proxy_refuses_fails_while_others_are_delivered(stage: Stage, says: Says) -> None:
    good, transport = stage.endpoint(), stage.engine()
    refused = ("127.0.0.1", 9)
    stage.proxy.says[refused] = says
    transport.submit(1, request("http://127.0.0.1:9/"))
    transport.submit(2, request(good.url))
    answers: dict[int, Answer] = {}
    until(lambda: not transport.in_flight, lambda: _turn(transport, answers))
    assert status(answers[2]) == 200
    failure = answers[1]
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.CONNECT
    assert "hidden" not in failure.detail
    assert not transport.unsent()
    assert stage.proxy.times(refused) == 2, "it is tried once more after the proxy was seen to work"


@pytest.mark.parametrize("says", REFUSALS.values(), ids=REFUSALS)
def test_a_proxy_that_refuses_everybody_is_broken_and_nothing_is_held_against_an_endpoint(
    stage: Stage, says: Says
) -> None:
    endpoint = stage.endpoint()
    transport = stage.engine()
    assert status(_some(outcome(transport, request(endpoint.url)))) == 200
    stage.proxy.everybody = says
    other = stage.endpoint()
    assert outcome(transport, request(other.url)) is None
    assert not transport.open
    assert outcome(transport, request(other.url)) is None, "what is given to it now goes nowhere, and at once"
    assert stage.proxy.times(("127.0.0.1", other.port)) == 1
    stage.proxy.everybody = STANDS
    until(lambda: transport.open, lambda: transport.poll(0.05))
    assert status(_some(outcome(transport, request(other.url)))) == 200


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_a_proxy_that_never_worked_costs_nobody_an_attempt(stage: Stage, scheme: str) -> None:
    endpoint = stage.endpoint()
    stage.proxy.everybody = refusal(407)
    transport = stage.engine(scheme=scheme)
    assert outcome(transport, request(endpoint.url)) is None
    assert stage.proxy.asked == [CHECK]
    assert endpoint.accepted == 0


def test_a_proxy_that_is_away_is_broken_until_it_is_back(stage: Stage) -> None:
    endpoint = stage.endpoint()
    transport = stage.engine()
    assert status(_some(outcome(transport, request(endpoint.url)))) == 200
    stage.proxy.stop()
    assert outcome(transport, request(endpoint.url)) is None
    assert not transport.open


def test_one_server_that_the_proxy_reaches_is_enough(stage: Stage) -> None:
    stage.proxy.says["away.test", 443] = refusal(503)
    endpoint, transport = stage.endpoint(), stage.engine(checks=(("away.test", 443), CHECK))
    assert status(_some(outcome(transport, request(endpoint.url)))) == 200


def test_a_proxy_that_takes_no_connection_is_broken(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consumer.http.proxied_course.CHECK_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as free:
        stage.proxy.port = free.getsockname()[1]
    with full_backlog("127.0.0.1", stage.proxy.port):
        transport = stage.engine()
        assert outcome(transport, request("http://127.0.0.1:9/")) is None
        assert not transport.open


def test_an_endpoint_of_which_the_proxy_says_nothing_fails_for_itself(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumer.http.proxied_course.ASKED_S", 0.2)
    stage.proxy.says["127.0.0.1", 9] = None
    transport = stage.engine()
    answer = outcome(transport, request("http://127.0.0.1:9/", timeout_ms=30_000))
    assert kind(_some(answer)) is FailureKind.CONNECT
    assert transport.open


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_tunnel_that_ends_is_its_endpoints_doing_while_the_proxy_works(stage: Stage, tls: bool) -> None:
    def script(line: Line) -> None:
        line.read()

    endpoint = stage.endpoint(script, tls=tls)
    answer = outcome(stage.engine(), request(endpoint.url))
    assert kind(_some(answer)) is FailureKind.RESET
    assert len(endpoint.requests) == 1, "what may have been handled is not sent again at once"


def test_a_proxy_that_dies_takes_no_attempt_with_it(stage: Stage) -> None:
    endpoint = stage.endpoint(lambda line: (line.read(), line.hold()))
    transport = stage.engine()
    for token in range(3):
        transport.submit(token, request(endpoint.url, timeout_ms=30_000))
    until(lambda: len(endpoint.requests) == 3, lambda: transport.poll(0.05))
    stage.proxy.stop()
    assert finish(transport) == {}
    assert sorted(transport.unsent()) == [0, 1, 2]
    assert not transport.open


def test_a_silent_endpoint_times_out_for_itself_while_the_proxy_works(stage: Stage) -> None:
    endpoint = stage.endpoint(lambda line: (line.read(), line.hold()))
    answer = outcome(stage.engine(), request(endpoint.url, timeout_ms=300))
    assert kind(_some(answer)) is FailureKind.TIMEOUT


def test_one_who_fills_the_process_with_refused_endpoints_holds_up_nobody(stage: Stage) -> None:
    """However many of them there are, the checks are few, and the others are delivered meanwhile."""
    good, transport = stage.endpoint(), stage.engine()
    for port in range(1, 301):
        stage.proxy.says["127.0.0.1", port] = refusal(503)
        transport.submit(port, request(f"http://127.0.0.1:{port}/"))
    for token in range(1_000, 1_030):
        transport.submit(token, request(good.url))
    answers: dict[int, Answer] = {}
    until(lambda: not transport.in_flight, lambda: _turn(transport, answers))
    assert not transport.unsent()
    assert {status(answers[token]) for token in range(1_000, 1_030)} == {200}
    assert {kind(answers[token]) for token in range(1, 301)} == {FailureKind.CONNECT}
    assert stage.proxy.times(CHECK) <= 30


def test_a_request_that_is_cancelled_while_the_proxy_is_checked_is_forgotten(stage: Stage) -> None:
    stage.proxy.says["127.0.0.1", 9] = refusal(503)
    stage.proxy.says[CHECK] = None
    transport = stage.engine()
    transport.submit(1, request("http://127.0.0.1:9/"))
    until(lambda: bool(stage.proxy.asked), lambda: transport.poll(0.05))
    transport.cancel(1)
    assert transport.in_flight == 0
    assert isinstance(transport._course, ProxiedCourse)
    assert not transport._course._deadlines._slot_of.keys() - transport._course._checks.keys()


def _turn(transport: SocketsTransport, answers: dict[int, Answer]) -> None:
    answers.update(transport.poll(0.05))
    assert transport.open


def _some(answer: Answer | None) -> Answer:
    assert answer is not None, "it came back as unsent"
    return answer
