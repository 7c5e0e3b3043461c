"""An egress proxy that is spoken to by TLS: whom it lets read what, and whose failure a failure is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from consumer.delivery.answer import Answer, FailureKind
from consumer.http.guard import AddressGuard
from consumer.http.proxy import Place, Proxy
from consumer.http.sockets import SocketsTransport
from consumer.signing.request import Request
from tests.certificates import ADDRESS, Authority
from tests.conformance.conftest import LOOPBACK
from tests.conformance.proxies import SmallProxy, refusal, small_proxy
from tests.conformance.scripted import Endpoint, Line, finish, kind, request, status
from tests.own_tls import authority_in

CHECK = ("check.test", 443)


@pytest.fixture
def proxys(tmp_path: Path) -> Authority:
    """Who signed the proxy's certificate; the engine's authority, which stands for the system's, is another."""
    return authority_in(tmp_path / "proxys")


@pytest.fixture
def proxy(proxys: Authority) -> Iterator[SmallProxy]:
    with small_proxy(proxys.server(ADDRESS)) as proxy, Endpoint(Line.hold) as checked:
        proxy.leads[CHECK] = checked.port
        yield proxy


@pytest.fixture
def engine(proxy: SmallProxy, proxys: Authority, authority: Authority) -> Iterator[SocketsTransport]:
    named = proxy.named(CHECK, scheme="https", user="hook", password="word", authorities=proxys.ca_file)
    engine = SocketsTransport(AddressGuard(LOOPBACK), ca_file=authority.ca_file, proxy=named)
    yield engine
    engine.close()


def outcome(engine: SocketsTransport, asked: Request) -> Answer | None:
    """Its answer; None where it came back as unsent."""
    engine.submit(7, asked)
    answers = finish(engine)
    unsent = list(engine.unsent())
    assert (list(answers), unsent) in (([7], []), ([], [7]))
    return answers.get(7)


def some(answer: Answer | None) -> Answer:
    assert answer is not None, "it came back as unsent"
    return answer


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("size", [10, 3_000_000], ids=["small", "large"])
def test_requests_and_answers_go_through_it_whole_and_its_tunnel_is_kept(
    engine: SocketsTransport, proxy: SmallProxy, authority: Authority, tls: bool, size: int
) -> None:
    said = b"HTTP/1.1 200 OK\r\nContent-Length: 12000\r\n\r\n" + b"y" * 12_000
    body = b"x" * size
    with Endpoint(lambda line: line.answer(said), tls=authority.server(ADDRESS) if tls else None) as endpoint:
        for _ in range(2):
            answer = some(outcome(engine, request(endpoint.url, body=body, timeout_ms=30_000)))
            assert status(answer) == 200
            assert answer.body == b"y" * 12_000  # type: ignore[union-attr]
        assert [len(each.partition(b"\r\n\r\n")[2]) for each in endpoint.requests] == [size, size]
        assert endpoint.accepted == proxy.times(("127.0.0.1", endpoint.port)) == 1
    assert b"Basic aG9vazp3b3Jk" in proxy.heads[-1], "the login"


def test_a_proxy_whose_certificate_is_anothers_reads_nothing_and_is_broken(
    proxy: SmallProxy, authority: Authority, proxys: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of another authority, or for another name: it could be anybody."""
    with small_proxy(proxys.server(x509.DNSName("other.test"))) as other, Endpoint(Line.answer) as endpoint:
        for wrong, authorities in ((proxy, authority.ca_file), (other, proxys.ca_file)):
            named = wrong.named(CHECK, scheme="https", authorities=authorities)
            engine = SocketsTransport(AddressGuard(LOOPBACK), proxy=named)
            try:
                assert outcome(engine, request(endpoint.url)) is None
                assert not engine.open
                assert not wrong.heads
                assert not wrong.asked
            finally:
                engine.close()
        assert endpoint.accepted == 0
    said = capsys.readouterr()
    assert "TLS with the egress proxy failed: its certificate is not trusted" in said.out + said.err


def test_a_proxy_that_speaks_no_tls_is_broken_and_costs_nobody_an_attempt(authority: Authority) -> None:
    def script(line: Line) -> None:
        line.read_some()
        line.send(refusal(400))

    with Endpoint(script) as plain, Endpoint(Line.answer) as endpoint:
        at = Place(host="127.0.0.1", port=plain.port)
        checks = (Place(host="check.test", port=443),)
        named = Proxy(scheme="https", at=at, checks=checks, authorities=authority.ca_file)
        engine = SocketsTransport(AddressGuard(LOOPBACK), proxy=named)
        try:
            assert outcome(engine, request(endpoint.url)) is None
            assert not engine.open
        finally:
            engine.close()
        assert endpoint.accepted == 0


def test_an_endpoint_that_it_refuses_fails_for_itself(engine: SocketsTransport, proxy: SmallProxy) -> None:
    proxy.says["127.0.0.1", 9] = refusal(503)
    answer = some(outcome(engine, request("http://127.0.0.1:9/")))
    assert kind(answer) is FailureKind.CONNECT
    assert engine.open
    assert proxy.times(("127.0.0.1", 9)) == 2


def test_a_tunnel_that_is_cut_is_no_end_of_an_answer(engine: SocketsTransport, proxy: SmallProxy) -> None:
    """An answer without a length ends with its connection: only where TLS was ended is that the end."""

    def script(line: Line) -> None:
        line.read()
        line.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npart")

    with Endpoint(script) as endpoint:
        answer = some(outcome(engine, request(endpoint.url)))
        assert (status(answer), answer.body) == (200, b"part")  # type: ignore[union-attr]
        proxy.cuts = True
        cut = some(outcome(engine, request(endpoint.url)))
        assert kind(cut) is FailureKind.RESET
