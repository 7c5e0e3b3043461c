"""What the sockets engine does beyond what every engine does."""

import errno
import os
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_network

import pytest

from consumer.delivery.answer import Answer, Failure, FailureKind, Response
from consumer.http.guard import AddressGuard
from consumer.http.sockets import SocketsTransport
from tests.certificates import ADDRESS, Authority
from tests.conformance.conftest import LOOPBACK, SEVERAL
from tests.conformance.scripted import OK, Endpoint, Line, ask, finish, kind, request, status
from tests.conformance.test_connections import full_backlog


@pytest.fixture
def engine(authority: Authority) -> Iterator[SocketsTransport]:
    opened = SocketsTransport(AddressGuard(SEVERAL), ca_file=authority.ca_file)
    yield opened
    opened.close()


# A connection that was closed when it was used again.


@pytest.mark.parametrize("quietly", [True, False])
@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "tls"])
def test_a_request_that_met_a_closed_connection_goes_out_once_more(
    engine: SocketsTransport, authority: Authority, quietly: bool, encrypted: bool
) -> None:
    def script(line: Line) -> None:
        line.read()
        line.send(OK)
        if line.number == 0:
            line.read()  # and no answer: as if it had been closed at the moment when this was sent
            if not quietly:
                line.reset()
            return
        line.answer()

    with Endpoint(script, tls=authority.server(ADDRESS) if encrypted else None) as endpoint:
        assert [status(ask(engine, request(endpoint.url))) for _ in range(2)] == [200, 200]
        assert (endpoint.accepted, len(endpoint.requests)) == (2, 3)
        assert endpoint.requests[1] == endpoint.requests[2]


def test_an_end_that_comes_with_a_ticket_is_noticed(engine: SocketsTransport, authority: Authority) -> None:
    """The system tells of both at once, and never again: a look at the ticket alone would leave the request waiting."""
    ended = threading.Event()

    def script(line: Line) -> None:
        line.read()
        line.close()
        ended.set()

    with Endpoint(script, tls=authority.server(ADDRESS)) as endpoint:
        engine.submit(1, request(endpoint.url, timeout_ms=20_000))
        while not any(each.secured for each in engine._connections._by_fd.values()):
            engine.poll(0.01)
        assert ended.wait(10)  # by now ticket and end lie there
        time.sleep(0.05)
        assert kind(finish(engine, within_s=30)[1]) is FailureKind.RESET


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "tls"])
def test_a_connection_that_ended_with_its_answer_is_not_kept(
    engine: SocketsTransport, authority: Authority, encrypted: bool
) -> None:
    """The system tells of its end with the answer, and never again."""
    go_on, ended = threading.Event(), threading.Event()

    def script(line: Line) -> None:
        line.read()
        go_on.wait(5)
        line.send(OK)
        line.close()
        ended.set()

    with Endpoint(script, tls=authority.server(ADDRESS) if encrypted else None) as endpoint:
        engine.submit(1, request(endpoint.url))
        while not endpoint.requests:
            engine.poll(0.01)
        go_on.set()
        assert ended.wait(5)
        time.sleep(0.05)
        assert status(finish(engine)[1]) == 200
        engine._turn(0.05)
        assert len(engine._connections._pool) == 0


def test_it_goes_out_a_second_time_only(engine: SocketsTransport) -> None:
    def script(line: Line) -> None:
        line.read()
        if line.number == 0:
            line.send(OK)
            line.read()

    with Endpoint(script) as endpoint:
        assert status(ask(engine, request(endpoint.url))) == 200
        assert kind(ask(engine, request(endpoint.url))) is FailureKind.RESET
        assert (endpoint.accepted, len(endpoint.requests)) == (2, 3)


@pytest.mark.parametrize("said", [b"H", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"])
def test_a_request_whose_answer_has_begun_is_not_sent_again(engine: SocketsTransport, said: bytes) -> None:
    def script(line: Line) -> None:
        line.read()
        line.send(OK)
        line.read()
        line.send(said)

    with Endpoint(script) as endpoint:
        assert status(ask(engine, request(endpoint.url))) == 200
        assert kind(ask(engine, request(endpoint.url))) in {FailureKind.RESET, FailureKind.PROTOCOL}
        assert endpoint.accepted == 1


def test_a_request_whose_time_is_over_is_not_sent_again(engine: SocketsTransport) -> None:
    def script(line: Line) -> None:
        line.read()
        line.send(OK)
        line.hold()

    with Endpoint(script) as endpoint:
        assert status(ask(engine, request(endpoint.url))) == 200
        assert kind(ask(engine, request(endpoint.url, timeout_ms=200))) is FailureKind.TIMEOUT
        assert endpoint.accepted == 1


# Addresses.


def test_a_connection_is_used_again_only_for_a_request_to_its_address(engine: SocketsTransport) -> None:
    with Endpoint(Line.answer, host="0.0.0.0") as endpoint:
        for address, accepted in (("127.0.0.1", 1), ("127.0.0.2", 2), ("127.0.0.1", 2), ("127.0.0.2", 2)):
            asked = request(f"http://hook.test:{endpoint.port}/", addresses=[address])
            assert status(ask(engine, asked)) == 200
            assert endpoint.accepted == accepted


def test_many_silent_addresses_take_few_sockets_and_the_last_one_is_reached() -> None:
    # Addresses of which nobody else uses a port.
    engine = SocketsTransport(AddressGuard([ip_network("127.7.7.0/24")]))
    with Endpoint(Line.answer, host="127.7.7.7") as endpoint, ExitStack() as silent:
        hosts = [f"127.7.7.{number}" for number in range(1, 7)]
        for host in hosts:
            silent.enter_context(full_backlog(host, endpoint.port))
        asked = request(f"http://hook.test:{endpoint.port}/", addresses=[*hosts, "127.7.7.7"], timeout_ms=30_000)
        engine.submit(1, asked)
        most = 0
        answers: list[Answer] = []
        while not answers:
            answers = [answer for _, answer in engine.poll(0.05)]
            most = max(most, len(engine._course._dialing._of))
        assert status(answers[0]) == 200
        assert most == 4
        assert len(engine._course._dialing._of) == 0
    engine.close()


def test_the_sixth_version_of_ip_is_spoken(authority: Authority) -> None:
    engine = SocketsTransport(AddressGuard([ip_network("::1/128")]))
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:

        def serve() -> None:
            accepted, _ = listener.accept()
            with accepted:
                accepted.recv(65_536)
                accepted.sendall(OK)

        thread = threading.Thread(target=serve)
        thread.start()
        answer = ask(engine, request(f"http://[::1]:{listener.getsockname()[1]}/"))
        thread.join(10)
    engine.close()
    assert status(answer) == 200


# Limits.


def test_no_more_connections_are_kept_than_may_be(authority: Authority) -> None:
    engine = SocketsTransport(AddressGuard(SEVERAL), max_connections=3, ca_file=authority.ca_file)
    with Endpoint(Line.answer, host="0.0.0.0") as endpoint:
        for last in range(1, 8):
            address = f"127.0.0.{last}"
            assert status(ask(engine, request(f"http://h{last}.test:{endpoint.port}/", addresses=[address]))) == 200
            assert len(engine._connections._pool) == min(last, 3)
        # The oldest went: these three are still there.
        for last in (7, 6, 5):
            address = f"127.0.0.{last}"
            assert status(ask(engine, request(f"http://h{last}.test:{endpoint.port}/", addresses=[address]))) == 200
        assert endpoint.accepted == 7
        # More at once than are kept are no failure.
        for token in range(6):
            engine.submit(token, request(f"http://h1.test:{endpoint.port}/{token}", addresses=["127.0.0.1"]))
        assert {status(answer) for answer in finish(engine).values()} == {200}
        assert len(engine._connections._pool) == len(engine._connections._by_fd) <= 3
    engine.close()


def test_out_of_descriptors_an_idle_connection_makes_room(
    engine: SocketsTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other threads take descriptors of the process too, so it is the kernel's word that is imitated."""
    real, here = socket.socket, threading.current_thread()

    def opened(family: int, kind: int, protocol: int, fileno: int | None = None) -> socket.socket:
        if threading.current_thread() is here and engine._connections._pool:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return real(family, kind, protocol, fileno)  # what an endpoint accepts is opened so

    with Endpoint(Line.answer) as endpoint, Endpoint(Line.answer) as other:
        assert status(ask(engine, request(endpoint.url))) == 200
        assert len(engine._connections._pool) == 1
        with monkeypatch.context() as patched:
            patched.setattr(socket, "socket", opened)
            engine.submit(1, request(other.url))
            engine.poll(0)
            assert engine.in_flight == 1  # and has not failed
        assert len(engine._connections._pool) == 0
        assert status(finish(engine)[1]) == 200


def test_one_endpoint_that_sends_without_end_holds_up_nobody(engine: SocketsTransport) -> None:
    flood = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 10_000

    def flooding(line: Line) -> None:
        line.read()
        line.send(flood)
        line.hold()

    with Endpoint(flooding) as fast, Endpoint(Line.answer) as other:
        engine.submit(1, request(fast.url))
        while not fast.requests:
            engine.poll(0.01)
        time.sleep(0.1)
        engine.submit(2, request(other.url))
        reader = engine._course.under_way[1].reader
        before = reader._body_bytes
        engine._turn(0)  # all that is there could be read in this turn
        assert 0 < reader._body_bytes - before <= 16 * 1024 / 6 + 1
        while 2 in engine._course.under_way:
            engine.poll(0.01)
        engine.cancel(1)


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "tls"])
def test_a_large_body_goes_out_in_parts_while_others_are_answered(
    engine: SocketsTransport, authority: Authority, encrypted: bool
) -> None:
    size = 5_000_000
    begun, go_on = threading.Event(), threading.Event()

    def slow(line: Line) -> None:
        line.read_some()
        begun.set()
        go_on.wait(20)
        line.answer()

    tls = authority.server(ADDRESS) if encrypted else None
    with Endpoint(slow, tls=tls) as endpoint, Endpoint(Line.answer) as other:
        engine.submit(1, request(endpoint.url, body=b"x" * size, timeout_ms=30_000))
        engine.submit(2, request(other.url))
        while 2 in engine._course.under_way or not begun.is_set():
            assert [token for token, _ in engine.poll(0.01)] in ([], [2])
        go_on.set()
        assert status(finish(engine, within_s=30)[1]) == 200
        assert len(endpoint.requests[0].partition(b"\r\n\r\n")[2]) == size


def test_an_answer_before_the_request_was_sent_ends_it_and_the_connection(engine: SocketsTransport) -> None:
    def script(line: Line) -> None:
        line.read_some()
        line.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        line.hold()

    with Endpoint(script) as endpoint:
        assert status(ask(engine, request(endpoint.url, body=b"x" * 30_000_000))) == 413
        assert len(engine._connections._by_fd) == 0


def test_an_answer_before_a_reset_is_heard(engine: SocketsTransport) -> None:
    def script(line: Line) -> None:
        line.read_some()
        line.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        line.reset()  # with most of the request unread

    with Endpoint(script) as endpoint:
        for _ in range(5):
            answer = ask(engine, request(endpoint.url, body=b"x" * 3_000_000))
            assert isinstance(answer, Failure) or answer.status == 413
            assert not isinstance(answer, Failure) or answer.kind is FailureKind.RESET


# TLS.


def test_a_session_is_resumed_on_the_next_connection(engine: SocketsTransport, authority: Authority) -> None:
    tls = authority.server(ADDRESS)
    closing = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")

    def script(line: Line) -> None:
        line.read()
        line.send(closing)

    with Endpoint(script, tls=tls) as endpoint:
        for _ in range(3):
            assert status(ask(engine, request(endpoint.url))) == 200
        assert tls.session_stats()["hits"] == 2
        # Its certificate was checked for this name: for another it is checked anew.
        answer = ask(engine, request(endpoint.url.replace("127.0.0.1", "other.test"), addresses=["127.0.0.1"]))
        assert kind(answer) is FailureKind.TLS


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_of_tls_are_kept_and_ended_politely(
    engine: SocketsTransport, authority: Authority, version: ssl.TLSVersion
) -> None:
    tls = authority.server(ADDRESS)
    tls.minimum_version = tls.maximum_version = version
    ended: list[bool] = []

    def script(line: Line) -> None:
        line.answer()  # until nothing more comes
        ended.append(line.end_tls())

    with Endpoint(script, tls=tls) as endpoint:
        for _ in range(3):
            assert status(ask(engine, request(endpoint.url, body=b"x" * 200_000))) == 200
        assert endpoint.accepted == 1
        engine.close()
        end_s = time.monotonic() + 10
        while not ended and time.monotonic() < end_s:
            time.sleep(0.01)
    assert ended == [True]


def test_an_older_tls_is_refused(engine: SocketsTransport, authority: Authority) -> None:
    tls = authority.server(ADDRESS)
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        tls.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        tls.maximum_version = ssl.TLSVersion.TLSv1_1
    tls.set_ciphers("ALL:@SECLEVEL=0")
    with Endpoint(Line.answer, tls=tls) as endpoint:
        assert kind(ask(engine, request(endpoint.url))) is FailureKind.TLS


def test_a_body_that_ends_with_the_connection_ends_with_tls(engine: SocketsTransport, authority: Authority) -> None:
    """Else whoever is between could cut it where he likes."""

    def script(line: Line) -> None:
        line.read()
        line.send(b"HTTP/1.1 200 OK\r\n\r\nto the end")

    def polite(line: Line) -> None:
        line.read()
        line.send(b"HTTP/1.1 200 OK\r\n\r\nto the end")
        line.end_tls()

    with Endpoint(script, tls=authority.server(ADDRESS)) as endpoint:
        assert kind(ask(engine, request(endpoint.url))) is FailureKind.RESET
    with Endpoint(polite, tls=authority.server(ADDRESS)) as endpoint:
        answer = ask(engine, request(endpoint.url))
        assert isinstance(answer, Response)
        assert answer.body == b"to the end"


def test_a_handshake_without_end_has_one(engine: SocketsTransport) -> None:
    # A record of TLS that says nothing: a warning, which is passed over; or as much of a certificate as is never whole.
    begins = struct.pack("!BHH", 22, 0x0303, 16_000) + b"\x0b" + (15_000_000).to_bytes(3, "big")

    def script(line: Line) -> None:
        line.read_some()
        while not line.endpoint.stopped.is_set():
            line.send(begins + b"x" * 15_996)

    with Endpoint(script) as endpoint:
        answer = ask(engine, request(endpoint.url.replace("http:", "https:"), timeout_ms=10_000))
        assert kind(answer) is FailureKind.TLS
        assert answer.elapsed_ms < 9_000


# All together.


def test_a_thousand_idle_connections_cost_a_turn_nothing(engine: SocketsTransport) -> None:
    with Endpoint(Line.answer) as endpoint:
        for token in range(300):
            engine.submit(token, request(endpoint.url, timeout_ms=20_000))
        assert {status(answer) for answer in finish(engine, within_s=25).values()} == {200}
        idle = len(engine._connections._pool)
        assert idle > 10
        before = threading.active_count()
        for _ in range(20):
            assert status(ask(engine, request(endpoint.url))) == 200
        assert (len(engine._connections._pool), threading.active_count()) == (idle, before)
    engine._turn(1)
    while engine._connections._by_fd:
        engine._turn(1)  # each is told of once, and closed


def test_what_nobody_asked_for_is_refused_by_name(engine: SocketsTransport) -> None:
    answer = ask(SocketsTransport(AddressGuard(LOOPBACK)), request("http://u@127.0.0.1/"))
    assert isinstance(answer, Failure)
    assert (answer.kind, answer.detail) == (
        FailureKind.PROTOCOL,
        "the URL is not one of http or https that requests are sent to",
    )
