"""Webhooks with TLS of their own: what they show, whom they trust, and that none gets another's."""

import ssl
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from consumer.delivery.answer import FailureKind
from consumer.http.beside import BesideTransport
from consumer.http.curl import CurlTransport
from consumer.http.guard import AddressGuard
from consumer.http.sockets import SocketsTransport
from consumer.http.transport import Transport
from consumer.signing.request import ClientTls, Request
from consumer.webhooks.tls import TlsWish
from tests.certificates import ADDRESS, Authority
from tests.conformance.conftest import LOOPBACK
from tests.conformance.proxies import small_proxy
from tests.conformance.scripted import Endpoint, Line, ask, finish, kind, request, status
from tests.own_tls import authority_in, identity, trusting


@pytest.fixture
def customers(tmp_path: Path) -> Authority:
    """The customer's private authority; the engine's own, which stands for the system's, is another."""
    return authority_in(tmp_path / "customers")


@pytest.fixture(params=["alone", "beside"])
def engine(request: pytest.FixtureRequest, authority: Authority) -> Iterator[Transport]:
    guard = AddressGuard(LOOPBACK)

    def sockets() -> SocketsTransport:
        return SocketsTransport(guard, ca_file=authority.ca_file)

    usual = CurlTransport(guard, ca_file=authority.ca_file)
    opened: Transport = sockets() if request.param == "alone" else BesideTransport(usual, sockets)
    yield opened
    opened.close()
    usual.close()


def with_tls(asked: Request, wish: TlsWish, name: str = "one") -> Request:
    tls = ClientTls(name=name, certificate=wish.certificate, key=wish.key, authorities=wish.authorities)
    return structs.replace(asked, tls=tls)


def wanting(authority: Authority, context: ssl.SSLContext) -> ssl.SSLContext:
    """A server that lets in only whom this authority knows."""
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.ca_file)
    return context


def naming(line: Line) -> None:
    """Answers with the name in the client's certificate."""
    while line.read() is not None:
        assert isinstance(line._sock, ssl.SSLSocket)
        certificate = line._sock.getpeercert() or {}
        [said] = [str(pair[0][1]).encode() for pair in certificate["subject"] if pair[0][0] == "commonName"]
        line.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(said), said))


def body(engine: Transport, asked: Request) -> bytes:
    answer = ask(engine, asked)
    assert status(answer) == 200
    return answer.body  # type: ignore[union-attr]


def test_a_private_authority_replaces_the_systems(
    engine: Transport, authority: Authority, customers: Authority
) -> None:
    own = trusting(customers)
    with (
        Endpoint(Line.answer, tls=customers.server(ADDRESS)) as private,
        Endpoint(Line.answer, tls=authority.server(ADDRESS)) as public,
    ):
        assert kind(ask(engine, request(private.url))) is FailureKind.TLS
        assert status(ask(engine, with_tls(request(private.url), own))) == 200
        assert kind(ask(engine, with_tls(request(public.url), own))) is FailureKind.TLS
        assert status(ask(engine, request(public.url))) == 200


def test_a_client_certificate_is_shown_by_its_webhook_alone(
    engine: Transport, authority: Authority, customers: Authority
) -> None:
    """Two webhooks at one endpoint: neither connection nor session of one carries the other's requests."""
    with Endpoint(naming, tls=wanting(customers, authority.server(ADDRESS))) as endpoint:
        assert kind(ask(engine, request(endpoint.url))) in {FailureKind.TLS, FailureKind.RESET}
        ann, bob = identity(customers, "ann"), identity(customers, "bob")
        for _ in range(2):
            assert body(engine, with_tls(request(endpoint.url), ann, "ann")) == b"ann"
            assert body(engine, with_tls(request(endpoint.url), bob, "bob")) == b"bob"
        assert endpoint.accepted == 3, "each kept its own connection"
        assert kind(ask(engine, request(endpoint.url))) in {FailureKind.TLS, FailureKind.RESET}


def test_of_many_handshakes_at_once_each_shows_its_own(
    engine: Transport, authority: Authority, customers: Authority
) -> None:
    names = [f"client-{number}" for number in range(8)]
    with Endpoint(naming, tls=wanting(customers, authority.server(ADDRESS))) as endpoint:
        for token, name in enumerate(names):
            asked = with_tls(request(endpoint.url, timeout_ms=30_000), identity(customers, name), name)
            engine.submit(token, asked)
        answers = finish(engine, within_s=60)
    assert [answers[token].body.decode() for token in range(8)] == names  # type: ignore[union-attr]


def test_with_both_it_shows_the_one_and_trusts_the_other(
    engine: Transport, authority: Authority, customers: Authority
) -> None:
    own = replace(identity(customers, "ann"), authorities=trusting(customers).authorities)
    with Endpoint(naming, tls=wanting(customers, customers.server(ADDRESS))) as endpoint:
        assert body(engine, with_tls(request(endpoint.url), own)) == b"ann"


def test_through_a_proxy_the_endpoint_sees_the_certificate(authority: Authority, customers: Authority) -> None:
    with (
        small_proxy() as proxy,
        Endpoint(Line.hold) as checked,
        Endpoint(naming, tls=wanting(customers, customers.server(ADDRESS))) as endpoint,
    ):
        named = proxy.named(("127.0.0.1", checked.port))
        engine = SocketsTransport(AddressGuard(LOOPBACK), ca_file=authority.ca_file, proxy=named)
        own = replace(identity(customers, "ann"), authorities=trusting(customers).authorities)
        assert body(engine, with_tls(request(endpoint.url, timeout_ms=30_000), own)) == b"ann"
        engine.close()


def test_what_cannot_be_loaded_fails_its_own_request_and_no_other(engine: Transport, authority: Authority) -> None:
    with Endpoint(Line.answer, tls=authority.server(ADDRESS)) as endpoint:
        broken = TlsWish(certificate="none", key="none")
        assert kind(ask(engine, with_tls(request(endpoint.url), broken))) is FailureKind.BUG
        assert status(ask(engine, request(endpoint.url))) == 200


def test_two_engines_are_driven_as_one(authority: Authority, customers: Authority) -> None:
    opened: list[SocketsTransport] = []
    guard = AddressGuard(LOOPBACK)

    def sockets() -> SocketsTransport:
        opened.append(SocketsTransport(guard, ca_file=authority.ca_file))
        return opened[-1]

    both = BesideTransport(CurlTransport(guard, ca_file=authority.ca_file), sockets)
    with (
        Endpoint(Line.hold, tls=customers.server(ADDRESS)) as silent,
        Endpoint(Line.answer, tls=authority.server(ADDRESS)) as usual,
    ):
        assert status(ask(both, request(usual.url))) == 200
        assert opened == [], "without TLS of its own nothing more is opened"
        own = trusting(customers)
        both.submit(1, with_tls(request(silent.url, timeout_ms=400), own))
        both.submit(2, request(usual.url))
        both.submit(3, with_tls(request(silent.url, timeout_ms=30_000), own))
        assert both.in_flight == 3
        both.cancel(3)
        answers = finish(both)
        assert status(answers[2]) == 200
        assert kind(answers[1]) is FailureKind.TIMEOUT
        assert (len(opened), both.in_flight) == (1, 0)
        both.submit(4, with_tls(request(silent.url, timeout_ms=200), own))
        began_s = time.monotonic()
        while both.in_flight:
            both.poll(60.0)  # and waits no longer than the second engine may wait
        assert time.monotonic() - began_s < 30
    both.close()
    both.close()
