"""What an endpoint may answer: bytes, in pieces, with an end. Most are nearly HTTP: there readers differ.

`drawn` takes dice, so that the simulator can throw its own; `answers` is the same as a hypothesis strategy.
"""

import random
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeAlias

from hypothesis import strategies as st

from consumer.delivery.answer import Answer, Failure, FailureKind, Response
from consumer.http.head import Head, HeadReader, Malformed
from consumer.http.transport import DRAIN_BYTES, MAX_BODY_BYTES, MAX_HEAD_BYTES

Dice: TypeAlias = random.Random


class Ending(Enum):
    """What the endpoint does behind its last piece."""

    CLOSE = auto()
    RESET = auto()
    STAY = auto()  # waits for the next request, or for ever


@dataclass(frozen=True, slots=True)
class Played:
    """What an endpoint does once it has a request. Each piece is a packet of its own."""

    pieces: tuple[bytes, ...]
    ending: Ending

    @property
    def whole(self) -> bytes:
        """All that is sent."""
        return b"".join(self.pieces)


OK: Final = b"HTTP/1.1 200 OK\r\n"
STATUS_LINES: Final = (
    OK, b"HTTP/1.0 200 OK\r\n", b"HTTP/1.1 200\r\n", b"HTTP/1.1 200 \r\n", b"HTTP/1.1 204 No Content\r\n",
    b"HTTP/1.1 304 Not Modified\r\n", b"HTTP/1.1 410 Gone\r\n", b"HTTP/1.1 429 Too Many Requests\r\n",
    b"HTTP/1.1 503 Service Unavailable\r\n", b"HTTP/1.1 302 Found\r\n", b"HTTP/1.1 500 Oops\r\n",
    b"HTTP/1.1 599 x\r\n",
)  # fmt: skip
"""Those that are."""
ODD_STATUS_LINES: Final = (
    b"HTTP/1.1 200OK\r\n", b"HTTP/1.1 2000 OK\r\n", b"HTTP/1.1 20 OK\r\n", b"HTTP/1.1 000 Zero\r\n",
    b"HTTP/1.1 099 x\r\n", b"HTTP/1.1 999 x\r\n", b"HTTP/1.1 -20 x\r\n", b"HTTP/1.1 +20 x\r\n", b"HTTP/1.1 2e2 x\r\n",
    "HTTP/1.1 ٢٠٠ OK\r\n".encode(), b"HTTP/1.1 \xb2\xb0\xb0 OK\r\n", b"HTTP/1.1  200 OK\r\n", b"HTTP/1.1\t200 OK\r\n",
    b"HTTP/1.1 200\tOK\r\n", b" HTTP/1.1 200 OK\r\n", b"\r\nHTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\n",
    b"HTTP/1.1 200 O\x00K\r\n", b"HTTP/1.1 200 O\rK\r\n", b"HTTP/1.1 200 \xff\xfe\r\n",
    b"HTTP/1.1 200 \x0b\x0c\x01\r\n", b"HTTP/1.1 \r\n", b"HTTP/1.1\r\n", b"HTTP/\r\n", b"HTTP\r\n", b"HTTP/2 200\r\n",
    b"HTTP/2 200 OK\r\n", b"HTTP/2.0 200 OK\r\n", b"HTTP/3 200\r\n", b"HTTP/1.2 200 OK\r\n", b"HTTP/0.9 200 OK\r\n",
    b"HTTP/11 200 OK\r\n", b"HTTP/1.11 200 OK\r\n", b"http/1.1 200 OK\r\n", b"ICY 200 OK\r\n", b"RTSP/1.0 200 OK\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\n", b"HTTP/1.1 100 Continue\r\n", b"HTTP/1.1 103 Early Hints\r\n",
    b"HTTP/1.1 199 x\r\n", b"HTTP/1.1 200 " + b"x" * 9_000 + b"\r\n", b"220 mail.example ESMTP\r\n",
    b"<html>hello</html>", b"\x16\x03\x01\x02\x00\x01", b"\x00" * 40, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", b"HTTP/1.1 200 OK", b"", b"\n", b"\r", b"\r\n\r\n",
)  # fmt: skip
FIELDS: Final = (
    b"Content-Type: application/json\r\n", b"Date: Mon, 21 Sep 2026 14:13:20 GMT\r\n", b"X-A: b\r\n", b"X-Empty:\r\n",
    b"X-Spaces:  \t a b \t\r\n", b"Set-Cookie: a=b; Path=/\r\n", b"Location: http://127.0.0.1/\r\n",
    b"Server: nginx\r\n", b"Connection: close\r\n", b"Connection: keep-alive\r\n", b"Content-Encoding: gzip\r\n",
    b"X-Latin: \xe9\xff\r\n",
)  # fmt: skip
ODD_FIELDS: Final = (
    b"HTTP/x: 1\r\n", b"HTTP/x: y\r\n",
    b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 500 Oops\r\n", b"HTTP/1.1: 200\r\n", b"HTTP: 1\r\n",
    b"no colon\r\n", b": no name\r\n", b"X A: b\r\n", b"X-A : b\r\n", b"X-A\t: b\r\n", b" folded\r\n",
    b"\tfolded: b\r\n", b"X-A: b\r\n folded\r\n", b"X-A: b\r\n\t\r\n c\r\n", b"X-Nul: a\x00b\r\n", b"X\x00: b\r\n",
    b"X-Cr: a\rb\r\n", b"X-Lf: a\nb: c\r\n", b"X-Only-Lf: a\n", b"X-Ctl: \x01\x08\x0b\x0c\x7f\r\n",
    "Ünicode: ü\r\n".encode(), b"X-Long: " + b"x" * 5_000 + b"\r\n", b"X" * 5_000 + b": y\r\n", b"{json}: y\r\n",
    b"X@y: z\r\n", b"(x): y\r\n", b"Trailer: X\r\n", b"Upgrade: h2c\r\nConnection: upgrade\r\n",
    b"Keep-Alive: timeout=99999999999999999999\r\n", b"Proxy-Authenticate: Basic\r\n",
    b"WWW-Authenticate: Negotiate\r\n", b'Alt-Svc: h3=":443"; ma=99999999999999999999\r\n',
    b"Strict-Transport-Security: max-age=99999999999999999999\r\n", b"Last-Modified: nonsense\r\n",
    b"Content-Range: bytes 9-1/0\r\n", b"Content-Encoding: br, zstd, x\r\n", b"\r\n", b"\n", b"\r", b"X-Cr: a\r\r\n",
)  # fmt: skip
RETRY_AFTER: Final = (
    "0", "1", "120", "-1", "+5", "1.5", "1e3", " 7 ", "", "5, 10", "0x10", "٣", "²", "9" * 9, "9" * 400,
    "0" * 400 + "5", "1_000", "Mon, 21 Sep 2026 14:13:30 GMT", "Mon, 1 Jan 99999999999999999999 00:00:00 GMT",
    "Mon, 01 Jan 0000 00:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 +2359", "Fri, 31 Dec 9999 23:59:59 -2359",
    "Fri, 31 Dec 9999 23:59:60 GMT", "Mon, 99 Sep 2026 14:13:30 GMT", "Thu, 29 Feb 2026 00:00:00 GMT",
    "Monday, 21-Sep-26 14:13:30 GMT", "Monday, 21-Sep-99 14:13:30 GMT", "Mon Sep 21 14:13:30 2026",
    "Mon Sep  1 14:13:30 2026", "2026-09-21T14:13:30Z", "Mon, 21 Sep 2026 14:13:30",
    "Mon, 21 Sep 2026 14:13:30 +99999999999999999999", "Mon, 21 Sep 2026 14:13:30 -0000",
    "Mon, 21 Sep 2026 99:99:99 GMT", "21 Sep 2026", "Mon, 21 Sep -2026 14:13:30 GMT", "tomorrow",
    "Mon, 21 Sep 2026 14:13:30 EST", "21 21 21 21 21", ",", "Mon,", "0 Jan 0", "\x01", "é",
    "Mon, ٢١ Sep 2026 14:13:30 GMT",
)  # fmt: skip
LENGTHS: Final = (
    "-1", "+5", "0x5", "5, 5", "5, 6", "5,", " 5", "", "5 5", "5;5", "٣", "²", "9" * 18, "9" * 19, "9" * 25,
    "9" * 5_000, "5.0", "1e3", "0" * 30 + "5",
)  # fmt: skip
CODINGS: Final = (
    "chunked", "Chunked", "CHUNKED", "gzip, chunked", "chunked, gzip", "chunked, chunked", "gzip", "identity", "",
    "x", "chunked;q=1", "\x0bchunked",
)  # fmt: skip
CHUNKS: Final = (
    b"2\r\nok\r\n0\r\n\r\n", b"2;a=b\r\nok\r\n0\r\n\r\n", b"2 \r\nok\r\n0\r\n\r\n", b"02\r\nok\r\n00\r\n\r\n",
    b"2\nok\n0\n\n", b"2\r\nokk\r\n0\r\n\r\n", b"2\r\no\r\n0\r\n\r\n", b"-2\r\nok\r\n", b"+2\r\nok\r\n0\r\n\r\n",
    b"0x2\r\nok\r\n0\r\n\r\n", b"\r\n", b"z\r\n", b"ffffffffffffffff\r\nok", b"7fffffffffffffff\r\nok",
    b"f" * 21 + b"\r\nok", b"2\r\nok\r\n0\r\nX-T: 1\r\n\r\n", b"2\r\nok\r\n0\r\nHTTP/1.1 500 Oops\r\n\r\n",
    b"2\r\nok\r\n0\r\nX-T\r\n\r\n", b"2\r\nok\r\n0\r\nContent-Length: 9\r\n\r\n",
    b"2;" + b"x" * 20_000 + b"\r\nok\r\n0\r\n\r\n", b"2\r\nok\r\n0\r\n" + b"X-T: 1\r\n" * 9_000 + b"\r\n",
    b"2\r\nok\r\n0\r\n\r\nHTTP/1.1 500 Oops\r\n\r\n", b"2\r\nok\r\n0\r\n" + b"X-T: \x00\r\n\r\n", b"2\r\nok",
)  # fmt: skip
_SIZES: Final = (
    0,
    1,
    2,
    100,
    MAX_BODY_BYTES - 1,
    MAX_BODY_BYTES,
    MAX_BODY_BYTES + 1,
    DRAIN_BYTES,
    DRAIN_BYTES + 1,
    200_000,
)


def drawn(dice: Dice) -> Played:
    """One answer."""
    throw = dice.random()
    if throw < 0.03:
        whole = dice.randbytes(dice.randrange(300))
    else:
        whole = b"".join(_interim(dice) for _ in range(dice.choice((0, 0, 0, 0, 1, 3)))) + _final(dice)
    if throw > 0.9:
        whole = _spoilt(dice, whole)
    if throw > 0.75:
        whole = whole[: dice.randrange(len(whole) + 1)]  # an end at every byte
    return Played(
        _pieces(dice, whole), dice.choice((Ending.CLOSE, Ending.CLOSE, Ending.CLOSE, Ending.RESET, Ending.STAY))
    )


answers: Final[st.SearchStrategy[Played]] = st.integers(0, 2**64).map(lambda number: drawn(random.Random(number)))


def read(played: Played) -> Answer:
    """What the head of it is to an engine, where there is no socket: the simulator's endpoints answer with this."""
    reader = HeadReader()
    rest = played.whole
    while reader.found is None and rest:
        end = rest.find(b"\n") + 1 or len(rest)
        line, rest = rest[:end], rest[end:]
        reader.line(line)
    match reader.found:
        case Head() as head:
            body, more = rest[:MAX_BODY_BYTES], len(rest) > MAX_BODY_BYTES
            return Response(status=head.status, headers=head.headers, body=body, body_truncated=more, elapsed_ms=1.0)
        case Malformed(detail=detail):
            return Failure(kind=FailureKind.PROTOCOL, detail=detail, elapsed_ms=1.0)
        case None:
            return Failure(kind=FailureKind.RESET, detail="the head broke off", elapsed_ms=1.0)


def _interim(dice: Dice) -> bytes:
    status = dice.choice((b"100", b"102", b"103", b"199"))
    fields = b"".join(_field(dice) for _ in range(dice.randrange(3)))
    one = b"HTTP/1.1 %b x\r\n%b\r\n" % (status, fields)
    return one * (5_000 if dice.random() < 0.02 else 1)


def _final(dice: Dice) -> bytes:
    status = dice.choice(STATUS_LINES if dice.random() < 0.85 else ODD_STATUS_LINES)
    fields = [_field(dice) for _ in range(dice.randrange(5))]
    if dice.random() < 0.3:
        fields.append(f"Retry-After: {dice.choice(RETRY_AFTER)}\r\n".encode())
    if dice.random() < 0.01:
        fields.append(b"X-Many: 1\r\n" * (MAX_HEAD_BYTES // 10))
    framing, body = _body(dice)
    fields[dice.randrange(len(fields) + 1) :] = framing
    return b"%b%b\r\n%b" % (status, b"".join(fields), body)


def _field(dice: Dice) -> bytes:
    throw = dice.random()
    if throw < 0.88:
        return dice.choice(FIELDS)
    if throw < 0.98:
        return dice.choice(ODD_FIELDS)
    return dice.randbytes(dice.randrange(20)) + b": " + dice.randbytes(dice.randrange(20)) + b"\r\n"


def _body(dice: Dice) -> tuple[list[bytes], bytes]:
    """The fields that tell where it ends, and the body."""
    body = dice.randbytes(dice.choice(_SIZES) if dice.random() < 0.2 else dice.randrange(30))
    throw = dice.random()
    if throw < 0.2:
        return [], body  # to the connection's end
    if throw < 0.6:
        length = len(body) + dice.choice((0, 0, 0, 0, -1, 1, 100))
        return [b"Content-Length: %d\r\n" % max(0, length)] * dice.choice((1, 1, 1, 2)), body
    if throw < 0.7:
        lengths = dice.choices(LENGTHS, k=dice.choice((1, 1, 2)))
        return [f"Content-Length: {length}\r\n".encode() for length in lengths], body[:5]
    if throw < 0.85:
        return [b"Transfer-Encoding: chunked\r\n"], _chunked(body, dice)
    codings = dice.choices(CODINGS, k=dice.choice((1, 1, 2)))
    framing = [f"Transfer-Encoding: {coding}\r\n".encode() for coding in codings]
    framing += [b"Content-Length: 5\r\n"] if dice.random() < 0.3 else []
    return framing, dice.choice(CHUNKS)


def _chunked(body: bytes, dice: Dice) -> bytes:
    if dice.random() < 0.5:
        return dice.choice(CHUNKS)
    size = dice.choice((1, 7, 4_096))
    parts = [body[start : start + size] for start in range(0, min(len(body), 500 * size), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def _spoilt(dice: Dice, whole: bytes) -> bytes:
    """A few bytes of it changed, left out or doubled."""
    spoilt = bytearray(whole)
    for _ in range(dice.randrange(1, 4)):
        place = dice.randrange(min(len(spoilt), 200) + 1)
        odd = dice.choice((b"\x00", b"\n", b"\r", b" ", b":", b"\xff", b"0", b"HTTP/", dice.randbytes(1)))
        spoilt[place : place + dice.choice((0, 1, 1))] = odd
    return bytes(spoilt)


def _pieces(dice: Dice, whole: bytes) -> tuple[bytes, ...]:
    throw = dice.random()
    if throw < 0.6 or len(whole) < 2:
        return (whole,)
    if throw < 0.65 and len(whole) < 120:
        return tuple(whole[place : place + 1] for place in range(len(whole)))
    cuts = sorted(dice.randrange(1, len(whole)) for _ in range(dice.randrange(1, 4)))
    return tuple(whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True))
