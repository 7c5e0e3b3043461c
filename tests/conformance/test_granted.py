"""Networks that are granted to one tenant's requests, beside each engine: who gets there, and that nobody else does."""

from collections.abc import Callable, Iterator
from ipaddress import ip_network

import pytest
from msgspec import structs

from consumer.delivery.answer import Answer, Failure, FailureKind
from consumer.http.beside import BesideTransport
from consumer.http.curl import CurlTransport
from consumer.http.guard import AddressGuard
from consumer.http.sockets import SocketsTransport
from consumer.http.transport import Transport
from consumer.signing.request import Request
from tests.conformance.conftest import LOOPBACK, native, without_native
from tests.conformance.proxies import small_proxy
from tests.conformance.scripted import Endpoint, Line, ask, request, status

GRANTED = (ip_network("127.0.0.2/32"),)
ANYBODY = AddressGuard()


def alone(guard: AddressGuard) -> Transport:
    return SocketsTransport(guard)


def beside(usual: Callable[..., Transport]) -> Callable[[AddressGuard], Transport]:
    def opened(guard: AddressGuard) -> Transport:
        return BesideTransport(usual(guard, ca_file=None), lambda: SocketsTransport(guard))

    return opened


@pytest.fixture(
    params=[
        pytest.param(alone, id="sockets"),
        pytest.param(beside(CurlTransport), id="curl"),
        pytest.param(beside(native), id="native", marks=without_native),
    ]
)
def engine(request: pytest.FixtureRequest) -> Iterator[Transport]:
    opened: Transport = request.param(ANYBODY)
    yield opened
    opened.close()


def granted(asked: Request) -> Request:
    return structs.replace(asked, granted=GRANTED)


def is_refused(answer: Answer) -> bool:
    return isinstance(answer, Failure) and answer.kind is FailureKind.ADDRESS_REFUSED


def test_a_granted_address_is_reached_by_requests_that_it_is_granted_to_alone(engine: Transport) -> None:
    """By a URL with the address and with a name, before and after the connection that another's request could use."""
    with Endpoint(Line.answer, host="127.0.0.2") as endpoint:
        for url in (f"http://127.0.0.2:{endpoint.port}/hook", f"http://inside.example:{endpoint.port}/hook"):
            asked = request(url, addresses=["127.0.0.2"])
            assert is_refused(ask(engine, asked))
            assert status(ask(engine, granted(asked))) == 200
            assert is_refused(ask(engine, asked)), "the connection is kept, and is not for everybody"
            assert status(ask(engine, granted(asked))) == 200
        assert (endpoint.accepted, len(endpoint.requests)) == (2, 4)


def test_beside_what_is_granted_nothing_else_is_let_through(engine: Transport) -> None:
    """A name that turns to another address inside between look-up and request, an address in another notation."""
    with Endpoint(Line.answer) as endpoint:
        url = f"http://rebound.example:{endpoint.port}/hook"
        for address in ("127.0.0.1", "::ffff:127.0.0.1", "127.0.0.3"):
            assert is_refused(ask(engine, granted(request(url, addresses=[address]))))
        assert endpoint.accepted == 0


def test_a_redirect_to_what_is_granted_is_an_answer(engine: Transport) -> None:
    with Endpoint(Line.answer, host="127.0.0.2") as inside:
        moved = f"HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.2:{inside.port}/\r\nContent-Length: 0\r\n\r\n".encode()
        with Endpoint(lambda line: line.answer(moved), host="127.0.0.2") as endpoint:
            asked = request(f"http://127.0.0.2:{endpoint.port}/hook")
            assert status(ask(engine, granted(asked))) == 307
        assert inside.accepted == 0


def test_through_a_proxy_that_is_asked_for_addresses_the_guard_is_the_same() -> None:
    with small_proxy() as proxy, Endpoint(Line.hold) as checked, Endpoint(Line.answer) as endpoint:
        engine = SocketsTransport(AddressGuard(LOOPBACK), proxy=proxy.named(("127.0.0.1", checked.port)))
        asked = request(f"http://inside.example:{endpoint.port}/hook", addresses=["127.0.0.2"])
        try:
            assert is_refused(ask(engine, asked))
            assert proxy.times(("127.0.0.2", endpoint.port)) == 0
            assert status(ask(engine, granted(asked))) == 200
            assert proxy.times(("127.0.0.2", endpoint.port)) == 1
            assert is_refused(ask(engine, asked))
        finally:
            engine.close()
