"""What every engine returns for an answer, whole or broken."""

import gzip

import pytest
from msgspec import structs

from consumer.delivery.answer import Answer, Failure, FailureKind, Response
from consumer.http.guard import AddressGuard
from consumer.http.transport import DRAIN_BYTES, MAX_BODY_BYTES, MAX_HEAD_BYTES, Transport
from tests.conformance.conftest import LOOPBACK, Opener
from tests.conformance.scripted import OK, Endpoint, Line, ask, request


def answered(transport: Transport, raw: bytes) -> Answer:
    """The answer to a server that sends these bytes and closes."""

    def script(line: Line) -> None:
        line.read()
        line.send(raw)

    with Endpoint(script) as endpoint:
        return ask(transport, request(endpoint.url))


def whole(answer: Answer) -> Response:
    assert isinstance(answer, Response), answer
    return answer


def kind(answer: Answer) -> FailureKind:
    assert isinstance(answer, Failure), answer
    assert answer.detail
    assert answer.detail.isprintable()  # it goes into records and onto terminals
    return answer.kind


@pytest.mark.parametrize("status", [200, 201, 202, 299, 301, 400, 404, 410, 429, 500, 503, 599])
def test_status_headers_and_body_come_back(transport: Transport, status: int) -> None:
    raw = f"HTTP/1.1 {status} Some Reason\r\nX-One: a b\r\nX-Two:   c  \r\nContent-Length: 3\r\n\r\nabc".encode()
    answer = whole(answered(transport, raw))
    assert (answer.status, answer.body, answer.body_truncated) == (status, b"abc", False)
    assert answer.headers == (("X-One", "a b"), ("X-Two", "c"), ("Content-Length", "3"))
    assert 0 < answer.elapsed_ms < 3_000


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_body_ends_at_its_head(transport: Transport, status: int) -> None:
    def script(line: Line) -> None:
        line.answer(f"HTTP/1.1 {status} None\r\n\r\n".encode())

    with Endpoint(script) as endpoint:
        for _ in range(2):
            answer = whole(ask(transport, request(endpoint.url)))
            assert (answer.status, answer.body) == (status, b"")
        assert endpoint.accepted == 1


def test_the_request_arrives_as_it_was_made(transport: Transport) -> None:
    with Endpoint(Line.answer) as endpoint:
        whole(ask(transport, request(endpoint.url + "?a=1&b=%20", body=b"\x00\xff{}", headers=[("X-Own", "v")])))
    head, _, body = endpoint.requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    names = [line.partition(b":")[0].lower() for line in lines[1:]]
    assert lines[0] == b"POST /hook?a=1&b=%20 HTTP/1.1"
    assert body == b"\x00\xff{}"
    assert f"Host: 127.0.0.1:{endpoint.port}".encode() in lines
    assert b"X-Own: v" in lines
    assert {b"accept-encoding", b"user-agent", b"expect", b"transfer-encoding"}.isdisjoint(names)
    assert len(names) == len(set(names))


@pytest.mark.parametrize("path", ["/a/../b", "/%2E%2E/", "//a//", "/%zz", "/?q=1&q=%20", "/a;b=c?d=/../e", "/%C3%BC"])
def test_a_path_goes_out_as_it_is_written(transport: Transport, path: str) -> None:
    with Endpoint(Line.answer) as endpoint:
        whole(ask(transport, request(f"http://127.0.0.1:{endpoint.port}{path}")))
    assert endpoint.requests[0].split(b" ")[1] == path.encode()


@pytest.mark.parametrize("size", [0, 1, 70_000, 2_000_000])
def test_bodies_of_any_size_are_sent_without_asking_first(transport: Transport, size: int) -> None:
    with Endpoint(Line.answer) as endpoint:
        whole(ask(transport, request(endpoint.url, body=b"x" * size)))
    head, _, body = endpoint.requests[0].partition(b"\r\n\r\n")
    assert len(body) == size
    assert b"expect" not in head.lower()


def test_headers_with_odd_values_arrive_unchanged(transport: Transport) -> None:
    odd = [("X-Empty", ""), ("X-Utf", "ü€😀"), ("X-Marks", 'a;b: c, "d" @ #'), ("X-Tab", "a\tb"), ("X-Colon", ":")]
    with Endpoint(Line.answer) as endpoint:
        whole(ask(transport, request(endpoint.url, headers=odd)))
    sent = dict(line.split(b":", 1) for line in endpoint.requests[0].partition(b"\r\n\r\n")[0].split(b"\r\n")[1:])
    assert {name: sent[name.encode()].strip(b" ").decode() for name, _ in odd} == dict(odd)


@pytest.mark.parametrize("size", [MAX_BODY_BYTES - 1, MAX_BODY_BYTES, MAX_BODY_BYTES + 1, DRAIN_BYTES])
def test_16_kib_of_body_are_kept_and_the_rest_is_said(transport: Transport, size: int) -> None:
    def script(line: Line) -> None:
        line.answer(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (size, b"x" * size))

    with Endpoint(script) as endpoint:
        for _ in range(2):
            answer = whole(ask(transport, request(endpoint.url)))
            assert answer.body == b"x" * min(size, MAX_BODY_BYTES)
            assert answer.body_truncated is (size > MAX_BODY_BYTES)
        assert endpoint.accepted == 1


def test_a_body_without_end_is_cut_and_its_status_counts(transport: Transport) -> None:
    def script(line: Line) -> None:
        line.read()
        line.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not line.endpoint.stopped.is_set():
            line.send(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")

    with Endpoint(script) as endpoint:
        answer = whole(ask(transport, request(endpoint.url)))
    assert (answer.status, len(answer.body), answer.body_truncated) == (200, MAX_BODY_BYTES, True)
    assert answer.elapsed_ms < 2_000


@pytest.mark.parametrize(
    "piece",
    [b"x" * 4_096, b"\r\n", b"1;" + b"x" * 4_094 + b"\r\ny\r\n", b"1;a=b\r\nx\r\n"],
    ids=["one extension", "empty lines", "extensions of small chunks", "small chunks"],
)
def test_what_frames_a_body_has_a_bound(transport: Transport, piece: bytes) -> None:
    def script(line: Line) -> None:
        line.read()
        line.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;")
        line.send(b"\r\nx\r\n" if piece.startswith(b"1") else b"")
        while not line.endpoint.stopped.is_set():
            line.send(piece)

    with Endpoint(script) as endpoint:
        answer = ask(transport, request(endpoint.url, timeout_ms=10_000))
    assert isinstance(answer, Failure)
    assert answer.kind is FailureKind.PROTOCOL
    assert answer.elapsed_ms < 5_000


def test_trailers_have_a_bound(transport: Transport) -> None:
    def script(line: Line) -> None:
        line.read()
        line.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n")
        while not line.endpoint.stopped.is_set():
            line.send(b"X-Trailer: t\r\n" * 100)

    with Endpoint(script) as endpoint:
        answer = ask(transport, request(endpoint.url, timeout_ms=10_000))
    assert isinstance(answer, Failure)
    assert answer.kind is FailureKind.PROTOCOL
    assert answer.elapsed_ms < 5_000


def test_a_body_in_single_bytes_is_read(transport: Transport) -> None:
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 10_000 + b"0\r\n\r\n"
    assert whole(answered(transport, raw)).body == b"x" * 10_000


def test_a_gzip_bomb_stays_as_its_bytes(transport: Transport) -> None:
    bomb = gzip.compress(b"\0" * 8_000_000)
    raw = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(bomb), bomb)
    assert whole(answered(transport, raw)).body == bomb[:MAX_BODY_BYTES]


def test_a_body_may_end_with_the_connection(transport: Transport) -> None:
    answer = whole(answered(transport, b"HTTP/1.0 200 OK\r\n\r\nto the end"))
    assert (answer.status, answer.body) == (200, b"to the end")


def test_chunks_and_trailers_are_read(transport: Transport) -> None:
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Trailer: t\r\n\r\n"
    answer = whole(answered(transport, raw))
    assert answer.body == b"abcde"
    assert answer.headers == (("Transfer-Encoding", "chunked"),)


def test_interim_answers_are_passed_over(transport: Transport) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    answer = whole(answered(transport, interim + OK))
    assert (answer.status, answer.body) == (200, b"ok")
    assert answer.headers == (("Content-Length", "2"),)


def test_a_header_named_like_a_version_is_a_header(transport: Transport) -> None:
    answer = whole(answered(transport, b"HTTP/1.1 200 OK\r\nHTTP/x: 1\r\nHTTP/1.1: 2\r\nContent-Length: 2\r\n\r\nok"))
    assert (answer.status, answer.body) == (200, b"ok")
    assert answer.headers[:2] == (("HTTP/x", "1"), ("HTTP/1.1", "2"))


@pytest.mark.parametrize(
    "line", [b"HTTP/1.1 200\r\n", b"HTTP/1.1 200 \r\n", b"HTTP/1.0 200 OK\n", b"HTTP/1.1 200 \xff\t!\r\n"]
)
def test_a_status_line_may_be_short(transport: Transport, line: bytes) -> None:
    assert whole(answered(transport, line + b"A: b\r\n c\r\n\r\nok")).headers == (("A", "b c"),)


def test_redirects_are_answers(transport: Transport) -> None:
    with Endpoint(Line.answer) as other:
        raw = f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {other.url}\r\nContent-Length: 0\r\n\r\n".encode()
        answer = whole(answered(transport, raw))
        assert answer.status == 307
        assert ("Location", other.url) in answer.headers
    assert other.accepted == 0


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", id="content-length cut short"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc", id="chunk cut short"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", id="no last chunk"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n", id="bad chunk size"
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nabc", id="bad content-length"),
        pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 abc OK\r\n\r\n", id="status without number"),
        pytest.param(b"<html>hello</html>", id="HTTP/0.9"),
        pytest.param(b"HTTP/1.1 200OK\r\n\r\n", id="no space behind the status"),
        pytest.param(b"HTTP/1.1 2000 OK\r\n\r\n", id="four digits"),
        pytest.param(b"HTTP/1.1 000 x\r\n\r\n", id="status 000"),
        pytest.param(b"HTTP/1.1 099 x\r\n\r\n", id="status 099"),
        pytest.param("HTTP/1.1 ٢٠٠ OK\r\n\r\n".encode(), id="other digits"),
        pytest.param(b"HTTP/1.1 200 O\x00K\r\n\r\n", id="a NUL in the reason"),
        pytest.param(b"HTTP/1.1 200 OK\r\nA: \x00\r\n\r\n", id="a NUL in a field"),
        pytest.param(b" HTTP/1.1 200 OK\r\n\r\n", id="a blank before the version"),
        pytest.param(b"\r\nHTTP/1.1 200 OK\r\n\r\n", id="a blank line first"),
        pytest.param(b"HTTP/2 200 OK\r\n\r\n", id="HTTP/2"),
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\n\r\n", id="another protocol from here on"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" * 9_000, id="interim answers without end"),
        pytest.param(b"HTTP/1.1 200 OK\r\nHTTP/1.1 200 OK\r\n\r\n", id="two status lines"),
        pytest.param(b"HTTP/1.1 200 OK\r\n folded\r\n\r\n", id="a fold of nothing"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nabcde", id="two lengths"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\n", id="a length of 5,000 digits"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", id="a coding not asked for"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nLocation: /a\r\nLocation: /a\r\n b\r\nContent-Length: 0\r\n\r\n", id="two locations"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\n" + b"X-Large: " + b"x" * (6 * MAX_HEAD_BYTES) + b"\r\n\r\n", id="one huge header"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\n" + b"X-Many: yyyyyyyyyyyyyyyyyyyyyyy\r\n" * 20_000 + b"\r\n", id="many headers"
        ),
    ],
)
def test_what_is_not_http_is_a_protocol_failure(transport: Transport, raw: bytes) -> None:
    assert kind(answered(transport, raw)) is FailureKind.PROTOCOL


def test_a_head_cut_short_is_no_answer(transport: Transport) -> None:
    for cut in (b"HTTP", b"HTTP/1.1 200 OK\r\nX-Cut: y", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX"):
        assert kind(answered(transport, cut)) is FailureKind.RESET


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(b"", id="after the request"),
        pytest.param(b"HTTP/1.1 200 OK\r\nConte", id="within the head"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", id="within the body"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc", id="within a chunk"),
    ],
)
def test_a_reset_is_a_reset_at_each_stage(transport: Transport, before: bytes) -> None:
    def script(line: Line) -> None:
        line.read()
        line.send(before)
        line.endpoint.stopped.wait(0.1)  # let the bytes be read: a reset discards what is still on its way
        line.reset()

    with Endpoint(script) as endpoint:
        assert kind(ask(transport, request(endpoint.url))) is FailureKind.RESET


def test_a_reset_before_the_request_is_no_answer(transport: Transport) -> None:
    with Endpoint(Line.reset) as endpoint:
        answer = ask(transport, request(endpoint.url))
    assert kind(answer) in {FailureKind.CONNECT, FailureKind.RESET}  # it may hit before the connect was noticed


def test_a_reset_within_the_request_is_a_reset(transport: Transport) -> None:
    def script(line: Line) -> None:
        line.read_some()
        line.reset()

    with Endpoint(script) as endpoint:
        assert kind(ask(transport, request(endpoint.url, body=b"x" * 20_000_000))) is FailureKind.RESET


def test_silence_before_the_close_is_a_reset(transport: Transport) -> None:
    assert kind(answered(transport, b"")) is FailureKind.RESET


class OddGuard(AddressGuard):
    """A bug of ours where an engine asks."""

    def refuses(self, address: str) -> str | None:
        raise LookupError(address)


def test_a_bug_within_a_transfer_fails_that_transfer_and_is_there_to_be_told(open_engine: Opener) -> None:
    transport = open_engine(OddGuard(LOOPBACK))
    with Endpoint(lambda line: line.send(OK)) as endpoint:
        for _ in range(2):
            answer = ask(transport, request(endpoint.url))
            assert isinstance(answer, Failure), answer
            assert answer.kind is FailureKind.BUG
            assert isinstance(answer.error, LookupError)
    assert transport.in_flight == 0


def test_a_request_that_is_not_taken_leaves_the_engine_as_it_was(open_engine: Opener) -> None:
    transport = open_engine()

    def script(line: Line) -> None:
        line.read()
        line.send(OK)

    with Endpoint(script) as endpoint:
        odd = structs.replace(request(endpoint.url), headers=(("x", "\ud800"),))
        with pytest.raises(UnicodeEncodeError):
            transport.submit(1, odd)
        assert transport.in_flight == 0
        assert whole(ask(transport, request(endpoint.url))).status == 200
