"""How every engine keeps, shares, gives up and refuses connections."""

import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from ipaddress import ip_network

import pytest
from cryptography import x509
from msgspec import structs

from consumer.delivery.answer import Failure, FailureKind, Response
from consumer.delivery.names import REFUSED_DETAIL
from consumer.http.guard import AddressGuard
from consumer.http.transport import Transport
from tests.certificates import ADDRESS, Authority
from tests.conformance.conftest import SEVERAL, Opener
from tests.conformance.scripted import OK, Endpoint, Line, ask, finish, kind, request, status

OTHER = b"HTTP/1.1 500 Wrong\r\nContent-Length: 5\r\n\r\nwrong"


def test_a_connection_is_used_again_for_every_url_of_its_origin(transport: Transport) -> None:
    with Endpoint(Line.answer) as endpoint:
        for path in range(5):
            assert status(ask(transport, request(f"{endpoint.url}/{path}"))) == 200
        assert endpoint.accepted == 1


@pytest.mark.parametrize("quietly", [True, False])
def test_after_a_lost_connection_the_next_request_works(transport: Transport, quietly: bool) -> None:
    def script(line: Line) -> None:
        line.read()
        line.send(OK)
        line.endpoint.stopped.wait(0.05)
        if not quietly:
            line.reset()

    with Endpoint(script) as endpoint:
        for _ in range(3):
            assert status(ask(transport, request(endpoint.url))) == 200
            time.sleep(0.15)
            transport.poll(0)
        assert endpoint.accepted == 3


def test_a_second_answer_in_one_segment_answers_nothing(transport: Transport) -> None:
    def script(line: Line) -> None:
        line.answer(OK + OTHER if line.number == 0 else OK)

    with Endpoint(script) as endpoint:
        for _ in range(3):
            answer = ask(transport, request(endpoint.url))
            assert status(answer) == 200
            assert isinstance(answer, Response)
            assert answer.body == b"ok"
        assert endpoint.accepted == 2


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "tls"])
def test_an_answer_nobody_asked_for_answers_nothing(open_engine: Opener, authority: Authority, encrypted: bool) -> None:
    transport = open_engine(ca_file=authority.ca_file)
    sent = threading.Event()

    def script(line: Line) -> None:
        line.read()
        line.send(OK)
        if line.number == 0:
            line.endpoint.stopped.wait(0.05)
            line.send(OTHER)
            sent.set()
        line.answer()

    with Endpoint(script, tls=authority.server(ADDRESS) if encrypted else None) as endpoint:
        for _ in range(3):
            assert status(ask(transport, request(endpoint.url))) == 200
            assert sent.wait(5)
            time.sleep(0.05)
            transport.poll(0)
        assert endpoint.accepted == 2


def test_a_closing_answer_closes(transport: Transport) -> None:
    def script(line: Line) -> None:
        line.answer(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")

    with Endpoint(script) as endpoint:
        for _ in range(2):
            assert status(ask(transport, request(endpoint.url))) == 200
        assert endpoint.accepted == 2


def test_many_requests_at_once_each_get_their_own_answer(transport: Transport) -> None:
    at_once = 500

    def script(line: Line) -> None:
        while (asked := line.read()) is not None:
            body = asked.partition(b"\r\n\r\n")[2]
            line.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    with Endpoint(script) as endpoint:
        for token in range(at_once):
            transport.submit(token, request(endpoint.url, timeout_ms=20_000, body=b"event %d" % token))
        assert transport.in_flight == at_once
        answers = finish(transport, within_s=25)
    assert sorted(answers) == list(range(at_once))
    for token, answer in answers.items():
        assert isinstance(answer, Response), answer
        assert answer.body == b"event %d" % token


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([], id="silence"),
        pytest.param([b"HTTP/1.1 200 OK\r\n", *[b"X-Slow: y\r\n"] * 200], id="slow headers"),
        pytest.param([b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n", *[b"x"] * 200], id="dripped body"),
        pytest.param([b"HTTP/1.1 100 Continue\r\n\r\n"] * 200, id="endless 1xx"),
    ],
)
def test_the_total_deadline_is_kept(transport: Transport, pieces: Sequence[bytes]) -> None:
    def script(line: Line) -> None:
        line.read()
        line.drip(pieces, 0.02)
        line.hold()

    with Endpoint(script) as endpoint:
        before = time.monotonic()
        answer = ask(transport, request(endpoint.url, timeout_ms=300))
        took = time.monotonic() - before
    assert kind(answer) is FailureKind.TIMEOUT
    assert isinstance(answer, Failure)
    assert 0.29 <= took < 3  # the answer itself would take 4 s
    assert 290 <= answer.elapsed_ms < 3_000


def test_bytes_that_are_no_tls_behind_the_handshake_are_a_reset(open_engine: Opener, authority: Authority) -> None:
    def script(line: Line) -> None:
        line.read()
        line.send_plain(b"HTTP/1.1 200 OK\r\n\r\n")
        line.endpoint.stopped.wait(0.1)

    with Endpoint(script, tls=authority.server(ADDRESS)) as endpoint:
        transport = open_engine(ca_file=authority.ca_file)
        assert kind(ask(transport, request(endpoint.url))) is FailureKind.RESET


def test_the_deadline_counts_while_nobody_accepts(transport: Transport, authority: Authority) -> None:
    with Endpoint(Line.hold) as endpoint:  # no TLS here: the handshake never gets its answer
        answer = ask(transport, request(endpoint.url.replace("http:", "https:"), timeout_ms=300))
    assert kind(answer) is FailureKind.TIMEOUT


def test_a_flood_of_interim_answers_ends_in_time_and_bounded(transport: Transport) -> None:
    def script(line: Line) -> None:
        line.read()
        while not line.endpoint.stopped.is_set():
            line.send(b"HTTP/1.1 100 Continue\r\nX-Filler: " + b"x" * 900 + b"\r\n\r\n")

    with Endpoint(script) as endpoint:
        answer = ask(transport, request(endpoint.url, timeout_ms=500))
    assert kind(answer) in {FailureKind.TIMEOUT, FailureKind.PROTOCOL}


def test_a_cancelled_request_never_answers_and_its_token_is_free(transport: Transport) -> None:
    def script(line: Line) -> None:
        if line.number == 0:
            line.read()
            line.hold()
        line.answer()

    with Endpoint(script) as endpoint:
        transport.submit(1, request(endpoint.url))
        while not endpoint.requests:
            assert list(transport.poll(0.02)) == []
        transport.cancel(1)
        transport.cancel(99)
        assert transport.in_flight == 0
        transport.submit(1, request(endpoint.url))
        assert status(finish(transport)[1]) == 200
        assert endpoint.accepted == 2


def test_close_ends_requests_in_flight(transport: Transport) -> None:

    def script(line: Line) -> None:
        line.read()
        line.hold()

    with Endpoint(script) as endpoint:
        for token in range(20):
            transport.submit(token, request(endpoint.url))
        while len(endpoint.requests) < 20:
            assert list(transport.poll(0.02)) == []
        transport.close()
        assert transport.in_flight == 0


def test_a_watched_descriptor_ends_the_wait(transport: Transport) -> None:
    reader, writer = os.pipe()
    try:
        transport.watch(reader)
        before = time.monotonic()
        assert list(transport.poll(0.2)) == []
        assert time.monotonic() - before >= 0.19
        os.write(writer, b"x")
        before = time.monotonic()
        assert list(transport.poll(5)) == []
        assert time.monotonic() - before < 4
    finally:
        os.close(reader)
        os.close(writer)


def test_a_refused_port_is_a_failed_connect(transport: Transport) -> None:
    with Endpoint(Line.answer) as endpoint:
        url = endpoint.url
    assert kind(ask(transport, request(url))) is FailureKind.CONNECT


def test_a_request_that_does_not_say_where_it_goes_is_not_sent(transport: Transport) -> None:
    with pytest.raises(ValueError, match="look its name up first"):
        transport.submit(1, structs.replace(request("http://nobody.invalid/"), addresses=()))
    assert transport.in_flight == 0


def test_a_name_is_taken_from_the_request_whatever_the_system_makes_of_it(transport: Transport) -> None:
    with Endpoint(Line.answer) as endpoint:
        for host in ("localhost", "nobody.invalid", "nobody.invalid.", "Nobody.Invalid"):
            answer = ask(transport, request(f"http://{host}:{endpoint.port}/", addresses=["127.0.0.1"]))
            assert status(answer) == 200
            asked = endpoint.requests[-1].decode().lower()
            assert f"host: {host.lower()}:{endpoint.port}\r\n" in asked


def test_many_first_requests_to_one_name_in_one_turn_all_find_it(transport: Transport) -> None:
    with Endpoint(Line.answer) as endpoint:
        for token in range(100):
            transport.submit(token, request(f"http://hook.test:{endpoint.port}/{token % 2}", addresses=["127.0.0.1"]))
            if token % 10 == 9:
                transport.cancel(token)
        answers = finish(transport)
    assert [status(answer) for answer in answers.values()] == [200] * 90


def test_an_address_that_refuses_costs_no_time(open_engine: Opener) -> None:
    with Endpoint(Line.answer) as endpoint:
        asked = request(f"http://hook.test:{endpoint.port}/", addresses=["127.0.0.1"])
    with Endpoint(Line.answer, host="127.0.0.3", port=endpoint.port) as endpoint:
        asked = structs.replace(asked, addresses=("127.0.0.2", "127.0.0.3"))
        before = time.monotonic()
        assert status(ask(open_engine(AddressGuard(SEVERAL)), asked)) == 200
        assert time.monotonic() - before < 1


def test_an_address_that_is_silent_costs_a_moment(open_engine: Opener) -> None:
    """RFC 8305: the next one is tried before the first has failed."""
    with Endpoint(Line.answer, host="127.0.0.3") as endpoint, full_backlog("127.0.0.2", endpoint.port):
        asked = request(f"http://hook.test:{endpoint.port}/", addresses=["127.0.0.2", "127.0.0.3"], timeout_ms=20_000)
        before = time.monotonic()
        assert status(ask(open_engine(AddressGuard(SEVERAL)), asked)) == 200
        assert time.monotonic() - before < 3


@contextmanager
def full_backlog(host: str, port: int) -> Iterator[None]:
    """An address that takes no connection and refuses none."""
    with ExitStack() as opened:
        silent = opened.enter_context(socket.socket())
        silent.bind((host, port))
        silent.listen(0)
        for _ in range(4):
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect((host, port))
        yield


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "file:///etc/hosts", "gopher://127.0.0.1/", "http:///none"])
def test_only_http_is_spoken(transport: Transport, url: str) -> None:
    assert isinstance(ask(transport, request(url)), Failure)


def test_a_proxy_in_the_environment_is_not_used(open_engine: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    with Endpoint(Line.answer) as proxy, Endpoint(Line.answer) as endpoint:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert status(ask(open_engine(), request(endpoint.url))) == 200
        assert (proxy.accepted, endpoint.accepted) == (0, 1)


# The address guard.


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f000001", "2130706433", "127.1", "[::ffff:127.0.0.1]"])
def test_loopback_is_refused_however_it_is_written(open_engine: Opener, host: str) -> None:
    with Endpoint(Line.answer) as endpoint:
        answer = ask(open_engine(AddressGuard()), request(f"http://{host}:{endpoint.port}/hook"))
        assert kind(answer) is FailureKind.ADDRESS_REFUSED
        assert isinstance(answer, Failure)
        assert answer.detail == REFUSED_DETAIL
    assert endpoint.accepted == 0


def test_a_refused_address_says_the_same_whether_anything_listens(open_engine: Opener) -> None:
    with Endpoint(Line.answer) as endpoint:
        url = endpoint.url
        listening = ask(open_engine(AddressGuard()), request(url))
    silent = ask(open_engine(AddressGuard()), request(url))
    assert isinstance(listening, Failure)
    assert isinstance(silent, Failure)
    assert (listening.kind, listening.detail) == (silent.kind, silent.detail)


def test_the_first_allowed_address_of_a_name_is_used(open_engine: Opener) -> None:
    with Endpoint(Line.answer) as endpoint:
        asked = request(f"http://hook.test:{endpoint.port}/", addresses=["10.1.2.3", "127.0.0.1"])
        assert status(ask(open_engine(), asked)) == 200


def test_a_name_that_changes_to_a_refused_address_is_refused(open_engine: Opener) -> None:

    def script(line: Line) -> None:
        line.read()
        line.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")

    with Endpoint(script, host="0.0.0.0") as endpoint:
        transport, url = open_engine(), f"http://rebound.test:{endpoint.port}/"
        assert status(ask(transport, request(url, addresses=["127.0.0.1"]))) == 200
        assert kind(ask(transport, request(url, addresses=["127.0.0.2"]))) is FailureKind.ADDRESS_REFUSED
        assert endpoint.accepted == 1


class Turning(AddressGuard):
    """Lets loopback through until it is told not to: an address that a reused connection must be checked for again."""

    turned = False

    def refuses(self, address: str) -> str | None:
        return "turned" if self.turned else super().refuses(address)


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "tls"])
def test_a_kept_connection_is_checked_again(open_engine: Opener, authority: Authority, encrypted: bool) -> None:
    guard = Turning([ip_network("127.0.0.1/32")])
    with Endpoint(Line.answer, tls=authority.server(ADDRESS) if encrypted else None) as endpoint:
        transport = open_engine(guard, ca_file=authority.ca_file)
        assert status(ask(transport, request(endpoint.url))) == 200
        guard.turned = True
        assert kind(ask(transport, request(endpoint.url))) is FailureKind.ADDRESS_REFUSED
        assert len(endpoint.requests) == 1


# TLS.


def test_a_trusted_certificate_is_accepted_and_its_connection_kept(open_engine: Opener, authority: Authority) -> None:
    with Endpoint(Line.answer, tls=authority.server(ADDRESS)) as endpoint:
        transport = open_engine(ca_file=authority.ca_file)
        for _ in range(3):
            assert status(ask(transport, request(endpoint.url))) == 200
        assert endpoint.accepted == 1


def test_the_certificate_is_that_of_the_name_wherever_it_leads(open_engine: Opener, authority: Authority) -> None:
    asked_for: list[str | None] = []

    def note(_line: object, name: str | None, _context: object) -> None:
        asked_for.append(name)

    tls = authority.server(x509.DNSName("hook.test"))
    tls.sni_callback = note
    with Endpoint(Line.answer, tls=tls) as endpoint:
        transport = open_engine(ca_file=authority.ca_file)
        url = f"https://hook.test:{endpoint.port}/"
        assert status(ask(transport, request(url, addresses=["127.0.0.1"]))) == 200
        assert b"Host: hook.test:%d\r\n" % endpoint.port in endpoint.requests[0]
        other = url.replace("hook.test", "other.test")
        assert kind(ask(transport, request(other, addresses=["127.0.0.1"]))) is FailureKind.TLS
        assert len(endpoint.requests) == 1
    assert asked_for == ["hook.test", "other.test"]


def test_a_second_answer_in_one_segment_answers_nothing_over_tls(open_engine: Opener, authority: Authority) -> None:
    def script(line: Line) -> None:
        line.answer(OK + OTHER if line.number == 0 else OK)

    with Endpoint(script, tls=authority.server(ADDRESS)) as endpoint:
        transport = open_engine(ca_file=authority.ca_file)
        assert [status(ask(transport, request(endpoint.url))) for _ in range(3)] == [200, 200, 200]


@pytest.mark.parametrize("fault", ["self-signed", "expired", "wrong host", "unknown authority"])
def test_a_certificate_that_does_not_hold_is_refused(open_engine: Opener, authority: Authority, fault: str) -> None:
    name = x509.DNSName("elsewhere.test") if fault == "wrong host" else ADDRESS
    tls = authority.server(name, expired=fault == "expired", self_signed=fault == "self-signed")
    with Endpoint(Line.answer, tls=tls) as endpoint:
        transport = open_engine(ca_file=None if fault == "unknown authority" else authority.ca_file)
        assert kind(ask(transport, request(endpoint.url))) is FailureKind.TLS
        assert endpoint.requests == []


def test_plain_http_where_tls_was_meant_is_a_tls_failure(transport: Transport) -> None:
    def script(line: Line) -> None:
        line.send(OK)

    with Endpoint(script) as endpoint:
        assert kind(ask(transport, request(endpoint.url.replace("http:", "https:")))) is FailureKind.TLS


def test_a_reset_within_the_handshake_is_no_answer(transport: Transport) -> None:
    def script(line: Line) -> None:
        line.read_some()
        line.reset()

    with Endpoint(script) as endpoint:
        answer = ask(transport, request(endpoint.url.replace("http:", "https:")))
        assert kind(answer) in {FailureKind.TLS, FailureKind.RESET}


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "tls"])
def test_an_answer_tells_where_its_time_went(open_engine: Opener, authority: Authority, encrypted: bool) -> None:
    transport = open_engine(ca_file=authority.ca_file)

    def script(line: Line) -> None:
        while line.read() is not None:
            line.endpoint.stopped.wait(0.03)
            line.send(OK)

    with Endpoint(script, tls=authority.server(ADDRESS) if encrypted else None) as endpoint:
        first, again = (ask(transport, request(endpoint.url)) for _ in range(2))
    connect_ms, tls_ms, first_byte_ms = first.timing.connect_ms, first.timing.tls_ms, first.timing.first_byte_ms
    assert connect_ms is not None
    assert first_byte_ms is not None
    assert (tls_ms is not None) is encrypted
    assert 0 < connect_ms + (tls_ms or 0) + 30 <= first_byte_ms + 1 <= first.elapsed_ms + 2
    assert again.timing.connect_ms is None  # the connection was there already
    assert again.timing.tls_ms is None
    assert 29 <= (again.timing.first_byte_ms or 0) <= again.elapsed_ms + 1


def test_a_request_that_gets_no_answer_tells_how_far_it_came(open_engine: Opener) -> None:
    transport = open_engine()

    def script(line: Line) -> None:
        line.read()
        line.hold()

    with Endpoint(script) as endpoint:
        answer = ask(transport, request(endpoint.url, timeout_ms=150))
    assert kind(answer) is FailureKind.TIMEOUT
    assert answer.timing.first_byte_ms is None
    assert answer.timing.connect_ms is not None
