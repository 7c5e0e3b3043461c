"""Whom a URL names, and a request's bytes."""

import pytest

from consumer.http.addressee import addressee, written
from consumer.signing.request import Request


@pytest.mark.parametrize(
    ("url", "origin", "name", "begins"),
    [
        ("https://a.example/x", "https://a.example:443", "a.example", "POST /x HTTP/1.1\r\nHost: a.example\r\n"),
        ("https://A.Example", "https://a.example:443", "A.Example", "POST / HTTP/1.1\r\nHost: A.Example\r\n"),
        ("http://a.example:80/", "http://a.example:80", "a.example", "POST / HTTP/1.1\r\nHost: a.example\r\n"),
        ("http://a.example:443/", "http://a.example:443", "a.example", "POST / HTTP/1.1\r\nHost: a.example:443\r\n"),
        ("https://a.example./?q", "https://a.example.:443", "a.example", "POST /?q HTTP/1.1\r\nHost: a.example.\r\n"),
        ("https://a.example?q=/", "https://a.example:443", "a.example", "POST /?q=/ HTTP/1.1\r\nHost: a.example\r\n"),
        ("https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443", "2001:db8::1",
         "POST / HTTP/1.1\r\nHost: [2001:db8::1]:8443\r\n"),
        ("https://a_b.example/../%zz//", "https://a_b.example:443", "a_b.example",
         "POST /../%zz// HTTP/1.1\r\nHost: a_b.example\r\n"),
    ],
)  # fmt: skip
def test_a_url_is_read_as_it_is_written(url: str, origin: str, name: str, begins: str) -> None:
    to = addressee(url)
    assert to is not None
    assert (to.origin, to.name, to.begins) == (origin, name, begins)
    assert to.secure is url.startswith("https")


@pytest.mark.parametrize(
    "url",
    [
        "", "/", "ftp://a.example/", "HTTP://a.example/", "http:///x", "http://", "http://a.example:0/",
        "http://a.example:65536/", "http://a.example:x/", "http://a.example:/", "http://u@a.example/", "http://u:p@a.example/",
        "http://a.example/#x", "http://a.example/ x", "http://a.example/\r\nX: y", "http://a.example/ü",
        "http://ü.example/", "http://[::1%lo]/", "http://[::1]x/", "http://a..example/", "http://.a.example/",
        f"http://{'a' * 64}.example/", "http://a.example\\@b.example/", "http://a%2eb.example/", " http://a.example/",
        "http://a.example/x\n",
    ],
)  # fmt: skip
def test_what_is_written_otherwise_names_nobody(url: str) -> None:
    assert addressee(url) is None


def request(headers: dict[str, str], body: bytes = b"{}") -> Request:
    return Request(
        url="http://a.example/", headers=tuple(headers.items()), body=body, timeout_ms=1, addresses=("192.0.2.1",)
    )


def test_a_request_is_its_head_and_its_body() -> None:
    parts = written("POST / HTTP/1.1\r\nHost: a\r\n", request({"a": "b", "c": "ü"}))
    assert b"".join(parts) == "POST / HTTP/1.1\r\nHost: a\r\na: b\r\nc: ü\r\nContent-Length: 2\r\n\r\n{}".encode()


def test_a_large_body_is_not_copied() -> None:
    body = b"x" * 1_000_000
    parts = written("POST / HTTP/1.1\r\nHost: a\r\n", request({}, body))
    assert parts[1].obj is body
    assert b"".join(parts).endswith(b"Content-Length: 1000000\r\n\r\n" + body)


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\nb", "a\rb", "a\0b", "\r\n", "\ud800"])
def test_no_header_ends_its_line(value: str) -> None:
    for headers in ({"x": value}, {value: "x"}):
        with pytest.raises(ValueError, match=r"line break|surrogates"):
            written("POST / HTTP/1.1\r\nHost: a\r\n", request(headers))
